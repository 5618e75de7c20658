"""Gives committed records their place in the log: commit order, dense, final (bid-path.md, Audit schema).

One sequencer works at a time. On PostgreSQL only transactions below the snapshot's horizon are placed, ordered by
transaction and id: everything below it has committed or never will, so a reader of `seq` skips nothing. On SQLite
writers are serial and `id` is commit order. Each tick adds 0–3 random padding leaves, so the log counts no bids.
The tree (RFC 9162) grows in the same transaction: head, leaves and tiles are never apart.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, text
from sqlalchemy.orm import Session

from market.audit import tree
from market.audit.models import AuditEntry, AuditHead, AuditLeaf
from market.audit.tiles import Tiles, TreeBroken, append, built
from market.db import insert_for

BATCH = 2000

_BELOW_HORIZON = text(
    "SELECT id, xid, leaf FROM audit_entry "
    "WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AND (xid, id) > (:xid, :id) "
    "ORDER BY xid, id LIMIT :n"
)


def place(s: Session, pad: int | None = None) -> int:
    """Give up to 2,000 records and `pad` padding leaves (default: 0–3 at random) their places; how many records.

    Idempotent by the head's lock: two sequencers take turns, and a crash before the commit leaves nothing. Raises
    TreeBroken if the stored tree contradicts itself.
    """
    head = _head(s) or _begin(s)
    while head.root is None:
        build(s)
    rows = _next(s, head)
    leaves = [{"entry": row.id, "leaf": bytes(row.leaf)} for row in rows]
    padding = secrets.randbelow(4) if pad is None else pad
    for _ in range(padding):
        leaves.insert(secrets.randbelow(len(leaves) + 1), {"entry": None, "leaf": secrets.token_bytes(32)})
    if not leaves:
        return 0
    s.execute(insert(AuditLeaf), [{"seq": head.size + i, **leaf} for i, leaf in enumerate(leaves)])
    _grow(s, head, [leaf["leaf"] for leaf in leaves])
    if rows:
        head.entry = rows[-1].id
        head.xid = rows[-1].xid or 0
    return len(rows)


def behind(s: Session) -> bool:
    """Whether the log has leaves from before it had a tree."""
    return s.scalar(select(AuditHead.id).where(AuditHead.root.is_(None))) is not None


def build(s: Session, most: int = 10_000) -> int:
    """Build the tree over up to `most` leaves that were placed before the log had one; how many it took.

    Call it in a transaction of its own until it gives 0, so that no lock is held long. `place` does what is left.
    """
    head = _head(s)
    if head is None or head.root is not None:
        return 0
    size = built(s)
    found = select(AuditLeaf.leaf).where(AuditLeaf.seq >= size).order_by(AuditLeaf.seq).limit(most)
    leaves = [bytes(leaf) for leaf in s.scalars(found)]
    if not leaves and size != head.size:
        raise TreeBroken(f"the log holds {size} leaves, its head says {head.size}")
    grown = tree.grow(size, tree.frontier_at(size, Tiles(s).hash_at), leaves)
    append(s, size, grown.rows)
    if grown.size == head.size:
        head.frontier, head.root = b"".join(grown.frontier), tree.root_of_frontier(grown.frontier)
        s.flush()
    return len(leaves)


def _head(s: Session) -> AuditHead | None:
    """The head, locked until the transaction ends."""
    return s.scalars(select(AuditHead).with_for_update()).one_or_none()


def _begin(s: Session) -> AuditHead:
    """The head of an empty log, locked; of two sequencers that begin at once, the later finds the earlier's."""
    first = {"id": 1, "size": 0, "xid": 0, "entry": 0, "root": tree.EMPTY, "frontier": b""}
    s.execute(insert_for(s)(AuditHead).values(first).on_conflict_do_nothing(index_elements=["id"]))
    return s.scalars(select(AuditHead).with_for_update()).one()


def _grow(s: Session, head: AuditHead, leaves: Sequence[bytes]) -> None:
    packed = head.frontier or b""
    frontier = [packed[i : i + tree.HASH] for i in range(0, len(packed), tree.HASH)]
    try:
        grown = tree.grow(head.size, frontier, leaves)
    except ValueError as error:
        raise TreeBroken(str(error)) from None
    append(s, head.size, grown.rows)
    head.size, head.frontier = grown.size, b"".join(grown.frontier)
    head.root = tree.root_of_frontier(grown.frontier)


def _next(s: Session, head: AuditHead) -> Sequence[Row[Any]]:
    if s.get_bind().dialect.name == "postgresql":
        return s.execute(_BELOW_HORIZON, {"xid": head.xid, "id": head.entry, "n": BATCH}).all()
    found = select(AuditEntry.id, AuditEntry.xid, AuditEntry.leaf).where(AuditEntry.id > head.entry)
    rows: Sequence[Any] = s.execute(found.order_by(AuditEntry.id).limit(BATCH)).all()
    return rows
