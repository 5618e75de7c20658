"""Reading the inbox, and what the operator may know of sent mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from market.notices.deliver import TRIES_AT_MOST
from market.notices.models import Notice, Outbox

PAGE = 20


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of notices, unread first, then newest first."""

    rows: Sequence[Notice]
    total: int
    unread: int
    page: int
    newest: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class SentMail:
    """What the operator sees of a mail: masked recipients, kind, times, state; `file` only where bodies may be shown.

    `state`: waiting | retrying | failed | sent | nobody (no recipient was left).
    """

    id: int
    kind: str
    to: Sequence[str]
    state: str
    due_at: datetime
    done_at: datetime | None
    tries: int
    error: str | None
    file: str | None


def mine(org_id: int, office: str | None) -> ColumnElement[bool]:
    """Notices to an organisation, and to an office for its people."""
    to_org = Notice.org_id == org_id
    return to_org if office is None else or_(to_org, Notice.office == office)


def inbox(s: Session, org_id: int, office: str | None, page: int = 1) -> Inbox:
    """A page (from 1) of what was sent to an organisation or office."""
    whose = mine(org_id, office)
    total, unread, newest = s.execute(
        select(func.count(), func.count().filter(Notice.read_at.is_(None)), func.max(Notice.id)).where(whose)
    ).one()
    page = min(max(page, 1), max(1, -(-total // PAGE)))
    found = (
        select(Notice)
        .where(whose)
        .order_by(Notice.read_at.is_not(None), Notice.at.desc(), Notice.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Inbox(s.scalars(found).all(), total, unread, page, newest or 0)


def notice(s: Session, notice_id: int, org_id: int, office: str | None) -> Notice | None:
    """One notice of one's own; None for another's."""
    return s.scalar(select(Notice).where(Notice.id == notice_id, mine(org_id, office)))


def sent_mail(s: Session, page: int = 1) -> tuple[list[SentMail], int]:
    """A page of the outbox's mails, newest first, and how many there are."""
    total = s.scalar(select(func.count()).where(Outbox.topic == "mail")) or 0
    found = select(Outbox).where(Outbox.topic == "mail").order_by(Outbox.id.desc())
    rows = s.scalars(found.limit(PAGE).offset((max(page, 1) - 1) * PAGE))
    return [_sent(row) for row in rows], total


def one_mail(s: Session, mail_id: int) -> SentMail | None:
    """One mail of the outbox."""
    row = s.get(Outbox, mail_id)
    return _sent(row) if row is not None and row.topic == "mail" else None


def outbox_counts(s: Session) -> dict[str, int]:
    """How many pieces of work wait, and how many were given up: {waiting, failed}."""
    open_ = Outbox.done_at.is_(None)
    waiting, failed = s.execute(
        select(
            func.count().filter(Outbox.tries < TRIES_AT_MOST), func.count().filter(Outbox.tries >= TRIES_AT_MOST)
        ).where(open_)
    ).one()
    return {"waiting": waiting, "failed": failed}


def _sent(row: Outbox) -> SentMail:
    kept: dict[str, Any] = row.payload
    to = list(kept.get("to", [])) if row.done_at is not None else []
    return SentMail(
        id=row.id,
        kind=str(kept.get("kind", "")),
        to=to,
        state=_state(row, to),
        due_at=row.due_at,
        done_at=row.done_at,
        tries=row.tries,
        error=row.error,
        file=kept.get("file") if row.done_at is not None else None,
    )


def _state(row: Outbox, to: Sequence[str]) -> str:
    if row.done_at is not None:
        return "sent" if to else "nobody"
    if row.tries >= TRIES_AT_MOST:
        return "failed"
    return "retrying" if row.error else "waiting"
