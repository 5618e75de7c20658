"""Working days of mainland China (工作日) by a calendar that is handed over, never guessed.

The official calendar follows the yearly notices of the State Council's office (放假安排, with 调休 make-up days).
Years without a notice may be added as provisional (暂定): Monday to Friday less the statutory holidays. Days are
days in Beijing; instants are aware and may be in any zone.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from market.clock import BEIJING

END_OF_BUSINESS = time(17)
"""An act up to this second counts on its day. Our rule: 民法典 第203条 ends a period when business ends."""

_DAY = timedelta(days=1)

# 春节 (lunar 1/1), 清明 (solar term), 端午 (5/5), 中秋 (8/15) by the lunar calendar of GB/T 33661-2017, computed
# with two programs that agree (PyPI lunardate 0.2, sxtwl 2.0); 2023–2026 reproduce the published notices.
_LUNAR: Mapping[int, tuple[date, date, date, date]] = {
    2027: (date(2027, 2, 6), date(2027, 4, 5), date(2027, 6, 9), date(2027, 9, 15)),
    2028: (date(2028, 1, 26), date(2028, 4, 4), date(2028, 5, 28), date(2028, 10, 3)),
    2029: (date(2029, 2, 13), date(2029, 4, 4), date(2029, 6, 16), date(2029, 9, 22)),
    2030: (date(2030, 2, 3), date(2030, 4, 5), date(2030, 6, 5), date(2030, 9, 12)),
}


class CalendarError(ValueError):
    """No answer from this calendar.

    `code`: calendar_not_loaded (a day outside it is needed), negative (days < 0, or counted backwards), shape (a
    document that is no calendar). `year` names the missing year where one is known.
    """

    def __init__(self, code: str, year: int | None = None) -> None:
        super().__init__(code if year is None else f"{code}: {year}")
        self.code = code
        self.year = year


@dataclass(frozen=True)
class Calendar:
    """The days `first` to `last`: `holidays` are off, `make_up_days` are worked, the rest goes by the week.

    `provisional` are the years computed from the law, because no notice was loaded for them.
    """

    first: date
    last: date
    holidays: frozenset[date]
    make_up_days: frozenset[date]
    provisional: frozenset[int] = frozenset()
    _days: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        span = (self.first + _DAY * n for n in range((self.last - self.first).days + 1))
        object.__setattr__(self, "_days", tuple(day for day in span if self._worked(day)))

    def _worked(self, day: date) -> bool:
        return day in self.make_up_days or (day.weekday() < 5 and day not in self.holidays)

    def _need(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise CalendarError("calendar_not_loaded", day.year)

    def _at(self, index: int) -> date:
        if index >= len(self._days):
            raise CalendarError("calendar_not_loaded", self.last.year + 1)
        return self._days[index]

    def is_workday(self, day: date) -> bool:
        """Whether `day` is worked. Raises CalendarError outside the calendar, as all questions here."""
        self._need(day)
        return self._worked(day)

    def is_provisional(self, day: date) -> bool:
        """Whether the answer for `day` rests on the law alone; a page then says 暂定."""
        return day.year in self.provisional

    def next_workday(self, day: date) -> date:
        """The first working day after `day`, never itself."""
        return self.add_workdays(day, 1)

    def add_workdays(self, day: date, n: int) -> date:
        """The n-th working day after `day`, which does not count (民法典 第201条); n = 0: itself or the next one."""
        if n < 0:
            raise CalendarError("negative")
        self._need(day)
        if n == 0:
            return self._at(bisect_left(self._days, day))
        return self._at(bisect_right(self._days, day) + n - 1)

    def count_workdays(self, after: date, through: date) -> int:
        """Working days later than `after`, up to and with `through`; backwards is refused."""
        if through < after:
            raise CalendarError("negative")
        self._need(after)
        self._need(through)
        return bisect_right(self._days, through) - bisect_right(self._days, after)

    def effective_day(self, at: datetime) -> date:
        """The working day an act counts on: the same day up to 17:00:00 in Beijing, else the next working day."""
        here = _beijing(at)
        day = here.date()
        if self.is_workday(day) and here.time() <= END_OF_BUSINESS:
            return day
        return self.next_workday(day)

    def deadline_day(self, at: datetime, n: int) -> date:
        """The last day of a period of n working days that an act at `at` starts."""
        if n < 0:
            raise CalendarError("negative")
        return self.add_workdays(self.effective_day(at), n)

    def end_of_period(self, at: datetime, n: int) -> datetime:
        """The last instant, inclusive, of n working days counted from `at` (exclusive): 17:00:00 in Beijing, as UTC."""
        day = self.deadline_day(at, n)
        return datetime.combine(day, END_OF_BUSINESS, BEIJING).astimezone(UTC)


def _beijing(at: datetime) -> datetime:
    """`at` as Beijing time. Raises ValueError for a naive time, which would be the machine's zone by chance."""
    if at.tzinfo is None:
        raise ValueError("A time without zone tells no day.")
    try:
        return at.astimezone(BEIJING)
    except OverflowError:
        raise CalendarError("calendar_not_loaded", at.year) from None


