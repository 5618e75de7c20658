"""Organisations, people, credentials, and the keys of the platform."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Organisation(Base):
    """A legal body known by its unified social credit code (统一社会信用代码). It may be owner and firm at once.

    `kind`: government | institution | state_company | private | authority (the market's operator or a regulator).
    """

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint(
            "kind in ('government','institution','state_company','private','authority')",
            name="an_organisation_is_of_a_known_kind",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uscc: Mapped[str] = mapped_column(String(18), unique=True)
    name: Mapped[str] = mapped_column(String(100), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    is_owner: Mapped[bool]
    is_firm: Mapped[bool]
    district: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]


class Person(Base):
    """Somebody who signs in. `office` is operator | regulator for people of the market itself, else None."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_org", "org_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(50))
    password: Mapped[str | None] = mapped_column(String(200))
    office: Mapped[str | None] = mapped_column(String(20))
    first: Mapped[bool]
    confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class OneTimeToken(Base):
    """A link sent by mail: purpose `confirm`, `reset` or `invite`; only its SHA-256 is kept."""

    __tablename__ = "one_time_token"
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    purpose: Mapped[str] = mapped_column(String(12))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token of a person; only its SHA-256 is kept."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RateCount(Base):
    """How often something that guesses was tried in a window."""

    __tablename__ = "rate_count"
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    window: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


class PlatformKey(Base):
    """Keys made at the first migrate: `receipt` (Ed25519), `pepper` (keyed hashes), `session` (cookies)."""

    __tablename__ = "platform_key"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary(32))
    public: Mapped[bytes] = mapped_column(LargeBinary(32))
    made_at: Mapped[datetime]


class CityFact(Base):
    """Small facts of this installation, such as `mode` (sample | empty)."""

    __tablename__ = "city_fact"
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    value: Mapped[dict[str, Any]]


class Tie(Base):
    """A relation of an organisation that makes firms one (关联): legal_rep | control | payer.

    `party` is a keyed hash of what identifies the other side (identity number, USCC, account); `party_org` its
    organisation where it is registered here. `party_kind`: person | company | state | account. Common State control is
    none (公司法 265). Rows are never deleted: a tie counts in [recorded_at, removed_at).
    """

    __tablename__ = "tie"
    __table_args__ = (
        CheckConstraint("kind in ('legal_rep','control','payer')", name="a_tie_is_of_a_known_kind"),
        UniqueConstraint("org_id", "kind", "party", "recorded_at", name="a_tie_is_recorded_once"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    party: Mapped[str] = mapped_column(String(64), index=True)
    party_kind: Mapped[str] = mapped_column(String(10))
    party_name: Mapped[str] = mapped_column(String(100))
    party_org: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    recorded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
