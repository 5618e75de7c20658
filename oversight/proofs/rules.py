"""What a check of the log finds (pure): each fault names the place, the record and its deed; and one record's proof."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from market.audit import tree
from market.audit.note import Checkpoint, NoteError, open_note
from market.audit.rules import leaf_data, leaf_hash
from market.errors import Refusal

Kind = Literal["entry", "missing", "leaf", "gap", "tile", "tiles", "root", "signature", "unplaced", "beyond", "head"]
MOST = 100
"""Faults that a report names; it counts on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold. `seq`: a place of the log, or the size of a checkpoint; `entry`: the row's id."""

    kind: Kind
    seq: int | None = None
    entry: int | None = None
    deed: str | None = None
    where: str = ""

    @property
    def refusal(self) -> Refusal:
        """The fault as words know it."""
        values = {"seq": self.seq, "entry": self.entry, "deed": self.deed, "where": self.where}
        return Refusal(f"log.fault.{self.kind}", None, values)


@dataclass
class Report:
    """What was recomputed (places, records, tiles, checkpoints) and what did not hold, the first `MOST` by name."""

    size: int
    root: bytes
    places: int = 0
    records: int = 0
    checkpoints: int = 0
    faults: list[Fault] = field(default_factory=list)
    count: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything agrees."""
        return self.count == 0

    def add(self, fault: Fault) -> None:
        """Note a fault."""
        self.count += 1
        if len(self.faults) < MOST:
            self.faults.append(fault)


def leaf_of(
    deed: str, at: datetime, actor: str, facts: Mapping[str, Any], blinded: Mapping[str, Mapping[str, Any]]
) -> bytes | None:
    """The leaf hash of a record as it is stored; None if what is stored could never have been recorded."""
    try:
        return leaf_hash(leaf_data(deed, at, actor, facts, blinded))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def facts_of(facts: Mapping[str, Any], blinded: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Facts in the open, then those that were blinded until T, as text."""
    rows = [*facts.items(), *((name, fact["value"]) for name, fact in blinded.items())]
    return [(name, v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)) for name, v in rows]


@dataclass(frozen=True, slots=True)
class Place:
    """What is stored at one place: of the record (None for padding), of the leaf, and in the tile of the tree."""

    seq: int
    leaf: bytes
    entry: int | None
    found: bool
    deed: str | None
    stored: bytes | None
    made: bytes | None


def fault_at(place: Place, tile: bytes, intact: bool) -> Fault | None:
    """What is wrong at a place, judged by the tree's hash if its tile is intact, else by the other copies."""
    if place.entry is not None and not place.found:
        return Fault("missing", place.seq, place.entry)
    copies = [place.leaf] if place.entry is None else [place.leaf, place.stored, place.made]
    if all(copy == tile for copy in copies):
        return None
    if not intact and len({place.leaf, *copies}) == 1:
        return Fault("tile", place.seq, place.entry, place.deed)
    changed = place.entry is not None and (place.made != tile or place.stored != tile)
    return Fault("entry" if changed else "leaf", place.seq, place.entry, place.deed)


def signed_fault(note: str, size: int, root: bytes, origin: str, public: bytes) -> Fault | None:
    """What is wrong with a stored checkpoint, judged by its own note."""
    try:
        said = open_note(note, origin, public)
    except NoteError:
        return Fault("signature", size)
    return None if said == Checkpoint(origin, size, root) else Fault("root", size)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The proof that a leaf stands at `seq` in the tree of `size` leaves; `note`: the checkpoint, if one is kept."""

    seq: int
    leaf: bytes
    size: int
    root: bytes
    proof: list[bytes]
    note: str | None

    @property
    def steps(self) -> list[tree.Step] | None:
        """Each step to the root; None if the proof has not the length that the tree wants."""
        return tree.climb(self.seq, self.size, self.leaf, self.proof)

    @property
    def holds(self) -> bool:
        """Whether the proof gives the root."""
        return tree.included(self.seq, self.size, self.leaf, self.proof, self.root)


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that the tree of `second` leaves begins with the tree of `first`."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    proof: list[bytes]

    @property
    def holds(self) -> bool:
        """Whether the proof gives both roots."""
        return tree.consistent(self.first, self.second, self.first_root, self.second_root, self.proof)
