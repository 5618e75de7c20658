"""A whole city for the browser: `taozhongjie run` with its processes, its clock, its mail folder; nothing is stood in.

Everything is done from outside: the command line, the mail folder, the pages. The database is never touched here.
"""

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

from market import settings
from market.catalogue.service import found_catalogue
from market.clock import SystemClock
from market.identity.service import set_mode
from market.moments import beijing_day, micros
from portal.composition import method_rules, open_city
from portal.migrate import migrate
from portal.sample import founded_at, founded_on, load_sample
from tests.race.city import pause
from tests.race.site import free_port

READY_SECONDS = 90.0
"""How long the processes of a city may take to start on a busy machine."""


class City:
    """A running city with an empty catalogue (or the sample), whose clock stands where the test wants it."""

    def __init__(self, at: datetime, url: str | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tzj-web-", dir="/tmp"))  # short, for the keeper's socket
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "TAOZHONGJIE_HOME": str(self.home), "TAOZHONGJIE_PORT": str(self.port)}
        self.env.pop("DATABASE_URL", None)
        if url is not None:
            self.env["DATABASE_URL"] = url
        self.clock = SystemClock(self.home / "clock")
        (self.home / "clock").write_text(str(micros(at) - micros(SystemClock().now())), "ascii")
        self._run: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> str:
        """Run `taozhongjie …` to its end and give what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "portal.cli", *words], env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"taozhongjie {words[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *options: str) -> None:
        """`taozhongjie run` until the site answers."""
        with (self.home / "run.log").open("ab") as log:
            command = [sys.executable, "-m", "portal.cli", "run", *options]
            self._run = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        self.wait(self._answers, READY_SECONDS)

    def _answers(self) -> bool:
        if self._run is not None and self._run.poll() is not None:
            raise AssertionError(f"the city ended: {self.log()}")
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/time")
            return connection.getresponse().status == 200
        return False

    def wait(self, ready: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for another process of the city; what is waited for is asked ten times a second."""
        for _ in range(int(seconds * 10)):
            if ready():
                return
            pause(0.1)
        raise AssertionError(f"nothing came of it in {seconds} s: {self.log()}")

    def log(self) -> str:
        """What the processes said, for a failed test."""
        return (self.home / "run.log").read_text("utf-8")[-3000:]

    def advance_to(self, at: datetime) -> None:
        """Move the clock of every process forward to `at`, as `taozhongjie clock advance` does it."""
        while (left := at - self.clock.now()) > timedelta(0):
            step = min(int(left.total_seconds()) + 1, 600_000)
            self.command("clock", "advance", f"{step}s")

    def mail(self, address: str, kind: str) -> str:
        """The text of the newest mail of a kind to an address; waits until the outbox has sent it."""
        found: list[str] = []

        def look() -> bool:
            for file in sorted(self.home.glob(f"mail/[0-9]*-{kind}-*.eml"), reverse=True):
                message = message_from_bytes(file.read_bytes(), policy=policy.default)
                if address in str(message["To"]):
                    found.append(str(message.get_content()))
                    return True
            return False

        self.wait(look)
        return found[0]

    def link(self, address: str, kind: str) -> str:
        """The path of the first link in that mail."""
        match = re.search(rf"{self.address}(/\S+)", self.mail(address, kind))
        assert match is not None, kind
        return match[1]

    def stop(self) -> None:
        """Ctrl-C, as the README says, then the home goes."""
        if self._run is not None and self._run.poll() is None:
            self._run.terminate()
            try:
                self._run.wait(60)
            except subprocess.TimeoutExpired:
                self._run.kill()
                self._run.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def load_sample_of(city: City, scale: float) -> None:
    """Put a smaller sample city (a share of its firms and jobs) where `run` will find it; `run` loads the whole."""
    made = open_city(settings.read(city.env), patient=True)
    today = beijing_day(made.clock.now())
    migrate(made.db, founded_at(today))
    with made.db.write() as s:
        set_mode(s, "sample")
        found_catalogue(s, founded_at(today), method_rules(), sample=True, since=founded_on(today))
    load_sample(made, lambda _: None, scale)
    made.db.close()


@contextmanager
def running(city: City, *options: str) -> Iterator[City]:
    """A city that runs, and is stopped whatever happens."""
    try:
        city.start(*options)
        yield city
    finally:
        city.stop()
