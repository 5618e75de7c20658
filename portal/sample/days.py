"""Working days of the sample's history, and the hours at which people work."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from market.moments import BEIJING
from market.workdays import Calendar

FOUNDED_BEFORE = 42
"""Days between the founding of the market and the first job: firms are admitted first."""
MONTHS = 24
AHEAD = 60
"""Working days are known this many days after today."""

SEASON = (0.7, 0.4, 1.2, 1.1, 1.0, 1.15, 0.95, 0.9, 1.1, 0.9, 1.2, 1.4)
"""Weight of January … December in postings (sample_city.md, Season)."""


def history_begins(today: date) -> date:
    """The day 24 months before today."""
    year, month = divmod(today.year * 12 + today.month - 1 - MONTHS, 12)
    return date(year, month + 1, min(today.day, 28))


def founded_on(today: date) -> date:
    """The day the sample market was founded: its catalogue and rules are in force from then on."""
    return history_begins(today) - timedelta(days=FOUNDED_BEFORE)


def founded_at(today: date) -> datetime:
    """The instant of the founding, 09:00 in Beijing."""
    return instant(founded_on(today), 9.0)


def instant(day: date, hours: float) -> datetime:
    """An instant of a Beijing day, in UTC and whole seconds; `hours` after midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=BEIJING)
    return (midnight + timedelta(seconds=int(hours * 3600))).astimezone(UTC)


@dataclass(frozen=True)
class Days:
    """The working days from the founding to some weeks after `today`, by their place."""

    today: date
    work: tuple[date, ...]
    before_spring: frozenset[date]

    def place(self, day: date) -> int:
        """The place of the first working day on or after `day`."""
        return bisect_left(self.work, day)

    def place_of(self, at: datetime) -> int:
        """The place of the Beijing day of an instant."""
        return self.place(at.astimezone(BEIJING).date())

    @property
    def begins(self) -> date:
        """The first day of the history."""
        return history_begins(self.today)

    def ago(self, n: int) -> date:
        """The n-th working day before today."""
        return self.work[self.now - n]

    def later(self, at: datetime, n: int, hours: float) -> datetime:
        """An hour of the n-th working day after the Beijing day of `at`."""
        first = bisect_right(self.work, at.astimezone(BEIJING).date())
        return instant(self.work[min(first + n - 1, len(self.work) - 1)], hours)

    def sooner(self, at: datetime, n: int, hours: float) -> datetime:
        """An hour of the n-th working day before the Beijing day of `at`."""
        return instant(self.work[max(bisect_left(self.work, at.astimezone(BEIJING).date()) - n, 0)], hours)

    @property
    def now(self) -> int:
        """The place of today, or of the next working day."""
        return self.place(self.today)


def days_of(calendar: Calendar, today: date) -> Days:
    """The days of a calendar around `today`. Raises CalendarError where it does not reach."""
    first = founded_on(today)
    span = [first + timedelta(days=n) for n in range((today - first).days + AHEAD)]
    work = tuple(day for day in span if calendar.is_workday(day))
    return Days(today, work, frozenset(_before_spring(work)))


def _before_spring(work: Sequence[date]) -> list[date]:
    """The week before each Spring Festival: the longest rest between mid-January and the end of February."""
    found: list[date] = []
    for year in sorted({day.year for day in work}):
        winter = [day for day in work if date(year, 1, 10) <= day <= date(year, 3, 5)]
        rests = [(b - a, a) for a, b in itertools.pairwise(winter)]
        if not rests or max(rests)[0] < timedelta(days=4):
            continue
        last = max(rests)[1]  # the last working day before the rest
        found += [last - timedelta(days=n) for n in range(7)]
    return found


def working_hour(rng: Random) -> float:
    """A time of day from 9 to 17, most often near 10 and 15."""
    while True:
        hour = rng.gauss(10.2, 0.7) if rng.random() < 0.55 else rng.gauss(15.1, 0.8)
        if 9.0 <= hour < 16.9:
            return hour
