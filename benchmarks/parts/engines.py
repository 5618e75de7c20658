"""The same measurement on each database, on a server that writes through to the disk."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.parts.report import Report
from tests.postgres import Server


def on_both(measure: Callable[[str, str, Path, Report], None]) -> None:
    """Call `measure(name, url, folder, report)` for SQLite and PostgreSQL; only those named on the command line."""
    report = Report()
    wanted = sys.argv[1:] or ["sqlite", "postgresql"]
    with tempfile.TemporaryDirectory(prefix="tzj-bench-", dir="/tmp") as folder:
        if "sqlite" in wanted:
            measure("SQLite", f"sqlite:///{folder}/city.db", Path(folder), report)
        if "postgresql" in wanted:
            server = Server(durable=True)
            try:
                measure("PostgreSQL", server.fresh(), Path(folder), report)
            finally:
                server.stop()
    report.end()
