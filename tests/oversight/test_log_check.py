"""One row changed by SQL is named: by place, record and deed."""

import random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from market.audit.checkpoints import seal
from market.audit.note import Signer, sign
from market.audit.rules import NEVER, Deed
from market.audit.sequencer import place
from market.audit.service import record
from market.db import Database
from market.errors import Refused
from market.identity.queries import log_signer
from oversight.proofs import service
from oversight.proofs.rules import Report
from tests.makers import T0

DEEDS = (Deed.QUESTION_ASKED, Deed.JOB_PUBLISHED, Deed.BID_SEALED)


def write(db: Database, n: int, pad: int = 2) -> None:
    """`n` records in the log, sealed."""
    with db.write() as s:
        for i in range(n):
            veil = NEVER if i % 3 == 2 else None
            record(s, DEEDS[i % 3], T0, f"person:{i}", f"J{i}", veil, {"digest": "00" * 32} if i % 2 else None, n=i)
    with db.write() as s:
        while place(s, pad):
            pad = 0
    with db.write() as s:
        seal(s, T0, log_signer(s))


@pytest.fixture
def log(db: Database) -> Database:
    """Three hundred records under two checkpoints, over the edge of a tile."""
    write(db, 250)
    write(db, 350, pad=3)
    return db


def check(db: Database) -> Report:
    with db.read() as s:
        return service.check_log(s, log_signer(s))


def run(db: Database, statement: str, **values: Any) -> None:
    """What somebody does who has the database's password."""
    with db.write() as s:
        if s.get_bind().dialect.name == "sqlite":
            s.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        assert s.execute(text(statement), values).rowcount == 1  # type: ignore[attr-defined]


def kinds(report: Report) -> list[tuple[str, int | None]]:
    return [(f.kind, f.seq) for f in report.faults]


def entry_at(db: Database, seq: int) -> int:
    with db.read() as s:
        return int(s.execute(text("SELECT entry FROM audit_leaf WHERE seq = :seq"), {"seq": seq}).scalar_one())


def a_place(db: Database, deed: str = "question.asked") -> int:
    found = "SELECT seq FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE deed = :deed ORDER BY seq"
    with db.read() as s:
        return int(s.execute(text(found), {"deed": deed}).scalars().all()[-1])


def test_a_log_that_nobody_touched_holds(log: Database) -> None:
    seen: list[int] = []
    with log.read() as s:
        report = service.check_log(s, log_signer(s), seen.append)

    assert report.holds and report.places == report.size == sum(seen) > 600
    assert report.checkpoints == 2 and 600 <= report.records < report.size


def test_an_empty_log_holds(db: Database) -> None:
    assert check(db).holds


