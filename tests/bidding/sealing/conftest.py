"""A keeper on the clock that stands still, and its socket in a short folder."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bidding.sealing.keeper import Keeper
from bidding.sealing.server import Server
from market.clock import FixedClock


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for a socket; pytest's own may pass 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="tz") as folder:
        yield Path(folder)


@pytest.fixture
def keeper(tmp_path: Path, clock: FixedClock) -> Iterator[Keeper]:
    kept = Keeper(tmp_path / "keeper", clock)
    yield kept
    kept.close()


@pytest.fixture
def listening(short: Path, keeper: Keeper) -> Iterator[Path]:
    """The socket of a server in a thread of this process."""
    path = short / "keeper.sock"
    server = Server(path, keeper)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield path
    server.shutdown()
    server.server_close()
    thread.join()
