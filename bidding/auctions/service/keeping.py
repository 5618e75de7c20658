"""Keep a bid that was examined: its place, version, receipt, record and notice, under the auction's lock.

On PostgreSQL all of it is one statement, which also takes the lock and checks what it shows, so that a bid waits for
one answer (bid-path.md: round trips are what a bid costs). On SQLite writers are serial and statements are cheap.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, TextClause, bindparam, column, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.auctions.rules import in_time
from bidding.sealing.receipt import Kind, Receipt, Signed, sign
from market.audit.models import AuditEntry
from market.audit.rules import Deed
from market.audit.service import entry_values
from market.batch import append
from market.db import Base, DatabaseDown
from market.errors import Refused, refuse
from market.identity.queries import platform_key
from market.ids import receipt_number
from market.notices.models import Notice
from market.together import together

TRIES = 100
"""How often a bid is numbered anew when others of the same firm take its version."""


class AlreadyKept(Exception):
    """The same request was kept a moment ago by another process: its first receipt counts."""

    def __init__(self, auction: str) -> None:
        super().__init__(auction)
        self.auction = auction


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
    """A bid examined and sealed, ready to be kept; the price is no longer in it. `version`: the one it will have,
    unless the firm bids again at the same moment."""

    act: BidAct
    auction: str
    bidder: str
    terms_digest: str
    title: str
    version: int
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


def keep(s: Session, ready: ReadyBid, key: ReceiptKey) -> Kept:
    """Write the act, its receipt, its record and the firm's notice. Fit for `Database.single()` and for `write()`.

    Raises Refused `bid.claimed` when the auction was claimed meanwhile, `bid.changed` when its terms were, and
    AlreadyKept when another process kept the same request.
    """
    write = _write_at_once if s.get_bind().dialect.name == "postgresql" else _write_in_turn
    version = ready.version
    for _ in range(TRIES):
        number = receipt_number(secrets.randbits(40))
        signed = _signed(ready, number, version, key)
        try:
            held = write(s, ready, _row(ready, number, version, signed))
        except IntegrityError as clash:
            raise AlreadyKept(ready.auction) from clash
        if held.kept:
            return Kept(number, version, False, ready.act.kind, signed.text, signed.signature)
        late = in_time(held.state, held.closes_at, ready.act.received_at)
        if late is not None:
            raise Refused(late, status=409)
        if held.terms_digest != ready.terms_digest:
            raise refuse("bid.changed", status=409)
        version = _newest(s, ready) + 1
    raise DatabaseDown("versions")


def _signed(ready: ReadyBid, number: str, version: int, key: ReceiptKey) -> Signed:
    return sign(
        key.secret,
        Receipt(
            number=number,
            auction=ready.auction,
            terms=ready.terms_digest,
            bidder=ready.bidder,
            version=version,
            kind=ready.act.kind,
            received_at=ready.act.received_at,
            digest=ready.digest,
        ),
    )


def _newest(s: Session, ready: ReadyBid) -> int:
    found = select(Bid.version).where(Bid.auction_id == ready.auction, Bid.org_id == ready.act.org_id)
    return s.scalar(found) or 0


@dataclass(frozen=True, slots=True)
class Held:
    """What the lock showed, and whether the bid was kept. If all was well and it was not, its version was taken."""

    state: str
    closes_at: datetime
    terms_digest: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one bid, by table."""

    version: dict[str, Any]
    notice: dict[str, Any]
    entry: dict[str, Any]


_DEEDS = {"sealed": Deed.BID_SEALED, "withdrawn": Deed.BID_WITHDRAWN, "confirmed": Deed.BID_CONFIRMED}


def _row(ready: ReadyBid, number: str, version: int, signed: Signed) -> Row:
    act = ready.act
    return Row(
        version={
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
        },
        notice={
            "org_id": act.org_id,
            "kind": f"bid.{act.kind}",
            "values": {
                "title": ready.title,
                "number": number,
                "received": act.received_at.isoformat(),
                "version": version,
            },
            "link": f"/bids/{number}",
            "at": act.received_at,
        },
        entry=entry_values(
            _DEEDS[act.kind],
            act.received_at,
            f"bidder:{ready.bidder}",
            subject=act.job,
            veil=ready.auction,
            blinded={"auction": ready.auction, "bidder": ready.bidder, "envelope": ready.digest},
            version=version,
        ),
    )


# ── PostgreSQL: one statement ───────────────────────────────────────────────────────────────────────────────────

