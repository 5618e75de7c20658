"""Credit (信用分) as a pure function of dated facts: whole numbers only, so that anybody gets the same score.

Each fact in force is worth points (0 to 100, in hundredths) and has a weight, which halves with age by a table. The
score is the Bayesian mean: a prior of so many points and so much weight stands beside the facts, so one five-star
review does not outrank forty. Under a floor of evidence no score is shown.

Why it is monotone: good facts are worth 100 points and can only pull the mean up, bad ones 0 and can only pull it
down; a heavier bad fact pulls further. It does not depend on order, and a fact counts only from `recorded_at`, so
yesterday's score is the same tomorrow.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from market.admission.rules import midnight
from market.ids import canonical_json
from market.moments import beijing_day

WHOLE = 10_000
"""100 points in hundredths."""
_UNIT = 1000
"""Decay is in thousandths."""


class Kind(StrEnum):
    """What is known of a firm, and what `Fact.value` then says."""

    REVIEW = "review"  # the sum of an owner's five scores, 5 to 25
    ON_TIME = "on_time"
    LATE = "late"  # working days beyond those agreed
    PRICE_KEPT = "price_kept"
    PRICE_RAISED = "price_raised"  # basis points above the award
    REFUSED_AWARD = "refused_award"
    PAPER_LAPSED = "paper_lapsed"
    FINDING = "finding"  # severity 1 minor, 2 serious, 3 grave
    INSPECTION_PASSED = "inspection_passed"


GOOD = frozenset({Kind.ON_TIME, Kind.PRICE_KEPT, Kind.INSPECTION_PASSED})
BAD = frozenset({Kind.LATE, Kind.PRICE_RAISED, Kind.REFUSED_AWARD, Kind.PAPER_LAPSED, Kind.FINDING})
STATED = frozenset({Kind.REFUSED_AWARD, Kind.FINDING, Kind.INSPECTION_PASSED})
"""Facts that no other table states: they stand in `credit_fact`. The others follow from contracts, reviews, papers."""
SEVERITIES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated fact. It counts in [recorded_at, the earlier of expiry and `ended_at`).

    `key` names it for good: `review-7`, `days-12`, `price-12`, `paper-3`, `fact-9`. `recorded_at` is from when it
    counts: for a review the showing, for a finding the end of the right of reply. Age runs from `happened_at`.
    `expires_at` None: by the kind's days. `subject` is what it is about (a contract's code, a certificate's name),
    `source` who or what says so.
    """

    key: str
    kind: Kind
    happened_at: datetime
    recorded_at: datetime
    value: int = 0
    subject: str = ""
    source: str = ""
    expires_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KindWeight:
    """The weight of a kind: `weight` + `step` × its measure, at most `most`; it counts for `days` days."""

    article: str
    weight: int
    step: int
    most: int
    days: int


@dataclass(frozen=True, slots=True)
class Weights:
    """One version of the numbers. `digest`: SHA-256 of its canonical JSON; `document` is that JSON's value."""

    version: str
    effective_on: date
    article: str
    prior_points: int
    prior_weight: int
    floor: int
    quarter_days: int
    decay: tuple[int, ...]
    kinds: Mapping[Kind, KindWeight]
    digest: str
    document: Mapping[str, Any]


def parse_weights(document: Mapping[str, Any]) -> Weights:
    """A version as a value. Raises ValueError or KeyError for numbers that could not keep the promises above."""
    decay = tuple(document["decay"])
    kinds = {Kind(name): KindWeight(**row) for name, row in document["kinds"].items()}
    numbers = [n for k in kinds.values() for n in (k.weight, k.step, k.most, k.days)]
    prior = document["prior"]
    fit = (
        set(kinds) == set(Kind)
        and all(type(n) is int and n >= 0 for n in [*numbers, *decay, document["floor"], prior["points"]])
        and list(decay) == sorted(decay, reverse=True)
        and prior["weight"] > 0
        and document["quarter_days"] > 0
        and prior["points"] <= WHOLE
    )
    if not fit:
        raise ValueError("These weights could not keep a score monotone.")
    return Weights(
        document["version"], date.fromisoformat(document["effective_on"]), document["article"], prior["points"],
        prior["weight"], document["floor"], document["quarter_days"], decay, kinds,
        hashlib.sha256(canonical_json(document)).hexdigest(), document,
    )  # fmt: skip


def in_force(versions: Sequence[Weights], at: datetime) -> Weights:
    """The version of the day of `at`; before the first one, the first."""
    ordered = sorted(versions, key=lambda w: w.effective_on)
    known = [w for w in ordered if w.effective_on <= beijing_day(at)]
    return known[-1] if known else ordered[0]


