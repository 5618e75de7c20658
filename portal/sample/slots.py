"""When jobs are posted and when their bidding ends (sample_city.md, Season; decisions.md, Sample city)."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from market.moments import BEIJING
from portal.sample.days import SEASON, Days, history_begins, instant, working_hour
from portal.sample.luck import luck

JOBS, OPEN, WAITING = 600, 40, 2
PERIODS = ((3, 1), (4, 3), (5, 6), (6, 4), (7, 3), (8, 2), (9, 1), (10, 1))
"""Working days of bidding with their weights: 3 to 10, mode 5."""
CLOSING_HOURS = (9.5, 10.0, 10.5, 14.0, 15.0, 15.0, 16.0, 17.0)
SETTLED = 40
"""A job that may fail was posted so many working days ago, so that its re-run has ended too."""


@dataclass(frozen=True, slots=True)
class Slot:
    """When a job is sent in, published and closed.

    `settled`: long enough ago for a re-run. `waits`: it is with the operator and not published yet. `elapsed`: the
    share of its bidding time that is over when today begins.
    """

    sent_at: datetime
    posted_at: datetime
    closes_at: datetime
    open: bool
    settled: bool
    waits: bool
    elapsed: float

    def bid_at(self, share: float, opens: datetime | None = None, closes: datetime | None = None) -> datetime:
        """The instant after a share of the bidding time, by day where possible; `opens`, `closes`: of a re-run."""
        first, last = opens or self.posted_at, closes or self.closes_at
        at = first + timedelta(seconds=int((last - first).total_seconds() * share))
        here = at.astimezone(BEIJING)
        if not 8 <= here.hour < 20:
            here = here.replace(hour=9 + at.second % 8, minute=at.minute)
        return here.astimezone(UTC) if first < here < last else at


def make_slots(seed: int, days: Days, scale: float) -> list[Slot]:
    """All jobs' times, by time of posting."""
    rng = luck(seed, "slots")
    open_ones = max(4, round(OPEN * scale))
    closed = max(20, round(JOBS * scale)) - open_ones
    found = [_open(rng, days, n, open_ones) for n in range(open_ones)]
    found += _closed(rng, days, closed)
    for n in range(WAITING):
        found.append(slot_of(rng, days, days.now - 1, days.now + 9 + n, open=True, waits=True))
    return sorted(found, key=lambda slot: slot.posted_at)


def slot_of(rng: Random, days: Days, start: int, end: int, open: bool, waits: bool = False) -> Slot:
    hour = working_hour(rng)
    posted = instant(days.work[start], hour)
    sent = posted - timedelta(minutes=rng.randint(15, 45 if hour < 9.8 else 90))
    closes = instant(days.work[end], rng.choice(CLOSING_HOURS))
    elapsed = (instant(days.today, 0) - posted) / (closes - posted)
    return Slot(sent, posted, closes, open, start <= days.now - SETTLED, waits, min(1.0, elapsed))


def _open(rng: Random, days: Days, n: int, many: int) -> Slot:
    """T on one of the next 20 working days, all of them alike; 5 to 25 working days of bidding, posted before today."""
    end = days.now + 1 + n * 20 // many
    ahead = end - days.now
    periods = [p for p in range(max(5, ahead + 1), 26) if days.work[end - p] not in days.before_spring]
    return slot_of(rng, days, end - rng.choice(periods or [max(5, ahead + 1)]), end, open=True)


def _closed(rng: Random, days: Days, many: int) -> list[Slot]:
    """Posted by season on working days, none in the week before Spring Festival, and closed before today."""
    first = bisect_left(days.work, history_begins(days.today))
    places = [i for i in range(first, days.now - 4) if days.work[i] not in days.before_spring]
    weights = [SEASON[days.work[i].month - 1] for i in places]
    found = []
    for start in rng.choices(places, weights, k=many):
        periods = [(p, w) for p, w in PERIODS if start + p < days.now]
        period = rng.choices([p for p, _ in periods], [w for _, w in periods])[0]
        found.append(slot_of(rng, days, start, start + period, open=False))
    return found
