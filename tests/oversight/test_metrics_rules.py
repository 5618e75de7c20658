"""Figures (pure): cuts exact, quartiles those of spreadsheets, cells that add and subtract without a trace."""

from fractions import Fraction
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oversight.metrics.rules import (
    FEW,
    LEAST,
    Cell,
    Facts,
    Place,
    counted,
    cut,
    median_of,
    rolled_up,
    row_cut,
    span,
    values_of,
)

PLACES = st.builds(
    Place,
    st.sampled_from(["01", "02"]),
    st.sampled_from(["339901", "339902"]),
    st.sampled_from([202601, 202602, 202603]),
    st.sampled_from(["lowest_price", "direct"]),
    st.sampled_from(["fiscal", "private"]),
)
FEN = st.none() | st.integers(1, 3_000_000)
FACTS = st.builds(
    Facts,
    kind=st.sampled_from(["official", "ceiling", "none"]),
    baseline=FEN,
    awarded=FEN,
    contracted=FEN,
    settled=FEN,
    baseline_days=st.none() | st.integers(1, 60),
    days_used=st.none() | st.integers(0, 90),
    valid_bids=st.integers(0, 9),
    failed=st.booleans(),
    outside=st.none() | st.booleans(),
)
ROWS = st.lists(st.tuples(PLACES, FACTS), max_size=12)


@given(st.integers(0, 10**14), st.integers(1, 10**14))
def test_a_cut_is_exact_to_the_permille_and_rounded_half_up(used: int, baseline: int) -> None:
    exact = (1 - Fraction(used, baseline)) * 1000

    assert cut(used, baseline) == (exact + Fraction(1, 2)) // 1
    assert row_cut(used, baseline) == max(LEAST, cut(used, baseline))


def test_the_worked_cuts() -> None:
    assert [cut(*case) for case in ((70, 100), (100, 100), (120, 100), (1, 3), (2, 3), (1999, 2000), (1, 2000))] == [
        300, 0, -200, 667, 333, 1, 1000,
    ]  # fmt: skip
    assert row_cut(None, 100) is None and row_cut(5, None) is None and row_cut(5, 0) is None


@given(st.integers(2020, 2029), st.integers(1, 12), st.integers(2020, 2029), st.integers(1, 12))
def test_a_range_is_whole_years_and_single_months_each_once(a: int, b: int, c: int, d: int) -> None:
    since, until = a * 100 + b, c * 100 + d
    found: list[int] = []
    for first, last, whole in span(since, until):
        for year in range(2020, 2030):
            months = [year * 100 + m for m in range(1, 13)]
            found += months if whole and first <= year * 100 <= last else []
            found += [m for m in months if not whole and first <= m <= last]

    assert sorted(found) == [
        y * 100 + m for y in range(2020, 2030) for m in range(1, 13) if since <= y * 100 + m <= until
    ]
    assert len(span(since, until)) <= 3 and span(None, None)[0][2]


@given(st.lists(st.integers(-300, 900), min_size=2, max_size=40))
def test_quartiles_are_those_of_a_spreadsheet(values: list[int]) -> None:
    cell = Cell()
    for value in values:
        cell.add(value, 0, 0)

    assert [Fraction(cell.quantile(q) or 0, 4) for q in (1, 2, 3)] == pytest.approx(
        [Fraction(x) for x in quantiles([Fraction(v) for v in values], n=4, method="inclusive")]
    )


def test_a_small_cell_has_no_median_and_an_empty_one_no_quartile() -> None:
    cell = Cell()
    assert cell.quantile(2) is None and cell.weighted is None and cell.share_of(1) is None
    for value in range(FEW - 1):
        cell.add(value, 1, 2)
    assert cell.few and median_of(cell) is None and cell.weighted == 500
    cell.add(9, 1, 2)
    assert not cell.few and median_of(cell) == 2 * 4


@given(ROWS)
def test_bottom_cells_roll_up_to_what_each_row_counts_in(rows: list[tuple[Place, Facts]]) -> None:
    whole = counted((place, facts, 1) for place, facts in rows)
    bottom = {
        key: cell
        for key, cell in whole.items()
        if "*" not in (key[2].category, key[2].district, key[2].method, key[2].funding) and key[2].month % 100
    }

    assert rolled_up(bottom) == whole


@given(ROWS, ROWS)
def test_what_is_taken_out_leaves_no_trace(stay: list[tuple[Place, Facts]], go: list[tuple[Place, Facts]]) -> None:
    cells = counted([*((p, f, 1) for p, f in stay), *((p, f, 1) for p, f in go), *((p, f, -1) for p, f in go)])

    assert {key: cell for key, cell in cells.items() if cell.n} == counted((p, f, 1) for p, f in stay)
    assert all(cell == Cell() for cell in cells.values() if not cell.n)


@given(FACTS)
def test_a_failed_job_counts_in_competition_alone_and_kinds_are_never_mixed(facts: Facts) -> None:
    values = values_of(facts)

    assert {v.measure for v in values} >= {"bids", "failed"}
    if facts.failed:
        assert len(values) == 2
    assert {v.kind for v in values if v.measure in ("awarded", "contracted", "settled")} <= {facts.kind}
    assert {v.kind for v in values if v.measure not in ("awarded", "contracted", "settled")} == {"-"}
