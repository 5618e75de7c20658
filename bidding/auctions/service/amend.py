"""Change what bidders rely on, move T later, or cancel: before T, each with a published reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Amendment, Auction, Bid
from bidding.auctions.queries import terms_document
from bidding.auctions.rules import Event, State, after, posted_digest
from bidding.auctions.service.publish import permit, terms_for
from bidding.sealing.client import KeeperPort
from market.admission.models import Document
from market.audit.rules import Deed
from market.audit.service import hang_veil, record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused, refuse
from market.jobs import rules as job_rules
from market.jobs.models import Invitation, Job
from market.notices.service import index_later, notify


@dataclass(frozen=True, slots=True)
class Changes:
    """What an owner may change while bidding is open; None leaves a thing as it is. `closes_at` only moves later."""

    reason: str
    closes_at: datetime
    summary: str | None = None
    ceiling_fen: int | None = None
    days_max: int | None = None


def amend_auction(
    s: Session, job_id: int, owner_id: int, changes: Changes, actor: str, now: datetime, keeper: KeeperPort
) -> Auction:
    """New terms: envelopes stay sealed, each bidder confirms or replaces, else its bid lapses unopened (M15)."""
    job, auction = _open(s, job_id, now)
    if job.owner_id != owner_id:
        raise refuse("job.unknown", status=404)
    rules = catalogue.city_rules_on(s, now)
    late = job_rules.closing_refusal(
        changes.closes_at, now, rules, catalogue.calendar(s), rules["after_amendment_min_wd"]
    )
    if late is not None:
        raise Refused(late)
    before = {**auction.posted, "closes_at": auction.closes_at.isoformat()}
    job.summary = changes.summary if changes.summary is not None else job.summary
    job.ceiling_fen = changes.ceiling_fen if changes.ceiling_fen is not None else job.ceiling_fen
    job.days_max = changes.days_max if changes.days_max is not None else job.days_max
    documents = select(Document.digest).where(Document.job_id == job.id, Document.removed_at.is_(None))
    permit(job, rules, catalogue.method_rules_on(s, now))
    # The city's part of the terms was fixed at publication; an owner changes only its own part.
    fresh = terms_for(job, rules)
    auction.terms = {**auction.terms, "ceiling": fresh["ceiling"], "days_max": fresh["days_max"]}
    auction.posted = terms_document(job, auction.terms, list(s.scalars(documents)), auction.posted["amended"] + 1)
    auction.terms_digest = posted_digest(auction.posted)
    _move(s, job, auction, changes.closes_at, rules, keeper)
    _tell(s, job, auction, before, changes.reason, "owner", actor, now, "auction.amended")
    return auction


def postpone_auction(
    s: Session, job_id: int, closes_at: datetime, reason: str, actor: str, now: datetime, keeper: KeeperPort
) -> Auction:
    """An operator moves T later (an outage): bids already in still count (M30)."""
    job, auction = _open(s, job_id, now)
    rules = catalogue.city_rules_on(s, now)
    late = job_rules.closing_refusal(closes_at, now, rules, catalogue.calendar(s), 0)
    if late is not None:
        raise Refused(late)
    before = {**auction.posted, "closes_at": auction.closes_at.isoformat()}
    _move(s, job, auction, closes_at, rules, keeper)
    _tell(s, job, auction, before, reason, "operator", actor, now, "auction.postponed")
    return auction


def cancel_auction(s: Session, job_id: int, owner_id: int, reason: str, actor: str, now: datetime) -> None:
    """The owner takes the job back before T; the envelopes stay sealed for good."""
    job, auction = _open(s, job_id, now)
    if job.owner_id != owner_id:
        raise refuse("job.unknown", status=404)
    state = job_rules.after(job.state, job_rules.Event.CANCEL)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    auction_state = after(auction.state, Event.CANCEL)
    if isinstance(auction_state, Refusal):
        raise Refused(auction_state, status=409)
    job.state = state
    job.stage = State.CANCELLED
    job.reason, job.ended_at = reason, now
    auction.state, auction.reason = auction_state, reason
    s.flush()
    record(s, Deed.AUCTION_CANCELLED, now, actor, job.code, auction=auction.id)
    record(s, Deed.JOB_CANCELLED, now, actor, job.code, job=job.code)
    for org in _concerned(s, job, auction):
        notify(
            s,
            now,
            "job.cancelled",
            org=org,
            link=f"/jobs/{job.code}",
            mail=False,
            title=job.title,
            reason=reason,
            once=f"cancelled:{auction.id}:{org}",
        )
    index_later(s, now, "job", job.id)


def _open(s: Session, job_id: int, now: datetime) -> tuple[Job, Auction]:
    """A job and its auction, both locked, while bidding is still open."""
    job = s.get(Job, job_id, with_for_update=True)
    if job is None:
        raise refuse("job.unknown", status=404)
    found = select(Auction).where(Auction.job_id == job.id).order_by(Auction.round.desc()).limit(1)
    auction = s.scalars(found.with_for_update()).first()
    if auction is None or auction.state != State.OPEN or now >= auction.closes_at:
        raise refuse("auction.not_open", status=409)
    return job, auction


def _move(
    s: Session, job: Job, auction: Auction, closes_at: datetime, rules: dict[str, Any], keeper: KeeperPort
) -> None:
    if closes_at < auction.closes_at:
        raise refuse("auction.only_later", "closes_at", closes_at=auction.closes_at)
    keeper.postpone(auction.id, closes_at + timedelta(seconds=rules["drain_seconds"]))
    auction.closes_at = job.closes_at = closes_at
    hang_veil(s, auction.id, closes_at)


def _tell(
    s: Session,
    job: Job,
    auction: Auction,
    before: dict[str, Any],
    reason: str,
    by: str,
    actor: str,
    now: datetime,
    kind: str,
) -> None:
    after_ = {**auction.posted, "closes_at": auction.closes_at.isoformat()}
    s.add(Amendment(auction_id=auction.id, at=now, by=by, reason=reason, before=before, after=after_))
    s.flush()
    record(
        s,
        Deed.AUCTION_AMENDED,
        now,
        actor,
        job.code,
        auction=auction.id,
        terms=auction.terms_digest,
        closes_at=auction.closes_at.isoformat(),
    )
    for org in _concerned(s, job, auction):
        notify(
            s,
            now,
            kind,
            org=org,
            link=f"/jobs/{job.code}",
            mail=False,
            title=job.title,
            reason=reason,
            closes_at=auction.closes_at.isoformat(),
        )
    notify(
        s,
        now,
        kind,
        org=job.owner_id,
        link=f"/jobs/{job.code}",
        title=job.title,
        reason=reason,
        closes_at=auction.closes_at.isoformat(),
    )
    index_later(s, now, "job", job.id)


def _concerned(s: Session, job: Job, auction: Auction) -> list[int]:
    """Bidders and invited firms, mixed and in one order, so that who is told does not tell who bid."""
    bidders = set(s.scalars(select(Bid.org_id).where(Bid.auction_id == auction.id)))
    invited = set(s.scalars(select(Invitation.org_id).where(Invitation.job_id == job.id)))
    return sorted((bidders | invited) - {job.owner_id})
