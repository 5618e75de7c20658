"""Reading auctions, bids and receipts for pages. Before T nothing here tells who bids or how many."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Amendment, Auction, Bid, BidVersion
from bidding.auctions.rules import State
from market.catalogue.queries import city_rules_on
from market.identity.models import Organisation, Person
from market.jobs.models import Job


def newest(s: Session, job_id: int) -> Auction | None:
    """The auction of a job's last round."""
    return s.scalars(select(Auction).where(Auction.job_id == job_id).order_by(Auction.round.desc()).limit(1)).first()


def rounds(s: Session, job_id: int) -> list[Auction]:
    """All rounds of a job, first to last."""
    return list(s.scalars(select(Auction).where(Auction.job_id == job_id).order_by(Auction.round)))


def sealed_auctions(s: Session, now: datetime) -> list[tuple[str, bytes, datetime]]:
    """Auctions that are not decided yet: id, public key, and before when nothing of them may be opened."""
    found = select(Auction.id, Auction.public_key, Auction.closes_at).where(
        Auction.state.in_((State.OPEN, State.CLOSING))
    )
    rows = s.execute(found.order_by(Auction.id)).all()
    drain = timedelta(seconds=city_rules_on(s, now)["drain_seconds"]) if rows else timedelta(0)
    return [(id, public, closes_at + drain) for id, public, closes_at in rows]


def amendments(s: Session, auction_id: str) -> list[Amendment]:
    """Published changes of an auction, first to last."""
    found = select(Amendment).where(Amendment.auction_id == auction_id)
    return list(s.scalars(found.order_by(Amendment.at, Amendment.id)))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt with what its page needs. `text` is what `signature` signs."""

    number: str
    text: str
    signature: bytes
    auction: Auction
    job: Job
    org_id: int
    org_name: str
    person: str
    version: int
    kind: str
    received_at: datetime
    digest: str | None
    newest: bool


def receipt(s: Session, number: str) -> Receipt | None:
    """The receipt of a number, whoever asks; the door decides what a stranger may see before T."""
    found = (
        select(BidVersion, Bid, Auction, Job, Organisation.name, Person.name)
        .join(Bid, Bid.id == BidVersion.bid_id)
        .join(Auction, Auction.id == Bid.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .join(Organisation, Organisation.id == Bid.org_id)
        .join(Person, Person.id == BidVersion.person_id)
        .where(BidVersion.number == number)
    )
    row = s.execute(found).first()
    if row is None:
        return None
    version, bid, auction, job, org, person = row
    return Receipt(
        number=version.number,
        text=version.receipt,
        signature=version.signature,
        auction=auction,
        job=job,
        org_id=bid.org_id,
        org_name=org,
        person=person,
        version=version.version,
        kind=version.kind,
        received_at=version.received_at,
        digest=version.digest,
        newest=version.version == bid.version,
    )


@dataclass(frozen=True, slots=True)
class OwnBid:
    """What a firm sees of its own bid: every act, newest first, and whether it counts as things are."""

    versions: list[BidVersion]
    counts: bool
    must_confirm: bool


def own_bid(s: Session, auction: Auction, org_id: int) -> OwnBid | None:
    """A firm's bid in an auction, or None."""
    found = (
        select(BidVersion)
        .join(Bid, Bid.id == BidVersion.bid_id)
        .where(Bid.auction_id == auction.id, Bid.org_id == org_id)
        .order_by(BidVersion.version.desc())
    )
    versions = list(s.scalars(found))
    if not versions:
        return None
    last = versions[0]
    live = last.kind != "withdrawn"
    current = last.terms_digest == auction.terms_digest
    return OwnBid(versions, counts=live and current, must_confirm=live and not current)


def bids_of(s: Session, org_id: int, limit: int = 50) -> list[tuple[Job, Auction, BidVersion]]:
    """A firm's bids, newest act first: job, auction and that act."""
    found = (
        select(Job, Auction, BidVersion)
        .join(Auction, Auction.job_id == Job.id)
        .join(Bid, Bid.auction_id == Auction.id)
        .join(BidVersion, (BidVersion.bid_id == Bid.id) & (BidVersion.version == Bid.version))
        .where(Bid.org_id == org_id)
        .order_by(BidVersion.received_at.desc())
        .limit(limit)
    )
    return [(job, auction, version) for job, auction, version in s.execute(found)]


def terms_document(job: Job, terms: dict[str, Any], documents: list[str], amended: int) -> dict[str, Any]:
    """What a bidder relies on, for its digest; `urgency` only where the bid period was shortened."""
    urgent = {"urgency": job.urgency} if job.urgency else {}
    return {
        "job": job.code,
        "title": job.title,
        "summary": job.summary,
        "tax": job.tax,
        "documents": sorted(documents),
        "terms": terms,
        "amended": amended,
        **urgent,
    }
