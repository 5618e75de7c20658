"""The tree in its tiles: 256 consecutive hashes a row, every eighth level (C2SP tlog-tiles); read and appended to."""

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from market.audit import tree
from market.audit.models import AuditTile


class TreeBroken(Exception):
    """What is stored of the tree contradicts itself; the message says where. Nothing may be signed on top of it."""


REMEMBERED = 1024
"""Tiles that one reader holds, 8 KB each."""


class Tiles:
    """Reads hashes of the tree out of its tiles, and remembers them."""

    def __init__(self, s: Session) -> None:
        self._s = s
        self._known: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile as far as it is filled, 32 bytes each; empty if it is not there."""
        if (level, index) not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = select(AuditTile.hashes).where(AuditTile.level == level, AuditTile.idx == index)
            self._known[level, index] = bytes(self._s.scalar(found) or b"")
        return self._known[level, index]

    def hash_at(self, level: int, index: int) -> bytes:
        """The root of a full subtree (tree.HashAt). Raises TreeBroken where a tile does not reach so far."""
        stored, above = divmod(level, tree.HEIGHT)
        tile, first = divmod(index << above, tree.WIDTH)
        try:
            return tree.within(self.tile(stored, tile), above, first)
        except ValueError:
            raise TreeBroken(f"tile {stored}/{tile} ends before hash {first}") from None


def built(s: Session) -> int:
    """How many leaves the tiles hold."""
    last = select(AuditTile.idx, AuditTile.hashes).where(AuditTile.level == 0).order_by(AuditTile.idx.desc()).limit(1)
    found = s.execute(last).one_or_none()
    return 0 if found is None else found.idx * tree.WIDTH + len(found.hashes) // tree.HASH


def append(s: Session, size: int, rows: Mapping[int, Sequence[bytes]]) -> None:
    """Add hashes to the tiles of a tree of `size` leaves. Raises TreeBroken if a tile is not as full as it must be."""
    fresh = []
    for level, row in rows.items():
        index, have = divmod(size >> tree.HEIGHT * level, tree.WIDTH)
        left = list(row)
        if have and left:
            _fill(s, level, index, have, left[: tree.WIDTH - have])
            left, index = left[tree.WIDTH - have :], index + 1
        for start in range(0, len(left), tree.WIDTH):
            hashes = b"".join(left[start : start + tree.WIDTH])
            fresh.append({"level": level, "idx": index + start // tree.WIDTH, "hashes": hashes})
    if fresh:
        s.execute(insert(AuditTile), fresh)


def _fill(s: Session, level: int, index: int, have: int, row: Sequence[bytes]) -> None:
    """Append to the tile that is partly full."""
    here = (AuditTile.level == level, AuditTile.idx == index)
    old = bytes(s.scalar(select(AuditTile.hashes).where(*here)) or b"")
    if len(old) != have * tree.HASH:
        raise TreeBroken(f"tile {level}/{index} holds {len(old) // tree.HASH} hashes, not {have}")
    s.execute(update(AuditTile).where(*here).values(hashes=old + b"".join(row)))
