"""Tell an organisation or an office something, and queue what must happen after the commit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from market.batch import append, ask, gathering, loading
from market.notices.models import Notice, Outbox


def notify(
    s: Session,
    now: datetime,
    kind: str,
    org: int | None = None,
    office: str | None = None,
    link: str | None = None,
    once: str | None = None,
    mail: bool = True,
    **values: Any,
) -> None:
    """An inbox row for an organisation (or `operator` / `regulator`), and by default a mail to its people.

    `kind` is the key of its words in the room's `notices.json`; `values` fill them: ints (fen), text and ISO times
    only. `once` makes a repeated call do nothing (a closing that is tried again must not tell twice).
    """
    if once is not None and _told(s, once):
        return
    row = {"org_id": org, "office": office, "kind": kind, "values": dict(values), "link": link, "once": once, "at": now}
    append(s, Notice, row)
    if mail:
        payload = {"kind": kind, "org": org, "office": office, "values": dict(values), "link": link}
        _later(s, now, "mail", payload)


def _told(s: Session, once: str) -> bool:
    """Whether it was told before. A batch asks nobody: what it told on an earlier day breaks on the unique key."""
    if not gathering(s):
        return s.scalar(select(Notice.id).where(Notice.once == once)) is not None
    marks: set[str] = ask(s, "notices.once", set)
    known = once in marks
    marks.add(once)
    return known


def _later(s: Session, now: datetime, topic: str, payload: Mapping[str, Any]) -> None:
    if loading(s):
        return
    if gathering(s):
        fresh = {"tries": 0, "error": None, "done_at": None}
        append(s, Outbox, {"topic": topic, "payload": dict(payload), "due_at": now, **fresh})
    else:
        s.add(Outbox(topic=topic, payload=dict(payload), due_at=now))


def mail_person(
    s: Session, now: datetime, kind: str, person: int, values: Mapping[str, Any], link: str | None = None
) -> None:
    """Queue a mail to one person without an inbox row (confirmation and reset links, saved searches)."""
    _later(s, now, "mail", {"kind": kind, "person": person, "values": dict(values), "link": link})


def index_later(s: Session, now: datetime, kind: str, id: int) -> None:
    """Have the full-text index take up (or drop) a job or firm after the commit; `kind`: job | firm."""
    _later(s, now, "index", {"kind": kind, "id": id})


def read_all(s: Session, now: datetime, org: int, upto: int, office: str | None = None) -> None:
    """Mark the notices of an organisation (and of an office, for its people) up to id `upto` as read."""
    whose = Notice.org_id == org if office is None else or_(Notice.org_id == org, Notice.office == office)
    s.execute(update(Notice).where(whose, Notice.id <= upto, Notice.read_at.is_(None)).values(read_at=now))


def mark_read(s: Session, now: datetime, notice_id: int, org: int, office: str | None) -> bool:
    """Mark one notice of an organisation or office as read; False if it is another's or unknown."""
    whose = Notice.org_id == org if office is None else or_(Notice.org_id == org, Notice.office == office)
    found = s.scalar(select(Notice).where(Notice.id == notice_id, whose))
    if found is not None and found.read_at is None:
        found.read_at = now
    return found is not None


def read_before(s: Session, before: datetime) -> None:
    """Take every notice older than an instant as read when it came: for the history of the sample city."""
    s.execute(update(Notice).where(Notice.at < before, Notice.read_at.is_(None)).values(read_at=Notice.at))
