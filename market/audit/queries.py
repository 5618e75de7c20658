"""Reading the log: the feed by place, and the audit page by subject."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry, AuditLeaf, AuditVeil


@dataclass(frozen=True, slots=True)
class Record:
    """One place of the log. Under a veil, and for padding, only `seq` and `leaf` (hex) are told."""

    seq: int
    leaf: str
    at: datetime | None = None
    deed: str | None = None
    actor: str | None = None
    subject: str | None = None
    facts: dict[str, Any] | None = None
    blinded: dict[str, Any] | None = None

    @property
    def opaque(self) -> bool:
        """Whether this place says nothing but that it is taken."""
        return self.deed is None


def feed(s: Session, now: datetime, after: int = -1, limit: int = 100) -> list[Record]:
    """Records at places greater than `after`, in order, at most `limit`. `now` decides which veils have lifted."""
    found = (
        select(AuditLeaf, AuditEntry, AuditVeil)
        .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.entry)
        .outerjoin(AuditVeil, AuditVeil.name == AuditEntry.veil)
        .where(AuditLeaf.seq > after)
        .order_by(AuditLeaf.seq)
        .limit(limit)
    )
    return [_record(leaf, entry, veil, now) for leaf, entry, veil in s.execute(found)]


def told(
    s: Session,
    now: datetime,
    before: int | None = None,
    limit: int = 50,
    deed: str | None = None,
    subject: str | None = None,
    actor: str | None = None,
) -> list[Record]:
    """Newest first: records whose veil has lifted, filtered; `before` is a place to page on from."""
    found = (
        select(AuditLeaf, AuditEntry, AuditVeil)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.entry)
        .outerjoin(AuditVeil, AuditVeil.name == AuditEntry.veil)
        .where(or_(AuditEntry.veil.is_(None), AuditVeil.lifts_at <= now))
        .order_by(AuditLeaf.seq.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(AuditLeaf.seq < before)
    for column, value in ((AuditEntry.deed, deed), (AuditEntry.subject, subject), (AuditEntry.actor, actor)):
        if value:
            found = found.where(column == value)
    return [_record(leaf, entry, veil, now) for leaf, entry, veil in s.execute(found)]


def one(s: Session, now: datetime, seq: int) -> Record | None:
    """The record at a place, or None where the log has not come so far."""
    rows = feed(s, now, seq - 1, 1)
    return rows[0] if rows and rows[0].seq == seq else None


def _record(leaf: AuditLeaf, entry: AuditEntry | None, veil: AuditVeil | None, now: datetime) -> Record:
    if entry is None or (veil is not None and (veil.lifts_at is None or veil.lifts_at > now)):
        return Record(leaf.seq, leaf.leaf.hex())
    return Record(
        leaf.seq, leaf.leaf.hex(), entry.at, entry.deed, entry.actor, entry.subject, entry.facts, entry.blinded
    )
