"""Take a bid: seal the price at once, keep the envelope, give a signed receipt.

`examine` reads and seals without a lock; `keep` takes the auction's lock, checks only that it is not yet claimed,
and writes everything in one statement where the database can (bid-path.md: round trips are what a bid costs).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.auctions.rules import bidder_id, in_time
from bidding.matching.queries import may_bid
from bidding.sealing.envelope import seal
from bidding.sealing.receipt import Kind, Receipt, sign
from market.admission.models import Practitioner
from market.audit.models import AuditEntry
from market.audit.rules import Deed
from market.audit.service import XID, entry_values
from market.batch import append
from market.errors import Refusal, Refused, refuse
from market.identity.models import Organisation
from market.identity.queries import platform_key
from market.ids import receipt_number
from market.jobs.models import Job
from market.notices.models import Notice

MAX_FEN = 10**14


class AlreadyKept(Exception):
    """The same request was kept a moment ago by another process: its first receipt counts."""


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """The platform's Ed25519 key for receipts, read once by each process."""

    secret: bytes
    public: bytes


def receipt_key(s: Session) -> ReceiptKey:
    """The key made at the first migrate."""
    key = platform_key(s, "receipt")
    return ReceiptKey(key.secret, key.public)


@dataclass(frozen=True, slots=True)
class BidAct:
    """What a firm asks: `kind` sealed | withdrawn | confirmed. Amount in fen and days only with `sealed`."""

    job: str
    org_id: int
    person_id: int
    received_at: datetime
    kind: Kind = "sealed"
    amount: int = 0
    days: int = 0
    lead_id: int | None = None
    idempotency: str | None = None


@dataclass(frozen=True, slots=True)
class ReadyBid:
    """A bid examined and sealed, ready to be kept; the price is no longer in it."""

    act: BidAct
    auction: str
    bidder: str
    terms_digest: str
    title: str
    envelope: bytes | None
    info: bytes | None
    digest: str
    lead_id: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of it: the receipt's number, and whether it is the first one of a repeated request.

    `text` (canonical JSON) is what `signature` signs; `kind` is that of the first act, whatever is asked now.
    """

    number: str
    version: int
    again: bool
    kind: str
    text: str
    signature: bytes


def seal_bid(s: Session, act: BidAct, key: ReceiptKey) -> Kept:
    """Examine and keep in one transaction. Raises Refused with every reason; nothing is then kept."""
    ready = examine(s, act)
    return ready if isinstance(ready, Kept) else keep(s, ready, key)


def examine(s: Session, act: BidAct) -> ReadyBid | Kept:
    """Check everything that needs no lock and seal the price. A repeated request gives its first receipt."""
    row = s.execute(_wanted(), {"job": act.job, "org": act.org_id}).first()
    if row is None:
        raise refuse("job.unknown", status=404)
    auction, job, uscc = row
    first = kept_before(s, auction.id, act.org_id, act.idempotency)
    if first is not None:
        return first
    late = in_time(auction.state, auction.closes_at, act.received_at)
    if late is not None:
        raise Refused(late, status=409)
    bidder = bidder_id(auction.blind_key, uscc)
    if act.kind != "sealed":
        return _of_kept(s, act, auction, bidder, job.title)
    unfit = [*may_bid(s, job, act.org_id, act.received_at), *_unfit(s, act, auction.terms)]
    if unfit:
        raise Refused(*unfit)
    sealed = seal(
        auction.public_key, auction.id, auction.terms_digest, bidder, {"amount": act.amount, "days": act.days}
    )
    return ReadyBid(
        act=_without_price(act),
        auction=auction.id,
        bidder=bidder,
        terms_digest=auction.terms_digest,
        title=job.title,
        envelope=sealed.envelope,
        info=sealed.info,
        digest=sealed.digest,
        lead_id=act.lead_id,
    )


@cache
def _wanted() -> Select[Auction, Job, str]:
    """The newest auction of a job with the bidder's code; built once, since every bid asks it."""
    return (
        select(Auction, Job, Organisation.uscc)
        .join(Job, Job.id == Auction.job_id)
        .join(Organisation, Organisation.id == bindparam("org"))
        .where(Job.code == bindparam("job"))
        .order_by(Auction.round.desc())
        .limit(1)
    )


@cache
def _locked() -> Select[str, datetime, str]:
    found = select(Auction.state, Auction.closes_at, Auction.terms_digest).where(Auction.id == bindparam("auction"))
    return found.with_for_update(read=True)


def kept_before(s: Session, auction: str, org_id: int, idempotency: str | None) -> Kept | None:
    """The first receipt of a request that is repeated with the same idempotency key, or None."""
    if idempotency is None:
        return None
    found = (
        select(BidVersion.number, BidVersion.version, BidVersion.kind, BidVersion.receipt, BidVersion.signature)
        .join(Bid, Bid.id == BidVersion.bid_id)
        .where(Bid.auction_id == auction, Bid.org_id == org_id, BidVersion.idempotency == idempotency)
    )
    row = s.execute(found).first()
    return None if row is None else Kept(row.number, row.version, True, row.kind, row.receipt, row.signature)


