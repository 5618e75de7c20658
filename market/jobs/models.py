"""A job from the first draft to its publication, and what is said around it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Job(Base):
    """A job (中介服务项目). `draft` is what the wizard holds; the columns below are fixed at submission.

    `state`: jobs.rules. `stage`: the furthest word of job, auction and award, written by whoever moves it, for lists
    and the API. `baseline`: fee fen or None, kind, standard, digest, scale, coefficients, days, lines of explanation.
    `rules`: digests of the city's rules and method rules in force at publication. `urgency`: the published reason of
    a bid period shorter than the usual one; None where the period is not shorter.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_stage_closes", "stage", "closes_at"),
        Index("ix_job_category_stage", "category_code", "stage"),
        Index("ix_job_owner", "owner_id", "state"),
        CheckConstraint("ceiling_fen is null or ceiling_fen > 0", name="a_ceiling_is_a_price"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(String(20), unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(12))
    stage: Mapped[str] = mapped_column(String(12))
    draft: Mapped[dict[str, Any]]
    title: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(String(4000))
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    service_code: Mapped[str | None] = mapped_column(String(12))
    category_code: Mapped[str | None] = mapped_column(ForeignKey("category.code"))
    district: Mapped[str | None] = mapped_column(String(12))
    project_code: Mapped[str | None] = mapped_column(String(40))
    funding: Mapped[str | None] = mapped_column(String(10))
    scale: Mapped[int | None] = mapped_column(BigInteger)
    coefficients: Mapped[dict[str, Any] | None]
    baseline: Mapped[dict[str, Any] | None]
    baseline_fen: Mapped[int | None] = mapped_column(BigInteger)
    baseline_days: Mapped[int | None]
    ceiling_fen: Mapped[int | None] = mapped_column(BigInteger)
    days_max: Mapped[int | None]
    tax: Mapped[str | None] = mapped_column(String(12))
    rules: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    urgency: Mapped[str | None] = mapped_column(String(500))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(1000))


class JobNumber(Base):
    """The last number given in a year; its row is locked while a code is made."""

    __tablename__ = "job_number"
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class Recusal(Base):
    """A firm the owner keeps out, with a published reason (回避)."""

    __tablename__ = "recusal"
    __table_args__ = (UniqueConstraint("job_id", "org_id", name="a_firm_is_recused_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    recorded_at: Mapped[datetime]


class Invitation(Base):
    """A firm the owner told of the job. It gives no advantage; the owner sees only how many have read it.

    The firm may answer: `answer` accepted | declined, with a reason where declined; an answer is no bid.
    """

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("job_id", "org_id", name="a_firm_is_invited_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    sent_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(10))
    answer_reason: Mapped[str | None] = mapped_column(String(300))
    answered_at: Mapped[datetime | None]


class Question(Base):
    """A public question and its answer; who asked is never shown."""

    __tablename__ = "question"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    text: Mapped[str] = mapped_column(String(1000))
    asked_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(2000))
    answered_at: Mapped[datetime | None]
