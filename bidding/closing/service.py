"""Close a due auction: claim and count, then open and decide. Two transactions, each safe to repeat (decisions.md).

The scheduler only knocks; the database decides who acts. A crash between the two leaves a `closing` row that the
next `decide_next` of any scheduler takes up; the keeper's `open` may be repeated.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.auctions.rules import Event, Held, State, after, same_length_later, stands, void
from bidding.auctions.service import open_round
from bidding.closing.queries import case
from bidding.matching.queries import barred_from, fitting
from bidding.methods import decide
from bidding.methods.draws import commitment, envelope_values, seed
from bidding.sealing.client import KeeperPort
from bidding.sealing.envelope import Opened, well_formed
from market.admission import queries as admission
from market.admission.models import Practitioner
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.catalogue.models import Service
from market.errors import Refusal
from market.identity import queries as identity
from market.ids import canonical_json, digest
from market.jobs.models import Job
from market.notices.service import index_later, notify

GATES = ("no_bids", "too_few_competitors")


def claim_next(s: Session, now: datetime) -> Auction | None:
    """Claim one auction whose T + drain has passed: count, commit to the population, fail it if too few stand.

    Any number of schedulers may call it at once on PostgreSQL (SKIP LOCKED). None when nothing is due.
    """
    drain = timedelta(seconds=catalogue.city_rules_on(s, now)["drain_seconds"])
    due = select(Auction).where(Auction.state == State.OPEN, Auction.closes_at <= now - drain)
    auction = s.scalars(due.order_by(Auction.closes_at, Auction.id).limit(1).with_for_update(skip_locked=True)).first()
    if auction is None:
        return None
    job = s.get_one(Job, auction.job_id)
    _move(auction, job, Event.CLAIM)
    s.flush()
    bids = count(s, auction, job)  # a statement after the lock's: it sees every bid that was kept before it
    auction.claimed_at = now
    auction.opened = bids
    auction.commitment = commitment(auction.id, [b["bidder"] for b in bids if stands(b["void"])]).hex()
    outcome = decide(auction.terms, _judged(bids), None)
    auction.counted = {"received": len(bids), "sealed": (outcome["competitors"] or {}).get("sealed")}
    record(
        s,
        Deed.AUCTION_CLAIMED,
        now,
        "system",
        job.code,
        auction=auction.id,
        commitment=auction.commitment,
        received=len(bids),
    )
    if outcome["status"] == "failed" and outcome["code"] in GATES:
        _fail(s, auction, job, outcome, now)
    return auction


def decide_next(s: Session, now: datetime, keeper: KeeperPort) -> Auction | None:
    """Open and decide one claimed auction. Raises KeeperDown (it stays claimed). None when none waits."""
    waiting = select(Auction).where(Auction.state == State.CLOSING).order_by(Auction.closes_at, Auction.id).limit(1)
    auction = s.scalars(waiting.with_for_update(skip_locked=True)).first()
    if auction is None:
        return None
    job = s.get_one(Job, auction.job_id)
    bids: list[dict[str, Any]] = [dict(b) for b in auction.opened or []]
    nonces = _open(s, auction, bids, keeper)
    drawn = seed(bytes.fromhex(auction.commitment or ""), envelope_values(nonces)) if nonces else None
    auction.seed = drawn.hex() if drawn else None
    auction.opened = bids
    outcome = decide(auction.terms, _judged(bids), {"hex": drawn.hex()} if drawn else None)
    if outcome["status"] not in ("awarded", "failed"):
        raise RuntimeError(f"{auction.id}: decide() answered {outcome['status']} {outcome['code']}.")
    if outcome["status"] == "failed":
        _fail(s, auction, job, outcome, now)
        return auction
    _move(auction, job, Event.DECIDE)
    auction.outcome, auction.decided_at = outcome, now
    record(
        s,
        Deed.AUCTION_DECIDED,
        now,
        "system",
        job.code,
        auction=auction.id,
        winner=outcome["winner"],
        price=outcome["price"],
        days=outcome["days"],
        seed=auction.seed,
        sealed=outcome["competitors"]["sealed"],
        valid=outcome["competitors"]["valid"],
        case=_digest_of_case(auction),
    )
    s.flush()
    return auction


def rerun_next(s: Session, now: datetime, keeper: KeeperPort) -> Auction | None:
    """Open the one re-run of a job whose first auction failed: new key, population and T, all fitting firms told.

    T is as many working days away as the first time, at the same hour, and at least the city's shortest bid period:
    the urgent one for a job with a published urgency. Raises KeeperDown. None when none waits.
    """
    failed = (
        select(Auction)
        .join(Job, Job.id == Auction.job_id)
        .where(
            Auction.state == State.FAILED, Job.state == "published", Job.stage == State.FAILED, Job.ended_at.is_(None)
        )
        .order_by(Auction.closes_at, Auction.id)
        .limit(1)
    )
    first = s.scalars(failed.with_for_update(skip_locked=True, of=Auction)).first()
    if first is None:
        return None
    job = s.get_one(Job, first.job_id)
    rules = catalogue.city_rules_on(s, now)
    least = rules["min_bid_period_urgent_wd" if job.urgency else "min_bid_period_wd"]
    closes_at = same_length_later(catalogue.calendar(s), first.opens_at, first.closes_at, now, least)
    auction = open_round(s, job, first.round + 1, now, closes_at, rules, first.blind_key, keeper)
    told = fitting(s, job, now)
    for org in told:
        notify(
            s,
            now,
            "auction.rerun",
            org=org,
            link=f"/jobs/{job.code}",
            once=f"rerun:{auction.id}:{org}",
            title=job.title,
            closes_at=closes_at.isoformat(),
        )
    record(s, Deed.INVITATION_SENT, now, "system", job.code, auction=auction.id, fitting=len(told))
    return auction


def count(s: Session, auction: Auction, job: Job) -> list[dict[str, Any]]:
    """Every bid of an auction as of T: {bidder, org, void, links, lead, digest, version}, by bidder id."""
    rows = _acts(s, auction.id)
    orgs = sorted({org for org, _ in rows})
    service = s.get_one(Service, job.service_id)
    able = set(admission.eligible_among(s, orgs, service.category_code, service.qualification, auction.closes_at))
    barred = barred_from(s, job, orgs, auction.closes_at)
    since = job.published_at or auction.opens_at
    ties = identity.ties_between(s, orgs, since, auction.closes_at)
    leads = _lead_keys(s, [a.lead_id for _, a in rows if a.lead_id is not None])
    found = []
    for org, act in rows:
        sound = act.envelope is not None and well_formed(act.envelope)
        held = Held(act.bidder, act.kind, act.received_at, act.terms_digest, act.envelope)
        reason = void(held, auction.closes_at, auction.terms_digest, org in able, org in barred, sound)
        tokens = {kind: set(parties) for kind, parties in ties.get(org, {}).items()}
        if act.lead_id is not None and act.lead_id in leads:
            tokens["lead"] = {leads[act.lead_id]}
        found.append(
            {
                "bidder": act.bidder,
                "org": org,
                "void": reason,
                "links": blinded(auction.blind_key, tokens),
                "lead": act.lead_id,
                "digest": act.digest,
                "version": act.version,
            }
        )
    return sorted(found, key=lambda b: str(b["bidder"]))


def blinded(blind_key: bytes, tokens: dict[str, set[str]]) -> dict[str, list[str]]:
    """Tokens of relations as keyed hashes of this job: equal where equal, and nothing else can be read from them."""
    return {
        kind: sorted(hmac.new(blind_key, f"{kind}\n{t}".encode(), sha256).hexdigest()[:32] for t in found)
        for kind, found in sorted(tokens.items())
        if found
    }


@dataclass(frozen=True, slots=True)
class Act:
    """A bid as it stands: its newest act with the envelope, info and lead of its newest sealing."""

    bidder: str
    version: int
    kind: str
    received_at: datetime
    terms_digest: str
    envelope: bytes | None
    info: bytes | None
    digest: str | None
    lead_id: int | None


def _acts(s: Session, auction: str) -> list[tuple[int, Act]]:
    found = (
        select(Bid.org_id, Bid.bidder, BidVersion)
        .join(BidVersion, BidVersion.bid_id == Bid.id)
        .where(Bid.auction_id == auction)
        .order_by(Bid.id, BidVersion.version)
    )
    newest: dict[int, tuple[str, BidVersion]] = {}
    sealed: dict[int, BidVersion] = {}
    for org, bidder, version in s.execute(found):
        newest[org] = (bidder, version)
        if version.kind == "sealed":
            sealed[org] = version
    return [
        (
            org,
            Act(
                bidder,
                v.version,
                v.kind,
                v.received_at,
                v.terms_digest,
                sealed[org].envelope,
                sealed[org].info,
                sealed[org].digest,
                sealed[org].lead_id,
            ),
        )
        for org, (bidder, v) in newest.items()
    ]


def _lead_keys(s: Session, ids: Sequence[int]) -> dict[int, str]:
    rows = s.execute(select(Practitioner.id, Practitioner.key).where(Practitioner.id.in_(ids)))
    return {row.id: row.key for row in rows}


def _open(s: Session, auction: Auction, bids: list[dict[str, Any]], keeper: KeeperPort) -> dict[str, str | None]:
    """Open what reaches the opening and put the offers into `bids`; gives the nonces by bidder."""
    unopened = {e["bidder"] for e in decide(auction.terms, _judged(bids), None)["exclusions"] if _before_opening(e)}
    acts = {act.bidder: act for _, act in _acts(s, auction.id)}
    wanted = [b for b in bids if b["bidder"] not in unopened]
    envelopes = [(acts[b["bidder"]].envelope or b"", acts[b["bidder"]].info or b"") for b in wanted]
    nonces: dict[str, str | None] = {}
    for bid, found in zip(wanted, keeper.open(auction.id, envelopes), strict=True):
        bid["offer"] = found.offer if isinstance(found, Opened) else None
        bid["nonce"] = nonces[bid["bidder"]] = found.nonce if isinstance(found, Opened) else None
        bid["fault"] = None if isinstance(found, Opened) else found.code
    return nonces


def _before_opening(exclusion: dict[str, Any]) -> bool:
    code = str(exclusion["code"])
    return code == "affiliated" or code.startswith("void.")


def _judged(bids: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bids in the shape decide() takes."""
    return [{"bidder": b["bidder"], "offer": b.get("offer"), "links": b["links"], "void": b["void"]} for b in bids]


