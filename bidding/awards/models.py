"""Awards and what may be said against them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Award(Base):
    """One firm proposed for one auction (中选). States: awards.rules. The next in order is a new row."""

    __tablename__ = "award"
    __table_args__ = (
        UniqueConstraint("auction_id", "rank", name="a_rank_is_proposed_once"),
        CheckConstraint("amount > 0", name="an_award_has_a_price"),
        Index("ix_award_state_due", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    auction_id: Mapped[str] = mapped_column(ForeignKey("auction.id"), index=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    bidder: Mapped[str] = mapped_column(String(16))
    rank: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    days: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    proposed_at: Mapped[datetime]
    standstill_ends: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    stands_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(1000))
    strike: Mapped[str | None] = mapped_column(String(24))
    explanation: Mapped[str | None] = mapped_column(String(4000))
    explained_at: Mapped[datetime | None]
    explanation_due: Mapped[datetime | None]
    judged: Mapped[str | None] = mapped_column(String(1000))
    judged_at: Mapped[datetime | None]


class Objection(Base):
    """异议: a bidder objects in the standstill, the owner answers, the award waits."""

    __tablename__ = "objection"
    __table_args__ = (UniqueConstraint("award_id", "org_id", name="a_bidder_objects_once_to_an_award"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    ground: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(String(2000))
    filed_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(2000))
    answered_at: Mapped[datetime | None]
    upheld: Mapped[bool | None]
    overdue_at: Mapped[datetime | None]


class Complaint(Base):
    """投诉: to the regulator. It stays the award only by a recorded hold."""

    __tablename__ = "complaint"
    id: Mapped[int] = mapped_column(primary_key=True)
    auction_id: Mapped[str] = mapped_column(ForeignKey("auction.id"), index=True)
    award_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    ground: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(String(2000))
    filed_at: Mapped[datetime]
    due_at: Mapped[datetime]
    held_at: Mapped[datetime | None]
    hold_reason: Mapped[str | None] = mapped_column(String(500))
    hold_lifted_at: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(String(2000))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    upheld: Mapped[bool | None]
