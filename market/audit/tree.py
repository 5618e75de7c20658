"""The Merkle tree of the log (pure): RFC 9162 §2.1, SHA-256; proofs are read from tiles, never from the whole log.

A hash of the tree is named by (level, index): the root of the 2^level leaves from index·2^level on. `HashAt` reads
one; only hashes of full subtrees are ever asked for. Sizes and indexes count leaves. Wrong numbers raise ValueError;
a wrong proof is not an error but False.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

HashAt = Callable[[int, int], bytes]
HASH = 32
"""Bytes of a hash."""
HEIGHT = 8
"""Levels of the tree that one tile spans (C2SP tlog-tiles)."""
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""
EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (§2.1.1)."""


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (§2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes that are all at hand."""
    return root_of_frontier(grow(0, (), leaves).frontier)


# ── growing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree after leaves were added. `rows`: the hashes that joined each level of tiles, from the left."""

    size: int
    frontier: tuple[bytes, ...]
    rows: dict[int, list[bytes]]


def grow(size: int, frontier: Sequence[bytes], leaves: Sequence[bytes]) -> Growth:
    """Add leaf hashes to a tree of `size` leaves whose full subtrees have the roots `frontier`, largest first."""
    if len(frontier) != size.bit_count():
        raise ValueError("This frontier does not belong to this size.")
    sha, stack, rows = hashlib.sha256, list(frontier), {0: list(leaves)}
    for leaf in leaves:
        level, made, rest = 0, leaf, size
        while rest & 1:
            made = sha(b"\x01" + stack.pop() + made).digest()
            level, rest = level + 1, rest >> 1
            if level % HEIGHT == 0:
                rows.setdefault(level // HEIGHT, []).append(made)
        stack.append(made)
        size += 1
    return Growth(size, tuple(stack), rows)


def root_of_frontier(frontier: Sequence[bytes]) -> bytes:
    """The root over the full subtrees: the smaller ones are joined first."""
    if not frontier:
        return EMPTY
    made = frontier[-1]
    for left in reversed(frontier[:-1]):
        made = node(left, made)
    return made


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def root_at(size: int, hash_at: HashAt) -> bytes:
    """The root of the tree over the first `size` leaves."""
    return EMPTY if size == 0 else _range(0, size, hash_at)


def frontier_at(size: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """The roots of the full subtrees of a tree of `size` leaves, largest first."""
    found, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append(hash_at(level, start >> level))
            start += 1 << level
    return tuple(found)


def inclusion(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves, from the leaf up (§2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError("There is no such leaf in a tree of this size.")
    found, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append(_range(middle, end, hash_at))
            end = middle
        else:
            found.append(_range(start, middle, hash_at))
            start = middle
    return found[::-1]


def consistency(first: int, second: int, hash_at: HashAt) -> list[bytes]:
    """The proof that the tree of `second` leaves begins with the tree of `first`, 0 < first ≤ second (§2.1.4.1)."""
    if not 0 < first <= second:
        raise ValueError("Consistency is shown from a tree that is not empty to one at least as large.")
    found, start, end, whole = [], 0, second, True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            found.append(_range(middle, end, hash_at))
            end = middle
        else:
            found.append(_range(start, middle, hash_at))
            start, whole = middle, False
    if not whole:
        found.append(_range(start, end, hash_at))
    return found[::-1]


def _split(n: int) -> int:
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def _range(start: int, end: int, hash_at: HashAt) -> bytes:
    n = end - start
    if n & n - 1 == 0:
        level = n.bit_length() - 1
        return hash_at(level, start >> level)
    middle = start + _split(n)
    return node(_range(start, middle, hash_at), _range(middle, end, hash_at))


# ── verifying ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a leaf to the root: the path is joined with `sibling`, which stands on its left or right."""

    left: bool
    sibling: bytes
    made: bytes


def climb(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> list[Step] | None:
    """Every step of an inclusion proof (§2.1.3.2), None if it has not as many as the tree wants."""
    if not 0 <= index < size:
        return None
    steps, at, last, made = [], index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        left = bool(at & 1) or at == last
        if left:
            made = node(sibling, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = node(made, sibling)
        steps.append(Step(left, sibling, made))
        at, last = at >> 1, last >> 1
    return steps if last == 0 else None


def included(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf stands at `index` in the tree of that size and root."""
    steps = climb(index, size, leaf, proof)
    return steps is not None and (steps[-1].made if steps else leaf) == root


def consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the second tree begins with the first (§2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & first - 1 == 0 else list(proof)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(sibling, old), node(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


# ── tiles ───────────────────────────────────────────────────────────────────────────────────────────────────────


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes the tile (level of tiles, index) has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - index * WIDTH))


def within(tile: bytes, level: int, first: int) -> bytes:
    """The root of 2^level hashes of a tile from its hash `first` on. Raises ValueError where the tile ends before."""
    row = [tile[HASH * i : HASH * (i + 1)] for i in range(first, first + (1 << level))]
    if len(row[-1]) != HASH:
        raise ValueError("The tile is shorter than the tree says.")
    while len(row) > 1:
        row = [node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
