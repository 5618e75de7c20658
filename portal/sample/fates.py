"""What becomes of an award: signing, delivery, payment, reviews, drawn beforehand (sample_city.md, Days used)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from portal.sample.bids import ENOUGH
from portal.sample.firms import Firm
from portal.sample.jobs import Job
from portal.sample.luck import log_normal, luck

MEDIAN_DAYS, SIGMA_DAYS, QUALITY_DAYS = 0.48, 0.38, 0.05
"""Days used ÷ baseline days: log-normal, × exp(−0.05 q)."""
PAUSED, PAUSE_MEDIAN = 0.15, 6
CHANGED, CHANGE = 0.06, (0.03, 0.12)
CHANGE_MOST = {"government": 0.10, "institution": 0.10}
"""Public money: at most a tenth (政府采购法 49)."""
RETURNED = 1 / 40
REVIEWED = 0.62
REFUSED, ENDED = 0.01, 0.008
"""Winners that will not sign; contracts that are ended before delivery. Our assumption."""
ONE, TWO, THREE = (10_000,), (4_000, 6_000), (3_000, 4_000, 3_000)
SHARES: Mapping[str, tuple[int, ...]] = {
    "01": TWO, "02": TWO, "03": TWO, "06": TWO, "07": THREE, "11": THREE, "12": TWO, "17": TWO, "18": TWO, "20": TWO,
}  # fmt: skip
"""Milestones by category, basis points of the price; the others are paid at once."""
Score = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Money:
    """A transfer `after` so many working days; `share` of the milestone; `named`: how its reference was written."""

    after: int
    share: float
    named: str


@dataclass(frozen=True, slots=True)
class Said:
    """A review so many days after acceptance; `reply`: whether the other side replies."""

    after: int
    scores: Score
    reply: bool


@dataclass(frozen=True, slots=True)
class Fate:
    """All counts in working days. `used`: from the start to delivery, pauses not counted. `changes`: of the award.

    `confirms`: owner and firm after the award stands; `judged`: from a delivery to the owner's word. `refuses`: the
    first winner will not sign; `ends`: the counted day on which the owner ends the contract instead of a delivery.
    """

    confirms: tuple[int, int]
    inputs: int
    shares: tuple[int, ...]
    used: int
    pause: tuple[int, int] | None
    returned: int | None
    changes: tuple[float, ...]
    judged: int
    money: tuple[tuple[Money, ...], ...]
    owner_says: Said | None
    firm_says: Said | None
    refuses: bool = False
    ends: int | None = None


def make_fates(seed: int, jobs: Sequence[Job], firms: Sequence[Firm]) -> dict[str, Fate]:
    """The fate of every award that may come, by the title of its job."""
    return {
        job.title: _fate(luck(seed, f"fate:{job.title}"), job, firms[min(job.rounds[-1], key=_price).firm].quality)
        for job in jobs
        if not job.slot.open and len(job.rounds[-1]) >= ENOUGH
    }


def _price(offer: object) -> int:
    return int(getattr(offer, "amount", 0))


def _fate(rng: Random, job: Job, quality: float) -> Fate:
    used = days_drawn(rng, job.service.days, quality)
    pause = None
    if rng.random() < PAUSED:
        pause = rng.randint(0, max(0, used - 1)), max(1, round(log_normal(rng, PAUSE_MEDIAN, 0.5)))
    shares = SHARES.get(job.service.category, ONE)
    returned = next((n for n in range(len(shares)) if rng.random() < RETURNED), None)
    changes: tuple[float, ...] = ()
    if rng.random() < CHANGED:
        changes = (min(rng.uniform(*CHANGE), CHANGE_MOST.get(job.project.owner.kind, 1.0)),)
    owner = _said(rng, _scores(rng, quality)) if rng.random() < REVIEWED else None
    firm = _said(rng, _scores(rng, 0.6)) if rng.random() < REVIEWED else None
    return Fate(
        (rng.randint(1, 4), rng.randint(1, 4)), rng.choice((0, 0, 1, 2, 3, 5)), shares, used, pause, returned, changes,
        rng.randint(1, 4), tuple(_money(rng) for _ in shares), owner, firm, rng.random() < REFUSED,
        rng.randint(1, max(1, used - 1)) if rng.random() < ENDED else None,
    )  # fmt: skip


def days_drawn(rng: Random, baseline: int, quality: float) -> int:
    """Working days a firm needs, at least one."""
    drawn = baseline * log_normal(rng, MEDIAN_DAYS, SIGMA_DAYS) * math.exp(-QUALITY_DAYS * quality)
    return max(1, round(drawn))


def _money(rng: Random) -> tuple[Money, ...]:
    """Most pay in time with the reference; some in two parts, late, too much, or with it spoiled or left out."""
    named = rng.choices(("shown", "spoiled", "none"), (94, 3, 3))[0]
    how = rng.choices(("in_time", "late", "parts", "over"), (83, 9, 6, 2))[0]
    if how == "late":
        return (Money(rng.randint(11, 28), 1.0, named),)
    first = rng.randint(2, 9)
    if how == "parts":
        return Money(first, 0.6, named), Money(first + rng.randint(4, 15), 0.4, "shown")
    return (Money(first, 1.02 if how == "over" else 1.0, named),)


def _said(rng: Random, scores: Score) -> Said:
    return Said(rng.randint(1, 9), scores, rng.random() < 0.12)


def _scores(rng: Random, quality: float) -> Score:
    """Five scores around 3.9 + 0.35 q."""
    drawn = [min(5, max(1, round(3.9 + 0.35 * quality + rng.gauss(0, 0.6)))) for _ in range(5)]
    return drawn[0], drawn[1], drawn[2], drawn[3], drawn[4]
