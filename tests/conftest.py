"""What every test has: a wall against the network, both databases, a clock that stands still."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from market.catalogue.service import found_catalogue
from market.clock import FixedClock
from market.db import Database
from market.identity.service import set_mode
from portal.composition import method_rules
from portal.migrate import migrate
from tests.makers import FOUNDED, T0, database
from tests.postgres import Server, fresh_database

# The same examples on every machine; no deadline, because two cores are shared with other workers.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("steady")

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _stays_here(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
        raise AssertionError(f"{address}: tests stay on this machine")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that leaves the machine, by TCP, by a datagram or by asking for a name."""
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    resolve = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _stays_here(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _stays_here(self.family, address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        _stays_here(self.family, rest[-1])
        return sendto(self, data, *rest)

    def guarded_resolve(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in LOOPBACK | {None, ""}:
            raise AssertionError(f"{name}: tests ask for no name beyond this machine")
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket.socket, "sendto", guarded_sendto)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at T0 until the test moves it."""
    return FixedClock(T0)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The PostgreSQL server of this worker, started when a test first wants it."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Server) -> str:
    """The URL of one database of this worker, empty when the run begins; tests of a session share it."""
    return fresh_database(postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of this test alone, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'city.db'}"
    server: Server = request.getfixturevalue("postgres_server")
    return fresh_database(server)


def _found(url: str) -> None:
    """Bring a new database to what the sample city has before its first firm: tables by Alembic, keys, catalogue."""
    made = database(url)
    migrate(made, FOUNDED)
    with made.write() as s:
        found_catalogue(s, FOUNDED, method_rules(), sample=True)
        set_mode(s, "sample")
    made.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded SQLite database, copied for each test."""
    file = tmp_path_factory.mktemp("template") / "city.db"
    _found(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_city(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a founded SQLite city of this test alone."""
    shutil.copy(sqlite_template, tmp_path / "city.db")
    return f"sqlite:///{tmp_path / 'city.db'}"


@pytest.fixture
def postgres_city(postgres_server: Server) -> str:
    """The URL of a founded PostgreSQL city of this test alone."""
    return fresh_database(postgres_server, postgres_server.template("founded", _found))


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A founded city on each engine in turn: tables, keys, the sample catalogue; no organisation yet."""
    url: str = request.getfixturevalue("sqlite_city" if request.param == "sqlite" else "postgres_city")
    made = database(url)
    yield made
    made.close()
