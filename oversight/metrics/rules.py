"""What a figure is (pure): cuts in permille, histograms of them, medians and quartiles. design.md, oversight 1–2.

Published values are whole permilles, rounded half up; every median and quartile is of published values, so that a
reader who takes the rows finds the same. Nothing here is a float.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

ANY: Final = "*"
ANY_MONTH: Final = 0
KINDS: Final = ("official", "ceiling", "guide", "analogy")
"""Kinds of baseline; never mixed in one figure. The headline rests on `official`."""
UNKNOWN: Final = "-"
"""A dimension that a job leaves open."""
NO_KIND: Final = "-"
"""Stands in a cell whose measure has nothing to do with a fee baseline."""
FEES: Final = ("awarded", "contracted", "settled")
MEASURES: Final = (*FEES, "days", "bids", "failed", "outside", "covered")
FEW: Final = 5
"""Below so many rows no median is shown: the rows are."""
TARGET_FEE: Final = 300
"""Permille: fees 30 % below the baseline (Jiaxing, 2017)."""
TARGET_DAYS: Final = 500
"""Permille: days 50 % below the baseline."""
LEAST: Final = -10_000
"""A cut below this (eleven times the baseline) is counted as this, so that a typing error does not grow a histogram."""


PLAUSIBLE: Final = 10**14
"""Fen: a baseline above what any ceiling may be is a scale in the wrong unit. Posting refuses it, and a job that has
one all the same counts as one without a baseline, so that it makes no saving and the sums stay within 64 bits."""


def plausible(fee: int | None) -> int | None:
    """A baseline in fen as figures count it; None where there is none to count."""
    return fee if fee and fee <= PLAUSIBLE else None


def cut(used: int, baseline: int) -> int:
    """1 − used ÷ baseline in permille, rounded half up. `baseline` > 0."""
    return (2_000 * (baseline - used) + baseline) // (2 * baseline)


def row_cut(used: int | None, baseline: int | None) -> int | None:
    """The cut of one row, not below LEAST; None without a baseline or before the value is known."""
    return None if used is None or not baseline else max(LEAST, cut(used, baseline))


@dataclass(frozen=True, slots=True)
class Value:
    """One row's part in one measure: the value that is counted, and the sums behind the weighted cut."""

    measure: str
    kind: str
    value: int
    price: int = 0
    base: int = 0


def year_of(month: int) -> int:
    """The number under which the cell of a whole year stands: 202604 → 202600."""
    return month // 100 * 100


def span(since: int | None, until: int | None) -> list[tuple[int, int, bool]]:
    """A range of months, both included, as (from, to, whole years): as many whole years as there are in it."""
    first, last = since or 100_001, until or 999_912
    begin, end = (first + 99) // 100 * 100 if first % 100 != 1 else year_of(first), year_of(last)
    end -= 0 if last % 100 == 12 else 100
    if begin > end:
        return [(first, last, False)] if first <= last else []
    parts = [(first, begin - 1, False), (begin, end, True), (end + 100, last, False)]
    return [(a, b, whole) for a, b, whole in parts if a <= b]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: its dimensions."""

    category: str
    district: str
    month: int
    method: str
    funding: str

    def covers(self) -> Iterator["Place"]:
        """The cells it counts in: each dimension its own or any, and its year (48 of them)."""
        pairs = (
            (self.category, ANY), (self.district, ANY), (self.month, year_of(self.month), ANY_MONTH),
            (self.method, ANY), (self.funding, ANY),
        )  # fmt: skip
        for category, district, month, method, funding in product(*pairs):
            yield Place(str(category), str(district), int(month), str(method), str(funding))


@dataclass(slots=True)
class Cell:
    """A histogram and the sums of what was counted in it. Cells add and subtract exactly."""

    n: int = 0
    price: int = 0
    base: int = 0
    histogram: dict[int, int] = field(default_factory=dict)
    known: tuple[int, int, int] | None = field(default=None, compare=False)
    """The quartiles of a cell that was read without its histogram; such a cell is never changed."""

    def add(self, value: int, price: int, base: int, times: int = 1) -> None:
        """Count a value `times` times; a negative number takes it out again."""
        self.n += times
        self.price += price * times
        self.base += base * times
        left = self.histogram.get(value, 0) + times
        if left:
            self.histogram[value] = left
        else:
            self.histogram.pop(value, None)

    def merge(self, other: "Cell") -> None:
        """Add all of another cell; what comes to nothing leaves no entry, so that a change equals a recomputation."""
        self.n += other.n
        self.price += other.price
        self.base += other.base
        for value, times in other.histogram.items():
            left = self.histogram.get(value, 0) + times
            if left:
                self.histogram[value] = left
            else:
                self.histogram.pop(value, None)

    @property
    def weighted(self) -> int | None:
        """1 − all prices ÷ all baselines, permille; None without a baseline."""
        return cut(self.price, self.base) if self.base > 0 else None

    @property
    def few(self) -> bool:
        """Whether the cell is too small for a median."""
        return self.n < FEW

    def quantile(self, quarter: int) -> int | None:
        """The first (1), second (2: median) or third (3) quartile in quarter-permilles; None for an empty cell."""
        found = self.quartiles()
        return None if found is None else found[quarter - 1]

    def quartiles(self) -> tuple[int, int, int] | None:
        """All three, linear between neighbours, as R's type 7 and spreadsheets do it: exact in quarters."""
        if self.known is not None or self.n == 0:
            return self.known
        ranks = [divmod((self.n - 1) * quarter, 4) for quarter in (1, 2, 3)]
        wanted = {rank for whole, _ in ranks for rank in (whole, min(whole + 1, self.n - 1))}
        at = self._at(sorted(wanted))
        first, second, third = (at[w] * (4 - rest) + at[min(w + 1, self.n - 1)] * rest for w, rest in ranks)
        return first, second, third

    def _at(self, ranks: Sequence[int]) -> dict[int, int]:
        """The values at ranks in order, counted from 0."""
        found: dict[int, int] = {}
        passed, left = 0, list(reversed(ranks))
        for value in sorted(self.histogram):
            passed += self.histogram[value]
            while left and left[-1] < passed:
                found[left.pop()] = value
        return found

    def share_of(self, value: int) -> int | None:
        """How many of the rows have a value, permille rounded half up."""
        return (2_000 * self.histogram.get(value, 0) + self.n) // (2 * self.n) if self.n else None


