"""Recomputing the log from what is stored: one changed row is named by place, record and deed.

Every leaf is made anew from its record and compared with the leaf that was placed and with the tree; the tree is
grown anew and compared with its tiles, the head, and the root and signature of every checkpoint. Reads only.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from market.audit import queries as audit
from market.audit import tree
from market.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf
from market.audit.note import Signer
from market.audit.queries import Record
from market.audit.rules import leaf_data
from market.audit.tiles import Tiles, TreeBroken
from market.errors import refuse
from oversight.proofs import queries
from oversight.proofs.rules import (
    MOST,
    Consistency,
    Fault,
    Inclusion,
    Place,
    Report,
    facts_of,
    fault_at,
    leaf_of,
    signed_fault,
)

RANGE = 5000
"""Places that a check on a page takes at once."""
BATCH = tree.WIDTH * 8
Progress = Callable[[int], object]
"""Told how many places were just checked."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One place of the log, with everything about it recomputed.

    `data`: the bytes that the leaf is made of, None for an opaque place. `inclusion` and `signed` are None until a
    checkpoint covers the place; `since` is None if there is only one checkpoint. `fault`: what is wrong first, by name.
    """

    record: Record
    data: str | None
    made: str | None
    inclusion: Inclusion | None
    checkpoint: AuditCheckpoint | None
    signed: bool | None
    since: Consistency | None
    fault: Fault | None = None

    @property
    def path(self) -> list[tuple[bool, str]]:
        """Each step of the way to the root: whether the sibling stands on the left, and its hash in hex."""
        return [(step.left, step.sibling.hex()) for step in (self.inclusion.steps if self.inclusion else None) or []]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the record says besides deed, actor and time."""
        return facts_of(self.record.facts or {}, self.record.blinded or {})

    @property
    def leaf_holds(self) -> bool:
        """Whether the bytes give the leaf; an opaque place shows no bytes to try."""
        return self.made is None or self.made == self.record.leaf

    @property
    def holds(self) -> bool:
        """Whether nothing that could be recomputed failed."""
        proved = self.inclusion is None or (self.inclusion.holds and bool(self.signed))
        return self.leaf_holds and proved and (self.since is None or self.since.holds)


def examine(s: Session, now: datetime, seq: int, signer: Signer) -> Examined | None:
    """What is told of a place now, its leaf, its way to the newest checkpoint, and that one's signature and past.

    None where the log has not come so far. `now` decides what is still veiled.
    """
    told = audit.one(s, now, seq)
    if told is None:
        return None
    data, made = _bytes_of(told)
    kept = queries.latest(s)
    if kept is None or seq >= kept.size:
        return Examined(told, data, made, None, None, None, None)
    earlier = queries.before(s, kept.size)
    try:
        proof = queries.inclusion(s, seq)
        since = queries.consistency(s, earlier.size) if earlier else None
    except TreeBroken:  # a proof that cannot be made is one that does not hold
        proof, since = Inclusion(seq, bytes.fromhex(told.leaf), kept.size, kept.root, [], kept.note), None
    signed = signed_fault(kept.note, kept.size, kept.root, signer.origin, signer.public) is None
    found = Examined(told, data, made, proof, kept, signed, since)
    return found if found.holds else replace(found, fault=_first_fault(s, signer, seq))


def _bytes_of(told: Record) -> tuple[str | None, str | None]:
    """The data of a leaf as text and its hash in hex; text alone where no such thing could have been recorded."""
    if told.deed is None or told.at is None or told.actor is None:
        return None, None
    facts, blinded = told.facts or {}, told.blinded or {}
    made = leaf_of(told.deed, told.at, told.actor, facts, blinded)
    if made is None:
        return json.dumps([told.deed, told.actor, facts, blinded], ensure_ascii=False), ""
    return leaf_data(told.deed, told.at, told.actor, facts, blinded).decode("utf-8"), made.hex()


def _first_fault(s: Session, signer: Signer, seq: int) -> Fault:
    """The first thing that does not hold among the places of the same tile as `seq`."""
    start = seq - seq % tree.WIDTH
    report = check_range(s, signer, start, start + tree.WIDTH - 1)
    return report.faults[0] if report.faults else Fault("head", seq, where="root")


def check_log(s: Session, signer: Signer, progress: Progress = lambda n: None) -> Report:
    """Recompute the whole log as it stands when the check begins."""
    head = queries.head(s)
    if head is None or head.root is None:
        return _without_tree(head.size if head else 0)
    check = _Check(s, signer, head.size, head.root)
    for first in range(0, head.size, BATCH):
        last = min(first + BATCH, head.size) - 1
        check.grow(first, check.places(first, last))
        progress(last + 1 - first)
    check.whole(head.frontier or b"")
    for entry in queries.unplaced(s, MOST):
        check.report.add(Fault("unplaced", None, entry.id, entry.deed))
    seq = queries.beyond(s)
    if seq is not None:
        check.report.add(Fault("beyond", seq))
    return check.report


