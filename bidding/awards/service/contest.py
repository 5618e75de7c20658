"""异议 goes to the owner and makes the award wait; 投诉 goes to the regulator and stays it only by a recorded hold."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award, Complaint, Objection
from bidding.awards.rules import GROUNDS, Event, State, may_object, stands_when
from bidding.awards.service.propose import locked, move, strike
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refused, refuse
from market.jobs.models import Job
from market.notices.service import notify


def object_to(s: Session, award_id: int, org_id: int, ground: str, text: str, actor: str, now: datetime) -> Objection:
    """A bidder objects within the standstill. Raises Refused for strangers, late ones and a second objection."""
    row, job = locked(s, award_id)
    _party(s, row.auction_id, org_id)
    late = may_object(row.state, row.standstill_ends, now)
    if late is not None:
        raise Refused(late, status=409)
    if ground not in GROUNDS:
        raise refuse("objection.ground", "ground")
    if s.scalar(select(Objection.id).where(Objection.award_id == row.id, Objection.org_id == org_id)) is not None:
        raise refuse("objection.twice", status=409)
    rules = catalogue.city_rules_on(s, now)
    due = catalogue.calendar(s).end_of_period(now, rules["objection_answer_wd"])
    found = Objection(award_id=row.id, org_id=org_id, ground=ground, text=text, filed_at=now, due_at=due)
    s.add(found)
    if row.state == State.PROPOSED:
        row.state = job.stage = move(row, Event.OBJECT)
        row.due_at = None
    s.flush()
    record(s, Deed.AWARD_CONTESTED, now, actor, job.code, auction=row.auction_id, award=row.id, objection=found.id)
    link = f"/jobs/{job.code}/protocol"
    notify(s, now, "objection.filed", org=job.owner_id, link=link, title=job.title, due=due.isoformat())
    notify(s, now, "objection.filed_winner", org=row.org_id, link=link, title=job.title)
    return found


def answer_objection(
    s: Session, objection_id: int, owner_id: int, upheld: bool, answer: str, actor: str, now: datetime
) -> None:
    """The owner answers: upheld strikes the award (next in order); refused lets it stand after the waiting time."""
    found = s.get(Objection, objection_id)
    if found is None:
        raise refuse("objection.unknown", status=404)
    row, job = locked(s, found.award_id)
    if job.owner_id != owner_id:
        raise refuse("objection.unknown", status=404)
    s.refresh(found)
    if found.answered_at is not None or row.state != State.CONTESTED:
        raise refuse("objection.answered", status=409)
    found.answer, found.answered_at, found.upheld = answer, now, upheld
    s.flush()
    record(
        s,
        Deed.AWARD_ANSWERED,
        now,
        actor,
        job.code,
        auction=row.auction_id,
        award=row.id,
        objection=found.id,
        upheld=upheld,
    )
    notify(
        s,
        now,
        "objection.answered",
        org=found.org_id,
        link=f"/jobs/{job.code}/protocol",
        title=job.title,
        upheld=int(upheld),
    )
    if upheld:
        strike(s, row, job, "disqualified", answer, actor, now)
        return
    _settle(s, row, job, now)


def _settle(s: Session, row: Award, job: Job, now: datetime) -> None:
    """Back to proposed once every objection is answered; it then stands when the longest wait is over."""
    open_ones = select(Objection.id).where(Objection.award_id == row.id, Objection.answered_at.is_(None))
    if s.scalar(open_ones.limit(1)) is not None or row.standstill_ends is None:
        return
    row.state = job.stage = move(row, Event.ANSWER)
    row.due_at = stands_when(catalogue.calendar(s), row.standstill_ends, now)
    s.flush()


def complain(s: Session, auction_id: str, org_id: int, ground: str, text: str, actor: str, now: datetime) -> Complaint:
    """A bidder complains to the regulator about a result; free of charge, decided within the set days."""
    auction = s.get(Auction, auction_id)
    if auction is None or auction.decided_at is None:
        raise refuse("complaint.unknown", status=404)
    _party(s, auction_id, org_id)
    if ground not in GROUNDS:
        raise refuse("complaint.ground", "ground")
    open_one = select(Complaint.id).where(
        Complaint.auction_id == auction_id, Complaint.org_id == org_id, Complaint.decided_at.is_(None)
    )
    if s.scalar(open_one.limit(1)) is not None:
        raise refuse("complaint.twice", status=409)
    rules = catalogue.city_rules_on(s, now)
    due = catalogue.calendar(s).end_of_period(now, rules["complaint_decision_wd"])
    row = s.scalars(select(Award).where(Award.auction_id == auction_id).order_by(Award.id.desc()).limit(1)).first()
    job = s.get_one(Job, auction.job_id)
    found = Complaint(
        auction_id=auction_id,
        award_id=row.id if row else None,
        org_id=org_id,
        ground=ground,
        text=text,
        filed_at=now,
        due_at=due,
    )
    s.add(found)
    s.flush()
    record(s, Deed.COMPLAINT_FILED, now, actor, job.code, auction=auction_id, complaint=found.id)
    notify(
        s,
        now,
        "complaint.filed",
        office="regulator",
        link=f"/regulator/complaints/{found.id}",
        title=job.title,
        due=due.isoformat(),
    )
    return found


def hold_award(s: Session, complaint_id: int, reason: str, actor: str, now: datetime) -> None:
    """The regulator stays the award while it looks into a complaint."""
    found, row, job = _complaint(s, complaint_id)
    if found.decided_at is not None or held(found) or row is None:
        raise refuse("complaint.state", status=409)
    if row.state not in (State.EXPLAINING, State.PROPOSED, State.CONTESTED):
        raise refuse("complaint.too_late", status=409)
    found.held_at, found.hold_reason, found.hold_lifted_at = now, reason, None
    s.flush()
    record(s, Deed.COMPLAINT_HELD, now, actor, job.code, complaint=found.id, award=row.id)
    for org in (row.org_id, job.owner_id, found.org_id):
        notify(s, now, "award.held", org=org, link=f"/jobs/{job.code}/protocol", title=job.title, reason=reason)


def release_award(s: Session, complaint_id: int, actor: str, now: datetime) -> None:
    """The regulator lifts its hold; the award goes on."""
    found, row, job = _complaint(s, complaint_id)
    if not held(found):
        raise refuse("complaint.state", status=409)
    found.hold_lifted_at = now
    s.flush()
    record(s, Deed.COMPLAINT_RELEASED, now, actor, job.code, complaint=found.id, award=row.id if row else None)


def decide_complaint(s: Session, complaint_id: int, upheld: bool, decision: str, person: int, now: datetime) -> None:
    """The regulator's published decision; upheld strikes a live award, and ends any hold of this complaint."""
    found, row, job = _complaint(s, complaint_id)
    if found.decided_at is not None:
        raise refuse("complaint.state", status=409)
    actor = f"person:{person}"
    found.decision, found.decided_at, found.decided_by, found.upheld = decision, now, person, upheld
    if held(found):
        found.hold_lifted_at = now
    s.flush()
    record(s, Deed.COMPLAINT_DECIDED, now, actor, job.code, complaint=found.id, upheld=upheld)
    for org in {found.org_id, job.owner_id}:
        notify(
            s,
            now,
            "complaint.decided",
            org=org,
            link=f"/jobs/{job.code}/protocol",
            once=f"complaint:{found.id}:{org}",
            title=job.title,
            upheld=int(upheld),
        )
    if upheld and row is not None and row.state in (State.EXPLAINING, State.PROPOSED, State.CONTESTED):
        strike(s, row, job, "disqualified", decision, actor, now)


def held(found: Complaint) -> bool:
    """Whether a complaint stays its award now."""
    return found.held_at is not None and found.hold_lifted_at is None


def _complaint(s: Session, complaint_id: int) -> tuple[Complaint, Award | None, Job]:
    found = s.get(Complaint, complaint_id, with_for_update=True)
    if found is None:
        raise refuse("complaint.unknown", status=404)
    auction = s.get_one(Auction, found.auction_id)
    row = s.get(Award, found.award_id, with_for_update=True) if found.award_id is not None else None
    return found, row, s.get_one(Job, auction.job_id)


def _party(s: Session, auction_id: str, org_id: int) -> None:
    """Only who bid, and did not withdraw, may speak against a result."""
    bids = s.get_one(Auction, auction_id).opened or []
    if not any(b["org"] == org_id and b["void"] != "withdrawn" for b in bids):
        raise refuse("objection.stranger", status=403)
