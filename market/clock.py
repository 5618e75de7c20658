"""One clock for every process of a city.

Storage and arithmetic are aware UTC (microseconds); pages show Asia/Shanghai. Nothing below the doors reads a
clock: services take `now`. For demonstrations `taozhongjie clock advance` writes an offset into a file that every
process re-reads, so that web, scheduler and keeper move together (design.md, rules of time 6).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from market.moments import BEIJING as BEIJING
from market.moments import from_micros as from_micros
from market.moments import micros as micros

_MICRO = timedelta(microseconds=1)


class Clock(Protocol):
    """What tells the time: aware UTC, microseconds."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, shifted by whole microseconds read from `offset_file` if that exists.

    Two schedulers or a keeper on another host must share one source (chrony, PTP); the offset is for
    demonstrations only and is never read in production.
    """

    def __init__(self, offset_file: Path | None = None) -> None:
        self._file = offset_file
        self._stamp = 0
        self._offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset()

    def offset(self) -> timedelta:
        """The shift in force; the file is read again only after it changed."""
        if self._file is None:
            return timedelta(0)
        try:
            stamp = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return timedelta(0)
        if stamp != self._stamp:
            self._offset = timedelta(microseconds=int(self._file.read_text("ascii").strip() or "0"))
            self._stamp = stamp
        return self._offset

    def advance(self, by: timedelta) -> timedelta:
        """Move the shared clock forward by `by` (> 0) and give the whole shift. Raises ValueError if not forward."""
        if self._file is None:
            raise ValueError("This clock has no offset file: it cannot be moved.")
        if by <= timedelta(0):
            raise ValueError("The clock only moves forward.")
        whole = self.offset() + by
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(whole // _MICRO), "ascii")
        fresh.replace(self._file)
        return whole


class FixedClock:
    """A clock that stands still until it is told otherwise: for tests and for the history of the sample city."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by
