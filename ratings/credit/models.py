"""Facts that credit rests on and that no other table states, and requests to repair it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class CreditFact(Base):
    """A dated fact about a firm. Kinds: ratings.credit.rules. A fact counts from `recorded_at`, never before.

    Rooms above leave rows here (a winner that refused); authority findings stand here with source and document number.
    `ended_at`: withdrawn, expired by decision or repaired; history before it does not move. Of a finding: `source` is
    the authority, `document` its number, `article` the rule, `shows_at` the end of the firm's right of `reply`;
    `values` holds severity (1 to 3; 0 a passed inspection) and, where one is proposed, `suspend_until`.
    """

    __tablename__ = "credit_fact"
    __table_args__ = (
        UniqueConstraint("once", name="a_credit_fact_is_recorded_once"),
        Index("ix_credit_fact_org", "org_id", "recorded_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(80))
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    values: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(String(200))
    document: Mapped[str | None] = mapped_column(String(80))
    article: Mapped[str | None] = mapped_column(String(200))
    text: Mapped[str | None] = mapped_column(String(1000))
    by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    shows_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(String(1000))
    replied_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(500))
    once: Mapped[str] = mapped_column(String(120))


class Repair(Base):
    """A firm's request for repair (信用修复) of one fact: grounds, clock, decision with reason."""

    __tablename__ = "credit_repair"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    fact_key: Mapped[str] = mapped_column(String(120), index=True)
    fact_id: Mapped[int | None] = mapped_column(ForeignKey("credit_fact.id"))
    grounds: Mapped[str] = mapped_column(String(1000))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    filed_at: Mapped[datetime]
    filed_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    due_at: Mapped[datetime]
    granted: Mapped[bool | None]
    decision: Mapped[str | None] = mapped_column(String(1000))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
