"""Work on the inbox: claim a batch with a lease, fetch each object anew outside any transaction, post all in one.

A process that dies in between leaves rows whose lease runs out, and posting is by the provider's own ids, so work is
done at least once and money moves once. Any number of processes may work.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from market.db import Database, DatabaseDown
from market.errors import Refused
from market.notices.deliver import wait_after
from market.payments.inbox import CHARGES, DISPUTES, PAYMENTS, SESSIONS, tell
from market.payments.models import InboxEvent
from market.payments.port import Declined, Moved, Page, Unreachable
from market.payments.posting import Fetched, lock, post, post_many

log = logging.getLogger("taozhongjie.inbox")

BATCH: Final = 100
LEASE: Final = timedelta(minutes=2)
TRIES_AT_MOST: Final = 20
"""About three days, as long as Stripe itself would try; then the operator's page shows it."""
HANDS: Final = 4
"""Objects of a batch asked for at once: most of a request is waiting."""


class Source(Protocol):
    """What the worker asks a provider for."""

    def session(self, account: str, id: str) -> Page: ...
    def payment(self, account: str, id: str) -> Moved: ...
    def refunded(self, account: str, id: str) -> Moved: ...
    def refunds_of(self, account: str, charge: str) -> list[Moved]: ...
    def dispute(self, account: str, id: str) -> Moved: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """An event in our hands until its lease runs out."""

    id: int
    event: str
    kind: str
    account: str
    subject: str
    tries: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an object was not had: `late` may pass, anything else will not."""

    why: str
    late: bool


Found = Fetched | Trouble


def work_inbox(db: Database, source: Source, clock: Callable[[], datetime], limit: int = BATCH) -> int | None:
    """Work on one batch of events that are due; how many, or None when there is nothing to do."""
    claims = claim(db, clock(), limit)
    if not claims:
        return None
    found = fetch_all(source, claims)
    try:
        with db.write() as s:
            _post_batch(s, claims, found, clock())
    except DatabaseDown:
        raise
    except Exception as broken:
        # One event must not hold up the others: each gets a transaction of its own.
        log.warning("a batch of %s events is posted one by one: %s", len(claims), type(broken).__name__)
        for one in claims:
            _post_alone(db, one, found[one.id], clock())
    return len(claims)


def claim(db: Database, now: datetime, limit: int = BATCH) -> list[Claim]:
    """Take events that are due, the oldest first; nobody else gets them before the lease is over."""
    due = select(InboxEvent).where(InboxEvent.state == "new", InboxEvent.due_at <= now)
    due = due.order_by(InboxEvent.due_at, InboxEvent.id).limit(limit)
    with db.read() as s:  # an idle tick takes no write lock
        if s.scalar(due.with_only_columns(InboxEvent.id).order_by(None).limit(1)) is None:
            return []
    with db.write() as s:
        rows = s.scalars(due.with_for_update(skip_locked=True)).all()
        ids = [row.id for row in rows]
        s.execute(
            update(InboxEvent)
            .where(InboxEvent.id.in_(ids))
            .values(tries=InboxEvent.tries + 1, due_at=now + LEASE)
            .execution_options(synchronize_session=False)
        )
        return [Claim(r.id, r.event, r.kind, r.account or "", r.subject, r.tries + 1) for r in rows]


# ── fetching ────────────────────────────────────────────────────────────────────────────────────────────────────


def fetch_all(source: Source, claims: Sequence[Claim]) -> dict[int, Found]:
    """The object of each event as it stands now, each object asked for once a batch."""
    wanted = {(c.kind, c.account, c.subject): c for c in claims}
    with ThreadPoolExecutor(min(HANDS, len(wanted))) as hands:
        found = dict(zip(wanted, hands.map(lambda c: fetch(source, c), wanted.values()), strict=True))
    return {c.id: found[c.kind, c.account, c.subject] for c in claims}


def fetch(source: Source, event: Claim) -> Found:
    """An event's object, with the payment that it belongs to."""
    try:
        return _fetch(source, event.kind, event.account, event.subject)
    except Unreachable as late:
        return Trouble(str(late)[:100], late=True)
    except Declined as no:
        return Trouble(no.code[:100], late=False)


def _fetch(source: Source, kind: str, account: str, subject: str) -> Fetched:
    if kind in SESSIONS:
        page = source.session(account, subject)
        return Fetched(account, (source.payment(account, page.intent),) if page.intent else (), page)
    if kind in PAYMENTS:
        return Fetched(account, (source.payment(account, subject),))
    if kind in CHARGES:
        back = tuple(source.refunds_of(account, subject))
    elif kind in DISPUTES:
        back = (source.dispute(account, subject),)
    else:
        back = (source.refunded(account, subject),)
    intents = sorted({m.intent for m in back if m.intent})
    return Fetched(account, (*(source.payment(account, intent) for intent in intents), *back))


# ── posting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _post_batch(s: Session, claims: Sequence[Claim], found: dict[int, Found], now: datetime) -> None:
    seen_all = [f for f in found.values() if isinstance(f, Fetched)]
    locked = lock(s, seen_all)
    # What is alone gains nothing together, and after a batch that broke each goes the careful way.
    posted = post_many(s, seen_all, locked, now) if len(claims) > 1 else frozenset()
    done: list[int] = []
    for one in claims:
        seen = found[one.id]
        if isinstance(seen, Fetched) and (wrong := post(s, seen, now, posted)) is None:
            done.append(one.id)
        elif isinstance(seen, Fetched):
            fail(s, one, wrong or "", now)
        else:
            _put_off(s, one, seen, now)
    finished = update(InboxEvent).where(InboxEvent.id.in_(done), InboxEvent.state == "new")
    s.execute(finished.values(state="done", done_at=now, error=None).execution_options(synchronize_session=False))


def _post_alone(db: Database, one: Claim, seen: Found, now: datetime) -> None:
    try:
        with db.write() as s:
            _post_batch(s, [one], {one.id: seen}, now)
    except DatabaseDown:
        raise
    except Refused as no:
        with db.write() as s:
            fail(s, one, no.refusals[0].code, now)
    except Exception as broken:
        log.exception("event %s is tried again later", one.id)
        with db.write() as s:
            _put_off(s, one, Trouble(type(broken).__name__, late=True), now)


def _put_off(s: Session, one: Claim, trouble: Trouble, now: datetime) -> None:
    """Wait longer after each try; what will not pass, or has not passed for days, is the operator's."""
    if not trouble.late or one.tries >= TRIES_AT_MOST:
        fail(s, one, trouble.why, now)
        return
    later = update(InboxEvent).where(InboxEvent.id == one.id, InboxEvent.state == "new")
    s.execute(later.values(due_at=now + wait_after(one.tries), error=trouble.why))


def fail(s: Session, one: Claim, why: str, now: datetime) -> None:
    """Nothing of the event is posted; the operator sees why, and the log keeps it."""
    mine = update(InboxEvent).where(InboxEvent.id == one.id, InboxEvent.state == "new")
    if s.scalar(mine.values(state="failed", done_at=now, error=why[:300]).returning(InboxEvent.id)) is None:
        return
    tell(s, one.event, one.kind, one.account, one.subject, why, now)


def try_again(s: Session, event_id: int, now: datetime) -> bool:
    """Have a failed event worked on once more, by the operator; False if it is unknown or not failed."""
    mine = update(InboxEvent).where(InboxEvent.id == event_id, InboxEvent.state == "failed")
    fresh = mine.values(state="new", tries=0, due_at=now, done_at=None, error=None).returning(InboxEvent.id)
    return s.scalar(fresh) is not None
