"""Reading proofs out of the log: checkpoints, the place of a record, and proofs made from tiles."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from market.audit import tree
from market.audit.checkpoints import latest
from market.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditLeaf
from market.audit.tiles import Tiles
from market.errors import refuse
from market.identity.models import Organisation, Person
from oversight.proofs.rules import Consistency, Inclusion

__all__ = [
    "before",
    "checkpoint",
    "checkpoints",
    "consistency",
    "inclusion",
    "latest",
    "places",
    "seq_of",
    "tile",
    "who",
]


def checkpoint(s: Session, size: int) -> AuditCheckpoint | None:
    """The checkpoint of a size, if it is kept."""
    return s.get(AuditCheckpoint, size)


def checkpoints(s: Session, under: int | None = None, limit: int = 50) -> Sequence[AuditCheckpoint]:
    """Newest first, below the size `under`."""
    found = select(AuditCheckpoint).order_by(AuditCheckpoint.size.desc()).limit(limit)
    return s.scalars(found if under is None else found.where(AuditCheckpoint.size < under)).all()


def before(s: Session, size: int) -> AuditCheckpoint | None:
    """The checkpoint before the one of a size."""
    found = checkpoints(s, size, 1)
    return found[0] if found else None


def inclusion(s: Session, seq: int, size: int | None = None) -> Inclusion:
    """Prove that the leaf at `seq` is in the log of `size` leaves (None: of the newest checkpoint).

    A veiled record is proved like any other: a proof says nothing but that the leaf is there. Raises Refused
    `log.not_yet` (404) where no checkpoint covers the place, `log.size` for a size that holds no such place.
    """
    newest = latest(s)
    if newest is None or seq >= newest.size or seq < 0:
        raise refuse("log.not_yet", "seq", 404, seq=seq, size=newest.size if newest else 0)
    wanted = newest.size if size is None else size
    if not seq < wanted <= newest.size:
        raise refuse("log.size", "size", first=seq + 1, last=newest.size)
    tiles = Tiles(s)
    leaf = s.scalar(select(AuditLeaf.leaf).where(AuditLeaf.seq == seq)) or b""
    kept = newest if wanted == newest.size else checkpoint(s, wanted)
    root = tree.root_at(wanted, tiles.hash_at) if kept is None else kept.root
    proof = tree.inclusion(seq, wanted, tiles.hash_at)
    return Inclusion(seq, bytes(leaf), wanted, root, proof, kept.note if kept else None)


def consistency(s: Session, first: int, second: int | None = None) -> Consistency:
    """Prove that the log of `second` leaves (None: of the newest checkpoint) begins with the log of `first`.

    Raises Refused `log.not_yet` (404) without a checkpoint, `log.order` unless 0 < first ≤ second ≤ its size.
    """
    newest = latest(s)
    if newest is None:
        raise refuse("log.not_yet", "first", 404, seq=first, size=0)
    wanted = newest.size if second is None else second
    if not 0 < first <= wanted <= newest.size:
        raise refuse("log.order", "first", size=newest.size)
    tiles = Tiles(s)
    roots = [_root(s, size, tiles) for size in (first, wanted)]
    return Consistency(first, wanted, roots[0], roots[1], tree.consistency(first, wanted, tiles.hash_at))


def _root(s: Session, size: int, tiles: Tiles) -> bytes:
    kept = checkpoint(s, size)
    return tree.root_at(size, tiles.hash_at) if kept is None else kept.root


def tile(s: Session, level: int, index: int, width: int) -> bytes | None:
    """The first `width` hashes of a tile within the signed tree; None where it does not hold so many.

    A full tile serves its partial ones too (C2SP tlog-tiles, Partial Tiles).
    """
    newest = latest(s)
    if newest is None or not 0 < width <= tree.width_at(level, index, newest.size):
        return None
    return Tiles(s).tile(level, index)[: width * tree.HASH]


def seq_of(s: Session, subject: str, actor: str, at: datetime) -> int | None:
    """The place of what an actor did at an instant to a subject; None as long as it has none."""
    found = (
        select(AuditLeaf.seq)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.entry)
        .where(AuditEntry.subject == subject, AuditEntry.actor == actor, AuditEntry.at == at)
        .limit(1)
    )
    return s.scalar(found)


def who(s: Session, actor: str) -> tuple[str, str] | None:
    """Name and organisation behind an actor `person:7`, for those who may read it; None for any other actor."""
    kind, _, number = actor.partition(":")
    if kind != "person" or not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    found = select(Person.name, Organisation.name).join(Organisation, Organisation.id == Person.org_id)
    row = s.execute(found.where(Person.id == int(number))).one_or_none()
    return None if row is None else (row[0], row[1])


# ── reading for a check ─────────────────────────────────────────────────────────────────────────────────────────


def head(s: Session) -> AuditHead | None:
    """How far the log has come."""
    return s.scalars(select(AuditHead)).one_or_none()


def places(s: Session, first: int, last: int) -> Sequence[Any]:
    """The leaves from `first` to `last`, each with its record or None, in order."""
    found = (
        select(AuditLeaf, AuditEntry)
        .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.entry)
        .where(AuditLeaf.seq >= first, AuditLeaf.seq <= last)
        .order_by(AuditLeaf.seq)
    )
    return s.execute(found).all()


def signed(s: Session, first: int, last: int) -> Iterator[AuditCheckpoint]:
    """Checkpoints of sizes from `first` to `last`, smallest first."""
    found = select(AuditCheckpoint).where(AuditCheckpoint.size >= first, AuditCheckpoint.size <= last)
    yield from s.scalars(found.order_by(AuditCheckpoint.size))


def unplaced(s: Session, limit: int) -> Sequence[AuditEntry]:
    """Records that lie before the head and have no place."""
    now = head(s)
    if now is None:
        return []
    passed: ColumnElement[bool] = AuditEntry.id <= now.entry
    if s.get_bind().dialect.name == "postgresql":
        passed = tuple_(AuditEntry.xid, AuditEntry.id) <= tuple_(now.xid, now.entry)
    placed = select(AuditLeaf.seq).where(AuditLeaf.entry == AuditEntry.id).exists()
    return s.scalars(select(AuditEntry).where(passed, ~placed).order_by(AuditEntry.id).limit(limit)).all()


def beyond(s: Session) -> int | None:
    """The first leaf behind the head's size; None, as it must be."""
    size = select(AuditHead.size).scalar_subquery()  # in the same statement: the log may grow meanwhile
    return s.scalar(select(func.min(AuditLeaf.seq)).where(AuditLeaf.seq >= size))
