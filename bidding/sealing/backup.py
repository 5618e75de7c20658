"""A backup of the keeper for two custodians: each holds the same sealed archive and one half of its key.

Who has one half knows nothing of the keys of auctions (the halves are a one-time pad of each other); both together
restore the keeper, its gates and its log. So no single person, and no thief of one safe, can open an envelope early.
The archive is AES-256-GCM (NIST SP 800-38D) over the store as SQLite serializes it.
"""

import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bidding.sealing.keeper import FILE, Keeper, Line, broken_at
from market.clock import Clock, micros
from market.errors import refuse
from market.ids import canonical_json, digest

ARCHIVE: Final = "keeper-backup.bin"
HALF: Final = "keeper-half.json"
_HEAD: Final = b"taozhongjie/keeper-backup/v1\x00"
_ID, _NONCE, _KEY = 16, 12, 32


@dataclass(frozen=True, slots=True)
class Backup:
    """What one backup is: the archive for both custodians, and one half of its key (canonical JSON) for each."""

    id: str
    archive: bytes
    halves: tuple[bytes, bytes]


def make_backup(store: Path, clock: Clock) -> Backup:
    """Back up a keeper's store, running or not; its log says that it was done. Raises Refused `backup.no_store`."""
    if not (store / FILE).exists():
        raise refuse("backup.no_store", status=404, folder=str(store))
    keeper = Keeper(store, clock)
    try:
        number = secrets.token_bytes(_ID)
        keeper.note("backup", backup=number.hex())
        held = keeper.serialized()
    finally:
        keeper.close()
    key, nonce = secrets.token_bytes(_KEY), secrets.token_bytes(_NONCE)
    archive = _HEAD + number + nonce + AESGCM(key).encrypt(nonce, held, _HEAD + number)
    pad = secrets.token_bytes(_KEY)
    other = bytes(a ^ b for a, b in zip(key, pad, strict=True))
    at = micros(clock.now())
    halves = (_half(number, archive, 1, pad, at), _half(number, archive, 2, other, at))
    return Backup(number.hex(), archive, halves)


def _half(number: bytes, archive: bytes, place: int, half: bytes, at: int) -> bytes:
    facts = {"v": 1, "backup": number.hex(), "half": place, "key": half.hex(), "archive": digest(archive), "at": at}
    return canonical_json(facts)


def write_backup(backup: Backup, folders: tuple[Path, Path]) -> None:
    """Put archive and half into each custodian's folder, readable by its owner alone.

    Raises Refused `backup.same_folder` for one folder twice, `backup.taken` where a backup lies already.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise refuse("backup.same_folder", status=409)
    for folder in folders:
        for name in (ARCHIVE, HALF):
            if (folder / name).exists():
                raise refuse("backup.taken", status=409, file=str(folder / name))
    for folder, half in zip(folders, backup.halves, strict=True):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / ARCHIVE, backup.archive)
        _write(folder / HALF, half)


def restore(folders: tuple[Path, Path], store: Path, clock: Clock) -> int:
    """Make the store of a keeper from both custodians' folders; how many auctions' keys it holds.

    Raises Refused: `backup.store_there` (nothing is ever overwritten), `backup.unreadable`, `backup.other` (halves of
    two backups, or the same half twice), `backup.damaged`.
    """
    if (store / FILE).exists():
        raise refuse("backup.store_there", status=409, file=str(store / FILE))
    one, two = (_read_half(folder) for folder in folders)
    archive = _read(folders[0] / ARCHIVE)
    same = one["backup"] == two["backup"] and one["archive"] == two["archive"]
    if not same or {one["half"], two["half"]} != {1, 2}:
        raise refuse("backup.other", status=409)
    held = _opened(archive, one, two)
    _sound(held)
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(store / FILE, held)
    keeper = Keeper(store, clock)
    try:
        keeper.note("restore", backup=one["backup"])
        return len(keeper.keys())
    finally:
        keeper.close()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An auction whose envelopes are still sealed, as the city knows it."""

    auction: str
    public: bytes
    not_before: datetime


def gaps(store: Path, wanted: Sequence[Wanted], clock: Clock) -> list[str]:
    """Sealed auctions whose key the store does not hold, as after the restore of an older backup.

    The gates of the others are moved to where the city has them: what was postponed after the backup stays postponed.
    """
    keeper = Keeper(store, clock)
    try:
        held = keeper.keys()
        for one in wanted:
            if held.get(one.auction) == one.public:
                keeper.create(one.auction, one.not_before)
        return [one.auction for one in wanted if held.get(one.auction) != one.public]
    finally:
        keeper.close()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise refuse("backup.unreadable", status=404, file=str(file)) from None


def _read_half(folder: Path) -> dict[str, Any]:
    file = folder / HALF
    try:
        half = json.loads(_read(file))
        fit = half["v"] == 1 and half["half"] in (1, 2) and len(bytes.fromhex(half["key"])) == _KEY
        fit = fit and len(bytes.fromhex(half["backup"])) == _ID and isinstance(half["archive"], str)
    except (ValueError, KeyError, TypeError):
        fit = False
    if not fit:
        raise refuse("backup.unreadable", status=404, file=str(file))
    found: dict[str, Any] = half
    return found


def _opened(archive: bytes, one: dict[str, Any], two: dict[str, Any]) -> bytes:
    head = _HEAD + bytes.fromhex(one["backup"])
    if digest(archive) != one["archive"] or not archive.startswith(head):
        raise refuse("backup.damaged", status=409)
    key = bytes(a ^ b for a, b in zip(bytes.fromhex(one["key"]), bytes.fromhex(two["key"]), strict=True))
    nonce, sealed = archive[len(head) : len(head) + _NONCE], archive[len(head) + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, sealed, head)
    except (InvalidTag, ValueError):
        raise refuse("backup.damaged", status=409) from None


def _sound(held: bytes) -> None:
    """A store whose log is not whole is not put back."""
    db = sqlite3.connect(":memory:")
    try:
        db.deserialize(held)
        lines = [Line(*row) for row in db.execute("SELECT seq, line, hash FROM log ORDER BY seq")]
    except sqlite3.Error:
        raise refuse("backup.damaged", status=409) from None
    finally:
        db.close()
    if broken_at(lines) is not None:
        raise refuse("backup.damaged", status=409)


def _write(file: Path, content: bytes) -> None:
    """Durably, for the owner alone; never over a file that is there."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
