"""Inbox rows and the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from market.audit.models import BigId
from market.db import Base


def _unread(whose: str) -> Index:
    """What is unread, counted for the head of every page: small, since what is read leaves the index."""
    these = text(f"read_at IS NULL AND {whose} IS NOT NULL")
    return Index(f"ix_notice_unread_{whose}", whose, sqlite_where=these, postgresql_where=these)


class Notice(Base):
    """A message to an organisation, or to everybody of an office (`operator`, `regulator`)."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_org_at", "org_id", "at"),
        Index("ix_notice_office_at", "office", "at"),
        _unread("org_id"),
        _unread("office"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    office: Mapped[str | None] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(40))
    values: Mapped[dict[str, Any]]
    link: Mapped[str | None] = mapped_column(String(200))
    once: Mapped[str | None] = mapped_column(String(120), unique=True)
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Outbox(Base):
    """Work to do after the commit: topic `mail` or `index`. Done rows keep their time and lose their payload."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "done_at", "due_at"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(300))
    done_at: Mapped[datetime | None]
