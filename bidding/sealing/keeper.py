"""The keeper: holds the private key of every auction and opens nothing before its time, whoever asks.

It has its own store (SQLite in a folder of mode 0700), its own clock and its own log, and knows neither the city's
database nor its web server. Private keys never leave this class. Keys and log lines commit together; each line
carries the hash of the one before it, so a line taken out later is missed.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bidding.sealing.envelope import Opened, Unopened, names_auction, open_envelope
from market.clock import Clock, from_micros, micros
from market.errors import refuse
from market.ids import canonical_json, digest

FILE = "keeper.db"
_NAME = b"taozhongjie/keeper/v1\x00"
_FIRST = digest(_NAME)  # what the first line names as its predecessor

# Strings of the log stay what they were: SQLite itself refuses to change or drop a line.
_TABLES = """
CREATE TABLE IF NOT EXISTS auction_key (
  auction TEXT PRIMARY KEY, private BLOB NOT NULL, public BLOB NOT NULL,
  not_before INTEGER NOT NULL, opened INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS log (
  seq INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS a_log_line_is_never_changed BEFORE UPDATE ON log
  BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER IF NOT EXISTS a_log_line_is_never_removed BEFORE DELETE ON log
  BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log: `text` is canonical JSON, `hash` = SHA-256(name ∥ previous hash ∥ 0A ∥ text) in hex."""

    seq: int
    text: str
    hash: str


@dataclass(frozen=True, slots=True)
class _Kept:
    private: bytes
    public: bytes
    not_before: int
    opened: int | None


class Keeper:
    """The core, usable in-process (sample city, tests) and behind the socket. Safe to share among threads.

    Times are aware; the store keeps microseconds since 1970 UTC. Refusals: `keeper.unknown`, `keeper.too_early`,
    `keeper.not_later`, `keeper.opened`.
    """

    def __init__(self, store: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        store.chmod(0o700)
        file = store / FILE
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its WAL the same mode
        file.chmod(0o600)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=5)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_TABLES)

    def create(self, auction: str, not_before: datetime) -> bytes:
        """The public key (32 bytes) of an auction, made at the first call; nothing opens before `not_before`.

        Asking again gives the same key. A later time moves the gate, an earlier one changes nothing.
        """
        gate = micros(not_before)
        with self._writing():
            kept = self._find(auction)
            if kept is None:
                return self._make(auction, gate)
            if gate > kept.not_before:
                self._move(auction, kept, gate)
            return kept.public

    def postpone(self, auction: str, not_before: datetime) -> None:
        """Move the gate to a later time; the same time again is no error, an earlier one is `keeper.not_later`."""
        gate = micros(not_before)
        with self._writing():
            kept = self._known(auction)
            if gate < kept.not_before:
                raise refuse("keeper.not_later", status=409, not_before=from_micros(kept.not_before))
            if gate > kept.not_before:
                self._move(auction, kept, gate)

    def open(self, auction: str, envelopes: Sequence[tuple[bytes, bytes]]) -> list[Opened | Unopened]:
        """Open (envelope, info) pairs, answers in the same order; asking again gives the same answers.

        The opening is in the log before anything is told. The count and one digest over the envelopes stand there,
        never an envelope or an offer.
        """
        with self._lock:
            kept = self._known(auction)
        if self._now() < kept.not_before:
            with self._writing():
                self._write("refused", auction, not_before=kept.not_before)
            raise refuse("keeper.too_early", status=409, not_before=from_micros(kept.not_before))
        found = [_open(kept.private, auction, envelope, info) for envelope, info in envelopes]
        whole = digest("\n".join(digest(envelope) for envelope, _ in envelopes).encode())
        failed = sum(isinstance(one, Unopened) for one in found)
        with self._writing():
            self._still_open(auction)
            self._write("open", auction, envelopes=len(found), failed=failed, digest=whole)
        return found

    def log(self) -> list[Line]:
        """Every line, oldest first."""
        with self._lock:
            return [Line(*row) for row in self._db.execute("SELECT seq, line, hash FROM log ORDER BY seq")]

    def keys(self) -> dict[str, bytes]:
        """The public key of every auction whose private one is here."""
        with self._lock:
            return dict(self._db.execute("SELECT auction, public FROM auction_key").fetchall())

    def note(self, deed: str, **facts: int | str) -> None:
        """A line of the log about the store itself: `backup` or `restore`."""
        with self._writing():
            self._write(deed, "", **facts)

    def serialized(self) -> bytes:
        """The whole store as a file of SQLite, of one moment: for a backup, private keys and all."""
        copy = sqlite3.connect(":memory:")
        try:
            with self._lock:
                self._db.backup(copy)
            held = bytearray(copy.serialize())
            held[18:20] = b"\x01\x01"  # no write-ahead log beside it (SQLite file format, 1.3): it opens in memory too
            return bytes(held)
        finally:
            copy.close()

    def close(self) -> None:
        """Give the store back; nothing is lost without it."""
        with self._lock:
            self._db.close()

    def _now(self) -> int:
        return micros(self._clock.now())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One durable transaction; other threads and other keepers on this store wait."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _find(self, auction: str) -> _Kept | None:
        row = self._db.execute(
            "SELECT private, public, not_before, opened FROM auction_key WHERE auction = ?", (auction,)
        ).fetchone()
        return None if row is None else _Kept(*row)

    def _known(self, auction: str) -> _Kept:
        kept = self._find(auction)
        if kept is None:
            raise refuse("keeper.unknown", status=404)
        return kept

    def _make(self, auction: str, gate: int) -> bytes:
        key = X25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        self._db.execute(
            "INSERT INTO auction_key (auction, private, public, not_before) VALUES (?, ?, ?, ?)",
            (auction, key.private_bytes_raw(), public, gate),
        )
        self._write("create", auction, not_before=gate, key=public.hex())
        return public

    def _move(self, auction: str, kept: _Kept, gate: int) -> None:
        """An opened key is spent: postponing it would make an opening that happened impossible to repeat."""
        if kept.opened is not None:
            raise refuse("keeper.opened", status=409, at=from_micros(kept.opened))
        self._db.execute("UPDATE auction_key SET not_before = ? WHERE auction = ?", (gate, auction))
        self._write("postpone", auction, not_before=gate, before=kept.not_before)

    def _still_open(self, auction: str) -> None:
        """Mark the first opening, unless a postponement came in while the envelopes were being opened."""
        gate, now = self._known(auction).not_before, self._now()
        if now < gate:
            raise refuse("keeper.too_early", status=409, not_before=from_micros(gate))
        self._db.execute("UPDATE auction_key SET opened = ? WHERE auction = ? AND opened IS NULL", (now, auction))

    def _write(self, deed: str, auction: str, **facts: int | str) -> None:
        row = self._db.execute("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone()
        seq, before = row or (0, _FIRST)
        text = canonical_json({"deed": deed, "auction": auction, "at": self._now(), **facts}).decode("utf-8")
        self._db.execute("INSERT INTO log VALUES (?, ?, ?)", (seq + 1, text, _chain(before, text)))


def _open(private: bytes, auction: str, envelope: bytes, info: bytes) -> Opened | Unopened:
    """An info that names another auction is refused even if someone sealed it to this key on purpose."""
    if not names_auction(info, auction):
        return Unopened("envelope.unopenable")
    return open_envelope(private, envelope, info)


def _chain(before: str, text: str) -> str:
    return digest(_NAME + f"{before}\n{text}".encode())


def broken_at(lines: Sequence[Line]) -> int | None:
    """The seq of the first line that does not continue the chain; None when the log is whole so far.

    A log cut short at its end looks whole: compare its length with a copy written down elsewhere.
    """
    before = _FIRST
    for place, line in enumerate(lines, start=1):
        if line.seq != place or line.hash != _chain(before, line.text) or not _is_object(line.text):
            return place
        before = line.hash
    return None


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