def _without_price(act: BidAct) -> BidAct:
    return BidAct(
        job=act.job,
        org_id=act.org_id,
        person_id=act.person_id,
        received_at=act.received_at,
        kind=act.kind,
        lead_id=act.lead_id,
        idempotency=act.idempotency,
    )


def _unfit(s: Session, act: BidAct, terms: dict[str, Any]) -> list[Refusal]:
    """What is wrong with the offer itself: bounds (M5), days, the lead professional."""
    found: list[Refusal] = []
    ceiling = terms["ceiling"]["fen"] if terms["ceiling"] else MAX_FEN
    if not 1 <= act.amount <= ceiling:
        found.append(Refusal("bid.bounds", "amount", {"ceiling": ceiling}))
    if not 1 <= act.days <= terms["days_max"]:
        found.append(Refusal("bid.days", "days", {"most": terms["days_max"]}))
    lead = s.get(Practitioner, act.lead_id) if act.lead_id is not None else None
    if lead is None or lead.org_id != act.org_id or lead.removed_at is not None:
        found.append(Refusal("bid.lead", "lead"))
    return found


def _of_kept(s: Session, act: BidAct, auction: Auction, bidder: str, title: str) -> ReadyBid:
    """A withdrawal or confirmation of the bid that is there."""
    versions = list(
        s.scalars(
            select(BidVersion)
            .join(Bid, Bid.id == BidVersion.bid_id)
            .where(Bid.auction_id == auction.id, Bid.org_id == act.org_id)
            .order_by(BidVersion.version.desc())
        )
    )
    if not versions or versions[0].kind == "withdrawn":
        raise refuse("bid.none", status=409)
    if act.kind == "confirmed" and versions[0].terms_digest == auction.terms_digest:
        raise refuse("bid.confirmed_already", status=409)
    sealed = next(v for v in versions if v.kind == "sealed")
    return ReadyBid(
        act, auction.id, bidder, auction.terms_digest, title, None, None, sealed.digest or "", sealed.lead_id
    )


_TAKE_PLACE = text(
    "INSERT INTO bid (auction_id, org_id, bidder, version) VALUES (:auction, :org, :bidder, 1) "
    "ON CONFLICT (auction_id, org_id) DO UPDATE SET version = bid.version + 1 RETURNING id, version"
)
_DEEDS = {"sealed": Deed.BID_SEALED, "withdrawn": Deed.BID_WITHDRAWN, "confirmed": Deed.BID_CONFIRMED}


def keep(s: Session, ready: ReadyBid, key: ReceiptKey) -> Kept:
    """Write the act, its receipt, its record and the firm's notice, under the auction's lock.

    Raises Refused `bid.claimed` when the auction was claimed meanwhile, `bid.changed` when its terms were, and
    AlreadyKept when another process kept the same request.
    """
    act = ready.act
    state, closes_at, terms_digest = s.execute(_locked(), {"auction": ready.auction}).one()
    late = in_time(state, closes_at, act.received_at)
    if late is not None:
        raise Refused(late, status=409)
    if terms_digest != ready.terms_digest:
        raise refuse("bid.changed", status=409)
    place = {"auction": ready.auction, "org": act.org_id, "bidder": ready.bidder}
    bid_id, version = s.execute(_TAKE_PLACE, place).one()
    number = receipt_number(secrets.randbits(40))
    signed = sign(
        key.secret,
        Receipt(
            number=number,
            auction=ready.auction,
            terms=ready.terms_digest,
            bidder=ready.bidder,
            version=version,
            kind=act.kind,
            received_at=act.received_at,
            digest=ready.digest,
        ),
    )
    row = {
        "bid_id": bid_id,
        "version": version,
        "kind": act.kind,
        "received_at": act.received_at,
        "envelope": ready.envelope,
        "info": ready.info,
        "digest": ready.digest,
        "terms_digest": ready.terms_digest,
        "lead_id": ready.lead_id,
        "person_id": act.person_id,
        "idempotency": act.idempotency,
        "number": number,
        "receipt": signed.text,
        "signature": signed.signature,
    }
    try:
        _write(s, row, ready, number, version)
    except IntegrityError as clash:
        raise AlreadyKept from clash
    return Kept(number, version, False, act.kind, signed.text, signed.signature)


def _write(s: Session, row: dict[str, Any], ready: ReadyBid, number: str, version: int) -> None:
    entry = entry_values(
        _DEEDS[ready.act.kind],
        ready.act.received_at,
        f"bidder:{ready.bidder}",
        subject=ready.act.job,
        veil=ready.auction,
        blinded={"auction": ready.auction, "bidder": ready.bidder, "envelope": ready.digest},
        version=version,
    )
    notice = {
        "org_id": ready.act.org_id,
        "kind": f"bid.{ready.act.kind}",
        "values": {
            "title": ready.title,
            "number": number,
            "received": ready.act.received_at.isoformat(),
            "version": version,
        },
        "link": f"/bids/{number}",
        "at": ready.act.received_at,
    }
    if s.get_bind().dialect.name == "postgresql":
        entry["xid"] = XID
        kept = insert(BidVersion).values(**row).cte("kept")
        told = insert(Notice).values(**notice).cte("told")
        s.execute(insert(AuditEntry).values(**entry).add_cte(kept, told))
        return
    s.execute(insert(BidVersion), [row])
    append(s, Notice, notice)
    append(s, AuditEntry, entry)
