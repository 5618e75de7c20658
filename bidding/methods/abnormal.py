"""The test for abnormally low prices (明显偏低; selection methods §4 step 7), exact and O(n log n)."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from bidding.methods.port import Abnormal, Offer


@dataclass(frozen=True, slots=True)
class Low:
    """An offer far under the others: which thresholds it met, and by what part it is lower.

    A figure is negative when the offer is above that comparison; `below_next` is None when no price is at or
    above it.
    """

    bidder: str
    codes: tuple[str, ...]
    below_mean: Fraction
    below_next: Fraction | None


def abnormally_low(ranked: Sequence[Offer], valid: Sequence[Offer], limits: Abnormal | None) -> list[Low]:
    """The ranked offers that met a limit, by rank; each is compared with all other valid ones.

    The limits are compared as products of whole numbers first: fractions are made only for those that met one.
    """
    if limits is None or len(valid) < 2:
        return []
    # In the smallest unit of all prices they are whole numbers; the figures are parts, the same in any unit.
    unit = lcm(*{offer.price.denominator for offer in valid})
    prices = sorted(_whole(offer.price, unit) for offer in valid)
    total = sum(prices)
    return [low for offer in ranked if (low := _tested(offer, _whole(offer.price, unit), prices, total, limits))]


def _whole(price: Fraction | int, unit: int) -> int:
    return price.numerator * (unit // price.denominator)


def _tested(offer: Offer, price: int, prices: Sequence[int], total: int, limits: Abnormal) -> Low | None:
    others = total - price
    count = len(prices) - 1
    # The offer's own price is the first of its equals, so the entry after it is the nearest of the others.
    place = bisect_left(prices, price) + 1
    nearest = prices[place] if place <= count else None
    codes = []
    if _at_least(price * count, others, limits.mean):
        codes.append("below_mean")
    if nearest is not None and _at_least(price, nearest, limits.next):
        codes.append("below_next")
    if not codes:
        return None
    below_next = None if nearest is None else 1 - Fraction(price, nearest)
    return Low(offer.bidder, tuple(codes), 1 - Fraction(price * count, others), below_next)


def _at_least(part: int, whole: int, limit: Fraction) -> bool:
    """Whether 1 − part ÷ whole ≥ limit, without dividing."""
    return part * limit.denominator <= whole * (limit.denominator - limit.numerator)
