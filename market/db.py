"""Engines and transactions: the same code on SQLite (embedded) and PostgreSQL (a city).

A door opens exactly one `write()`; services work in it and never commit. A page reads through `read()`, which
cannot write. On SQLite a writer takes a mutex of its process, then `flock` on one file beside the database, then
BEGIN IMMEDIATE: without the file lock a busy web process starves the scheduler (decisions.md, Databases).
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from sqlalchemy import DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def insert_for(s: Session) -> Any:
    """The `insert` of the session's database that knows ON CONFLICT."""
    return postgresql.insert if s.get_bind().dialect.name == "postgresql" else sqlite.insert


ALONE = "alone"
"""In a session's info: each statement of it is a transaction of its own."""


class DatabaseDown(Exception):
    """The database does not answer in time, or not at all. The transaction left nothing; trying again is right."""


_SQLITE_DOWN = ("locked", "unable to open", "disk", "malformed", "not a database", "no such table", "readonly")
"""What SQLite says of a file that is busy, gone, damaged or not ours; a missing file is made anew, without tables."""


def _down(error: DBAPIError | TimeoutError) -> bool:
    """Whether it is the database that fails, not the statement: no connection, no turn, no answer in time."""
    if isinstance(error, TimeoutError):
        return True
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    words = str(error.orig)
    sqlite = any(w in words for w in _SQLITE_DOWN)
    return isinstance(error, OperationalError) and (sqlite or "sqlite" not in type(error.orig).__module__)


@contextmanager
def _translated() -> Iterator[None]:
    """A failing database as DatabaseDown; every other error as it is."""
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        if _down(error):
            raise DatabaseDown(type(error.orig).__name__ if isinstance(error, DBAPIError) else "pool") from error
        raise


class UTCTime(TypeDecorator[datetime]):
    """An aware UTC instant in microseconds; a naive one is a bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A naive time cannot be stored: pass an aware one.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
"""A JSON document: text on SQLite, JSONB on PostgreSQL."""


class Base(DeclarativeBase):
    """Every table of the project; keys are named by rule, facts by sentence (style habit 6)."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: dict[Any, TypeEngine[Any] | type[TypeEngine[Any]]] = {  # noqa: RUF012
        datetime: UTCTime(),
        dict[str, Any]: DOCUMENT,
        list[Any]: DOCUMENT,
    }


class Options(Protocol):
    """What an engine needs of the settings."""

    @property
    def database_url(self) -> str: ...
    @property
    def threads(self) -> int: ...


class Database:
    """The two ways into the store: `write()` for one transaction, `read()` for a page."""

    def __init__(self, write: Engine, read: Engine, single: Engine, lock: Path | None, patience: float = 0.0) -> None:
        self._write, self._read, self._single, self._lock, self._patience = write, read, single, lock, patience
        self._mutex = threading.Lock()
        self._sessions = sessionmaker(write, expire_on_commit=False)
        self._singles = sessionmaker(single, expire_on_commit=False, info={ALONE: True})
        self._reads = sessionmaker(read, expire_on_commit=False, info={ALONE: True})

    @property
    def sqlite(self) -> bool:
        """Whether writers are serial (SQLite)."""
        return self._lock is not None

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations and benchmarks."""
        return self._write

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back if anything is raised. Raises DatabaseDown."""
        with self._watched(), self.alone(), self._sessions.begin() as s:
            yield s

    @contextmanager
    def single(self) -> Iterator[Session]:
        """For a piece of work whose writing is one statement: the statement is its own transaction.

        On PostgreSQL nothing is sent to begin or to commit: a bid costs its round trips (bid-path.md). On SQLite it is
        `write()`, so the work may well send more statements there. Raises DatabaseDown.
        """
        if self.sqlite:
            with self.write() as s:
                yield s
            return
        with self._watched(), self._singles() as s:
            yield s

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that cannot write. Each statement sees what is committed when it starts. Raises DatabaseDown."""
        with self._watched(), self._reads() as s:
            yield s

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The turn of a writer on SQLite, among threads and processes; nothing to wait for on PostgreSQL.

        Raises DatabaseDown when the turn does not come in time: whoever has it hangs, and so must not we.
        """
        if self._lock is None:
            yield
            return
        until = monotonic() + self._patience
        if not self._mutex.acquire(timeout=self._patience):
            raise DatabaseDown("turn")
        try:
            handle = _turn(self._lock, until - monotonic())
            try:
                yield
            finally:
                os.close(handle)
        finally:
            self._mutex.release()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Failures of the database as DatabaseDown; on SQLite no handle of a file that failed is used again."""
        try:
            with _translated():
                yield
        except DatabaseDown:
            if self.sqlite:
                self.close()
            raise

    def close(self) -> None:
        """Give back every connection."""
        self._write.dispose()
        self._read.dispose()
        self._single.dispose()


class _Waiting:
    """One wait for the file lock. A thread blocks in flock, so that processes get it in turn: polling would starve."""

    def __init__(self, handle: int) -> None:
        self._handle, self._guard, self._left = handle, threading.Lock(), False
        self._come = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        with self._guard:
            if self._left:
                os.close(self._handle)
            else:
                self._come.set()

    def came(self, seconds: float) -> bool:
        """Whether the lock is ours within so many seconds; if not, the handle is closed when it would have been."""
        self._come.wait(max(seconds, 0.0))
        with self._guard:
            self._left = not self._come.is_set()
        return not self._left


def _turn(file: Path, seconds: float) -> int:
    """An open handle that holds the lock of `file`. Raises DatabaseDown after so many seconds, or without the file."""
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DatabaseDown("lock file") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not _Waiting(handle).came(seconds):
            raise DatabaseDown("turn") from None
    return handle


def open(settings: Options, patient: bool = False) -> Database:
    """Engines for DATABASE_URL. Nothing is connected yet; an unreachable server shows at the first use.

    `patient` is for schedulers, migrations and loads, whose statements may take a minute; the doors' may not.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(settings.database_url, Path(url.database or "city.db"), patient)
    return _postgresql(settings.database_url, settings.threads, patient)


