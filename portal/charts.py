"""Geometry of the charts (pure): numbers in, marks with coordinates in CSS pixels out.

Every chart is drawn twice, about 620 to 1,100 pixels and 288 pixels wide, and never scaled, so that text stays 14
pixels (ux.md §8). Bars start at zero; dots may start elsewhere with the axis written. Coordinates are rounded to a
tenth of a pixel; money is int fen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from market.money import Fen, decimals, show_fraction_percent, show_yuan

WAN = 1_000_000
"""Fen in ten thousand yuan."""
NARROW = 288
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line; `cls` says what it means."""

    x1: float
    y1: float
    x2: float
    y2: float
    cls: str
    kind: str = "line"


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar or a corridor."""

    x: float
    y: float
    w: float
    h: float
    cls: str
    kind: str = "rect"


@dataclass(frozen=True, slots=True)
class Dot:
    """One value."""

    x: float
    y: float
    r: float
    cls: str
    kind: str = "dot"


@dataclass(frozen=True, slots=True)
class Words:
    """A label at a mark."""

    x: float
    y: float
    anchor: Anchor
    text: str
    cls: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Path:
    """A broken line through points `x,y x,y`."""

    points: str
    cls: str
    kind: str = "path"


Mark = Line | Rect | Dot | Words | Path


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing at one size."""

    width: int
    height: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A bid in the dot plot. `kind`: win | own | other."""

    rank: int
    name: str
    amount: int
    kind: str = "other"


@dataclass(frozen=True, slots=True)
class Axis:
    """Money from `low` to `high` fen laid on pixels from `left` to `right`, with marks every `step` fen."""

    low: int
    high: int
    step: int
    left: float
    right: float

    def at(self, fen: int) -> float:
        """The pixel of an amount."""
        return round(self.left + float(Fraction(fen - self.low, self.high - self.low)) * (self.right - self.left), 1)

    def ticks(self) -> list[int]:
        """Amounts written under the axis: whole steps."""
        first = -(-self.low // self.step) * self.step
        return list(range(first, self.high + 1, self.step))


def axis(low: int, high: int, left: float, right: float, wanted: int) -> Axis:
    """An axis over [low, high] with about `wanted` round steps of 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1)
    step = next(m * 10**k for k in range(19) for m in (1, 2, 5) if m * 10**k * wanted >= span)
    return Axis(low, max(high, low + 1), step, left, right)


def short(fen: int, lang: str) -> str:
    """An amount for a label: `17.28 万` or `172.8k`."""
    return f"{decimals(Fraction(fen, WAN))} 万" if lang == "zh" else f"{decimals(Fraction(fen, 100_000), 1)}k"


def tick(fen: int, lang: str) -> str:
    """An amount under the axis: no more decimals than it needs."""
    if fen == 0:
        return "0"
    text = short(fen, lang)
    number, word = (text[:-2], " 万") if lang == "zh" else (text[:-1], "k")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + word


def width_of(text: str) -> float:
    """About how wide 14 px text is: a Chinese character 14, anything else 7.9."""
    return sum(14.0 if ord(c) > 0x2E80 else 7.9 for c in text)


def percent_gap(amount: int, baseline: int) -> str:
    """`−35.0%`: how far the amount lies from the baseline; `0.0%` has no sign."""
    text = decimals(Fraction(amount - baseline, baseline) * 100, 1)
    return f"{'' if text[0] == '−' or text == '0.0' else '+'}{text}%"


