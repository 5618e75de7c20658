"""Propose the first in order; an abnormally low one explains before it is proposed (design.md, fairness 6–7)."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.awards.rules import Event, State, after
from bidding.closing.service import decide_next
from bidding.methods import award as next_in_order
from bidding.sealing.client import KeeperPort
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused, refuse
from market.jobs.models import Job
from market.notices.service import index_later, notify


def settle_next(s: Session, now: datetime, keeper: KeeperPort) -> Auction | None:
    """Open and decide one claimed auction and propose its first, in one transaction. None when none waits."""
    auction = decide_next(s, now, keeper)
    if auction is not None and auction.state == "decided":
        propose(s, auction, now)
        _tell_bidders(s, auction, now)
    return auction


def propose(s: Session, auction: Auction, now: datetime) -> Award | None:
    """A new award for the first in order that is not struck; None when nobody is left and the job ends failed."""
    job = s.get_one(Job, auction.job_id)
    struck = list(s.scalars(select(Award).where(Award.auction_id == auction.id, Award.state == State.STRUCK)))
    found = next_in_order(auction.outcome or {}, [{"bidder": a.bidder, "reason": a.strike} for a in struck])
    if found["status"] != "awarded":
        _exhausted(s, auction, job, now)
        return None
    rules = catalogue.city_rules_on(s, now)
    calendar = catalogue.calendar(s)
    bidder = str(found["winner"])
    org = next(b["org"] for b in auction.opened or [] if b["bidder"] == bidder)
    since = auction.closes_at if not struck else now
    row = Award(
        auction_id=auction.id,
        org_id=org,
        bidder=bidder,
        rank=found["rank"],
        amount=found["price"],
        days=found["days"],
        state=State.EXPLAINING if found["needs_explanation"] else State.PROPOSED,
        proposed_at=now,
    )
    if row.state == State.EXPLAINING:
        row.explanation_due = row.due_at = calendar.end_of_period(since, rules["low_price_explanation_wd"])
    else:
        row.standstill_ends = row.due_at = calendar.end_of_period(since, rules["standstill_wd"])
    s.add(row)
    s.flush()
    _enter(s, job, row, now)
    return row


def _enter(s: Session, job: Job, row: Award, now: datetime) -> None:
    """Record and tell that an award is proposed, or must first be explained."""
    explaining = row.state == State.EXPLAINING
    job.stage = row.state
    due = row.due_at.isoformat() if row.due_at else None
    record(
        s,
        Deed.AWARD_EXPLAINING if explaining else Deed.AWARD_PROPOSED,
        now,
        "system",
        job.code,
        auction=row.auction_id,
        award=row.id,
        bidder=row.bidder,
        rank=row.rank,
        amount=row.amount,
        days=row.days,
        due=due,
    )
    kind = "award.explain" if explaining else "award.proposed"
    facts: dict[str, Any] = {"title": job.title, "amount": row.amount, "days": row.days, "due": due}
    once = f"{kind}:{row.id}"
    notify(s, now, kind, org=row.org_id, link=f"/jobs/{job.code}/protocol", once=f"{once}:firm", **facts)
    owner = "award.explain_owner" if explaining else "award.proposed_owner"
    notify(s, now, owner, org=job.owner_id, link=f"/jobs/{job.code}/protocol", once=f"{once}:owner", **facts)
    index_later(s, now, "job", job.id)


def _tell_bidders(s: Session, auction: Auction, now: datetime) -> None:
    """Every other bidder learns that there is a result, with its own rank and gap (M21), or why its bid is out."""
    job = s.get_one(Job, auction.job_id)
    outcome: dict[str, Any] = auction.outcome or {}
    ranks = {r["bidder"]: r for r in outcome["ranking"]}
    for bid in auction.opened or []:
        rank = ranks.get(bid["bidder"])
        if bid["bidder"] == outcome["winner"] or bid["void"] == "withdrawn":
            continue
        link, once = f"/jobs/{job.code}/protocol", f"decided:{auction.id}:{bid['org']}"
        if rank is None:
            notify(s, now, "auction.excluded", org=bid["org"], link=link, once=once, title=job.title)
        else:
            gap = rank["amount"] - outcome["price"]
            notify(
                s,
                now,
                "auction.lost",
                org=bid["org"],
                link=link,
                once=once,
                title=job.title,
                rank=rank["rank"],
                of=len(ranks),
                gap=gap,
            )


def _exhausted(s: Session, auction: Auction, job: Job, now: datetime) -> None:
    job.stage, job.ended_at = State.STRUCK, now
    record(s, Deed.AUCTION_FAILED, now, "system", job.code, auction=auction.id, why="exhausted")
    notify(
        s,
        now,
        "award.exhausted",
        org=job.owner_id,
        link=f"/jobs/{job.code}/protocol",
        once=f"exhausted:{auction.id}",
        title=job.title,
    )
    index_later(s, now, "job", job.id)


def explain_price(s: Session, award_id: int, org_id: int, text: str, actor: str, now: datetime) -> None:
    """The firm explains its costs, once, within the set days (M25)."""
    row, job = locked(s, award_id)
    if row.org_id != org_id:
        raise refuse("award.unknown", status=404)
    if row.state != State.EXPLAINING:
        raise refuse("award.not_explaining", status=409)
    if row.explanation_due is not None and now > row.explanation_due:
        raise refuse("explanation.late", status=409, deadline=row.explanation_due)
    if row.explanation is not None:
        raise refuse("explanation.given", status=409)
    row.explanation, row.explained_at = text, now
    row.due_at = None  # the owner's turn: the award waits for a judgement
    s.flush()
    record(s, Deed.AWARD_EXPLAINED, now, actor, job.code, auction=row.auction_id, award=row.id)
    notify(s, now, "award.explained", org=job.owner_id, link=f"/jobs/{job.code}/protocol", title=job.title)


def judge_explanation(
    s: Session, award_id: int, owner_id: int, accept: bool, reason: str, actor: str, now: datetime
) -> None:
    """The owner accepts the explanation (proposed, standstill from now) or rejects it (next in order); published."""
    row, job = locked(s, award_id)
    if job.owner_id != owner_id:
        raise refuse("award.unknown", status=404)
    if row.state != State.EXPLAINING or row.explanation is None:
        raise refuse("explanation.none", status=409)
    row.judged, row.judged_at = reason, now
    record(s, Deed.AWARD_JUDGED, now, actor, job.code, auction=row.auction_id, award=row.id, accepted=accept)
    if not accept:
        strike(s, row, job, "explanation_rejected", reason, actor, now)
        return
    rules = catalogue.city_rules_on(s, now)
    row.state = move(row, Event.ACCEPT)
    row.standstill_ends = row.due_at = catalogue.calendar(s).end_of_period(now, rules["standstill_wd"])
    s.flush()
    _enter(s, job, row, now)


def strike(s: Session, row: Award, job: Job, why: str, reason: str, actor: str, now: datetime) -> Award | None:
    """Strike an award with a published reason and propose the next in order; gives the new award."""
    row.state = move(row, Event.STRIKE)
    row.strike, row.reason, row.ended_at, row.due_at = why, reason, now, None
    s.flush()
    record(s, Deed.AWARD_STRUCK, now, actor, job.code, auction=row.auction_id, award=row.id, why=why)
    for org in (row.org_id, job.owner_id):
        notify(
            s,
            now,
            "award.struck",
            org=org,
            link=f"/jobs/{job.code}/protocol",
            once=f"struck:{row.id}:{org}",
            title=job.title,
            reason=reason,
        )
    return propose(s, s.get_one(Auction, row.auction_id), now)


def locked(s: Session, award_id: int) -> tuple[Award, Job]:
    """An award under its lock, with its job. Raises Refused 404 for an unknown id."""
    row = s.get(Award, award_id, with_for_update=True)
    if row is None:
        raise refuse("award.unknown", status=404)
    auction = s.get_one(Auction, row.auction_id)
    return row, s.get_one(Job, auction.job_id)


def move(row: Award, event: Event) -> State:
    """The state an event leads to. Raises Refused 409 where it leads nowhere."""
    state = after(row.state, event)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    return state
