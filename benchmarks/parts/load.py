"""Load by wrk on the loopback: one thread, a bounded time, every answer counted, latencies in milliseconds."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local plan = dofile("{plan}")
local n = 0
request = function()
  n = n + 1
  local one = plan.who[(n - 1) % #plan.who + 1]
  local path = plan.paths[(n * 7) % #plan.paths + 1]
  wrk.headers["Cookie"] = one.cookie
  if plan.method == "GET" then return wrk.format("GET", path) end
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  return wrk.format("POST", path, nil, one.body .. "{run}-" .. n .. "&amount=" .. (50000 + n % 40000) .. ".00")
end
done = function(s, latency)
  io.write(string.format(
    '{{"requests":%d,"us":%d,"p50":%f,"p95":%f,"p99":%f,"bad":%d,"bytes":%d}}\\n',
    s.requests, s.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout, s.bytes))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: requests, seconds, latencies in ms, answers that were no success, bytes received."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    bad: int
    bytes: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks: the Cookie header, and the start of a form body, ending in `key=`."""

    cookie: str
    body: str = ""


class Wrk:
    """Runs of load against one port."""

    def __init__(self, port: int, folder: Path) -> None:
        if shutil.which("wrk") is None:
            raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
        self._port, self._folder, self._runs = port, folder, 0

    def run(
        self, paths: Sequence[str], who: Sequence[Who], connections: int, seconds: float, method: str = "POST"
    ) -> Load:
        """Send as fast as answers come over so many connections, for so many whole seconds."""
        self._runs += 1
        plan, script = self._folder / "plan.lua", self._folder / "load.lua"
        plan.write_text(_plan(paths, who, method), "utf-8")
        script.write_text(_SCRIPT.format(plan=plan, run=f"run{self._runs}"), "utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{int(seconds)}s", "--timeout", "10s", "-s", str(script)]
        command.append(f"http://127.0.0.1:{self._port}")
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
        found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
        ms = {name: found[name] / 1000 for name in ("p50", "p95", "p99")}
        return Load(found["requests"], found["us"] / 1e6, ms["p50"], ms["p95"], ms["p99"], found["bad"], found["bytes"])


def _plan(paths: Sequence[str], who: Sequence[Who], method: str) -> str:
    people = ",\n".join(f"{{cookie={json.dumps(w.cookie)},body={json.dumps(w.body)}}}" for w in who)
    return f"return {{method={json.dumps(method)},paths={{{','.join(map(json.dumps, paths))}}},who={{{people}}}}}\n"
