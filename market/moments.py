"""Arithmetic of instants, for rules too: it reads no clock.

Storage and arithmetic are aware UTC in microseconds; pages show Asia/Shanghai.
"""

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")  # China keeps one zone and no summer time since 1992
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC of an aware instant, exactly."""
    return (at - _EPOCH) // _MICRO


def from_micros(value: int) -> datetime:
    """The aware UTC instant `value` microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=value)


def beijing_day(at: datetime) -> date:
    """The day in Beijing of an aware instant."""
    return at.astimezone(BEIJING).date()
