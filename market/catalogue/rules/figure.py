"""The table figure: what a price table says for a scale, as an exact fraction of fen (step 1 of a baseline)."""

from dataclasses import dataclass
from fractions import Fraction

from market.catalogue.rules.standards import Row, Standard


@dataclass(frozen=True, slots=True)
class Line:
    """On a straight line: from (`x0`, `y0`) to (`x1`, `y1`), scale and fen."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class Flat:
    """At a point of the table, or in an open last band: `fee` fen, from the scale `start` on if `beyond`."""

    start: int
    fee: int
    beyond: bool


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of the scale × `rate` = `sum` fen; `edge` tells how the part lies to the table."""

    part: int
    rate: Fraction
    sum: Fraction
    edge: str  # whole, band, below, above


Piece = Line | Flat | Share


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure in fen, how it came, and the document's own range where its rates have one."""

    fen: Fraction
    pieces: tuple[Piece, ...]
    low: Fraction | None = None
    high: Fraction | None = None


def table_figure(standard: Standard, scale: int) -> Figure | str:
    """The figure of `standard` for a scale ≥ 1, or why there is none: below_table, above_table."""
    if standard.method == "band_interpolate":
        return _in_bands(standard.rows, scale)
    if standard.method == "interpolate":
        return _between_points(standard, scale)
    if standard.method == "progressive":
        return _summed(standard.rows, scale)
    return _share(scale, standard.rows[0].rate, "whole")


def _in_bands(rows: tuple[Row, ...], scale: int) -> Figure | str:
    if scale < rows[0].start:
        return "below_table"
    for row in rows:
        if row.end is None:
            return Figure(Fraction(row.fee), (Flat(row.start, row.fee, True),))
        if scale <= row.end:
            return _on_line(Line(row.start, row.fee, row.end, row.fee_end), scale)
    return "above_table"


def _between_points(standard: Standard, scale: int) -> Figure | str:
    rows = standard.rows
    if scale < rows[0].start:
        return "below_table" if standard.below is None else _share(scale, standard.below, "below")
    if scale > rows[-1].start:
        return "above_table" if standard.above is None else _share(scale, standard.above, "above")
    left = next(row for row in reversed(rows) if row.start <= scale)
    if left.start == scale:
        return Figure(Fraction(left.fee), (Flat(left.start, left.fee, False),))
    right = rows[rows.index(left) + 1]
    return _on_line(Line(left.start, left.fee, right.start, right.fee), scale)


def _on_line(line: Line, scale: int) -> Figure:
    slope = Fraction(line.y1 - line.y0, line.x1 - line.x0)
    return Figure(line.y0 + slope * (scale - line.x0), (line,))


def _share(scale: int, rate: Fraction, edge: str) -> Figure:
    return Figure(scale * rate, (Share(scale, rate, scale * rate, edge),))


def _summed(rows: tuple[Row, ...], scale: int) -> Figure | str:
    last = rows[-1].end
    if last is not None and scale > last:
        return "above_table"
    parts = [(row, (scale if row.end is None else min(scale, row.end)) - row.start) for row in rows]
    parts = [(row, part) for row, part in parts if part > 0]
    ranged = any(row.low is not None or row.high is not None for row, _ in parts)
    return Figure(
        sum((part * row.rate for row, part in parts), Fraction(0)),
        tuple(Share(part, row.rate, part * row.rate, "band") for row, part in parts),
        sum((part * (row.rate if row.low is None else row.low) for row, part in parts), Fraction(0))
        if ranged
        else None,
        sum((part * (row.rate if row.high is None else row.high) for row, part in parts), Fraction(0))
        if ranged
        else None,
    )
