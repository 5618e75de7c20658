"""Bars of promised against real working days, a pair for each milestone and one for the whole (geometry, pure).

Each bar starts at zero, the first day after signing and complete inputs; labels stand at the marks (ux.md, charts).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts import NARROW, Drawing, Line, Mark, Rect, Words, cut, width_of

WIDE = 660
_TOP = 8


@dataclass(frozen=True, slots=True)
class Days:
    """A pair: working days promised, and used so far or in all (None: not begun). `running`: the clock still runs."""

    name: str
    promised: int
    used: int | None
    running: bool = False


def day_bars(rows: Sequence[Days], lang: str) -> tuple[Drawing, Drawing]:
    """The two sizes of the chart."""
    return _bars(rows, WIDE, lang), _bars(rows, NARROW, lang)


def _bars(rows: Sequence[Days], width: int, lang: str) -> Drawing:
    wide = width > NARROW
    left, pitch = (190.0, 62) if wide else (0.0, 84)
    most = max([1, *(r.promised for r in rows), *(r.used or 0 for r in rows)])
    room = width - left - max(width_of(_label(r, lang, n)) for r in rows for n in (0, 1)) - 8
    step = room / most
    marks: list[Mark] = []
    for i, row in enumerate(rows):
        top = _TOP + pitch * i + (0 if wide else 22)
        name = cut(row.name, left - 16 if wide else float(width))
        marks.append(Words(0, top + 16, "start", name, "b") if wide else Words(0, top - 8, "start", name, "b"))
        marks += _pair(row, left, top, step, lang)
    foot = _TOP + pitch * len(rows) - 14
    if wide:
        marks.insert(0, Line(left, 0, left, foot, "grid"))
    return Drawing(width, round(foot + 6), tuple(marks))


def _pair(row: Days, left: float, top: float, step: float, lang: str) -> list[Mark]:
    promised = round(row.promised * step, 1)
    marks: list[Mark] = [
        Rect(left, top, promised, 16, "corridor"),
        Words(round(left + promised + 8, 1), top + 13, "start", _label(row, lang, 0), "mut"),
    ]
    used = round((row.used or 0) * step, 1)
    late = row.used is not None and row.used > row.promised
    if used:
        marks.append(Rect(left, top + 22, used, 16, "urgent" if late else "bar"))
    marks.append(Words(round(left + used + (8 if used else 0), 1), top + 35, "start", _label(row, lang, 1), ""))
    return marks


def _label(row: Days, lang: str, which: int) -> str:
    zh = lang == "zh"
    if which == 0:
        return f"承诺 {row.promised} 天" if zh else f"promised {row.promised} d"
    if row.used is None:
        return "还没有交付" if zh else "not delivered"
    over = row.used - row.promised
    said = (
        f"{'已用' if row.running else '实际'} {row.used} 天"
        if zh
        else f"{'so far' if row.running else 'real'} {row.used} d"
    )
    if over > 0:
        return said + (f"，超 {over} 天" if zh else f", {over} over")
    return said