# After a wait for the lock, FOR SHARE gives the row as it was committed last, so a claim that came first is seen. Each
# insert reads from the one before it: nothing is written unless the lock shows an open auction, the terms that were
# sealed for, and the version that was signed.
_KEEP = """
WITH held AS (SELECT state, closes_at, terms_digest FROM auction WHERE id = :bid_auction_id FOR SHARE),
place AS (
  INSERT INTO bid (auction_id, org_id, bidder, version)
  SELECT :bid_auction_id, :bid_org_id, :bid_bidder, :bid_version_version FROM held
  WHERE state = 'open' AND closes_at > :bid_version_received_at AND terms_digest = :bid_version_terms_digest
  ON CONFLICT (auction_id, org_id) DO UPDATE SET version = excluded.version WHERE bid.version = excluded.version - 1
  RETURNING id),
kept AS (
  INSERT INTO bid_version (bid_id, version, kind, received_at, envelope, info, digest, terms_digest, lead_id,
    person_id, idempotency, number, receipt, signature)
  SELECT id, :bid_version_version, :bid_version_kind, :bid_version_received_at, :bid_version_envelope,
    :bid_version_info, :bid_version_digest, :bid_version_terms_digest, :bid_version_lead_id, :bid_version_person_id,
    :bid_version_idempotency, :bid_version_number, :bid_version_receipt, :bid_version_signature FROM place),
told AS (
  INSERT INTO notice (org_id, kind, "values", link, at)
  SELECT :notice_org_id, :notice_kind, :notice_values, :notice_link, :notice_at FROM place),
noted AS (
  INSERT INTO audit_entry (xid, at, deed, actor, subject, facts, blinded, veil, leaf)
  SELECT pg_current_xact_id()::text::bigint, :audit_entry_at, :audit_entry_deed, :audit_entry_actor,
    :audit_entry_subject, :audit_entry_facts, :audit_entry_blinded, :audit_entry_veil, :audit_entry_leaf FROM place)
SELECT state, closes_at, terms_digest, (SELECT count(*) FROM place) AS kept FROM held
"""


def _typed(statement: str, *models: type[Base]) -> TextClause:
    """A statement whose parameters `<table>_<column>` have the types of their columns."""
    tables = [model.metadata.tables[model.__tablename__] for model in models]
    types = {f"{table.name}_{column.name}": column.type for table in tables for column in table.columns}
    used = set(re.findall(r"(?<!:):([a-z_]+)", statement))
    return text(statement).bindparams(*(bindparam(name, type_=types[name]) for name in sorted(used)))


_AT_ONCE = _typed(_KEEP, Auction, Bid, BidVersion, Notice, AuditEntry).columns(
    Auction.state, Auction.closes_at, Auction.terms_digest, column("kept", Integer)
)


def _write_at_once(s: Session, ready: ReadyBid, row: Row) -> Held:
    values = {"bid_auction_id": ready.auction, "bid_org_id": ready.act.org_id, "bid_bidder": ready.bidder}
    for table, columns in (("bid_version", row.version), ("notice", row.notice), ("audit_entry", row.entry)):
        values |= {f"{table}_{name}": value for name, value in columns.items()}
    ((state, closes_at, terms_digest, kept),) = together(s, (_AT_ONCE, values))[0]
    return Held(state, closes_at, terms_digest, bool(kept))


# ── SQLite: one after the other, by the one writer ──────────────────────────────────────────────────────────────

_TAKE_PLACE = text(
    "INSERT INTO bid (auction_id, org_id, bidder, version) VALUES (:auction, :org, :bidder, :version) "
    "ON CONFLICT (auction_id, org_id) DO UPDATE SET version = excluded.version "
    "WHERE bid.version = excluded.version - 1 RETURNING id"
)


def _write_in_turn(s: Session, ready: ReadyBid, row: Row) -> Held:
    shown = select(Auction.state, Auction.closes_at, Auction.terms_digest).where(Auction.id == ready.auction)
    state, closes_at, terms_digest = s.execute(shown).one()
    fit = in_time(state, closes_at, ready.act.received_at) is None and terms_digest == ready.terms_digest
    place = {"auction": ready.auction, "org": ready.act.org_id, "bidder": ready.bidder}
    bid_id = s.scalar(_TAKE_PLACE, {**place, "version": row.version["version"]}) if fit else None
    if bid_id is not None:
        s.execute(insert(BidVersion).values(bid_id=bid_id, **row.version))
        append(s, Notice, row.notice)
        append(s, AuditEntry, row.entry)
    return Held(state, closes_at, terms_digest, bid_id is not None)
