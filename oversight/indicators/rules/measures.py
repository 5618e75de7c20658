"""What several indicators measure: spread of prices, ratios to the lowest, groups of tenders and firms. Exact."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from oversight.indicators.rules.tender import Tender

BP = 10_000
"""Basis points of one: shares and spreads are whole numbers of them."""


def spread(prices: Sequence[int]) -> int:
    """Coefficient of variation (population) of prices in basis points, rounded down. Exact: no float."""
    n, total = len(prices), sum(prices)
    squares = n * sum(p * p for p in prices) - total * total
    return _root(squares * BP * BP // (total * total))


def _root(value: int) -> int:
    """Whole square root, rounded down (Newton)."""
    if value < 2:
        return value
    guess = 1 << (value.bit_length() + 1) // 2
    while (better := (guess + value // guess) // 2) < guess:
        guess = better
    return guess


def ratios(tender: Tender) -> tuple[int, ...]:
    """Each loser's price ÷ the lowest, in basis points rounded half up, ascending."""
    first, *others = tender.prices
    return tuple(int(Fraction(p * BP, first) + Fraction(1, 2)) for p in others)


def by(tenders: Iterable[Tender], key: Callable[[Tender], Any]) -> list[tuple[Any, list[Tender]]]:
    """Groups in the order of their keys; inside, by time and code."""
    found: dict[Any, list[Tender]] = defaultdict(list)
    for tender in sorted(tenders, key=lambda t: (t.decided_at, t.code, t.round)):
        found[key(tender)].append(tender)
    return sorted(found.items())


def names(firms: Iterable[int]) -> str:
    """A name for a group of firms; a digest where their ids would be too long for a key."""
    text = "-".join(map(str, sorted(firms)))
    return text if len(text) <= 80 else hashlib.sha256(text.encode()).hexdigest()


def all_firms(tenders: Iterable[Tender]) -> tuple[int, ...]:
    """Every valid bidder of these tenders, by id."""
    return tuple(sorted({firm for t in tenders for firm in t.firms}))
