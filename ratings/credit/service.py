"""Leave a dated fact about a firm, and end one. Rooms above leave what only they know (a winner that refused)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import hang_veil, record
from ratings.credit.models import CreditFact
from ratings.credit.rules import STATED, Kind


def record_fact(
    s: Session,
    org_id: int,
    kind: str,
    subject: str,
    happened_at: datetime,
    source: str,
    now: datetime,
    once: str,
    values: Mapping[str, Any] | None = None,
    document: str | None = None,
    text: str | None = None,
    by: int | None = None,
    expires_at: datetime | None = None,
    article: str | None = None,
    shows_at: datetime | None = None,
) -> CreditFact:
    """A fact that counts from `now`, or from `shows_at` if that is later; never before, so history does not move.

    `kind`: refused_award | finding | inspection_passed. `subject`: what it is about (a job's code). `source`: who says
    so. `once` makes a repeated call give the first row. `by`: the person, if one did it. Raises ValueError for a kind
    that other tables state, which is an error of ours.
    """
    if Kind(kind) not in STATED:
        raise ValueError(f"{kind} follows from contracts, reviews and certificates: it is not recorded.")
    known = s.scalars(select(CreditFact).where(CreditFact.once == once)).first()
    if known is not None:
        return known
    row = CreditFact(
        org_id=org_id, kind=str(kind), subject=subject, happened_at=happened_at, recorded_at=now,
        values=dict(values or {}), source=source, document=document, article=article, text=text, by=by,
        shows_at=shows_at, expires_at=expires_at, once=once,
    )  # fmt: skip
    s.add(row)
    s.flush()
    veil = None
    if shows_at is not None and shows_at > now:
        veil = f"fact:{row.id}"
        hang_veil(s, veil, shows_at)
    actor = "system" if by is None else f"person:{by}"
    record(
        s, Deed.CREDIT_FACT_RECORDED, now, actor, f"org:{org_id}", veil, fact=row.id, kind=row.kind, about=subject,
        happened=happened_at.isoformat(),
    )  # fmt: skip
    return row


def end_fact(s: Session, row: CreditFact, reason: str, actor: str, now: datetime) -> None:
    """A fact counts no more from `now` on; what it did to earlier scores stays as it was."""
    row.ended_at, row.end_reason = now, reason
    veil = f"fact:{row.id}" if row.shows_at is not None and row.shows_at > now else None
    record(s, Deed.CREDIT_FACT_ENDED, now, actor, f"org:{row.org_id}", veil, fact=row.id)
