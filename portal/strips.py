"""The strip of a firm's credit (picture 07): the score by quarter over what raised and lowered it, on one time axis.

Geometry only (pure), as in portal.charts: hundredths of a point in, marks in CSS pixels out, at two widths.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts import NARROW, Drawing, Line, Mark, Path, Rect, Words, cut, width_of

WIDE = 1100


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter: the score at its end in hundredths (None: not shown), gain ≥ 0, loss ≤ 0, and why."""

    year: int
    number: int
    score: int | None
    gained: int
    lost: int
    why: str = ""


def points(hundredths: int) -> str:
    """94.21: exact, since a score is whole hundredths."""
    return f"{'−' if hundredths < 0 else ''}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"


def signed(hundredths: int) -> str:
    """+2.10 or −8.00; 0.00 has no sign."""
    return f"+{points(hundredths)}" if hundredths > 0 else points(hundredths)


def brief(hundredths: int) -> str:
    """+2.1 for a label: one decimal, halves up in size; the table has the exact value."""
    tenths = (abs(hundredths) + 5) // 10
    sign = "" if tenths == 0 else "−" if hundredths < 0 else "+"
    return f"{sign}{tenths // 10}.{tenths % 10}"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things stand: x of the first and past the last quarter, the line's box, the axis of the bars."""

    width: int
    left: float
    right: float
    top: float
    foot: float
    base: float
    most: float  # pixels of the longest bar
    low: int  # hundredths at `foot`
    wide: bool
    n: int

    def x(self, index: float) -> float:
        """The pixel where a quarter begins."""
        return round(self.left + (self.right - self.left) * index / self.n, 1)

    def y(self, hundredths: int) -> float:
        """The pixel of a score."""
        return round(self.foot - (self.foot - self.top) * (hundredths - self.low) / (10_000 - self.low), 1)


def credit_strip(quarters: Sequence[Quarter], lang: str) -> tuple[Drawing, Drawing] | None:
    """Both drawings; None without a quarter."""
    if not quarters:
        return None
    scores = [q.score for q in quarters if q.score is not None]
    low = min([6_000, *(s // 2_000 * 2_000 for s in scores)])
    n = len(quarters)
    wide = _Plan(WIDE, 40, WIDE - 118, 20, 140, 196, 32, low, True, n)
    slim = _Plan(NARROW, 34, NARROW - 4, 26, 130, 176, 26, low, False, n)
    return _draw(wide, quarters, lang), _draw(slim, quarters, lang)


def _draw(plan: _Plan, quarters: Sequence[Quarter], lang: str) -> Drawing:
    marks: list[Mark] = [*_scale(plan), *_years(plan, quarters, lang), *_steps(plan, quarters)]
    marks += [*_now(plan, quarters[-1], lang), *_bars(plan, quarters)]
    return Drawing(plan.width, round(plan.base + plan.most + 40), tuple(marks))


def _scale(plan: _Plan) -> list[Mark]:
    step = 2_000 if plan.low >= 4_000 else 5_000
    marks: list[Mark] = []
    for value in range(plan.low + (-plan.low) % step, 10_001, step):
        y = plan.y(value)
        marks += [
            Line(plan.left, y, plan.right, y, "grid"),
            Words(plan.left - 6, y + 5, "end", str(value // 100), "mut"),
        ]
    return [*marks, Line(plan.left, plan.base, plan.right, plan.base, "ink")]


def _years(plan: _Plan, quarters: Sequence[Quarter], lang: str) -> list[Mark]:
    """A line where a year begins, and its number while there is room for it."""
    marks: list[Mark] = []
    foot, free = plan.base + plan.most + 8, 0.0
    for i, quarter in enumerate(quarters):
        if i and quarter.number != 1:
            continue
        x, text = plan.x(i), f"{quarter.year} 年" if lang == "zh" and plan.wide else str(quarter.year)
        marks.append(Line(x, plan.top - 8, x, foot, "grid"))
        ends = [j for j in range(i + 1, len(quarters)) if quarters[j].number == 1]
        room = (plan.x(ends[0]) if ends else plan.right) - x
        if x >= free and width_of(text) <= room:
            marks.append(Words(x + 3, foot + 16, "start", text, "mut"))
            free = x + width_of(text) + 8
    return marks


def _steps(plan: _Plan, quarters: Sequence[Quarter]) -> list[Mark]:
    """The score as steps; a quarter without one breaks the line."""
    marks: list[Mark] = []
    spots: list[str] = []
    for i, quarter in enumerate(quarters):
        if quarter.score is None:
            marks += [Path(" ".join(spots), "line")] if spots else []
            spots = []
            continue
        y = plan.y(quarter.score)
        spots += [f"{plan.x(i):g},{y:g}", f"{plan.x(i + 1):g},{y:g}"]
    return [*marks, Path(" ".join(spots), "line")] if spots else marks


def _now(plan: _Plan, last: Quarter, lang: str) -> list[Mark]:
    if last.score is None:
        return []
    text, y = points(last.score), plan.y(last.score)
    if plan.wide:
        return [Words(plan.right + 8, y + 5, "start", f"{text} {'现在' if lang == 'zh' else 'now'}", "b")]
    return [Words(plan.right, plan.top - 12, "end", f"{'现在' if lang == 'zh' else 'now'} {text}", "b")]


def _bars(plan: _Plan, quarters: Sequence[Quarter]) -> list[Mark]:
    """Gains over the axis, losses under it, on one scale; each written where it has room."""
    longest = max([100, *(max(q.gained, -q.lost) for q in quarters)])
    marks: list[Mark] = []
    thick = round(min(14.0, (plan.x(1) - plan.x(0)) * 0.6), 1)
    for i, quarter in enumerate(quarters):
        middle = round((plan.x(i) + plan.x(i + 1)) / 2, 1)
        x = round(middle - thick / 2, 1)
        if quarter.gained > 0:
            tall = round(max(plan.most * quarter.gained / longest, 1.0), 1)
            marks.append(Rect(x, round(plan.base - tall, 1), thick, tall, "bar"))
            if plan.wide:
                marks.append(Words(middle, round(plan.base - tall - 6, 1), "middle", brief(quarter.gained)))
        if quarter.lost < 0:
            deep = round(max(plan.most * -quarter.lost / longest, 1.0), 1)
            marks.append(Rect(x, plan.base, thick, deep, "urgent"))
            marks += _loss(plan, quarters, i, middle + thick / 2)
    return marks


def _loss(plan: _Plan, quarters: Sequence[Quarter], index: int, x: float) -> list[Mark]:
    """The loss and why, beside its bar, up to the next loss or the edge."""
    quarter = quarters[index]
    later = [j for j in range(index + 1, len(quarters)) if quarters[j].lost < 0]
    room = (plan.x(later[0]) if later else plan.width) - x - 10
    text = brief(quarter.lost) + (f" {quarter.why}" if plan.wide and quarter.why else "")
    if room < width_of(brief(quarter.lost)):
        return []
    return [Words(round(x + 5, 1), plan.base + 18, "start", cut(text, room))]