CHANGES = {
    "deed": "UPDATE audit_entry SET deed = 'award.proposed' WHERE id = :id",
    "actor": "UPDATE audit_entry SET actor = 'person:1000' WHERE id = :id",
    "facts": "UPDATE audit_entry SET facts = '{\"n\": 1000000}' WHERE id = :id",
    "facts that are none": "UPDATE audit_entry SET facts = '[1.5]' WHERE id = :id",
    "blinded": 'UPDATE audit_entry SET blinded = \'{"digest": {"salt": "00", "value": 1}}\' WHERE id = :id',
    "blinded that is none": 'UPDATE audit_entry SET blinded = \'{"digest": "x"}\' WHERE id = :id',
    "at": "UPDATE audit_entry SET at = '2026-01-01 00:00:00.000001' WHERE id = :id",
    "leaf": "UPDATE audit_entry SET leaf = :other WHERE id = :id",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_record_is_named(log: Database, what: str) -> None:
    seq = a_place(log)
    id = entry_at(log, seq)
    values = {"id": id} | ({"other": b"\x01" * 32} if ":other" in CHANGES[what] else {})
    run(log, CHANGES[what], **values)
    report = check(log)

    assert kinds(report) == [("entry", seq)]
    assert (report.faults[0].entry, report.faults[0].deed) == (
        id,
        "award.proposed" if what == "deed" else "question.asked",
    )


def test_a_change_that_was_made_to_fit_everywhere_but_in_the_tree_is_named(log: Database) -> None:
    """Facts, the record's leaf and the placed leaf are all changed; the tree still has the old hash."""
    seq = a_place(log)
    id = entry_at(log, seq)
    with log.write() as s:
        made = bytes(31) + b"\x07"
        s.execute(text("UPDATE audit_leaf SET leaf = :leaf WHERE seq = :seq"), {"leaf": made, "seq": seq})
        s.execute(
            text("UPDATE audit_entry SET leaf = :leaf, actor = 'person:9' WHERE id = :id"), {"leaf": made, "id": id}
        )
    assert kinds(check(log)) == [("entry", seq)]


def test_a_removed_record_a_removed_place_and_a_changed_leaf_are_named(log: Database) -> None:
    first, second, third = a_place(log), a_place(log, "job.published"), a_place(log, "bid.sealed")
    id = entry_at(log, second)
    run(log, "DELETE FROM audit_entry WHERE id = :id", id=entry_at(log, first))
    run(log, "DELETE FROM audit_leaf WHERE seq = :seq", seq=second)
    run(log, "UPDATE audit_leaf SET leaf = :leaf WHERE seq = :seq", seq=third, leaf=bytes(32))
    report = check(log)

    assert sorted(kinds(report), key=str) == sorted(
        [("missing", first), ("gap", second), ("leaf", third), ("unplaced", None)], key=str
    )
    assert [f.entry for f in report.faults if f.kind == "unplaced"] == [id]


def test_a_changed_padding_leaf_is_named(log: Database) -> None:
    with log.read() as s:
        seq = int(s.execute(text("SELECT min(seq) FROM audit_leaf WHERE entry IS NULL")).scalar_one())
    run(log, "UPDATE audit_leaf SET leaf = :leaf WHERE seq = :seq", seq=seq, leaf=bytes(32))
    assert kinds(check(log)) == [("leaf", seq)]


def test_a_record_slipped_in_among_the_old_ones_is_named(log: Database) -> None:
    columns = "xid, at, deed, actor, facts, blinded, leaf"
    run(log, "DELETE FROM audit_leaf WHERE seq = 0")
    with log.write() as s:
        s.execute(text(f"INSERT INTO audit_entry (id, {columns}) SELECT -1, {columns} FROM audit_entry WHERE id = 1"))
    assert ("unplaced", -1) in [(f.kind, f.entry) for f in check(log).faults]


def tampered_tile(s: Session, level: int, index: int, at: int) -> None:
    where = {"level": level, "idx": index}
    found = s.execute(text("SELECT hashes FROM audit_tile WHERE level = :level AND idx = :idx"), where).scalar_one()
    changed = bytes(found[: 32 * at]) + bytes(32) + bytes(found[32 * at + 32 :])
    s.execute(text("UPDATE audit_tile SET hashes = :h WHERE level = :level AND idx = :idx"), where | {"h": changed})


def test_a_changed_hash_of_the_tree_is_named_and_the_record_is_cleared(log: Database) -> None:
    seq = a_place(log)
    with log.write() as s:
        tampered_tile(s, 0, seq // 256, seq % 256)
    assert kinds(check(log)) == [("tile", seq)]


def test_a_changed_upper_tile_is_named(log: Database) -> None:
    with log.write() as s:
        tampered_tile(s, 1, 0, 1)
    report = check(log)
    assert [(f.kind, f.where) for f in report.faults if f.kind == "tiles"] == [("tiles", "1/0")]


def test_changed_checkpoints_are_named(log: Database) -> None:
    with log.write() as s:
        sizes = list(s.execute(text("SELECT size FROM audit_checkpoint ORDER BY size")).scalars())
        signer = log_signer(s)
        false = sign(Signer(signer.origin, bytes(32), signer.public), sizes[0], bytes(32))
        s.execute(
            text("UPDATE audit_checkpoint SET note = :note WHERE size = :size"), {"note": false, "size": sizes[0]}
        )
        s.execute(
            text("UPDATE audit_checkpoint SET root = :root WHERE size = :size"), {"root": bytes(32), "size": sizes[1]}
        )
    found = kinds(check(log))

    assert found[0] == ("signature", sizes[0]) and set(found[1:]) == {("root", sizes[1])}


@pytest.mark.parametrize("column", ["root", "frontier"])
def test_a_changed_head_is_named(log: Database, column: str) -> None:
    run(log, f"UPDATE audit_head SET {column} = :v", v=bytes(32))
    report = check(log)
    assert ("head", column) in [(f.kind, f.where) for f in report.faults]


def test_a_place_behind_the_end_is_named(log: Database) -> None:
    run(log, "INSERT INTO audit_leaf (seq, leaf) VALUES (100000, :leaf)", leaf=bytes(32))
    assert kinds(check(log)) == [("beyond", 100000)]


def test_a_log_without_its_tree_does_not_hold(log: Database) -> None:
    run(log, "UPDATE audit_head SET root = NULL")
    assert [f.where for f in check(log).faults] == ["root"]


def test_a_hundred_random_changes_are_each_named(log: Database) -> None:
    luck = random.Random(20261125)
    with log.read() as s:
        found = [tuple(r) for r in s.execute(text("SELECT seq, entry FROM audit_leaf WHERE entry IS NOT NULL"))]
    chosen = dict(luck.sample(found, 100))
    for seq, id in chosen.items():
        run(log, "UPDATE audit_entry SET actor = :actor WHERE id = :id", id=id, actor=f"x:{seq}")
    report = check(log)

    assert {(f.seq, f.entry) for f in report.faults} == set(chosen.items()) and report.count == 100


def test_a_range_is_checked_against_the_newest_checkpoint(log: Database) -> None:
    seq = a_place(log)
    with log.read() as s:
        assert service.check_range(s, log_signer(s), 0, 4000).holds
    run(log, "UPDATE audit_entry SET actor = 'x' WHERE id = :id", id=entry_at(log, seq))
    with log.read() as s:
        signer = log_signer(s)
        report = service.check_range(s, signer, seq - 5, seq + 5)
        assert kinds(report) == [("entry", seq)] and report.places >= 6
        assert service.check_range(s, signer, 0, seq - 1).holds
        for first, last in ((5, 4), (0, 5000)):
            with pytest.raises(Refused, match=r"log\.range"):
                service.check_range(s, signer, first, last)
        with pytest.raises(Refused, match="not_yet"):
            service.check_range(s, signer, 100_000, 100_001)
