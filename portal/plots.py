"""Charts of figures (pure): a line with its band and target, a histogram, bars with whiskers. See portal/charts.py.

Values are permilles: 312 is 31.2 %. Each chart is drawn twice and never scaled; a table with the same numbers follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from portal.charts import NARROW, Anchor, Dot, Drawing, Line, Mark, Path, Rect, Words, cut, width_of

WIDE = 500
Pair = tuple[Drawing, Drawing]


def tenths(quarters: int) -> int:
    """Quarter-permilles (metrics.Cell.quantile) as permilles, rounded half up."""
    return (quarters + 2) // 4


def percent(permille: int | None, places: bool = True) -> str:
    """`31.2%` of 312, with a real minus; a dash for nothing. Without places rounded half up."""
    if permille is None:
        return "—"
    if not places:
        whole = (permille + 5) // 10
        return f"{'−' if whole < 0 else ''}{abs(whole)}%"
    return f"{'−' if permille < 0 else ''}{abs(permille) // 10}.{abs(permille) % 10}%"


@dataclass(frozen=True, slots=True)
class Point:
    """One month or group: its quartiles and median in permille, None where there are too few rows for them."""

    label: str
    n: int
    low: int | None = None
    middle: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Legend:
    """What a chart says beside its marks, in the language of the page."""

    middle: str
    target: str


def trend(points: Sequence[Point], target: int, words: Legend) -> Pair | None:
    """Medians by month with the band of the quartiles and the dashed target; None with fewer than two months."""
    known = [p for p in points if p.middle is not None]
    if len(known) < 2:
        return None
    return _trend(WIDE, known, target, words), _trend(NARROW, known, target, words)


def _trend(width: int, points: Sequence[Point], target: int, words: Legend) -> Drawing:
    values = [v for p in points for v in (p.low, p.middle, p.high) if v is not None]
    low, high = min(0, *values, target), max(*values, target)
    low, high = low // 100 * 100, -(-high // 100) * 100
    left, right, top, foot = 44.0, width - 110.0, 14.0, 190.0

    def y(v: int) -> float:
        return round(foot - (v - low) / (high - low) * (foot - top), 1)

    def x(i: int) -> float:
        return round(left + i * (right - left) / (len(points) - 1), 1)

    marks: list[Mark] = []
    step = 100 if high - low <= 600 else 200 if high - low <= 1200 else 500
    for v in range(low, high + 1, step):
        marks += [Line(left, y(v), right, y(v), "grid"), Words(left - 8, y(v) + 5, "end", percent(v, False), "mut")]
    spots = [(x(i), p) for i, p in enumerate(points)]
    edge = [f"{a:g},{y(p.low or 0):g}" for a, p in spots] + [f"{a:g},{y(p.high or 0):g}" for a, p in reversed(spots)]
    marks += [Path(" ".join(edge), "span"), Line(left, y(target), right, y(target), "aim")]
    marks.append(Path(" ".join(f"{a:g},{y(p.middle or 0):g}" for a, p in spots), "line"))
    last = points[-1].middle or 0
    marks.append(Dot(x(len(points) - 1), y(last), 4, "bar"))
    at, aim = _apart(y(last), y(target))
    marks += [
        Words(right + 10, at + 5, "start", f"{words.middle} {percent(last)}", "b"),
        Words(right + 10, aim + 5, "start", f"{words.target} {percent(target, False)}", "aimed"),
    ]
    marks += _under([(a, p.label) for a, p in spots], foot + 20, width)
    return Drawing(width, round(foot + 30), tuple(marks))


def _apart(first: float, second: float, least: float = 20.0) -> tuple[float, float]:
    """Two label heights that do not touch; the first keeps its place."""
    if abs(first - second) >= least:
        return first, second
    return first, first + (least if second >= first else -least)


def _under(labels: Sequence[tuple[float, str]], y: float, width: int) -> list[Mark]:
    """Labels under an axis, as many as fit without touching; the last one always."""
    marks: list[Mark] = []
    taken: list[tuple[float, float]] = []
    order = [labels[-1], *labels[:-1]]
    for x, text in order:
        half = width_of(text) / 2
        begin = max(0.0, x - half)
        end = begin + 2 * half
        if end > width or any(begin < b + 12 and a - 12 < end for a, b in taken):
            continue
        taken.append((begin, end))
        anchor: Anchor = "start"
        marks.append(Words(round(begin, 1), y, anchor, text, "mut"))
    return marks


def crowd(counts: Sequence[int], least: int, words: str, last_open: bool = True) -> Pair | None:
    """How many jobs had 0, 1, 2 … valid bids; below `least` the bars are hatched. None without a job."""
    if not any(counts):
        return None
    return _crowd(WIDE, counts, least, words, last_open), _crowd(NARROW, counts, least, words, last_open)


def _crowd(width: int, counts: Sequence[int], least: int, words: str, last_open: bool) -> Drawing:
    top, foot, gap = 36.0, 190.0, 6.0
    room = width / len(counts)
    most = max(counts)
    marks: list[Mark] = [Line(0, foot, width, foot, "ink")]
    for i, n in enumerate(counts):
        x, h = i * room + gap / 2, n / most * (foot - top)
        if n:
            cls = "few" if i < least else "bar"
            marks.append(Rect(round(x, 1), round(foot - h, 1), round(room - gap, 1), round(h, 1), cls))
        marks.append(Words(round(x + (room - gap) / 2, 1), round(foot - h - 8, 1), "middle", f"{n:,}"))
        label = f"{i}+" if last_open and i == len(counts) - 1 else str(i)
        marks.append(Words(round(x + (room - gap) / 2, 1), foot + 20, "middle", label, "mut"))
    marks.append(Line(round(least * room, 1), top - 22, round(least * room, 1), foot, "aim"))
    short = sum(counts[:least])
    marks.append(Words(round(least * room - 6, 1), top - 12, "end", f"{words} {short:,}", "aimed"))
    return Drawing(width, round(foot + 30), tuple(marks))


def whiskers(points: Sequence[Point], target: int, words: Legend) -> Pair | None:
    """A dot for each group's median with whiskers to its quartiles and the dashed target; small groups say only n."""
    if not points:
        return None
    return _whiskers(1100, points, target, words), _whiskers(NARROW, points, target, words)