TURN = 8.0
"""Seconds a door waits to write on SQLite: less than the drain, so what was stamped before T is always counted."""


def _sqlite(url: str, file: Path, patient: bool) -> Database:
    write = create_engine(url, pool_size=2, max_overflow=30)
    read = create_engine(url, pool_size=8, max_overflow=30)

    @event.listens_for(write, "connect")
    def writer(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin too late; the hook below begins
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(write, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(read, "connect")
    def reader(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("busy_timeout=5000", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return Database(write, read, write, file.with_name(file.name + ".lock"), 120.0 if patient else TURN)


IDLE = 1.0
"""Seconds after which a connection is tried before it is used again."""


def _try_idle(engine: Engine) -> None:
    """Try a connection that has rested before it is used, so that a restarted server costs no request an error.

    SQLAlchemy's own pre-ping asks at each use: a round trip for each session of a busy site.
    """

    @event.listens_for(engine, "checkin")
    def rest(_: Any, record: Any) -> None:
        record.info["rested"] = monotonic()

    @event.listens_for(engine, "checkout")
    def rise(connection: Any, record: Any, __: Any) -> None:
        if monotonic() - record.info.get("rested", monotonic()) < IDLE:
            return
        try:
            if not engine.dialect.do_ping(connection):
                raise InvalidatePoolError
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


# The waits of a door (pool, lock, statement: 2 s each) add up to less than the drain of 10 s, so what was stamped
# before T is always counted.
_WAITS = "-c lock_timeout={lock} -c statement_timeout={statement} -c idle_in_transaction_session_timeout=15000"


PREPARE = 5
"""After so many uses by a connection a statement is prepared: the questions of a bid then cost a quarter, since
planning was most of them. `?pooled=1` in the URL leaves it out, for a pooler that hands a connection on after each
transaction (pgbouncer before 1.21)."""


def _postgresql(url: str, threads: int, patient: bool) -> Database:
    address = make_url(url).set(drivername="postgresql+psycopg")
    prepare = None if address.query.get("pooled") == "1" else PREPARE

    def engine(options: str, **more: Any) -> Engine:
        made = create_engine(
            address.difference_update_query(["pooled"]),
            pool_size=max(2, min(threads, 16)),
            max_overflow=0,
            pool_timeout=2,
            connect_args={"prepare_threshold": prepare, "options": options, "connect_timeout": 2},
            **more,
        )
        _try_idle(made)
        return made

    waits = _WAITS.format(lock=10000, statement=120000) if patient else _WAITS.format(lock=2000, statement=2000)
    write = engine(waits)
    alone: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    read = engine("-c statement_timeout=10000 -c default_transaction_read_only=on", **alone)
    return Database(write, read, engine(waits, **alone), None)
