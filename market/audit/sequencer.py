"""Gives committed records their place in the log: commit order, dense, final (bid-path.md, Audit schema).

One sequencer works at a time. On PostgreSQL only transactions below the snapshot's horizon are placed, ordered by
transaction and id: everything below it has committed or never will, so a reader of `seq` skips nothing. On SQLite
writers are serial and `id` is commit order. Each tick adds 0–3 random padding leaves, so the log counts no bids.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, text
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry, AuditHead, AuditLeaf

BATCH = 2000

_BELOW_HORIZON = text(
    "SELECT id, xid, leaf FROM audit_entry "
    "WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AND (xid, id) > (:xid, :id) "
    "ORDER BY xid, id LIMIT :n"
)


def place(s: Session, pad: int | None = None) -> int:
    """Give up to 2,000 records and `pad` padding leaves (default: 0–3 at random) their places; how many records.

    Idempotent by the head's lock: two sequencers take turns, and a crash before the commit leaves nothing.
    """
    head = s.scalars(select(AuditHead).with_for_update()).one_or_none()
    if head is None:
        head = AuditHead(id=1, size=0, xid=0, entry=0)
        s.add(head)
        s.flush()
    rows = _next(s, head)
    leaves = [{"entry": row.id, "leaf": bytes(row.leaf)} for row in rows]
    padding = secrets.randbelow(4) if pad is None else pad
    for _ in range(padding):
        leaves.insert(secrets.randbelow(len(leaves) + 1), {"entry": None, "leaf": secrets.token_bytes(32)})
    if not leaves:
        return 0
    s.execute(insert(AuditLeaf), [{"seq": head.size + i, **leaf} for i, leaf in enumerate(leaves)])
    head.size += len(leaves)
    if rows:
        head.entry = rows[-1].id
        head.xid = rows[-1].xid or 0
    return len(rows)


def _next(s: Session, head: AuditHead) -> Sequence[Row[Any]]:
    if s.get_bind().dialect.name == "postgresql":
        return s.execute(_BELOW_HORIZON, {"xid": head.xid, "id": head.entry, "n": BATCH}).all()
    found = select(AuditEntry.id, AuditEntry.xid, AuditEntry.leaf).where(AuditEntry.id > head.entry)
    rows: Sequence[Any] = s.execute(found.order_by(AuditEntry.id).limit(BATCH)).all()
    return rows
