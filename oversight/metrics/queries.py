"""Figures for pages: a few cells of the rollup for any filters, however many contracts there are; and their rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, tuple_
from sqlalchemy.orm import Session

from market.identity.models import Organisation
from oversight.metrics.models import FigureCell, FigureHead, FigureRow
from oversight.metrics.rules import ANY, ANY_MONTH, FEES, NO_KIND, Cell, read_histogram, span

By = Literal["category", "district", "month", "method", "funding"]
CUTS: Final = (*FEES, "days")
"""Measures that are cuts of a baseline."""
DIMENSIONS: Final[tuple[By, ...]] = ("category", "district", "month", "method", "funding")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a view is narrowed to; None: any. `since` and `until`: months YYYYMM, both included."""

    category: str | None = None
    district: str | None = None
    method: str | None = None
    funding: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def ranged(self) -> bool:
        """Whether single months are added up."""
        return self.since is not None or self.until is not None


def kind_of(measure: str, kind: str) -> str:
    """The kind under which a measure is kept: only fees have one."""
    return kind if measure in FEES else NO_KIND


def cell(s: Session, measure: str, kind: str, at: Filters) -> Cell:
    """Everything that counts in a measure under the filters."""
    return _added(_cells(s, measure, kind, at, None)).get((), Cell())


def split(s: Session, measure: str, kind: str, by: By, at: Filters, lean: bool = False) -> list[tuple[Any, Cell]]:
    """The same by each value of a dimension that has any, in the order of the values; months are numbers.

    `lean`: cells may come without their histogram, with n, sums and quartiles alone.
    """
    return sorted((keys[0], one) for keys, one in _added(_cells(s, measure, kind, at, by, lean=lean)).items())


def grid(s: Session, measure: str, kind: str, at: Filters, lean: bool = False) -> dict[tuple[str, str], Cell]:
    """The same by category and district."""
    found = _added(_cells(s, measure, kind, at, "category", "district", lean=lean))
    return {(keys[0], keys[1]): one for keys, one in found.items()}


def _added(found: Iterable[tuple[tuple[Any, ...], Cell]]) -> dict[tuple[Any, ...], Cell]:
    """Cells of one key added up: the single months of a range."""
    whole: dict[tuple[Any, ...], Cell] = {}
    for keys, one in found:
        if keys in whole:
            whole[keys].merge(one)
        else:
            whole[keys] = one
    return whole


def coverage(s: Session, at: Filters) -> Cell:
    """How many awarded jobs have an official baseline: value 1 of the histogram."""
    return cell(s, "covered", NO_KIND, at)


def _cells(
    s: Session, measure: str, kind: str, at: Filters, *by: By | None, lean: bool = False
) -> list[tuple[tuple[Any, ...], Cell]]:
    named = [FigureCell.measure == measure, FigureCell.kind == kind_of(measure, kind)]
    for dimension in ("category", "district", "method", "funding"):
        column, wanted = getattr(FigureCell, dimension), getattr(at, dimension)
        if wanted is not None:
            named.append(column == wanted)
        else:
            named.append(column != ANY if dimension in by else column == ANY)
    if "month" in by:
        named += [FigureCell.month % 100 != 0, FigureCell.month.between(at.since or 1, at.until or 999_912)]
    elif at.ranged:
        named.append(or_(*(_within(*part) for part in span(at.since, at.until)), false()))
    else:
        named.append(FigureCell.month == ANY_MONTH)
    keys = [getattr(FigureCell, dimension) for dimension in by if dimension is not None]
    width, single = len(keys), not at.ranged or "month" in by
    sums = (FigureCell.n, FigureCell.price, FigureCell.base)
    if lean and single and measure in CUTS:
        quartiles = (FigureCell.low, FigureCell.middle, FigureCell.high)
        rows = s.execute(select(*keys, *sums, *quartiles).where(*named))
        return [
            (tuple(row[:width]), Cell(row.n, row.price, row.base, {}, (row.low, row.middle, row.high))) for row in rows
        ]
    rows = s.execute(select(*keys, *sums, FigureCell.histogram).where(*named))
    return [(tuple(row[:width]), Cell(row.n, row.price, row.base, read_histogram(row.histogram))) for row in rows]


