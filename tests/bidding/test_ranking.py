"""The order of firms that match: monotone in each part, the same in any order, with a prior for the new."""

from dataclasses import replace
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.matching.invited import weights
from bidding.matching.ranking import PARTS, WHOLE, Candidate, points_of, rank, total_of
from tests.makers import uscc

W = weights()
NEW = Candidate(1, uscc(1), 7_500, False, 0, 0, 0, 1, 0)


@st.composite
def firms(draw: st.DrawFn) -> Candidate:
    finished = draw(st.integers(0, 60))
    return Candidate(
        draw(st.integers(1, 10_000)), uscc(draw(st.integers(1, 9_999))), draw(st.integers(0, WHOLE)),
        draw(st.booleans()), finished, draw(st.integers(0, finished)), draw(st.integers(0, finished)),
        draw(st.integers(0, 80)), draw(st.integers(0, 40)),
    )  # fmt: skip


def total(firm: Candidate) -> int:
    return total_of(points_of(firm, W), W)


@given(firms())
def test_each_part_stays_between_none_and_all_points(firm: Candidate) -> None:
    points = points_of(firm, W)

    assert list(points) == list(PARTS) and all(0 <= p <= WHOLE for p in points.values())
    assert 0 <= total(firm) <= WHOLE


@given(firms())
def test_better_facts_never_cost_points(firm: Candidate) -> None:
    better = [
        replace(firm, credit=min(firm.credit + 100, WHOLE)),
        replace(firm, finished=firm.finished + 1, on_time=firm.on_time + 1),
        replace(firm, in_category=firm.in_category + 1),
        replace(firm, people=firm.people + 1),
    ]
    worse = [replace(firm, finished=firm.finished + 1), replace(firm, under_way=firm.under_way + 1)]

    assert all(total(b) >= total(firm) for b in better)
    assert all(total(x) <= total(firm) for x in worse)


@given(st.lists(firms(), max_size=12, unique_by=lambda f: f.uscc), st.randoms(use_true_random=False))
def test_the_order_in_which_firms_come_does_not_count(found: list[Candidate], luck: Random) -> None:
    mixed = list(found)
    luck.shuffle(mixed)

    assert rank("ZJ-2026-00001", mixed, W) == rank("ZJ-2026-00001", found, W)


def test_a_new_firm_has_a_prior_in_every_part() -> None:
    assert points_of(NEW, W) == {"credit": 7_500, "on_time": 7_500, "experience": 2_000, "capacity": WHOLE}


def test_equals_are_not_always_in_the_same_order() -> None:
    numbers = count(1)
    found = [replace(NEW, org_id=n, uscc=uscc(n)) for n in (next(numbers) for _ in range(4))]
    first = {rank(f"ZJ-2026-{job:05d}", found, W)[0].firm.org_id for job in range(60)}

    assert first == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "but", [{"credit": 41}, {"prior_points": WHOLE + 1}, {"months": 0}, {"experience_full": 0}, {"capacity": -15}]
)
def test_weights_that_make_no_sense_are_not_taken(but: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"parts|prior|experience"):
        replace(W, **but)