def _fail(s: Session, auction: Auction, job: Job, outcome: dict[str, Any], now: datetime) -> None:
    """流标: the reason is published; what was not opened stays sealed for good."""
    _move(auction, job, Event.FAIL)
    auction.outcome, auction.decided_at, auction.reason = outcome, now, outcome["code"]
    reruns = int(catalogue.city_rules_on(s, now)["reruns"])
    again = auction.round <= reruns
    if not again:
        job.ended_at = now
    record(
        s,
        Deed.AUCTION_FAILED,
        now,
        "system",
        job.code,
        auction=auction.id,
        why=outcome["code"],
        sealed=(outcome["competitors"] or {}).get("sealed"),
        rerun=again,
        case=_digest_of_case(auction),
    )
    s.flush()
    kind = "auction.failed_rerun" if again else "auction.failed"
    counted = outcome["competitors"]
    stood = counted["sealed"] or 0 if counted["valid"] is None else counted["valid"]
    for org in [job.owner_id, *sorted({b["org"] for b in auction.opened or []})]:
        notify(
            s,
            now,
            kind,
            org=org,
            link=f"/jobs/{job.code}/protocol",
            once=f"failed:{auction.id}:{org}",
            title=job.title,
            n=stood,
        )
    index_later(s, now, "job", job.id)


def _digest_of_case(auction: Auction) -> str | None:
    """The digest of the case as it is published, so that the log fixes bids and outcome; None where none may be."""
    published = case(auction, False)
    return None if published is None else digest(canonical_json(published))


def _move(auction: Auction, job: Job, event: Event) -> None:
    state = after(auction.state, event)
    if isinstance(state, Refusal):
        raise RuntimeError(f"{auction.id} is {auction.state}: it cannot {event}.")
    auction.state = job.stage = state
