"""A city of real processes for the races: its keeper, its schedulers, its clock set a few seconds before T."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from bidding.auctions.models import Auction
from bidding.sealing.client import SocketKeeper
from market.clock import SystemClock
from market.db import Database
from market.moments import micros
from tests.makers import T0, Party, database, make_auction, make_firm, make_owner


class RaceCity(AbstractContextManager["RaceCity"]):
    """A home with a short path (for the keeper's socket), a database, and processes that are killed at the end."""

    def __init__(self, url: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tzj-race-", dir="/tmp"))
        self.url = url
        self.env = {**os.environ, "TAOZHONGJIE_HOME": str(self.home), "DATABASE_URL": url}
        self.clock = SystemClock(self.home / "clock")
        self.set_clock(T0)
        self.db: Database = database(url)
        self.running: list[subprocess.Popen[bytes]] = []
        self.keeper_process = self.start("keeper")
        self.keeper = SocketKeeper(self.home / "keeper.sock", timeout=10.0)
        self._until(self.keeper.alive)

    def _until(self, ready: Callable[[], bool], seconds: float = 30.0) -> None:
        for _ in range(int(seconds * 20)):
            if ready():
                return
            pause(0.05)
        raise AssertionError("a process of the race did not get ready")

    def set_clock(self, at: datetime) -> None:
        """Set every process's clock so that it is `at` now."""
        (self.home / "clock.new").write_text(str(micros(at) - micros(SystemClock().now())), "ascii")
        (self.home / "clock.new").replace(self.home / "clock")

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start `taozhongjie COMMAND` as a process of its own; its log is kept in the home."""
        with (self.home / f"{command}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "portal.cli", command], env=self.env, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def auctions(self, n: int, firms: int) -> tuple[list[Auction], list[Party]]:
        """`n` open auctions of one T and `firms` firms that may bid on all of them."""
        with self.db.write() as s:
            owner = make_owner(s)
            parties = [make_firm(s) for _ in range(firms)]
        made = []
        for _ in range(n):
            with self.db.write() as s:
                made.append(make_auction(s, self.keeper, owner))
        return made, parties

    def logs(self) -> str:
        """What the processes wrote, for a failed assertion."""
        return "\n".join(f.read_text("utf-8")[-2000:] for f in self.home.glob("*.log"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.db.close()
        shutil.rmtree(self.home, ignore_errors=True)


def pause(seconds: float) -> None:
    """Let real processes run; a race is about real time, and nothing is asserted of how long it takes."""
    threading.Event().wait(seconds)


def later(at: datetime, seconds: float) -> datetime:
    """An instant so many seconds after `at`."""
    return at + timedelta(seconds=seconds)
