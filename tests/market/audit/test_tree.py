"""The tree against the published vectors of RFC 9162 and against the plainest way to compute it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.audit import tree
from market.audit.rules import leaf_hash

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data/vectors/merkle_rfc9162.json").read_text("utf-8")
)
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaf_hashes"]]
MANY = [hashlib.sha256(str(n).encode()).digest() for n in range(600)]
SIZES = st.integers(1, len(MANY))


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of §2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of §2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of §2.1.4.1, word for word."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def tiles_of(leaves: list[bytes]) -> dict[int, bytes]:
    return {level: b"".join(row) for level, row in tree.grow(0, (), leaves).rows.items()}


def reader(leaves: list[bytes]) -> tree.HashAt:
    """Reads hashes as they are read from tiles: only every eighth level is stored."""
    tiles = tiles_of(leaves)

    def hash_at(level: int, index: int) -> bytes:
        stored, above = divmod(level, tree.HEIGHT)
        return tree.within(tiles[stored], above, index << above)

    return hash_at


def test_the_published_leaves_and_roots_come_out() -> None:
    assert [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]] == LEAVES
    assert [tree.root_of(LEAVES[:n]).hex() for n in range(9)] == VECTORS["roots"]
    assert tree.EMPTY.hex() == VECTORS["empty_root"]


@pytest.mark.parametrize("row", VECTORS["inclusion"], ids=lambda r: f"{r['index']}/{r['size']}/{r['valid']}")
def test_published_inclusion_proofs(row: dict[str, Any]) -> None:
    proof = [bytes.fromhex(h) for h in row["proof"]]
    leaf, root = bytes.fromhex(row["leaf_hash"]), bytes.fromhex(row["root"])

    assert tree.included(row["index"], row["size"], leaf, proof, root) is row["valid"]
    if row["valid"]:
        assert tree.inclusion(row["index"], row["size"], reader(LEAVES)) == proof


@pytest.mark.parametrize("row", VECTORS["consistency"], ids=lambda r: f"{r['first']}/{r['second']}/{r['valid']}")
def test_published_consistency_proofs(row: dict[str, Any]) -> None:
    proof = [bytes.fromhex(h) for h in row["proof"]]
    roots = bytes.fromhex(row["first_root"]), bytes.fromhex(row["second_root"])

    assert tree.consistent(row["first"], row["second"], *roots, proof) is row["valid"]
    if row["valid"]:
        assert tree.consistency(row["first"], row["second"], reader(LEAVES)) == proof


@given(SIZES, st.data())
def test_proofs_are_those_of_the_definitions_and_verify(size: int, data: st.DataObject) -> None:
    leaves = MANY[:size]
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root, hash_at = naive_root(leaves), reader(leaves)
    path, grown = tree.inclusion(index, size, hash_at), tree.consistency(first, size, hash_at)

    assert tree.root_of(leaves) == root == tree.root_at(size, hash_at)
    assert path == naive_path(index, leaves) and grown == naive_subproof(first, leaves, True)
    assert tree.included(index, size, leaves[index], path, root)
    assert tree.consistent(first, size, naive_root(leaves[:first]), root, grown)


@given(SIZES, st.lists(st.integers(0, 600), max_size=6))
def test_a_tree_grown_in_pieces_is_the_tree_grown_at_once(size: int, cuts: list[int]) -> None:
    at, frontier, rows = 0, (), {}
    for cut in [*sorted(min(cut, size) for cut in cuts), size]:
        grown = tree.grow(at, frontier, MANY[at:cut])
        at, frontier = grown.size, grown.frontier
        for level, row in grown.rows.items():
            rows.setdefault(level, []).extend(row)

    assert tree.root_of_frontier(frontier) == naive_root(MANY[:size])
    assert frontier == tree.frontier_at(size, reader(MANY))
    assert {level: b"".join(row) for level, row in rows.items()} == tiles_of(MANY[:size])
    assert all(len(row) == size >> 8 * level for level, row in rows.items())


@given(SIZES, st.data())
def test_a_changed_proof_leaf_or_place_does_not_verify(size: int, data: st.DataObject) -> None:
    leaves = MANY[:size]
    index = data.draw(st.integers(0, size - 1))
    root, proof = naive_root(leaves), naive_path(index, leaves)
    other = hashlib.sha256(b"other").digest()

    assert not tree.included(index, size, other, proof, root)
    assert not tree.included(index, size, leaves[index], [*proof, other], root)
    assert not tree.included(size, size, leaves[index], proof, root)
    assert not tree.included(-1, size, leaves[index], proof, root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], other, *proof[place + 1 :]]
        assert not tree.included(index, size, leaves[index], changed, root)
        assert not tree.included(index, size, leaves[index], proof[:-1], root)


@given(SIZES, st.data())
def test_a_changed_consistency_proof_does_not_verify(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    roots = naive_root(MANY[:first]), naive_root(MANY[:size])
    proof = naive_subproof(first, MANY[:size], True)
    other = hashlib.sha256(b"other").digest()

    assert not tree.consistent(first, size, other, roots[1], proof)
    assert not tree.consistent(first, size, roots[0], other, proof)
    assert not tree.consistent(first, size, *roots, [*proof, other])
    assert not tree.consistent(0, size, *roots, proof) and not tree.consistent(size + 1, size, *roots, proof)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        assert not tree.consistent(first, size, *roots, [*proof[:place], other, *proof[place + 1 :]])
        assert not tree.consistent(first, size, *roots, proof[:-1])


def test_numbers_that_name_nothing_are_errors() -> None:
    hash_at = reader(LEAVES)
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="no such leaf"):
            tree.inclusion(index, size, hash_at)
    for first, second in ((0, 8), (5, 4)):
        with pytest.raises(ValueError, match="Consistency"):
            tree.consistency(first, second, hash_at)
    with pytest.raises(ValueError, match="frontier"):
        tree.grow(3, (), LEAVES)
    with pytest.raises(ValueError, match="shorter"):
        tree.within(b"".join(LEAVES), 2, 6)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(0, 273, 112), (0, 272, 256), (1, 0, 256), (1, 1, 17), (2, 0, 1), (3, 0, 0), (0, 274, 0)],
)
def test_the_widths_of_the_specification(level: int, index: int, width: int) -> None:
    """The example of C2SP tlog-tiles: a tree of 70,000."""
    assert tree.width_at(level, index, 70_000) == width
