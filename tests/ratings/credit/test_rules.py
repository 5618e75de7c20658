"""The score: exact, monotone, independent of order and of what is learnt later, with a floor of evidence."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratings.credit.rules import (
    BAD,
    GOOD,
    WHOLE,
    Fact,
    Kind,
    credit,
    credit_document,
    expiry,
    history,
    in_force,
    parse_weights,
    points_of,
    recompute,
    weight_of,
)
from ratings.credit.weights import versions, weights_on

T = datetime(2026, 6, 1, 2, tzinfo=UTC)
W = weights_on(T)
VALUES = {Kind.REVIEW: (5, 25), Kind.LATE: (1, 400), Kind.PRICE_RAISED: (1, 90_000), Kind.FINDING: (1, 3)}


@st.composite
def facts(draw: st.DrawFn, kinds: frozenset[Kind] = frozenset(Kind), size: int = 25) -> list[Fact]:
    """Facts of one firm over five years, some still unknown at T, some ended."""
    found = []
    for n in range(draw(st.integers(0, size))):
        kind = draw(st.sampled_from(sorted(kinds)))
        happened = T - timedelta(days=draw(st.integers(0, 2_000)), hours=draw(st.integers(0, 23)))
        recorded = happened + timedelta(days=draw(st.integers(0, 60)))
        days = draw(st.one_of(st.none(), st.integers(0, 900)))
        ended = None if days is None else recorded + timedelta(days=days)
        value = draw(st.integers(*VALUES.get(kind, (0, 0))))
        found.append(Fact(f"f-{n}", kind, happened, recorded, value, ended_at=ended))
    return found


def fact(kind: Kind, key: str = "x", days: int = 0, **but: Any) -> Fact:
    at = T - timedelta(days=days)
    return Fact(key, kind, at, at, **but)


def stars(n: int, total: int = 25, days: int = 0) -> list[Fact]:
    return [fact(Kind.REVIEW, f"r-{i}", days, value=total) for i in range(n)]


@given(facts(), st.randoms())
def test_the_score_does_not_depend_on_the_order_of_facts(found: list[Fact], luck: Any) -> None:
    assert credit(luck.sample(found, len(found)), W, T) == credit(found, W, T)


@given(facts(), st.sampled_from(sorted(GOOD)), st.integers(0, 2_000))
def test_a_good_fact_never_lowers_the_score(found: list[Fact], kind: Kind, days: int) -> None:
    before, after = credit(found, W, T), credit([*found, fact(kind, "new", days)], W, T)

    assert after.value >= before.value
    assert before.score is None or (after.score is not None and after.score >= before.score)


@given(facts(), st.integers(0, 2_000))
def test_five_fives_never_lower_the_score(found: list[Fact], days: int) -> None:
    assert credit([*found, fact(Kind.REVIEW, "new", days, value=25)], W, T).value >= credit(found, W, T).value


@given(facts(), st.sampled_from(sorted(BAD)), st.integers(0, 2_000), st.integers(1, 400))
def test_a_bad_fact_never_raises_the_score(found: list[Fact], kind: Kind, days: int, value: int) -> None:
    assert credit([*found, fact(kind, "new", days, value=value)], W, T).value <= credit(found, W, T).value


@given(facts(), st.integers(5, 24), st.integers(0, 900))
def test_a_better_review_in_place_of_a_worse_one_never_lowers_the_score(
    found: list[Fact], total: int, days: int
) -> None:
    worse, better = (fact(Kind.REVIEW, "new", days, value=v) for v in (total, total + 1))

    assert credit([*found, better], W, T).value >= credit([*found, worse], W, T).value


@given(facts(), st.integers(1, 100), st.integers(0, 900))
def test_later_is_never_better(found: list[Fact], late: int, days: int) -> None:
    more, less = (fact(Kind.LATE, "new", days, value=v) for v in (late + 1, late))

    assert credit([*found, more], W, T).value <= credit([*found, less], W, T).value


@given(facts(), facts(), st.integers(1, 900))
def test_what_is_recorded_afterwards_moves_no_history(found: list[Fact], more: list[Fact], days: int) -> None:
    then = T - timedelta(days=days)
    later = [replace(f, key=f"late-{f.key}", recorded_at=then + timedelta(microseconds=1), ended_at=None) for f in more]

    assert credit([*found, *later], W, then) == credit(found, W, then)


@given(facts())
def test_an_end_moves_no_history_before_it(found: list[Fact]) -> None:
    then = T - timedelta(days=30)
    ended = [replace(f, ended_at=then + timedelta(seconds=1)) if f.ended_at is None else f for f in found]

    assert credit(ended, W, then).value == credit(found, W, then).value


@given(facts())
def test_every_number_is_whole_and_within_its_bounds(found: list[Fact]) -> None:
    made = credit(found, W, T)

    assert type(made.value) is int and 0 <= made.value <= WHOLE
    assert made.value == made.numerator // made.denominator
    assert all(type(n) is int for p in made.parts for n in (p.points, p.weight, p.decay, p.mass, p.effect))
    assert (made.score is None) == (made.evidence < W.floor * 1000)


@given(facts())
def test_an_effect_is_what_the_score_would_lose_without_the_fact(found: list[Fact]) -> None:
    made = credit(found, W, T)

    for part in made.parts:
        assert part.effect == made.value - credit([f for f in found if f.key != part.fact.key], W, T).value


@given(facts())
def test_a_document_recomputes_itself(found: list[Fact]) -> None:
    told = json.loads(json.dumps(credit_document("X", found, W, credit(found, W, T))))

    assert [name for name, holds in recompute(told) if not holds] == []


@pytest.mark.parametrize("step", ["weights", "parts", "sums", "score"])
def test_a_document_that_was_changed_says_where(step: str) -> None:
    found = [*stars(3), fact(Kind.LATE, "late", value=5)]
    told = json.loads(json.dumps(credit_document("X", found, W, credit(found, W, T))))
    wrong: dict[str, Any] = {
        "weights": lambda: told["weights"]["prior"].update(weight=39),
        "parts": lambda: told["result"]["parts"][0].update(decay=999),
        "sums": lambda: told["result"].update(numerator=told["result"]["numerator"] + 1),
        "score": lambda: told["result"].update(score=told["result"]["score"] + 1),
    }
    wrong[step]()

    assert step in [name for name, holds in recompute(told) if not holds]


def test_one_five_star_does_not_outrank_forty_good_ones() -> None:
    forty = credit(stars(40, total=23, days=400), W, T)
    one = credit(stars(1), W, T)

    assert one.score is None and one.value < forty.value and forty.score == forty.value


def test_below_the_floor_no_score_is_shown() -> None:
    assert credit([], W, T).score is None and credit([], W, T).value == W.prior_points
    assert credit(stars(2), W, T).score is None
    assert credit(stars(3), W, T).score == (8000 * 40 + 3 * 4 * 10_000) // (40 + 12)


def test_old_facts_weigh_less_and_then_nothing() -> None:
    late = [fact(Kind.LATE, "l", days, value=12) for days in (0, 400, 1000, 1094)]
    values = [credit([f, *stars(8)], W, T).value for f in late]

    assert values == sorted(values) and len(set(values)) == 4
    assert credit([fact(Kind.LATE, "l", 1095, value=12), *stars(8)], W, T).value == credit(stars(8), W, T).value


def test_the_table_of_decay_halves_every_four_quarters_to_the_nearest_thousandth() -> None:
    for quarter, told in enumerate(W.decay):
        low, high = (2 * told - 1) ** 4, (2 * told + 1) ** 4

        assert low <= 2000**4 // 2**quarter <= high, quarter


def test_a_finding_counts_until_the_end_of_its_last_day() -> None:
    end = T + timedelta(days=3)
    found = fact(Kind.FINDING, value=2, expires_at=end)

    assert credit([found], W, end - timedelta(microseconds=1)).evidence == 20_000
    assert credit([found], W, end).evidence == 0


def test_weights_grow_with_the_measure_up_to_a_limit() -> None:
    assert [weight_of(fact(Kind.LATE, value=v), W) for v in (1, 5, 12, 300)] == [3, 7, 14, 14]
    assert [weight_of(fact(Kind.PRICE_RAISED, value=v), W) for v in (1, 99, 100, 1500)] == [2, 2, 3, 14]
    assert [weight_of(fact(Kind.FINDING, value=v), W) for v in (1, 2, 3)] == [10, 20, 30]
    assert [points_of(fact(Kind.REVIEW, value=v)) for v in (5, 15, 23, 25)] == [0, 5000, 9000, 10_000]


def test_every_kind_is_good_bad_or_a_review() -> None:
    assert set(Kind) - GOOD - BAD == {Kind.REVIEW} and not GOOD & BAD


def test_the_weights_of_a_day_are_those_in_force_then() -> None:
    old = parse_weights({**W.document, "version": "old", "effective_on": "2020-01-01"})

    assert in_force([W, old], datetime(2023, 12, 31, 15, tzinfo=UTC)) == old
    assert in_force([W, old], datetime(2023, 12, 31, 16, tzinfo=UTC)) == W
    assert in_force([W], datetime(2001, 1, 1, tzinfo=UTC)) == W


@pytest.mark.parametrize(
    "wrong",
    [
        {"prior": {"points": 10_001, "weight": 4}}, {"prior": {"points": 100, "weight": 0}}, {"decay": [1, 2]},
        {"floor": 1.5}, {"quarter_days": 0}, {"kinds": {"review": {}}},
    ],
)  # fmt: skip
def test_weights_that_could_not_keep_the_promises_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_weights({**W.document, **wrong})


def test_expiry_is_at_midnight_in_beijing() -> None:
    assert expiry(fact(Kind.PAPER_LAPSED), W) == datetime(2027, 5, 31, 16, tzinfo=UTC)


# ── history ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_history_has_a_line_for_every_quarter_up_to_now() -> None:
    found = [*stars(6, days=700), fact(Kind.LATE, "late", 300, value=12)]
    told = history(found, versions(), T)

    assert (told[0].year, told[0].number) == (2024, 3) and (told[-1].year, told[-1].number) == (2026, 2)
    assert told[-1].credit == credit(found, W, T)
    assert [(q.year, q.number) for q in told if q.lost < 0] == [(2025, 3)]
    assert told[0].gained > 0 and [p.fact.key for q in told for p in q.new if p.fact.kind is Kind.LATE] == ["late"]


def test_without_facts_there_is_no_history() -> None:
    assert history([], versions(), T) == []


@given(facts())
def test_a_quarter_that_is_over_never_changes(found: list[Fact]) -> None:
    before = history(found, versions(), T)
    after = history([*found, fact(Kind.FINDING, "new", value=3)], versions(), T)

    assert [q.credit for q in after[-len(before) : -1]] == [q.credit for q in before[:-1]]
