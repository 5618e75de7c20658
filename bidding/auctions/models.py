"""Auctions, bids, envelopes and receipts."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.audit.models import BigId
from market.db import Base


class Auction(Base):
    """One round of bidding for a job; `id` is `{job code}-{round}`. States: auctions.rules.

    `posted` is all a bidder relies on: the terms, title, summary, documents and the number of amendments;
    `terms_digest` is the SHA-256 of its canonical JSON, bound into every envelope. `terms` is what decide() takes.
    `closes_at` is T (exclusive). `outcome` is decide()'s answer, `opened` its bids, kept so that
    anyone can decide again.
    """

    __tablename__ = "auction"
    __table_args__ = (
        UniqueConstraint("job_id", "round", name="a_job_has_one_auction_a_round"),
        Index("ix_auction_due", "state", "closes_at"),
        CheckConstraint("opens_at < closes_at", name="an_auction_opens_before_it_closes"),
    )
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    round: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    terms: Mapped[dict[str, Any]]
    posted: Mapped[dict[str, Any]]
    terms_digest: Mapped[str] = mapped_column(String(64))
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    blind_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    commitment: Mapped[str | None] = mapped_column(String(64))
    counted: Mapped[dict[str, Any] | None]
    seed: Mapped[str | None] = mapped_column(String(64))
    opened: Mapped[list[Any] | None]
    outcome: Mapped[dict[str, Any] | None]
    claimed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(1000))


class Amendment(Base):
    """A published change before T: new terms or a later T, with its reason."""

    __tablename__ = "amendment"
    id: Mapped[int] = mapped_column(primary_key=True)
    auction_id: Mapped[str] = mapped_column(ForeignKey("auction.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(500))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]


class Bid(Base):
    """A firm's place in an auction: one row, however often it bids. `version` is the newest."""

    __tablename__ = "bid"
    __table_args__ = (UniqueConstraint("auction_id", "org_id", name="a_firm_has_one_bid_in_an_auction"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    auction_id: Mapped[str] = mapped_column(ForeignKey("auction.id"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    bidder: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]


class BidVersion(Base):
    """One act on a bid: kind sealed | withdrawn | confirmed. Nothing is ever overwritten.

    `envelope` holds 01 ∥ enc ∥ ct, `info` its HPKE info. The lead professional stands outside the envelope.
    `receipt` is the canonical JSON that `signature` (Ed25519) signs.
    """

    __tablename__ = "bid_version"
    __table_args__ = (
        UniqueConstraint("bid_id", "version", name="a_bid_version_is_numbered_once"),
        UniqueConstraint("bid_id", "idempotency", name="a_repeated_request_is_one_version"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    bid_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bid.id"))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    received_at: Mapped[datetime]
    envelope: Mapped[bytes | None] = mapped_column(LargeBinary)
    info: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[str | None] = mapped_column(String(64))
    terms_digest: Mapped[str] = mapped_column(String(64))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    idempotency: Mapped[str | None] = mapped_column(String(80))
    number: Mapped[str] = mapped_column(String(11), unique=True)
    receipt: Mapped[str] = mapped_column(String(600))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
