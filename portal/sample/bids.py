"""Who bids on a job and at what price (sample_city.md, Bidders and Prices)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from portal.sample.firms import Firm
from portal.sample.luck import log_normal, negative_binomial
from portal.sample.measuring import Measured
from portal.sample.services import Service
from portal.sample.slots import Slot

ENOUGH = 3
FEW = frozenset(("14", "19", "20", "21"))
"""Categories with fewer bidders: × 0.6."""
MEDIAN: Mapping[str, float] = {
    "01": 0.68, "02": 0.70, "03": 0.72, "04": 0.72, "05": 0.74, "06": 0.70, "07": 0.76, "08": 0.80, "09": 0.62,
    "10": 0.60, "11": 0.72, "12": 0.66, "13": 0.72, "14": 0.74, "15": 0.72, "16": 0.70, "17": 0.66, "18": 0.68,
    "19": 0.74, "20": 0.76, "21": 0.70,
}  # fmt: skip
"""Winner ÷ baseline."""
SIGMA: Mapping[str, float] = {
    "08": 0.10, "04": 0.15, "05": 0.15, "11": 0.15, "14": 0.15, "19": 0.15, "20": 0.15, "09": 0.25, "10": 0.25,
}  # fmt: skip
SIGMA_MOST = 0.18
HIGHEST = 1.02
GAP_MEAN, GAP_LEAST = 0.11, 0.004
FOUND_AGAIN = 0.70
"""Share of the failed that find enough bidders on the re-run."""
RERUN = timedelta(days=75)
"""How long after the posting a re-run's bidders must still hold."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A sealed bid: price in fen, working days. `when`: the share of the bidding time after which it is sent."""

    firm: int
    amount: int
    days: int
    lead: int
    when: float


def rounds_of(
    rng: Random, firms: Sequence[Firm], service: Service, measured: Measured, slot: Slot, barred: frozenset[int]
) -> tuple[tuple[Offer, ...], ...]:
    """The bids of the first auction and, where that fails, of the re-run."""
    until = slot.closes_at if slot.open else slot.posted_at + RERUN
    able = [
        f for f in firms
        if f.n not in barred and f.able(service.category, service.qualification, slot.posted_at, until)
    ]  # fmt: skip
    many = _many(rng, service.category)
    while many < ENOUGH and not (slot.settled or slot.open):
        many = _many(rng, service.category)
    first = _offers(rng, able, many, service, measured)
    if slot.open:
        early = slot.elapsed if rng.random() < 0.5 else 1.0  # half of the open jobs have all their bids already
        return (tuple(replace(offer, when=offer.when * early) for offer in first),)
    if len(first) >= ENOUGH:
        return (first,)
    again = ENOUGH if rng.random() < FOUND_AGAIN else 0
    many = _many(rng, service.category)
    while (many >= ENOUGH) is not bool(again):
        many = _many(rng, service.category)
    return first, _offers(rng, able, many, service, measured)


def _many(rng: Random, category: str) -> int:
    drawn = negative_binomial(rng, 6, 0.5)
    return round(drawn * 0.6) if category in FEW else drawn


def _offers(rng: Random, able: Sequence[Firm], many: int, service: Service, measured: Measured) -> tuple[Offer, ...]:
    """So many bids, of an affiliated group at most one; the winner's price first."""
    chosen = _bidders(rng, able, many)
    prices = _prices(rng, len(chosen), service.category, measured)
    return tuple(
        Offer(firm.n, price, _days(rng, service.days), rng.randrange(len(firm.people)), rng.betavariate(2.2, 1.4))
        for firm, price in zip(chosen, prices, strict=True)
    )


def _bidders(rng: Random, able: Sequence[Firm], many: int) -> list[Firm]:
    """Eager firms bid more often; they are drawn one by one without return."""
    ordered = sorted(able, key=lambda f: (rng.expovariate(1.0) / max(f.zeal, 0.05), f.n))
    groups: set[int] = set()
    chosen: list[Firm] = []
    for firm in ordered:
        if len(chosen) == many:
            break
        if firm.group is not None:
            if firm.group in groups:
                continue
            groups.add(firm.group)
        chosen.append(firm)
    rng.shuffle(chosen)
    return chosen


def _prices(rng: Random, many: int, category: str, measured: Measured) -> list[int]:
    """The winner's price by category, the others above it, all at most the ceiling; people like round sums."""
    if many == 0:
        return []
    sigma = SIGMA.get(category, SIGMA_MOST)
    best = measured.hidden * min(log_normal(rng, MEDIAN[category], sigma), HIGHEST)
    found = [_rounded(rng, best)]
    for _ in range(many - 1):
        above = best * math.exp(max(GAP_LEAST, rng.expovariate(1 / GAP_MEAN)))
        if above > measured.ceiling:
            above = rng.uniform(best * (1 + GAP_LEAST), measured.ceiling)
        found.append(_rounded(rng, above))
    return [min(price, measured.ceiling) for price in found]


def _rounded(rng: Random, fen: float) -> int:
    """Half to 100 yuan, a third to 1,000, the rest to the fen; a small sum is not rounded by more than 1 %."""
    draw = rng.random()
    unit = 10_000 if draw < 1 / 2 else 100_000 if draw < 5 / 6 else 1
    while unit > 1 and fen < unit * 50:
        unit //= 10
    return max(1, round(fen / unit) * unit)


def _days(rng: Random, baseline: int) -> int:
    """Working days promised, at most the baseline's."""
    share = min(1.0, max(0.35, log_normal(rng, 0.72, 0.22)))
    return max(1, min(baseline, round(baseline * share)))