def median(values: Sequence[int]) -> int | None:
    """The middle amount, the lower rounding of the mean of two; None of nothing."""
    if not values:
        return None
    found = sorted(values)
    return (found[(len(found) - 1) // 2] + found[len(found) // 2]) // 2


def days_left(days: float, of: int = 20) -> Drawing:
    """The bar beside a deadline: days left on one scale of 0 to `of` days; under one day it is the warning colour."""
    part = round(min(max(days / of, 0.02), 1) * 120, 1)
    return Drawing(120, 6, (Rect(0, 0, 120, 6, "rest"), Rect(0, 0, part, 6, "urgent" if days < 1 else "bar")))


def sparkline(values: Sequence[int]) -> Drawing | None:
    """Tenths of a percent by month, both ends written; None for fewer than two months."""
    if len(values) < 2:
        return None
    first, last = signed(values[0]), signed(values[-1])
    left, right, top, foot = width_of(first) + 8, width_of(first) + 108, 8.0, 32.0
    low, span = min(values), max(max(values) - min(values), 1)
    spots = [
        (round(left + i * (right - left) / (len(values) - 1), 1), round(foot - (v - low) / span * (foot - top), 1))
        for i, v in enumerate(values)
    ]
    marks: tuple[Mark, ...] = (
        Words(left - 8, spots[0][1] + 5, "end", first, "mut"),
        Path(" ".join(f"{x:g},{y:g}" for x, y in spots), "line"),
        Dot(*spots[-1], 4, "bar"),
        Words(right + 10, spots[-1][1] + 5, "start", last, "b"),
    )
    return Drawing(round(right + 18 + width_of(last)), 40, marks)


def signed(tenths: int) -> str:
    """−31.2: tenths with a sign that is a real minus."""
    return f"{'−' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10}"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things stand in one size of the baseline chart."""

    left: float
    right: float
    rows: tuple[float, float, float]
    top: float
    foot: float
    over: bool  # labels stand over the bars, not left of them
    steps: int


_WIDE = _Plan(140, 610, (62, 106, 150), 28, 178, False, 5)
_SLIM = _Plan(0, 280, (66, 122, 178), 28, 204, True, 5)


def baseline_bar(
    baseline: int | None, low: int | None, high: int | None, ceiling: int, awards: Sequence[int], lang: str
) -> tuple[Drawing, Drawing]:
    """Ceiling against baseline and like awards (picture 03): corridor, bar from zero, dots with their median."""
    return (
        _baseline(_WIDE, 620, baseline, low, high, ceiling, awards, lang),
        _baseline(_SLIM, NARROW, baseline, low, high, ceiling, awards, lang),
    )


def _baseline(
    plan: _Plan,
    width: int,
    base: int | None,
    low: int | None,
    high: int | None,
    ceiling: int,
    awards: Sequence[int],
    lang: str,
) -> Drawing:
    zh = lang == "zh"
    top = max([ceiling, base or 0, high or 0, *awards])
    scale = axis(0, top, plan.left, plan.right, plan.steps)
    marks = _grid(scale, plan.top + 14, plan.foot, lang)

    def label(row: int) -> float:
        return plan.rows[row] + (-14 if plan.over else 5)

    if base is not None:
        marks.append(Words(0, label(0), "start", "参考基准" if zh else "Baseline", "b"))
        marks += _corridor(scale, plan, base, low, high, lang)
    marks.append(Words(0, label(1), "start", ("最高限价 " if zh else "Ceiling ") + short(ceiling, lang), "b"))
    marks.append(Rect(plan.left, plan.rows[1] - 5, round(scale.at(ceiling) - plan.left, 1), 10, "bar"))
    if awards:
        marks.append(Words(0, label(2), "start", _past(awards, lang), "b"))
        marks += _awards(scale, plan, awards, lang)
    if base is not None:
        marks += _rule(
            scale, base, plan, width, ("参考基准 " if zh else "Baseline ") + short(base, lang) + ("元" if zh else "")
        )
    return Drawing(width, round(plan.foot + 26), tuple(marks))


def _grid(scale: Axis, top: float, foot: float, lang: str) -> list[Mark]:
    marks: list[Mark] = []
    for t in scale.ticks():
        x = scale.at(t)
        text = tick(t, lang)
        half = width_of(text) / 2
        edge: Anchor = "start" if x < half else "middle"
        marks += [Line(x, top, x, foot, "grid"), Words(x, foot + 20, edge, text, "mut")]
    return marks


def _past(awards: Sequence[int], lang: str) -> str:
    return f"同类成交 {len(awards)} 项" if lang == "zh" else f"{len(awards)} past awards"


def _corridor(scale: Axis, plan: _Plan, base: int, low: int | None, high: int | None, lang: str) -> list[Mark]:
    if low is None or high is None or low == high:
        return []
    y, x1, x2 = plan.rows[0], scale.at(low), scale.at(high)
    text = f"{short(low, lang)}–{short(high, lang)}"
    name = "参考基准" if lang == "zh" else "Baseline"
    words = _beside(plan, y, name, text, x1, x2)
    return [Rect(x1, y - 6, round(x2 - x1, 1), 12, "corridor"), words]


def _beside(plan: _Plan, y: float, name: str, text: str, first: float, last: float) -> Words:
    """A note beside marks from `first` to `last`: after the row's name if names stand over bars, else where it fits."""
    if plan.over:
        return Words(width_of(name) + 8, y - 14, "start", text, "mut")
    if first - 12 - width_of(text) > plan.left:
        return Words(first - 12, y + 5, "end", text, "mut")
    if last + 12 + width_of(text) < plan.right:
        return Words(last + 12, y + 5, "start", text, "mut")
    return Words(plan.right, y - 14, "end", text, "mut")


def _awards(scale: Axis, plan: _Plan, awards: Sequence[int], lang: str) -> list[Mark]:
    y, middle = plan.rows[2], median(awards)
    marks: list[Mark] = [Dot(scale.at(a), y, 4.5, "past") for a in sorted(awards)]
    if middle is None:
        return marks
    text = ("中位 " if lang == "zh" else "median ") + short(middle, lang)
    spots = [scale.at(a) for a in awards]
    marks.append(_beside(plan, y, _past(awards, lang), text, min(spots), max(spots)))
    return [*marks, Line(scale.at(middle), y - 11, scale.at(middle), y + 11, "ink")]


def _rule(scale: Axis, base: int, plan: _Plan, width: int, text: str) -> list[Mark]:
    x = scale.at(base)
    need = width_of(text)
    anchor: Anchor = "end" if x > need else "start"
    return [Line(x, plan.top, x, plan.foot, "ink"), Words(x, plan.top - 10, anchor, text, "b")]


def bid_dots(baseline: int | None, offers: Sequence[Offer], lang: str) -> tuple[Drawing, Drawing]:
    """Every valid bid as a dot with its gap to the baseline (picture 06); without a baseline the dots alone."""
    return _dots(1100, baseline, offers, lang), _dots(NARROW, baseline, offers, lang)


def _dots(width: int, base: int | None, offers: Sequence[Offer], lang: str) -> Drawing:
    wide = width > NARROW
    pitch, top = (36, 54) if wide else (50, 62)
    amounts = [o.amount for o in offers] + ([base] if base is not None else [])
    span = max(max(amounts) - min(amounts), max(amounts) // 10, 100)
    low = max(0, min(amounts) - span // 2)
    scale = axis(low, max(amounts) + span // 20, 250 if wide else 0, 985 if wide else 224, 5 if wide else 3)
    foot = top + pitch * len(offers) - pitch // 2 + 6
    marks = _grid(scale, 40, foot, lang)
    for i, offer in enumerate(offers):
        marks += _offer(scale, offer, base, top + pitch * i, width, lang)
    if base is not None:
        exact = show_yuan(Fen(base), lang) if wide else short(base, lang)
        text = ("参考基准 " if lang == "zh" else "Baseline ") + exact
        marks += [Line(scale.at(base), 28, scale.at(base), foot, "ink"), Words(scale.at(base), 18, "end", text, "b")]
        if wide:
            marks.append(Words(width, 18, "end", "比基准" if lang == "zh" else "to baseline", "mut"))
    return Drawing(width, round(foot + 26), tuple(marks))


def _offer(scale: Axis, offer: Offer, base: int | None, y: float, width: int, lang: str) -> list[Mark]:
    wide, x, strong = width > NARROW, scale.at(offer.amount), "b" if offer.kind != "other" else ""
    marks: list[Mark] = []
    if base is not None:
        marks.append(Line(x, y, scale.at(base), y, "lead" if offer.kind == "win" else "gap"))
        marks.append(Words(width, y + 5, "end", percent_gap(offer.amount, base), strong))
    marks.append(Dot(x, y, {"win": 7, "own": 6}.get(offer.kind, 5.5), offer.kind))
    if wide:
        money = show_yuan(Fen(offer.amount), lang)
        at_left = x - 14 - width_of(money) > scale.left - 10
        marks += [
            Words(0, y + 5, "start", str(offer.rank), strong),
            Words(24, y + 5, "start", cut(offer.name, 216), strong),
            Words(x - 14 if at_left else x + 14, y + 5, "end" if at_left else "start", money, strong),
        ]
    else:
        marks.append(Words(0, y - 15, "start", f"{offer.rank} {cut(offer.name, 250)}", strong))
    return marks


def cut(text: str, room: float) -> str:
    """The text, or as much of it as fits with an ellipsis; the table under the chart has the whole."""
    if width_of(text) <= room:
        return text
    while text and width_of(text) + 14 > room:
        text = text[:-1]
    return text + "…"


def spread(baseline: int | None, awards: Sequence[int], lang: str) -> Drawing | None:
    """Like awards as dots on one line with median and baseline (side panel of picture 04); None without awards."""
    middle = median(awards)
    if middle is None:
        return None
    top = max([baseline or 0, *awards])
    scale = axis(0, top + top // 12, 4, 284, 4)
    marks: list[Mark] = [Line(4, 58, 284, 58, "grid")]
    for t in scale.ticks():
        text = tick(t, lang)
        x = min(max(scale.at(t), width_of(text) / 2), 288 - width_of(text) / 2)
        marks.append(Words(x, 78, "middle", text, "mut"))
    marks += [Dot(scale.at(a), 50, 4.5, "past") for a in sorted(awards)]
    marks += _named(scale, middle, 40, "中位" if lang == "zh" else "median", "")
    if baseline is not None:
        marks += _named(scale, baseline, 22, "参考基准" if lang == "zh" else "baseline", "b")
    return Drawing(288, 84, tuple(marks))


def _named(scale: Axis, fen: int, top: float, text: str, cls: str) -> list[Mark]:
    x, half = scale.at(fen), width_of(text) / 2
    return [
        Line(x, top, x, 58, "ink"),
        Words(min(max(x, half), 288 - half), top - 6, "middle", text, cls),
    ]


def share(part: int, whole: int) -> str:
    """94.1%; a dash when there is nothing yet."""
    return show_fraction_percent(Fraction(part, whole), 1) if whole else "—"


def gap_words(amount: int, baseline: int, lang: str) -> str:
    """比基准低 28.4%: the direction is a word, never a colour."""
    gap = percent_gap(amount, baseline)
    if gap[0] not in "−+":
        return "与基准相同" if lang == "zh" else "equal to the baseline"
    if lang == "zh":
        return f"比基准{'低' if gap[0] == '−' else '高'} {gap[1:]}"
    return f"{gap[1:]} {'below' if gap[0] == '−' else 'above'} the baseline"


_STEP, _TOP, _MIDDLE, _REACH = 34, 26, 144, 44


def proof_path(leaf: str, steps: Sequence[tuple[bool, str]], root: str) -> Drawing:
    """The way from a leaf (below) to the root (above): each step joins a sibling from its left or right.

    `steps`: (left, hash in hex), from the leaf up. The numbers stand on the side that has no sibling.
    """
    bottom = _TOP + _STEP * len(steps)
    marks: list[Mark] = [Line(_MIDDLE, _TOP, _MIDDLE, bottom, "lead")] if steps else []
    for n, (left, sibling) in enumerate(steps, 1):
        high, low = bottom - _STEP * n, bottom - _STEP * n + _STEP * 3 // 5
        away = -1 if left else 1
        side = _MIDDLE + away * _REACH
        marks += [
            Line(_MIDDLE, high, side, low, "gap"),
            Rect(side - 4, low - 4, 8, 8, "other"),
            Words(side + away * 10, low + 5, "end" if left else "start", sibling[:8], "mut"),
            Words(_MIDDLE - away * 12, low + 5, "start" if left else "end", str(n), "mut"),
            Dot(_MIDDLE, high, 4, "win"),
        ]
    marks += [
        Dot(_MIDDLE, bottom, 6, "win"),
        Words(_MIDDLE, bottom + 24, "middle", f"{leaf[:12]}…", "b"),
        Words(_MIDDLE, _TOP - 12, "middle", f"{root[:12]}…", "b"),
    ]
    return Drawing(NARROW, bottom + 36, tuple(marks))
