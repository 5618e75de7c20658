"""The keeper's backup: two custodians restore it together, one alone learns nothing, and nothing opens too early."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bidding.sealing.backup import ARCHIVE, HALF, Wanted, gaps, make_backup, restore, write_backup
from bidding.sealing.envelope import Opened, seal
from bidding.sealing.keeper import FILE, Keeper, broken_at
from market.clock import FixedClock
from market.errors import Refused
from tests.makers import T0

GATE = T0 + timedelta(days=3)
OFFER = {"amount": 8_800_000, "days": 20}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(T0)


@pytest.fixture
def store(tmp_path: Path, clock: FixedClock) -> Path:
    """A keeper's store with one sealed auction."""
    keeper = Keeper(tmp_path / "keeper", clock)
    keeper.create("A-1", GATE)
    keeper.close()
    return tmp_path / "keeper"


@pytest.fixture
def folders(tmp_path: Path, store: Path, clock: FixedClock) -> tuple[Path, Path]:
    """What the two custodians took away."""
    both = tmp_path / "usb-1", tmp_path / "usb-2"
    write_backup(make_backup(store, clock), both)
    return both


def code(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.refusals[0].code


def test_both_together_restore_keys_gates_and_log(
    tmp_path: Path, store: Path, folders: tuple[Path, Path], clock: FixedClock
) -> None:
    keeper = Keeper(store, clock)
    public = keeper.create("A-1", GATE)
    lines = keeper.log()
    keeper.close()
    sealed = seal(public, "A-1", "d" * 64, "b" * 16, OFFER)

    assert restore((folders[1], folders[0]), tmp_path / "new", clock) == 1
    again = Keeper(tmp_path / "new", clock)
    assert [json.loads(line.text)["deed"] for line in again.log()] == ["create", "backup", "restore"]
    assert again.log()[:2] == lines and broken_at(again.log()) is None
    with pytest.raises(Refused) as early:
        again.open("A-1", [(sealed.envelope, sealed.info)])
    assert code(early) == "keeper.too_early"
    clock.at = GATE
    (opened,) = again.open("A-1", [(sealed.envelope, sealed.info)])
    assert isinstance(opened, Opened) and opened.offer == OFFER
    again.close()
    assert {(tmp_path / "new" / FILE).stat().st_mode & 0o777} == {0o600}


def test_one_custodian_alone_restores_nothing_and_reads_no_key(
    tmp_path: Path, store: Path, folders: tuple[Path, Path], clock: FixedClock
) -> None:
    with pytest.raises(Refused) as alone:
        restore((folders[0], folders[0]), tmp_path / "new", clock)
    assert code(alone) == "backup.other" and not (tmp_path / "new" / FILE).exists()
    keeper = Keeper(store, clock)
    (private,) = keeper._db.execute("SELECT private FROM auction_key").fetchone()
    keeper.close()
    for file in (file for folder in folders for file in folder.iterdir()):
        assert private not in file.read_bytes() and private.hex().encode() not in file.read_bytes()
        assert b"A-1" not in file.read_bytes() and file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["cut", "bit", "other archive", "other half", "no half", "garbage"])
def test_what_is_damaged_or_of_another_backup_is_refused_and_leaves_nothing(
    tmp_path: Path, store: Path, folders: tuple[Path, Path], clock: FixedClock, damage: str
) -> None:
    archive, half = folders[0] / ARCHIVE, folders[0] / HALF
    if damage == "cut":
        archive.write_bytes(archive.read_bytes()[:-100])
    elif damage == "bit":
        held = bytearray(archive.read_bytes())
        held[len(held) // 2] ^= 1
        archive.write_bytes(held)
    elif damage in ("other archive", "other half"):
        later = tmp_path / "usb-3", tmp_path / "usb-4"
        write_backup(make_backup(store, clock), later)
        name = ARCHIVE if damage == "other archive" else HALF
        (folders[0] / name).write_bytes((later[0] / name).read_bytes())
    elif damage == "no half":
        half.unlink()
    else:
        half.write_text("{}")

    with pytest.raises(Refused) as no:
        restore(folders, tmp_path / "new", clock)
    assert code(no) in ("backup.damaged", "backup.other", "backup.unreadable")
    assert not (tmp_path / "new" / FILE).exists()


def test_nothing_is_overwritten(tmp_path: Path, store: Path, folders: tuple[Path, Path], clock: FixedClock) -> None:
    with pytest.raises(Refused) as there:
        restore(folders, store, clock)
    assert code(there) == "backup.store_there"
    with pytest.raises(Refused) as taken:
        write_backup(make_backup(store, clock), folders)
    assert code(taken) == "backup.taken"
    with pytest.raises(Refused) as same:
        write_backup(make_backup(store, clock), (tmp_path / "x", tmp_path / "x"))
    assert code(same) == "backup.same_folder"
    with pytest.raises(Refused) as none:
        make_backup(tmp_path / "nowhere", clock)
    assert code(none) == "backup.no_store" and not (tmp_path / "nowhere").exists()


def test_after_an_older_backup_missing_keys_are_named_and_gates_are_moved(
    tmp_path: Path, store: Path, folders: tuple[Path, Path], clock: FixedClock
) -> None:
    keeper = Keeper(store, clock)
    keeper.postpone("A-1", GATE + timedelta(days=2))
    wanted = [
        Wanted("A-1", keeper.create("A-1", GATE), GATE + timedelta(days=2)),
        Wanted("A-2", keeper.create("A-2", GATE), GATE),
    ]
    keeper.close()
    restore(folders, tmp_path / "new", clock)

    assert gaps(tmp_path / "new", wanted, clock) == ["A-2"]
    clock.at = GATE + timedelta(days=1)
    again = Keeper(tmp_path / "new", clock)
    with pytest.raises(Refused) as early:
        again.open("A-1", [])
    assert code(early) == "keeper.too_early"
    assert again.keys() == {"A-1": wanted[0].public}
    again.close()