def points_of(fact: Fact) -> int:
    """What a fact is worth: 0 to 10,000 hundredths. Five fives of a review are 10,000, five ones 0."""
    if fact.kind is Kind.REVIEW:
        return max(0, min(WHOLE, (fact.value - 5) * (WHOLE // 20)))
    return WHOLE if fact.kind in GOOD else 0


def weight_of(fact: Fact, weights: Weights) -> int:
    """The weight of a fresh fact. The measure: days late, whole percents raised, severity; else none."""
    row = weights.kinds[fact.kind]
    measure = fact.value // 100 if fact.kind is Kind.PRICE_RAISED else fact.value
    return min(row.weight + row.step * max(measure, 0), row.most)


_OLDEST = date(2000, 1, 1)


def end_of_day(day: date, now: datetime) -> datetime:
    """The last instant of a day in Beijing, but never after now: a later one would count what nobody may know yet."""
    return min(midnight(max(day, _OLDEST)) + timedelta(days=1, microseconds=-1), now)


def expiry(fact: Fact, weights: Weights) -> datetime:
    """When a fact stops counting by itself."""
    if fact.expires_at is not None:
        return fact.expires_at
    return midnight(beijing_day(fact.happened_at) + timedelta(days=weights.kinds[fact.kind].days))


def counts(fact: Fact, weights: Weights, as_of: datetime) -> bool:
    """Whether a fact is known and in force at an instant."""
    return _counts(fact, weights, as_of, (beijing_day(as_of) - beijing_day(fact.happened_at)).days)


def _counts(fact: Fact, weights: Weights, as_of: datetime, age: int) -> bool:
    """The same, with its age in days at hand: the midnight of `expiry` has come when the age is the kind's days."""
    if fact.recorded_at > as_of or (fact.ended_at is not None and fact.ended_at <= as_of):
        return False
    return as_of < fact.expires_at if fact.expires_at is not None else age < weights.kinds[fact.kind].days


@dataclass(frozen=True, slots=True)
class Part:
    """A fact's share: mass = weight × decay. `effect`: hundredths the score would lose without it (may be negative)."""

    fact: Fact
    points: int
    weight: int
    quarters: int
    decay: int
    effect: int

    @property
    def mass(self) -> int:
        """Weight × decay, in thousandths of a weight."""
        return self.weight * self.decay


@dataclass(frozen=True, slots=True)
class Credit:
    """A score with its arithmetic: value = numerator ÷ denominator, rounded down, in hundredths of 100 points.

    `score` is None under the floor: `evidence` (thousandths of a weight) < floor × 1,000. `value` is then only what
    the prior says with the few facts there are: for ranking, never for showing.
    """

    as_of: datetime
    version: str
    digest: str
    score: int | None
    value: int
    evidence: int
    floor: int
    numerator: int
    denominator: int
    parts: tuple[Part, ...]


def credit(facts: Iterable[Fact], weights: Weights, as_of: datetime) -> Credit:
    """The credit of one firm at an instant, from all facts ever known of it, in any order."""
    today = beijing_day(as_of).toordinal()
    shares = []
    top, evidence = weights.prior_points * weights.prior_weight * _UNIT, 0
    for fact in sorted(facts, key=_order):
        happened = beijing_day(fact.happened_at).toordinal()
        if not _counts(fact, weights, as_of, today - happened):
            continue
        quarters = max(today - happened, 0) // weights.quarter_days
        decay = weights.decay[quarters] if quarters < len(weights.decay) else 0
        points, weight = points_of(fact), weight_of(fact, weights)
        shares.append((fact, points, weight, quarters, decay))
        top += weight * decay * points
        evidence += weight * decay
    foot = weights.prior_weight * _UNIT + evidence
    value = top // foot
    told = tuple(Part(*s, value - (top - s[2] * s[4] * s[1]) // (foot - s[2] * s[4])) for s in shares)
    score = value if evidence >= weights.floor * _UNIT else None
    return Credit(as_of, weights.version, weights.digest, score, value, evidence, weights.floor, top, foot, told)


def _order(fact: Fact) -> tuple[datetime, str]:
    return fact.recorded_at, fact.key


def _without(parts: Sequence[Part], top: int, foot: int) -> int:
    """The value without some parts: the prior keeps the denominator above zero."""
    return (top - sum(p.mass * p.points for p in parts)) // (foot - sum(p.mass for p in parts))


# ── history ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Quarter:
    """A calendar quarter in Beijing: the credit at its end (or now), and what its new facts did to it.

    `gained` and `lost` are hundredths: how far the score would have been lower without the good facts that began to
    count in it, or higher without the bad ones (`lost` ≤ 0). `new` are those facts.
    """

    year: int
    number: int
    credit: Credit
    gained: int
    lost: int
    new: tuple[Part, ...]


def history(facts: Sequence[Fact], versions: Sequence[Weights], now: datetime, most: int = 14) -> list[Quarter]:
    """The last `most` quarters up to the running one, from the first fact on; the running one ends at `now`."""
    known = [f.recorded_at for f in facts if f.recorded_at <= now]
    if not known:
        return []
    first, last = _quarter(min(known)), _quarter(now)
    wanted = range(max(first, last - most + 1), last + 1)
    return [_quarter_of(facts, versions, number, now) for number in wanted]


def _quarter(at: datetime) -> int:
    day = beijing_day(at)
    return day.year * 4 + (day.month - 1) // 3


def _starts(number: int) -> datetime:
    return midnight(date(number // 4, number % 4 * 3 + 1, 1))


def _quarter_of(facts: Sequence[Fact], versions: Sequence[Weights], number: int, now: datetime) -> Quarter:
    begin, end = _starts(number), min(_starts(number + 1) - timedelta(microseconds=1), now)
    found = credit(facts, in_force(versions, end), end)
    new = [p for p in found.parts if begin <= p.fact.recorded_at <= end]
    up, down = [p for p in new if p.points > found.value], [p for p in new if p.points < found.value]
    gained, lost = (found.value - _without(some, found.numerator, found.denominator) for some in (up, down))
    return Quarter(number // 4, number % 4 + 1, found, gained, lost, tuple(new))


# ── as a document, to be checked by anybody ─────────────────────────────────────────────────────────────────────


def fact_document(fact: Fact) -> dict[str, Any]:
    """A fact as JSON; times are ISO 8601 in UTC."""

    def when(at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(UTC).isoformat()

    return {
        "key": fact.key, "kind": str(fact.kind), "happened_at": when(fact.happened_at),
        "recorded_at": when(fact.recorded_at), "value": fact.value, "subject": fact.subject, "source": fact.source,
        "expires_at": when(fact.expires_at), "ended_at": when(fact.ended_at),
    }  # fmt: skip


def fact_of(document: Mapping[str, Any]) -> Fact:
    """The fact of a JSON document. Raises KeyError, TypeError or ValueError where it is none."""

    def when(name: str) -> datetime | None:
        text = document[name]
        return None if text is None else datetime.fromisoformat(text)

    happened, recorded = when("happened_at"), when("recorded_at")
    if happened is None or recorded is None or type(document["value"]) is not int:
        raise ValueError("A fact has two times and a whole number.")
    return Fact(
        document["key"], Kind(document["kind"]), happened, recorded, document["value"], document["subject"],
        document["source"], when("expires_at"), when("ended_at"),
    )  # fmt: skip


def credit_document(uscc: str, facts: Iterable[Fact], weights: Weights, found: Credit) -> dict[str, Any]:
    """Everything needed to recompute a score offline: facts, weights, the day, and what came out."""
    return {
        "v": 1, "firm": uscc, "as_of": found.as_of.astimezone(UTC).isoformat(), "weights": dict(weights.document),
        "weights_digest": weights.digest,
        "facts": [fact_document(f) for f in sorted(facts, key=lambda f: (f.recorded_at, f.key))],
        "result": result_document(found),
    }  # fmt: skip


def result_document(found: Credit) -> dict[str, Any]:
    """What came out, as JSON: whole numbers only."""
    return {
        "score": found.score, "value": found.value, "evidence": found.evidence, "floor": found.floor,
        "numerator": found.numerator, "denominator": found.denominator,
        "parts": [
            {"key": p.fact.key, "points": p.points, "weight": p.weight, "quarters": p.quarters, "decay": p.decay,
             "mass": p.mass, "effect": p.effect}
            for p in found.parts
        ],
    }  # fmt: skip


def recompute(document: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check a document by itself: each step's name and whether it holds. Steps: weights, parts, sums, score.

    Raises KeyError, TypeError or ValueError where the document is none.
    """
    weights, told = parse_weights(document["weights"]), document["result"]
    found = credit(map(fact_of, document["facts"]), weights, datetime.fromisoformat(document["as_of"]))
    made = result_document(found)
    sums = ("numerator", "denominator", "evidence", "floor")
    return [
        ("weights", weights.digest == document["weights_digest"]),
        ("parts", made["parts"] == told["parts"]),
        ("sums", all(made[name] == told[name] for name in sums)),
        ("score", made["score"] == told["score"] and made["value"] == told["value"]),
    ]