def median_of(cell: Cell) -> int | None:
    """The median in quarter-permilles; None where there are too few rows for one."""
    return None if cell.few else cell.quantile(2)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one job that has ended in an award that stands or has failed. Fen and working days."""

    kind: str
    baseline: int | None
    awarded: int | None
    contracted: int | None
    settled: int | None
    baseline_days: int | None
    days_used: int | None
    valid_bids: int
    failed: bool
    outside: bool | None

    def cut_of(self, measure: str) -> int | None:
        """The cut of a measure, a fee or `days`; None where it is not known."""
        if measure == "days":
            return row_cut(self.days_used, self.baseline_days)
        price = {"awarded": self.awarded, "contracted": self.contracted, "settled": self.settled}[measure]
        return row_cut(price, self.baseline)


def values_of(facts: Facts) -> list[Value]:
    """Everything a job counts in."""
    found = [Value("bids", NO_KIND, facts.valid_bids), Value("failed", NO_KIND, int(facts.failed))]
    if facts.failed:
        return found
    if facts.outside is not None:
        found.append(Value("outside", NO_KIND, int(facts.outside)))
    found.append(Value("covered", NO_KIND, int(facts.kind == "official" and bool(facts.baseline))))
    for measure, price in zip(FEES, (facts.awarded, facts.contracted, facts.settled), strict=True):
        permille = facts.cut_of(measure)
        if permille is not None:
            found.append(Value(measure, facts.kind, permille, price or 0, facts.baseline or 0))
    permille = facts.cut_of("days")
    if permille is not None:
        found.append(Value("days", NO_KIND, permille, facts.days_used or 0, facts.baseline_days or 0))
    return found


Key = tuple[str, str, Place]
"""Measure, kind and place of a cell."""


def counted(rows: Iterable[tuple[Place, Facts, int]]) -> dict[Key, Cell]:
    """What rows change in every cell they count in, each as often as its last item says (1 in, −1 out)."""
    found: dict[Key, Cell] = {}
    for place, facts, times in rows:
        covers = list(place.covers())
        for v in values_of(facts):
            for cover in covers:
                cell = found.setdefault((v.measure, v.kind, cover), Cell())
                cell.add(v.value, v.price, v.base, times)
    return found


def rolled_up(bottom: Mapping[Key, Cell]) -> dict[Key, Cell]:
    """The cells of all filters from those that have every dimension: the same as `counted` of their rows.

    One dimension after the other is given up, months first: their cells have most values in common, so that the
    later steps are over few.
    """
    found = dict(bottom)
    years: dict[Key, Cell] = {}
    for (measure, kind, place), cell in bottom.items():
        years.setdefault((measure, kind, replace(place, month=year_of(place.month))), Cell()).merge(cell)
    whole: dict[Key, Cell] = {}
    for (measure, kind, place), cell in years.items():
        whole.setdefault((measure, kind, replace(place, month=ANY_MONTH)), Cell()).merge(cell)
    found |= years | whole
    for give_up in _GIVE_UP:
        wider: dict[Key, Cell] = {}
        for (measure, kind, place), cell in found.items():
            wider.setdefault((measure, kind, give_up(place)), Cell()).merge(cell)
        found |= wider
    return found


_GIVE_UP: Final[tuple[Callable[[Place], Place], ...]] = (
    lambda at: replace(at, category=ANY),
    lambda at: replace(at, district=ANY),
    lambda at: replace(at, method=ANY),
    lambda at: replace(at, funding=ANY),
)


def read_histogram(stored: Mapping[str, int]) -> dict[int, int]:
    """A histogram as JSON keeps it: its keys are text."""
    return {int(value): times for value, times in stored.items()}