def parse_calendar(document: object) -> Calendar:
    """A calendar from its JSON: first, last, holidays ("day" or "from/to"), make_up_days, provisional years.

    Raises CalendarError shape for anything else, a make-up day that is also a holiday included.
    """
    if not isinstance(document, dict):
        raise CalendarError("shape")
    try:
        first, last = (date.fromisoformat(document[key]) for key in ("first", "last"))
        if last < first or (last - first).days > 40_000:
            raise CalendarError("shape")
        holidays = frozenset(day for entry in document["holidays"] for day in _days_of(entry))
        worked = frozenset(date.fromisoformat(day) for day in document["make_up_days"])
        years = frozenset(document.get("provisional", ()))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CalendarError("shape") from None
    if worked & holidays or not all(type(year) is int for year in years):
        raise CalendarError("shape")
    return Calendar(first, last, holidays, worked, years)


def _days_of(entry: str) -> Iterable[date]:
    start, _, end = entry.partition("/")
    day, last = date.fromisoformat(start), date.fromisoformat(end or start)
    if not 0 <= (last - day).days <= 60:
        raise ValueError("a holiday ends after it begins, within 60 days")
    return (day + _DAY * n for n in range((last - day).days + 1))


def calendar_document(calendar: Calendar) -> dict[str, Any]:
    """The JSON that `parse_calendar` reads, each holiday a day of its own."""
    return {
        "first": calendar.first.isoformat(),
        "last": calendar.last.isoformat(),
        "holidays": [day.isoformat() for day in sorted(calendar.holidays)],
        "make_up_days": [day.isoformat() for day in sorted(calendar.make_up_days)],
        "provisional": sorted(calendar.provisional),
    }


@cache
def official_calendar() -> Calendar:
    """The calendar by the State Council's notices, 2023–2026, shipped as market/calendar.json."""
    return parse_calendar(json.loads(files("market").joinpath("calendar.json").read_text("utf-8")))


def statutory_holidays(year: int) -> frozenset[date]:
    """The days off by law in `year` (全国年节及纪念日放假办法, 国务院令第795号, from 2025): 13 days, no make-up days.

    New Year 1, Spring Festival 4 (its eve and three days), Qingming 1, Labour Day 2, Dragon Boat 1, Mid-Autumn 1,
    National Day 3. Where a day off falls on a week-end the law gives another one (补假), but the notice says which:
    it is not guessed. Raises CalendarError for a year without an entry of the lunar calendar (2027–2030 have one).
    """
    if year not in _LUNAR:
        raise CalendarError("calendar_not_loaded", year)
    spring, qingming, dragon_boat, mid_autumn = _LUNAR[year]
    fixed = {date(year, 1, 1), date(year, 5, 1), date(year, 5, 2), *(date(year, 10, d) for d in (1, 2, 3))}
    return frozenset(fixed | {spring + _DAY * n for n in range(-1, 3)} | {qingming, dragon_boat, mid_autumn})


def with_provisional(calendar: Calendar, years: Iterable[int]) -> Calendar:
    """`calendar` with whole `years` after its last, computed from the law and marked provisional.

    Years it already has are left as they are. Raises CalendarError if a year is missing between or has no entry of
    the lunar calendar.
    """
    found = calendar
    for year in sorted(set(years)):
        if year <= found.last.year:
            continue
        if date(year, 1, 1) != found.last + _DAY:
            raise CalendarError("calendar_not_loaded", found.last.year + 1)
        found = replace(
            found,
            last=date(year, 12, 31),
            holidays=found.holidays | statutory_holidays(year),
            provisional=found.provisional | {year},
        )
    return found
