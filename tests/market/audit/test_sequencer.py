"""The tree grows with the log: tiles, roots, checkpoints; over an old log too; and what is broken is never signed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from market.audit import tree
from market.audit.checkpoints import latest, seal, thin, unsealed
from market.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditLeaf, AuditTile
from market.audit.note import open_note
from market.audit.rules import Deed
from market.audit.sequencer import behind, build, place
from market.audit.service import record
from market.audit.tiles import Tiles, TreeBroken, built
from market.db import Database
from market.identity.queries import log_signer
from tests.makers import T0
from tests.race.city import pause


def fill(db: Database, n: int, pad: int = 0) -> None:
    """`n` records, placed."""
    with db.write() as s:
        for i in range(n):
            record(s, Deed.QUESTION_ASKED, T0, "asker", subject=f"q{i}")
    with db.write() as s:
        while place(s, pad):
            pad = 0


def sealed(db: Database, now: datetime = T0) -> AuditCheckpoint | None:
    with db.write() as s:
        return seal(s, now, log_signer(s))


def whole(s: Session) -> tuple[AuditHead, list[bytes]]:
    head = s.scalars(select(AuditHead)).one()
    return head, [bytes(leaf) for leaf in s.scalars(select(AuditLeaf.leaf).order_by(AuditLeaf.seq))]


def waiting(db: Database) -> bool:
    """Whether a transaction waits for another's lock; SQLite's second writer waits before it begins."""
    with db.read() as s:
        if s.get_bind().dialect.name != "postgresql":
            return True
        return bool(s.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_two_sequencers_that_begin_an_empty_log_at_once_take_turns(db: Database) -> None:
    for i in range(2):
        with db.write() as s:
            record(s, Deed.QUESTION_ASKED, T0, "asker", subject=f"q{i}")

    def second() -> int:
        with db.write() as s:
            return place(s, 1)

    with ThreadPoolExecutor(1) as beside:
        with db.write() as s:
            assert place(s, 1) >= 2
            later = beside.submit(second)
            for _ in range(200):
                if waiting(db):
                    break
                pause(0.05)
            else:
                pytest.fail("the second did not wait for the first")
        assert later.result(timeout=30) == 0
    proved(db)


def proved(db: Database) -> int:
    """Head, tiles and leaves tell the same tree; its size."""
    with db.read() as s:
        head, leaves = whole(s)
        hash_at = Tiles(s).hash_at
        assert head.size == len(leaves) == built(s)
        assert head.root == tree.root_of(leaves) == tree.root_at(head.size, hash_at)
        assert head.frontier == b"".join(tree.frontier_at(head.size, hash_at))
        tiles = {(t.level, t.idx): len(t.hashes) // 32 for t in s.scalars(select(AuditTile))}
        levels = range(6)
        assert tiles == {
            (level, i): tree.width_at(level, i, head.size)
            for level in levels
            for i in range((head.size >> 8 * level) // 256 + 1)
            if tree.width_at(level, i, head.size)
        }
        return head.size


def test_the_tree_grows_with_the_leaves_over_the_edges_of_tiles(db: Database) -> None:
    for n, pad in ((1, 0), (200, 3), (60, 0), (0, 2), (3000, 1), (520, 3)):
        fill(db, n, pad)
        proved(db)

    assert proved(db) > 3700


def test_a_log_from_before_the_tree_gets_one_in_batches(db: Database) -> None:
    fill(db, 1200, 3)
    with db.write() as s:
        head, leaves = whole(s)
        root = head.root
        s.execute(delete(AuditTile))
        s.execute(update(AuditHead).values(root=None, frontier=None))
    sizes = []
    with db.read() as s:
        assert behind(s) and not unsealed(s)
    while True:
        with db.write() as s:
            if not (n := build(s, 500)):
                break
        sizes.append(n)

    assert sum(sizes) == len(leaves) and max(sizes) == 500
    with db.read() as s:
        assert not behind(s) and whole(s)[0].root == root
    fill(db, 300)
    assert proved(db) == len(leaves) + 300


def test_placing_builds_what_is_left_to_build(db: Database) -> None:
    fill(db, 700)
    with db.write() as s:
        s.execute(delete(AuditTile))
        s.execute(update(AuditHead).values(root=None, frontier=None))
    fill(db, 10)
    assert proved(db) >= 710


def test_a_checkpoint_is_signed_once_for_each_size_and_never_goes_back(db: Database) -> None:
    assert sealed(db) is None
    sizes = []
    for n in (5, 300, 700):
        fill(db, n)
        made = sealed(db, T0 + timedelta(seconds=n))
        assert made is not None and sealed(db) is None
        with db.read() as s:
            signer = log_signer(s)
            said = open_note(made.note, signer.origin, signer.public)
            assert (said.size, said.root) == (made.size, made.root) and not unsealed(s)
            proof = [tree.consistency(size, made.size, Tiles(s).hash_at) for size in sizes]
            roots = [s.get_one(AuditCheckpoint, size).root for size in sizes]
        for size, path, root in zip(sizes, proof, roots, strict=True):
            assert tree.consistent(size, made.size, root, made.root, path)
        sizes.append(made.size)
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("what", ["tile", "frontier", "shorter tile", "cut"])
def test_a_tree_that_contradicts_what_was_signed_is_not_signed(db: Database, what: str) -> None:
    fill(db, 300)
    sealed(db)
    with db.write() as s:
        tile = s.scalars(select(AuditTile).where(AuditTile.level == 0, AuditTile.idx == 1)).one()
        head = s.scalars(select(AuditHead)).one()
        if what == "tile":
            tile.hashes = bytes(32) + tile.hashes[32:]
        elif what == "shorter tile":
            tile.hashes = tile.hashes[:-32]
        elif what == "frontier":
            head.frontier = bytes(32) + (head.frontier or b"")[32:]
        else:
            head.size, head.frontier, head.root = 1, bytes(32), bytes(32)
            s.execute(delete(AuditLeaf).where(AuditLeaf.seq >= 1))
            s.execute(delete(AuditTile))
            s.add(AuditTile(level=0, idx=0, hashes=bytes(32)))
    with pytest.raises(TreeBroken):
        fill(db, 5)
        sealed(db)
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(AuditCheckpoint)) == 1


def test_missing_leaves_of_an_old_log_are_said(db: Database) -> None:
    fill(db, 20)
    with db.write() as s:
        s.execute(delete(AuditTile))
        s.execute(delete(AuditLeaf).where(AuditLeaf.seq >= 10))
        s.execute(update(AuditHead).values(root=None, frontier=None))
    with pytest.raises(TreeBroken, match="holds 10 leaves"):
        fill(db, 1)


def test_old_checkpoints_are_thinned_to_one_an_hour(db: Database) -> None:
    now = datetime(2026, 6, 20, 12, 30, tzinfo=UTC)
    times = [now - timedelta(days=d, minutes=m) for d in (20, 8, 1) for m in (50, 40, 10, 0)]
    with db.write() as s:
        rows = [
            {"size": i + 1, "root": bytes(32), "at": at, "alg": "ed25519", "note": ""} for i, at in enumerate(times)
        ]
        s.execute(insert(AuditCheckpoint), rows)
    with db.write() as s:
        assert thin(s, now) == 4
    with db.write() as s:
        assert thin(s, now) == 0
        left = list(s.scalars(select(AuditCheckpoint.size).order_by(AuditCheckpoint.size)))
        assert left == [2, 4, 6, 8, 9, 10, 11, 12] and latest(s).size == 12  # type: ignore[union-attr]


def test_every_record_has_one_place(db: Database) -> None:
    fill(db, 2500, 3)
    with db.read() as s:
        entries = s.scalar(select(func.count()).select_from(AuditEntry))
        assert s.scalar(select(func.count()).where(AuditLeaf.entry.is_not(None))) == entries
