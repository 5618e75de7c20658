"""A firm's entry, and what was true of it when. Rows end; none is deleted, so that any T can be judged later."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Document(Base):
    """An uploaded file, stored by its SHA-256. `about`: `firm` (licence, certificates) or a job code."""

    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(120))
    mime: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    uploaded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Application(Base):
    """An application for admission (入驻申请): states of `admission.rules`. One open application a firm.

    `content` holds what was asked: licence, categories, districts, prices, promised days and the ids of rows below.
    """

    __tablename__ = "application"
    __table_args__ = (Index("ix_application_state", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None] = mapped_column(String(1000))


class FirmProfile(Base):
    """What an admitted firm says of itself in public."""

    __tablename__ = "firm_profile"
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    legal_rep: Mapped[str] = mapped_column(String(50))
    founded: Mapped[date]
    staff: Mapped[int]
    address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40))
    districts: Mapped[list[Any]]
    admitted_at: Mapped[datetime]


class FirmCategory(Base):
    """A firm is admitted to a category in [admitted_at, ended_at)."""

    __tablename__ = "firm_category"
    __table_args__ = (Index("ix_firm_category_category", "category_code", "org_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("category.code"))
    main: Mapped[bool]
    admitted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class FirmPrice(Base):
    """A public price and promise for a service (规范收费, 服务承诺): text as the firm gives it, days to deliver."""

    __tablename__ = "firm_price"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    service_code: Mapped[str] = mapped_column(String(12))
    price: Mapped[str] = mapped_column(String(200))
    days: Mapped[int]
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Qualification(Base):
    """A certificate (资质). Counts from verified_at through the last day `expires_on` unless revoked."""

    __tablename__ = "qualification"
    __table_args__ = (CheckConstraint("issued_on <= expires_on", name="a_certificate_ends_after_it_begins"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    level: Mapped[str] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(60))
    issued_on: Mapped[date]
    expires_on: Mapped[date]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    recorded_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Practitioner(Base):
    """A professional of a firm (从业人员). `key`: keyed hash of the certificate number: the same person elsewhere."""

    __tablename__ = "practitioner"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(50))
    certificate: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(64), index=True)
    recorded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Suspension(Base):
    """A rule of the platform with reason, end and appeal: no new bids in [from_at, until_at) unless lifted."""

    __tablename__ = "suspension"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    appeal: Mapped[str | None] = mapped_column(String(1000))
    appealed_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(1000))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
