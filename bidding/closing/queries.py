"""What a closed auction tells, and to whom: every bid in its place, what did not count, the ties, the case itself.

Naming (decisions.md): fiscal and state jobs publish all names; a private job publishes prices and opaque ids, and
tells the losers' names to its parties (owner and bidders) and to the market's offices. A withdrawn bid is never
named, and a failed auction names and prices nobody: its re-run must start from nothing.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.auctions.rules import State
from bidding.methods.draws import tie_key
from market.identity.models import Organisation
from market.jobs.models import Job

Phase = Literal["open", "closing", "cancelled", "result"]
PUBLIC_FUNDING = ("fiscal", "state")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads: an organisation, or an office of the market (operator or regulator), or a stranger."""

    org_id: int | None = None
    office: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One valid bid in its place. `amount` in fen, `days` working days; `intact`: the envelope has its digest."""

    rank: int
    bidder: str
    name: str
    amount: int
    days: int
    received_at: datetime | None
    number: str | None
    digest: str | None
    intact: bool
    own: bool
    kind: Literal["win", "own", "other"]
    struck: bool


@dataclass(frozen=True, slots=True)
class Out:
    """One bid that did not count, with the code of the rule; `partners` (name, kinds) of an affiliation."""

    bidder: str
    name: str
    code: str
    partners: list[tuple[str, list[str]]]
    opened: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """Bids that only the draw could order: (name, tie key in hex), in the drawn order."""

    members: list[tuple[str, str]]


def took_part(auction: Auction, org_id: int | None) -> bool:
    """Whether a firm is a party of a closed auction: it bid and did not withdraw."""
    return org_id is not None and any(b["org"] == org_id and b["void"] != "withdrawn" for b in auction.opened or [])


def phase_of(auction: Auction, now: datetime) -> Phase:
    """Where an auction is: "closed" is a predicate on time, a result one on the record."""
    if auction.decided_at is not None:
        return "result"
    if auction.state == State.CANCELLED:
        return "cancelled"
    return "open" if auction.state == State.OPEN and now < auction.closes_at else "closing"


def sees_names(job: Job, auction: Auction, viewer: Viewer) -> bool:
    """Whether a reader learns the losers' names."""
    if viewer.office:
        return True
    if auction.state != State.DECIDED:
        return False
    return job.funding in PUBLIC_FUNDING or viewer.org_id == job.owner_id or took_part(auction, viewer.org_id)


def names_of(s: Session, job: Job, auction: Auction, viewer: Viewer, awarded: Collection[str]) -> dict[str, str]:
    """How each bidder is called: by its name where the reader may know it, else by its opaque id.

    The firms of `awarded` are public, and everybody knows its own name.
    """
    bids = auction.opened or []
    named = sees_names(job, auction, viewer)
    told = {
        b["bidder"]: b["org"]
        for b in bids
        if b["org"] == viewer.org_id or b["bidder"] in awarded or (named and b["void"] != "withdrawn")
    }
    known = select(Organisation.id, Organisation.name).where(Organisation.id.in_(set(told.values())))
    by_org = {row.id: row.name for row in s.execute(known)} if told else {}
    return {b["bidder"]: by_org[told[b["bidder"]]] if b["bidder"] in told else b["bidder"] for b in bids}


def rows_of(
    s: Session, auction: Auction, viewer: Viewer, names: dict[str, str], live: str | None, struck: Collection[str]
) -> list[Row]:
    """The valid bids of a decided auction by rank. `live` is the bidder now awarded, `struck` those that were."""
    if auction.state != State.DECIDED:
        return []
    kept = _envelopes(s, auction.id)
    orgs = {b["bidder"]: b["org"] for b in auction.opened or []}
    found = []
    for place in (auction.outcome or {})["ranking"]:
        bidder = place["bidder"]
        version = kept[bidder]
        own = orgs[bidder] == viewer.org_id
        found.append(
            Row(
                rank=place["rank"],
                bidder=bidder,
                name=names[bidder],
                amount=place["amount"],
                days=place["days"],
                received_at=version.received_at,
                number=version.number,
                digest=version.digest,
                intact=hashlib.sha256(version.envelope or b"").hexdigest() == version.digest,
                own=own,
                kind="win" if bidder == live else "own" if own else "other",
                struck=bidder in struck,
            )
        )
    return found


def _envelopes(s: Session, auction_id: str) -> dict[str, BidVersion]:
    """The newest sealed version of each bidder."""
    found = (
        select(Bid.bidder, BidVersion)
        .join(BidVersion, BidVersion.bid_id == Bid.id)
        .where(Bid.auction_id == auction_id, BidVersion.kind == "sealed")
        .order_by(BidVersion.version)
    )
    newest: dict[str, BidVersion] = {}
    for bidder, version in s.execute(found):
        newest[bidder] = version
    return newest


def outs_of(auction: Auction, viewer: Viewer, names: dict[str, str]) -> list[Out]:
    """The bids that did not count, with the rule; those with an `offer.` code were opened, the others never."""
    orgs = {b["bidder"]: b["org"] for b in auction.opened or []}
    return [
        Out(
            bidder=e["bidder"],
            name=names[e["bidder"]],
            code=e["code"],
            partners=[(names[p["bidder"]], list(p["kinds"])) for p in e["with"]],
            opened=e["code"].startswith("offer."),
            own=orgs[e["bidder"]] == viewer.org_id,
        )
        for e in (auction.outcome or {})["exclusions"]
    ]


def ties_of(auction: Auction, names: dict[str, str]) -> list[Tie]:
    """The groups that the draw ordered, with the keys anyone can compute from the seed."""
    if auction.seed is None or auction.state != State.DECIDED:
        return []
    drawn = bytes.fromhex(auction.seed)
    groups = (auction.outcome or {})["ties"]
    return [Tie([(names[b], tie_key(drawn, b).hex()) for b in group]) for group in groups]


def case(auction: Auction, office: bool) -> dict[str, Any] | None:
    """The case as `taozhongjie decide` takes it: terms, bids by opaque id, seed; what made the seed stands beside it.

    None while there is no result. A case that failed after its opening holds prices nobody may publish: only an
    office gets it.
    """
    if auction.decided_at is None or auction.outcome is None:
        return None
    bids = auction.opened or []
    if auction.state != State.DECIDED and any(b.get("offer") for b in bids) and not office:
        return None
    return {
        "auction": auction.id,
        "terms": auction.terms,
        "bids": [
            {
                "bidder": b["bidder"],
                "offer": b.get("offer"),
                "links": {} if b["void"] else b["links"],
                "void": b["void"],
            }
            for b in bids
        ],
        "seed": {"hex": auction.seed} if auction.seed else None,
        "commitment": auction.commitment,
        "nonces": {b["bidder"]: b["nonce"] for b in bids if b.get("nonce")},
        "digests": {b["bidder"]: b["digest"] for b in bids},
        "outcome": auction.outcome,
    }
