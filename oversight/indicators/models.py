"""Flags that indicators raise, and what regulators made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Flag(Base):
    """One finding of one indicator (风险提示): rule, evidence, jobs, firms and amount; never a bare score.

    `key` names what was found (a job, a pair of firms, …) so that a later run finds the same flag. `evidence` holds
    the inputs and numbers the rule used. `state`: open | assigned | founded | unfounded.
    """

    __tablename__ = "flag"
    __table_args__ = (
        UniqueConstraint("indicator", "key", name="a_finding_is_flagged_once"),
        Index("ix_flag_state", "state", "indicator"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(String(24))
    version: Mapped[int]
    key: Mapped[str] = mapped_column(String(120))
    district: Mapped[str | None] = mapped_column(String(12), index=True)
    category_code: Mapped[str | None] = mapped_column(String(12))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    evidence: Mapped[dict[str, Any]]
    raised_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10))
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str | None] = mapped_column(String(2000))


class FlagJob(Base):
    """A job a flag rests on."""

    __tablename__ = "flag_job"
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id"), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True, index=True)


class FlagFirm(Base):
    """A firm a flag names."""

    __tablename__ = "flag_firm"
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id"), primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)


class CaseNote(Base):
    """A line of a case: kind assigned | note | decided | reopened. Never deleted."""

    __tablename__ = "case_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(2000))