def check_range(s: Session, signer: Signer, first: int, last: int) -> Report:
    """Recompute the places from `first` to `last` and their way to the newest checkpoint and its signature.

    Raises Refused `log.not_yet` (404) where the log has no checkpoint that covers `first`, `log.range` for more than
    5,000 places or none.
    """
    newest = queries.latest(s)
    if newest is None or first >= newest.size:
        raise refuse("log.not_yet", "first", 404, seq=first, size=newest.size if newest else 0)
    if not 0 <= first <= last < first + RANGE:
        raise refuse("log.range", "last", most=RANGE)
    check = _Check(s, signer, newest.size, newest.root)
    check.places(first, min(last, newest.size - 1))
    check.signature(newest)
    return check.report


def _without_tree(size: int) -> Report:
    report = Report(size, tree.EMPTY)
    if size:
        report.add(Fault("head", size, where="root"))
    return report


class _Check:
    """One check against the tree of a size and root."""

    def __init__(self, s: Session, signer: Signer, size: int, root: bytes) -> None:
        self._s, self._signer, self._tiles = s, signer, Tiles(s)
        self.report = Report(size, root)
        self._frontier: tuple[bytes, ...] = ()
        self._rows: dict[int, list[bytes]] = {}

    def places(self, first: int, last: int) -> list[bytes]:
        """Compare the places of a range; the leaves that the tree should stand on."""
        found = {leaf.seq: (leaf, entry) for leaf, entry in queries.places(self._s, first, last)}
        right = []
        intact: dict[int, bool] = {}
        for seq in range(first, last + 1):
            index = seq // tree.WIDTH
            if index not in intact:
                intact[index] = self._intact(index)
            in_tile = self._hash(index, seq % tree.WIDTH)
            leaf, entry = found.get(seq, (None, None))
            right.append(in_tile if intact[index] or leaf is None else bytes(leaf.leaf))
            self._compare(seq, leaf, entry, in_tile, intact[index])
        self.report.places += last + 1 - first
        return right

    def _compare(
        self, seq: int, leaf: AuditLeaf | None, entry: AuditEntry | None, in_tile: bytes, intact: bool
    ) -> None:
        if leaf is None:
            self.report.add(Fault("gap", seq))
            return
        self.report.records += entry is not None
        fault = fault_at(_place(leaf, entry), in_tile, intact)
        if fault is not None:
            self.report.add(fault)

    def _hash(self, index: int, place: int) -> bytes:
        return self._tiles.tile(0, index)[place * tree.HASH : (place + 1) * tree.HASH]

    def _intact(self, index: int) -> bool:
        """Whether the hashes of a tile lead to the root: a proof of its first leaf is made of all of them."""
        first = index * tree.WIDTH
        try:
            proof = tree.inclusion(first, self.report.size, self._tiles.hash_at)
        except TreeBroken:
            return False
        return tree.included(first, self.report.size, self._hash(index, 0), proof, self.report.root)

    def grow(self, first: int, leaves: Sequence[bytes]) -> None:
        """Grow the tree over a batch and hold it against the checkpoints within."""
        at = first
        for kept in list(queries.signed(self._s, first + 1, first + len(leaves))):
            self._grow(at, leaves[at - first : kept.size - first])
            at = kept.size
            self.signature(kept)
            if kept.root != tree.root_of_frontier(self._frontier):
                self.report.add(Fault("root", kept.size))
        self._grow(at, leaves[at - first :])

    def _grow(self, size: int, leaves: Sequence[bytes]) -> None:
        grown = tree.grow(size, self._frontier, leaves)
        self._frontier = grown.frontier
        for level, row in grown.rows.items():
            if level > 0:
                self._rows.setdefault(level, []).extend(row)

    def signature(self, kept: AuditCheckpoint) -> None:
        """Verify a checkpoint's note."""
        self.report.checkpoints += 1
        fault = signed_fault(kept.note, kept.size, kept.root, self._signer.origin, self._signer.public)
        if fault is not None:
            self.report.add(fault)

    def whole(self, frontier: bytes) -> None:
        """Hold the upper tiles and the head against the tree that was grown."""
        for level, row in sorted(self._rows.items()):
            for index in range(-(-len(row) // tree.WIDTH)):
                made = b"".join(row[index * tree.WIDTH : (index + 1) * tree.WIDTH])
                if self._tiles.tile(level, index)[: len(made)] != made:
                    self.report.add(Fault("tiles", where=f"{level}/{index}"))
        if b"".join(self._frontier) != frontier:
            self.report.add(Fault("head", self.report.size, where="frontier"))
        if tree.root_of_frontier(self._frontier) != self.report.root:
            self.report.add(Fault("head", self.report.size, where="root"))


def _place(leaf: AuditLeaf, entry: AuditEntry | None) -> Place:
    made: Any = None
    if entry is not None:
        made = leaf_of(entry.deed, entry.at, entry.actor, entry.facts, entry.blinded)
    return Place(
        seq=leaf.seq,
        leaf=bytes(leaf.leaf),
        entry=leaf.entry,
        found=entry is not None,
        deed=entry.deed if entry else None,
        stored=bytes(entry.leaf) if entry else None,
        made=made,
    )
