"""Signed checkpoints: one a tick in which the log grew, never one that contradicts the one before; and their thinning.

A checkpoint that is thinned out stays valid in the hands of whoever kept it: consistency is proved between any two
sizes. Kept are all of the last seven days, and of the time before the last one of each hour.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from market.audit import note, tree
from market.audit.models import AuditCheckpoint, AuditHead
from market.audit.tiles import Tiles, TreeBroken

KEEP_ALL = timedelta(days=7)
LOOK_BACK = timedelta(days=30)
"""How far back one thinning looks: it runs often, and what it left thin stays so."""


def latest(s: Session) -> AuditCheckpoint | None:
    """The newest checkpoint."""
    return s.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.size.desc()).limit(1)).one_or_none()


def unsealed(s: Session) -> bool:
    """Whether the log has grown since its last checkpoint."""
    size = s.scalar(select(AuditHead.size).where(AuditHead.root.is_not(None))) or 0
    last = latest(s)
    return size > (last.size if last else 0)


def seal(s: Session, now: datetime, signer: note.Signer) -> AuditCheckpoint | None:
    """Sign size and root of the log if it has grown; None if not.

    Raises TreeBroken rather than sign a tree that does not begin with the one signed last: a log that signed both
    would have lied to somebody (C2SP tlog-checkpoint, Signatures).
    """
    head = s.scalars(select(AuditHead).with_for_update()).one_or_none()
    if head is None or head.root is None or head.size == 0:
        return None
    last = latest(s)
    if last is not None:
        _follow(s, last, head.size, head.root)
        if last.size == head.size:
            return None
    made = AuditCheckpoint(
        size=head.size, root=head.root, at=now, alg=note.ALGORITHM, note=note.sign(signer, head.size, head.root)
    )
    s.add(made)
    s.flush()
    return made


def _follow(s: Session, last: AuditCheckpoint, size: int, root: bytes) -> None:
    if size < last.size:
        raise TreeBroken(f"a checkpoint of {last.size} is signed, the log ends at {size}")
    proof = tree.consistency(last.size, size, Tiles(s).hash_at)
    if not tree.consistent(last.size, size, last.root, root, proof):
        raise TreeBroken(f"the tree of {size} does not begin with the checkpoint of {last.size}")


def thin(s: Session, now: datetime) -> int:
    """Remove, of checkpoints older than seven days, all but the last one of each hour (UTC); how many."""
    old = select(AuditCheckpoint.size, AuditCheckpoint.at).where(
        AuditCheckpoint.at < now - KEEP_ALL, AuditCheckpoint.at >= now - LOOK_BACK
    )
    kept: dict[datetime, int] = {}
    sizes = []
    for size, at in s.execute(old.order_by(AuditCheckpoint.size)):
        sizes.append(size)
        kept[at.replace(minute=0, second=0, microsecond=0)] = size
    gone = sorted(set(sizes) - set(kept.values()))
    for start in range(0, len(gone), 500):
        s.execute(delete(AuditCheckpoint).where(AuditCheckpoint.size.in_(gone[start : start + 500])))
    return len(gone)
