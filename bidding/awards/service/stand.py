"""What time does to an award, and what its parties may still do: stand, refuse, cancel."""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award, Complaint, Objection
from bidding.awards.rules import Event, State
from bidding.awards.service.contracting import note_refusal, open_for
from bidding.awards.service.propose import locked, move, strike
from market.audit.rules import Deed
from market.audit.service import record
from market.contracts.service import end_with_award
from market.errors import refuse
from market.jobs.models import Job
from market.notices.service import index_later, notify


def stand_next(s: Session, now: datetime) -> Award | None:
    """Let one award stand whose waiting time is over and that no regulator holds. None when none is due."""
    held = exists().where(
        Complaint.award_id == Award.id, Complaint.held_at.is_not(None), Complaint.hold_lifted_at.is_(None)
    )
    due = select(Award).where(Award.state == State.PROPOSED, Award.due_at < now, ~held)
    row = s.scalars(due.order_by(Award.due_at, Award.id).limit(1).with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    job = s.get_one(Job, s.get_one(Auction, row.auction_id).job_id)
    row.state = job.stage = move(row, Event.STAND)
    row.stands_at, row.due_at = now, None
    s.flush()
    record(
        s,
        Deed.AWARD_STANDS,
        now,
        "system",
        job.code,
        auction=row.auction_id,
        award=row.id,
        bidder=row.bidder,
        amount=row.amount,
        days=row.days,
    )
    facts: dict[str, Any] = {"title": job.title, "amount": row.amount, "days": row.days}
    for org, kind in ((row.org_id, "award.stands"), (job.owner_id, "award.stands_owner")):
        notify(s, now, kind, org=org, link=f"/jobs/{job.code}/protocol", once=f"stands:{row.id}:{org}", **facts)
    open_for(s, row, job, now)
    index_later(s, now, "job", job.id)
    return row


def strike_unexplained(s: Session, now: datetime) -> Award | None:
    """Strike one award whose firm did not explain its low price in time; the next in order follows."""
    due = select(Award).where(Award.state == State.EXPLAINING, Award.explanation.is_(None), Award.explanation_due < now)
    row = s.scalars(due.order_by(Award.id).limit(1).with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    job = s.get_one(Job, s.get_one(Auction, row.auction_id).job_id)
    strike(s, row, job, "explanation_missing", "逾期未说明成本 / no explanation in time", "system", now)
    return row


def mark_overdue(s: Session, now: datetime) -> Objection | None:
    """Put one objection that the owner did not answer in time on the regulator's list; the award still waits."""
    due = select(Objection).where(
        Objection.answered_at.is_(None), Objection.overdue_at.is_(None), Objection.due_at < now
    )
    found = s.scalars(due.order_by(Objection.id).limit(1).with_for_update(skip_locked=True)).first()
    if found is None:
        return None
    found.overdue_at = now
    row = s.get_one(Award, found.award_id)
    job = s.get_one(Job, s.get_one(Auction, row.auction_id).job_id)
    record(s, Deed.OBJECTION_OVERDUE, now, "system", job.code, objection=found.id, award=row.id)
    notify(
        s,
        now,
        "objection.overdue",
        office="regulator",
        link="/regulator/complaints",
        once=f"overdue:{found.id}",
        title=job.title,
    )
    return found


def refuse_award(s: Session, award_id: int, org_id: int, reason: str, actor: str, now: datetime) -> Award | None:
    """The winner refuses its own award; recorded, and the next in order follows. Gives the new award."""
    row, job = locked(s, award_id)
    if row.org_id != org_id:
        raise refuse("award.unknown", status=404)
    if row.state == State.STANDING:
        raise refuse("award.sign_or_refuse", status=409)
    note_refusal(s, row, job, "withdrew", reason, now)
    return strike(s, row, job, "withdrew", reason, actor, now)


def cancel_award(s: Session, award_id: int, owner_id: int, reason: str, actor: str, now: datetime) -> None:
    """The owner gives up the whole result with a published reason; no other rank can be chosen (M22)."""
    row, job = locked(s, award_id)
    if job.owner_id != owner_id:
        raise refuse("award.unknown", status=404)
    if row.state == State.STANDING:
        end_with_award(s, row.id, reason, actor, now)
    row.state = job.stage = move(row, Event.CANCEL)
    row.reason, row.ended_at, row.due_at = reason, now, None
    job.ended_at, job.reason = now, reason
    s.flush()
    record(s, Deed.AWARD_CANCELLED, now, actor, job.code, auction=row.auction_id, award=row.id)
    auction = s.get_one(Auction, row.auction_id)
    for org in sorted({b["org"] for b in auction.opened or [] if b["void"] != "withdrawn"}):
        notify(
            s,
            now,
            "award.cancelled",
            org=org,
            link=f"/jobs/{job.code}/protocol",
            once=f"award-cancelled:{row.id}:{org}",
            title=job.title,
            reason=reason,
        )
    notify(
        s,
        now,
        "award.cancelled",
        office="regulator",
        link=f"/jobs/{job.code}/protocol",
        once=f"award-cancelled:{row.id}:regulator",
        title=job.title,
        reason=reason,
    )
    index_later(s, now, "job", job.id)
