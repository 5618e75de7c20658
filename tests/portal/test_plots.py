"""Charts of figures: every mark inside its drawing, labels that do not touch, findings that follow the numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from portal import plots
from portal.charts import Drawing, Words, width_of
from portal.plots import Legend, Point

LEGEND = Legend("中位", "目标")
CUTS = st.integers(-400, 1000)


@st.composite
def points(draw: st.DrawFn, least: int = 1) -> list[Point]:
    """Groups in order, some of them too small for a median."""
    found = []
    for i in range(draw(st.integers(least, 24))):
        low, middle, high = sorted(draw(st.tuples(CUTS, CUTS, CUTS)))
        known = draw(st.booleans())
        found.append(Point(f"2026-{i % 12 + 1:02d}", 9, low, middle, high) if known else Point("少", 2))
    return found


def inside(drawing: Drawing) -> bool:
    for mark in drawing.marks:
        if isinstance(mark, Words):
            wide = width_of(mark.text)
            left = mark.x - {"start": 0, "middle": wide / 2, "end": wide}[mark.anchor]
            assert left >= -1 and left + wide <= drawing.width + 1, mark
            assert 0 <= mark.y <= drawing.height, mark
        elif hasattr(mark, "points"):
            spots = [tuple(map(float, p.split(","))) for p in mark.points.split()]
            assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in spots)
    return True


@given(points())
def test_a_course_stays_inside_and_its_month_labels_do_not_touch(found: list[Point]) -> None:
    pair = plots.trend(found, 300, LEGEND)

    if sum(p.middle is not None for p in found) < 2:
        assert pair is None
        return
    assert pair is not None
    for drawing in pair:
        assert inside(drawing)
        under = sorted(
            (m.x, m.x + width_of(m.text))
            for m in drawing.marks
            if isinstance(m, Words) and m.text.startswith("2026") and m.cls == "mut"
        )
        assert all(before[1] < after[0] for before, after in pairwise(under)) and under


@given(points())
def test_whiskers_stay_inside_and_say_n_where_there_are_few(found: list[Point]) -> None:
    pair = plots.whiskers(found, 500, LEGEND)

    assert pair is not None
    for drawing in pair:
        assert inside(drawing)
        texts = [m.text for m in drawing.marks if isinstance(m, Words)]
        assert texts.count("n = 2") == sum(p.middle is None for p in found)


@given(st.lists(st.integers(0, 10**6), min_size=9, max_size=9))
def test_a_crowd_names_those_below_three_and_hatches_them(counts: list[int]) -> None:
    pair = plots.crowd(counts, 3, "不足 3 家")

    assert (pair is None) == (not any(counts))
    for drawing in pair or ():
        texts = [m.text for m in drawing.marks if isinstance(m, Words)]
        assert f"不足 3 家 {sum(counts[:3]):,}" in texts and "8+" in texts
        assert sum(m.cls == "few" for m in drawing.marks) == sum(n > 0 for n in counts[:3])


def test_permilles_are_written_as_percents_with_a_real_minus() -> None:
    assert [plots.percent(v) for v in (312, -21, 0, None, 1000)] == ["31.2%", "−2.1%", "0.0%", "—", "100.0%"]
    assert [plots.percent(v, False) for v in (300, 305, -250)] == ["30%", "31%", "−25%"]
    assert [plots.tenths(q) for q in (1248, 1249, 1250, -1250)] == [312, 312, 313, -312]
