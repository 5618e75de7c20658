"""Published figures and the rows behind them, with the filters of /figures."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from oversight.metrics import queries
from oversight.metrics.queries import By, Filters
from oversight.metrics.rules import Cell
from portal import plots, web
from portal.access import PUBLIC
from portal.api import cursors
from portal.api.doors import Reply, door
from portal.api.fields import After, Limit, Model
from portal.forms.figures import MONTH

Permille = Annotated[int, Field(description="Thousandths: 312 is 31.2 %; a cut of the baseline, negative above it")]
Fen = Annotated[int, Field(description="CNY cents")]
Fee = Literal["awarded", "contracted", "settled"]
Kind = Literal["official", "ceiling", "guide", "analogy"]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,12}$")]


def _month(value: object) -> int:
    found = MONTH.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("api.month", "month")
    return int(found[1] + found[2])


Month = Annotated[
    int, BeforeValidator(_month), WithJsonSchema({"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"})
]


class FilterQuery(Model):
    """What the figures are narrowed to; `since` and `until` are months of Beijing time, both included."""

    category: Code | None = None
    district: Code | None = None
    method: Annotated[str, Field(pattern=r"^[a-z_]{1,20}$")] | None = None
    funding: Literal["fiscal", "state", "private"] | None = None
    since: Month | None = None
    until: Month | None = None
    kind: Annotated[Kind, Field(description="Kind of baseline; never mixed")] = "official"

    def filters(self) -> Filters:
        """For the queries."""
        return Filters(self.category, self.district, self.method, self.funding, self.since, self.until)


class FiguresQuery(FilterQuery):
    """Which figure, and split by what."""

    measure: Literal["awarded", "contracted", "settled", "days", "bids", "failed", "outside", "covered"] = "awarded"
    by: By | None = None


class FigureRowsQuery(FilterQuery):
    """Which rows, and where to go on."""

    measure: Literal["awarded", "contracted", "settled", "days"] | None = None
    after: After | None = None
    limit: Limit = 50


class Figure(Model):
    """A cell. Under five jobs it is `few` and tells only their number. `histogram`: value → jobs."""

    value: str
    n: int
    few: bool
    median: Permille | None
    lower: Permille | None
    upper: Permille | None
    weighted: Permille | None
    histogram: dict[str, int]


class Figures(Model):
    """The figure as a whole, and by a dimension if asked."""

    as_of: datetime | None
    measure: str
    kind: str
    by: str | None
    whole: Figure
    parts: list[Figure]


class FigureJob(Model):
    """One job behind a figure; what is not known yet is null."""

    job: str
    contract: str | None
    category: str
    district: str
    month: str
    method: str
    funding: str
    kind: str
    baseline: Fen | None
    awarded: Fen | None
    contracted: Fen | None
    settled: Fen | None
    baseline_days: int | None
    days_promised: int | None
    days_used: int | None
    valid_bids: int
    rounds: int
    failed: bool
    cut_awarded: Permille | None
    cut_contracted: Permille | None
    cut_settled: Permille | None
    cut_days: Permille | None


class FigureJobs(Model):
    """A page of rows, newest month first."""

    items: list[FigureJob]
    next: str | None


@door("GET", "/figures", out=Figures, may=PUBLIC, query=FiguresQuery)
def figures(query: FiguresQuery) -> Reply:
    """Fee cut, time cut or competition under filters, as a whole and by one dimension."""
    with web.db().read() as s:
        at = query.filters()
        whole = queries.cell(s, query.measure, query.kind, at)
        parts = queries.split(s, query.measure, query.kind, query.by, at) if query.by else []
        as_of = queries.as_of(s)
    body = Figures(
        as_of=as_of, measure=query.measure, kind=query.kind, by=query.by, whole=_figure("", whole, query.measure),
        parts=[_figure(_text(query.by, value), cell, query.measure) for value, cell in parts],
    )  # fmt: skip
    return Reply(body)


def _text(by: str | None, value: object) -> str:
    return f"{int(str(value)) // 100}-{int(str(value)) % 100:02d}" if by == "month" else str(value)


def _figure(value: str, cell: Cell, measure: str) -> Figure:
    cut = measure in queries.CUTS
    low, middle, high = (None if cell.few or (q := cell.quantile(n)) is None else plots.tenths(q) for n in (1, 2, 3))
    return Figure(
        value=value, n=cell.n, few=cell.few, median=middle if cut else None, lower=low if cut else None,
        upper=high if cut else None, weighted=cell.weighted if cut and not cell.few else None,
        histogram={str(k): v for k, v in sorted(cell.histogram.items())},
    )  # fmt: skip


@door("GET", "/figures/rows", out=FigureJobs, may=PUBLIC, query=FigureRowsQuery)
def figure_rows(query: FigureRowsQuery) -> Reply:
    """The jobs behind a figure."""
    after = cursors.read(query.after, int, int)
    with web.db().read() as s:
        place = (after[0], after[1]) if after else None
        found = queries.rows(s, query.filters(), place, query.limit + 1, query.measure, query.kind)
    shown = found[: query.limit]
    more = cursors.write(*queries.place_of(shown[-1], None, False)) if len(found) > query.limit else None
    return Reply(FigureJobs(items=[_job(row) for row in shown], next=more), headers=cursors.link(more))


def _job(row: queries.Row) -> FigureJob:
    names = set(FigureJob.model_fields) - {"job", "contract", "month"}
    values = {name: getattr(row, name) for name in names}
    return FigureJob(job=row.job_code, contract=row.contract_code, month=_text("month", row.month), **values)
