"""`taozhongjie run` as a newcomer starts it: three processes, a killed child comes back, a signal ends them all."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.race.city import pause

pytestmark = pytest.mark.race


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Running:
    """A run in a folder of its own."""

    def __init__(self, home: Path, *words: str) -> None:
        self.port = _free_port()
        self.log = home / "run.log"
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TAOZHONGJIE_", "DATABASE_URL"))}
        env |= {"TAOZHONGJIE_HOME": str(home / "var"), "TAOZHONGJIE_PORT": str(self.port)}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.cli", "run", *words], env=env, stdout=out, stderr=out
            )

    def children(self) -> dict[str, int]:
        """Name → pid of the three processes."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                parent = int(re.search(r"PPid:\s*(\d+)", (folder / "status").read_text()).group(1))  # type: ignore[union-attr]
            except (OSError, AttributeError):
                continue
            if parent == self.process.pid:
                name = "web" if "granian" in words else words[3] if len(words) > 3 else "?"
                found[name] = int(folder.name)
        return found

    def answers(self) -> bool:
        """Whether the home page is served."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as page:
                return page.status == 200 and "淘中介" in page.read().decode()
        except (urllib.error.URLError, OSError):
            return False

    def until(self, ready: object, seconds: int = 90) -> None:
        """Wait for something true."""
        for _ in range(seconds * 5):
            if ready():  # type: ignore[operator]
                return
            assert self.process.poll() is None, self.log.read_text("utf-8")[-3000:]
            pause(0.2)
        raise AssertionError(self.log.read_text("utf-8")[-3000:])


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="tzj-run-", dir="/tmp") as folder:
        yield Path(folder)


def test_a_run_serves_brings_back_what_dies_and_ends_whole(home: Path) -> None:
    run = Running(home, "--empty")
    try:
        run.until(run.answers)
        before = run.children()
        assert set(before) == {"keeper", "scheduler", "web"}

        for name in ("web", "keeper"):
            os.kill(before[name], signal.SIGKILL)
            run.until(lambda name=name: run.children().get(name, before[name]) != before[name])  # type: ignore[misc]
            assert f"{name} 已停止" in run.log.read_text("utf-8")
        run.until(run.answers)

        children = run.children().values()
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(60) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
        assert "已全部停止" in run.log.read_text("utf-8")
        assert "Traceback" not in run.log.read_text("utf-8")
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(60)


def test_the_other_mode_is_refused_with_the_mend(home: Path) -> None:
    first = Running(home, "--empty")
    try:
        first.until(first.answers)
    finally:
        first.process.terminate()
        first.process.wait(60)

    second = Running(home)

    assert second.process.wait(60) == 1
    assert "TAOZHONGJIE_HOME" in second.log.read_text("utf-8")
