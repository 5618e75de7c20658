"""`taozhongjie run`: keeper, scheduler and web as processes of their own under one parent.

A child that dies is started again and said so; Ctrl-C or SIGTERM stops all, web first, keeper last.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from market.settings import Settings

PATIENCE = 15.0
"""Seconds a child gets to end by itself."""
RESTART = 1.0
"""Seconds between a child's end and its next start; doubled up to 30 while it keeps dying at once."""


@dataclass
class Child:
    """One process of the city."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = RESTART
    due: float = 0.0
    starts: int = field(default=0)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the parent alone and the order is kept."""
        self.process = subprocess.Popen(self.command, start_new_session=True)  # noqa: S603
        self.started = time.monotonic()
        self.starts += 1

    def look(self, say: Callable[[str], None]) -> None:
        """Start it again if it has ended."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        lived = time.monotonic() - self.started
        self.wait = RESTART if lived > 10 else min(self.wait * 2, 30.0)
        say(f"{self.name} 已停止（退出码 {code}），{self.wait:.0f} 秒后重新启动 / ended ({code}); starting again")
        self.process, self.due = None, time.monotonic() + self.wait

    def stop(self) -> None:
        """Ask it to end, then make it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def children(settings: Settings) -> list[Child]:
    """The three processes of a city, in the order they start."""
    me = [sys.executable, "-m", "portal.cli"]
    web = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "portal.serving:make"),
        *("--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers)),
        *("--blocking-threads", str(settings.threads), "--workers-kill-timeout", "10", "--respawn-failed-workers"),
        *("--log-level", "error", "--backpressure", str(settings.threads * 8)),
    ]
    return [Child("keeper", [*me, "keeper"]), Child("scheduler", [*me, "scheduler"]), Child("web", web)]


def supervise(settings: Settings, say: Callable[[str], None]) -> None:
    """Start the children and keep them until a signal; returns after the last one has ended."""
    ending: list[int] = []

    def end(sign: int, _: FrameType | None) -> None:
        ending.append(sign)

    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, end)
    running = children(settings)
    try:
        while not ending:
            for child in running:
                child.look(say)
            time.sleep(0.2)
    finally:
        for child in reversed(running):
            child.stop()
    say("已全部停止 / all stopped")