def _whiskers(width: int, points: Sequence[Point], target: int, words: Legend) -> Drawing:
    wide = width > NARROW
    values = [v for p in points for v in (p.low, p.middle, p.high) if v is not None]
    low, high = min([0, target, *values]), max([target, *values])
    low, high = low // 100 * 100, -(-high // 100) * 100
    left, right = (250.0, width - 130.0) if wide else (20.0, width - 70.0)
    pitch, top = (32.0, 46.0) if wide else (52.0, 60.0)

    def x(v: int) -> float:
        return round(left + (v - low) / (high - low) * (right - left), 1)

    foot = top + pitch * (len(points) - 1) + 18
    marks: list[Mark] = []
    step = 100 if wide and high - low <= 1000 else 200 if high - low <= 1200 else 500
    for v in range(low, high + 1, step):
        marks += [Line(x(v), 24, x(v), foot, "grid"), Words(x(v), foot + 20, "middle", percent(v, False), "mut")]
    marks += [Line(x(target), 24, x(target), foot, "aim")]
    aim = f"{words.target} {percent(target, False)}"
    half = width_of(aim) / 2
    marks.append(Words(min(max(x(target), half), width - half), 14, "middle", aim, "aimed"))
    for i, p in enumerate(points):
        y = top + pitch * i
        marks.append(Words(0, y + 5 if wide else y - 15, "start", cut(p.label, 236 if wide else width - 70)))
        told = (f"n = {p.n:,}", "mut") if p.middle is None else (percent(p.middle), "b")
        marks.append(Words(width, y + 5, "end", *told))
        if p.middle is None or p.low is None or p.high is None:
            continue
        marks += [Line(x(p.low), y, x(p.high), y, "lead"), Dot(x(p.middle), y, 6, "win")]
    return Drawing(width, round(foot + 30), tuple(marks))


def rises(points: Sequence[Point]) -> int:
    """How many times in a row, up to the last, the median rose."""
    known = [p.middle for p in points if p.middle is not None]
    n = 0
    for before, after in reversed(list(pairwise(known))):
        if after <= before:
            break
        n += 1
    return n
