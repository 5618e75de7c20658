"""Deliver the outbox: claim with a lease, work outside any transaction, then mark done or wait longer.

A mail server may take seconds; nothing is locked meanwhile (on SQLite it would stop every bid). A process that dies
between claim and mark leaves a row whose lease runs out, so work is done at least once: handlers bear a repetition.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from market.db import Database
from market.notices.models import Outbox

Handler = Callable[[dict[str, Any]], Mapping[str, Any] | None]
"""Does one piece of work; gives what may be kept of it. Raises to be tried again."""

LEASE: Final = timedelta(minutes=5)
"""How long a claimed row is left alone."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=6)
TRIES_AT_MOST: Final = 20
"""About three days of trying; then the operator sees it as failed and may send it again."""

log = logging.getLogger("taozhongjie.outbox")


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    topic: str
    payload: dict[str, Any]
    tries: int


def deliver_due(db: Database, now: datetime, handlers: Mapping[str, Handler], limit: int = 50) -> int:
    """Do up to `limit` pieces of work that are due; gives how many succeeded. Any number of processes may call it."""
    done = 0
    for claim in _claim(db, now, handlers, limit):
        try:
            kept = handlers[claim.topic](claim.payload)
        except Exception as broken:
            # Whatever went wrong outside must not stop the rest of the queue; the type names it without its content.
            log.warning("outbox %s (%s) failed: %s", claim.id, claim.topic, type(broken).__name__)
            _put_off(db, claim, now, type(broken).__name__)
            continue
        _finish(db, claim, now, kept)
        done += 1
    return done


def wait_after(tries: int) -> timedelta:
    """How long to wait after the `tries`-th failure: 30 s, doubled each time, at most 6 h."""
    return min(FIRST_WAIT * (1 << min(tries - 1, 20)), LONGEST_WAIT)


def send_again(s: Session, outbox_id: int, now: datetime) -> bool:
    """Make an unfinished piece of work due now with fresh tries; False if it is done or unknown."""
    mine = update(Outbox).where(Outbox.id == outbox_id, Outbox.done_at.is_(None)).values(due_at=now, tries=0)
    return s.scalar(mine.returning(Outbox.id)) is not None


def _due(now: datetime, topics: Collection[str]) -> ColumnElement[bool]:
    return and_(Outbox.done_at.is_(None), Outbox.due_at <= now, Outbox.tries < TRIES_AT_MOST, Outbox.topic.in_(topics))


def _claim(db: Database, now: datetime, topics: Collection[str], limit: int) -> list[_Claim]:
    due = select(Outbox).where(_due(now, topics)).order_by(Outbox.due_at, Outbox.id).limit(limit)
    with db.read() as s:  # an idle tick takes no write lock
        if s.scalar(due.with_only_columns(Outbox.id).order_by(None).limit(1)) is None:
            return []
    with db.write() as s:
        rows = s.scalars(due.with_for_update(skip_locked=True)).all()
        for row in rows:
            row.tries += 1
            row.due_at = now + LEASE
        return [_Claim(row.id, row.topic, dict(row.payload), row.tries) for row in rows]


def _finish(db: Database, claim: _Claim, now: datetime, kept: Mapping[str, Any] | None) -> None:
    with db.write() as s:
        s.execute(_still(claim).values(done_at=now, error=None, payload=dict(kept or {})))


def _put_off(db: Database, claim: _Claim, now: datetime, error: str) -> None:
    with db.write() as s:
        s.execute(_still(claim).values(due_at=now + wait_after(claim.tries), error=error[:300]))


def _still(claim: _Claim) -> Any:
    """The row, unless its lease ran out and another process took it over."""
    return update(Outbox).where(Outbox.id == claim.id, Outbox.done_at.is_(None), Outbox.tries == claim.tries)
