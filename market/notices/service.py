"""Tell an organisation or an office something, and queue what must happen after the commit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

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
    if once is not None and s.scalar(select(Notice.id).where(Notice.once == once)) is not None:
        return
    row = Notice(org_id=org, office=office, kind=kind, values=dict(values), link=link, once=once, at=now)
    s.add(row)
    if mail:
        payload = {"kind": kind, "org": org, "office": office, "values": dict(values), "link": link}
        s.add(Outbox(topic="mail", payload=payload, due_at=now))


def mail_person(s: Session, now: datetime, kind: str, person: int, values: Mapping[str, Any]) -> None:
    """Queue a mail to one person without an inbox row (confirmation and reset links)."""
    s.add(Outbox(topic="mail", payload={"kind": kind, "person": person, "values": dict(values)}, due_at=now))


def index_later(s: Session, now: datetime, kind: str, id: int) -> None:
    """Have the full-text index take up (or drop) a job or firm after the commit; `kind`: job | firm."""
    s.add(Outbox(topic="index", payload={"kind": kind, "id": id}, due_at=now))


def read_all(s: Session, now: datetime, org: int, upto: int) -> None:
    """Mark an organisation's notices up to id `upto` as read."""
    mine = update(Notice).where(Notice.org_id == org, Notice.id <= upto, Notice.read_at.is_(None))
    s.execute(mine.values(read_at=now))