def _within(first: int, last: int, whole: bool) -> ColumnElement[bool]:
    """Cells of whole years, or of single months."""
    months = FigureCell.month % 100
    return and_(FigureCell.month.between(first, last), months == 0 if whole else months != 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One job behind a figure: as models.FigureRow."""

    job_id: int
    job_code: str
    contract_code: str | None
    title: str
    category: str
    district: str
    month: int
    method: str
    funding: str
    firm_id: int | None
    kind: str
    baseline: int | None
    awarded: int | None
    contracted: int | None
    settled: int | None
    baseline_days: int | None
    days_promised: int | None
    days_used: int | None
    valid_bids: int
    rounds: int
    failed: bool
    outside: bool | None
    cut_awarded: int | None
    cut_contracted: int | None
    cut_settled: int | None
    cut_days: int | None


_ROW = [getattr(FigureRow, name) for name in Row.__dataclass_fields__]


def rows(
    s: Session,
    at: Filters,
    after: tuple[int, int] | None,
    most: int,
    measure: str | None = None,
    kind: str | None = None,
    lowest: bool = False,
) -> list[Row]:
    """The jobs behind a figure, newest month first, or with `lowest` the smallest cut of the measure first.

    With a measure only what counts in it, of one kind of baseline where it is a fee. `after`: `place_of` the row to go
    on behind.
    """
    by = getattr(FigureRow, f"cut_{measure}") if lowest and measure in CUTS else None
    asked = _narrowed(select(*_ROW), at, measure, kind)
    if after is not None:
        key, job = after
        first = FigureRow.month if by is None else by
        asked = asked.where(
            tuple_(first, FigureRow.job_id) < (key, job) if by is None else tuple_(first, FigureRow.job_id) > (key, job)
        )
    order = (FigureRow.month.desc(), FigureRow.job_id.desc()) if by is None else (by, FigureRow.job_id)
    return [Row(*row) for row in s.execute(asked.order_by(*order).limit(most))]


def place_of(row: Row, measure: str | None, lowest: bool) -> tuple[int, int]:
    """Where a row stands in the order of `rows`."""
    key = getattr(row, f"cut_{measure}") if lowest and measure in CUTS else row.month
    return int(key), row.job_id


def firms(s: Session, found: Iterable[Row]) -> dict[int, tuple[str, str]]:
    """USCC and name of the firms that were awarded rows; those are public."""
    ids = {row.firm_id for row in found if row.firm_id is not None}
    named = select(Organisation.id, Organisation.uscc, Organisation.name).where(Organisation.id.in_(ids))
    return {row.id: (row.uscc, row.name) for row in s.execute(named)}


def _narrowed(asked: Select[Any], at: Filters, measure: str | None, kind: str | None) -> Select[Any]:
    for dimension in ("category", "district", "method", "funding"):
        wanted = getattr(at, dimension)
        if wanted is not None:
            asked = asked.where(getattr(FigureRow, dimension) == wanted)
    if at.since is not None:
        asked = asked.where(FigureRow.month >= at.since)
    if at.until is not None:
        asked = asked.where(FigureRow.month <= at.until)
    if measure in FEES and kind is not None:
        asked = asked.where(FigureRow.kind == kind)
    if measure in CUTS:
        asked = asked.where(getattr(FigureRow, f"cut_{measure}").is_not(None))
    elif measure in ("outside", "covered"):
        asked = asked.where(FigureRow.failed.is_(False))
    if measure == "outside":
        asked = asked.where(FigureRow.outside.is_not(None))
    return asked


def as_of(s: Session) -> datetime | None:
    """When the rollup last read the log; None before its first time."""
    return s.scalar(select(FigureHead.at))


def months(s: Session) -> Sequence[int]:
    """Every month that has a row, in order."""
    return list(s.scalars(select(FigureCell.month).where(
        FigureCell.measure == "bids", FigureCell.kind == NO_KIND, FigureCell.month % 100 != 0,
        FigureCell.category == ANY, FigureCell.district == ANY, FigureCell.method == ANY, FigureCell.funding == ANY,
    ).order_by(FigureCell.month)))  # fmt: skip
