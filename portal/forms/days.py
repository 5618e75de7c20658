"""The calendar of radios: which days T may fall on, with the working days that are left (picture 04)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from market.jobs.rules import earliest_day
from market.workdays import Calendar, CalendarError


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of the calendar: `days` working days are left until it, if it is free; else `note` says why not.

    `note`: rest | near | far | unknown; a free day that wants a reason of urgency: urgent.
    """

    day: date
    label: str
    free: bool
    days: int
    note: str


@dataclass(frozen=True, slots=True)
class Month:
    """What the picker shows: the cells Monday to Sunday, the first free day, whether any of it is provisional."""

    cells: list[Cell]
    earliest: date | None
    provisional: bool


def month(city: Mapping[str, Any], calendar: Calendar, now: datetime) -> Month:
    """The weeks from now until the longest bid period ends."""
    try:
        start = calendar.effective_day(now)
        earliest, urgent = (earliest_day(city, calendar, now, urgent=urgent) for urgent in (False, True))
    except CalendarError:
        return Month([], None, False)
    last = _last(calendar, start, city["max_bid_period_wd"])
    day = start - timedelta(days=start.weekday())
    end = last + timedelta(days=6 - last.weekday())
    cells: list[Cell] = []
    while day <= end:
        cells.append(_cell(calendar, day, start, (urgent, earliest, last), first=not cells))
        day += timedelta(days=1)
    return Month(cells, earliest, any(calendar.is_provisional(cell.day) for cell in cells))


def _last(calendar: Calendar, start: date, most: int) -> date:
    try:
        return calendar.add_workdays(start, most)
    except CalendarError:
        return calendar.last


def _cell(calendar: Calendar, day: date, start: date, bounds: tuple[date, date, date], first: bool) -> Cell:
    """`bounds`: the first day with a reason of urgency, the first without, the last."""
    urgent, earliest, last = bounds
    label = f"{day.month}/{day.day}" if first or day.day == 1 else str(day.day)
    try:
        if not calendar.is_workday(day):
            return Cell(day, label, False, 0, "rest")
        if day < urgent:
            return Cell(day, label, False, 0, "near")
        if day > last:
            return Cell(day, label, False, 0, "far")
        return Cell(day, label, True, calendar.count_workdays(start, day), "urgent" if day < earliest else "")
    except CalendarError:
        return Cell(day, label, False, 0, "unknown")
