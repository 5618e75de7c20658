"""Published figures: fee cut, time cut and competition, by any filters; every figure opens to its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from market.catalogue import queries as catalogue
from market.moments import BEIJING
from oversight.metrics import queries
from oversight.metrics.queries import Row
from oversight.metrics.rules import FEW, KINDS, TARGET_DAYS, TARGET_FEE, Cell
from portal import plots, sheets, shell, web
from portal.access import PUBLIC, needs
from portal.forms import figures as said
from portal.forms.figures import Asked
from portal.forms.jobs import FUNDINGS
from portal.sheets import Line

bp = Blueprint("figures", __name__)
PAGE = 50
SHEET = 100_000
"""Rows a spreadsheet takes; a CSV has no end."""
CROWD = 9
"""Valid bids from 0 to 7, and 8 or more."""
LEAST = 3


@dataclass(frozen=True, slots=True)
class Stat:
    """A cell as a page shows it, in permille; None where there are too few rows. `url`: its rows."""

    label: str
    n: int
    middle: int | None
    low: int | None
    high: int | None
    weighted: int | None
    url: str
    covered: int | None = None

    @property
    def point(self) -> plots.Point:
        """For a chart."""
        return plots.Point(self.label, self.n, self.low, self.middle, self.high)


def stat(cell: Cell, label: str, url: str, covered: Cell | None = None) -> Stat:
    """The figures of a cell; those of a small one are left out, its rows are not."""
    few = cell.few
    parts = [None if few or (q := cell.quantile(n)) is None else plots.tenths(q) for n in (1, 2, 3)]
    share = covered.share_of(1) if covered is not None else None
    return Stat(label, cell.n, parts[1], parts[0], parts[2], None if few else cell.weighted, url, share)


def rows_url(view: Asked, measure: str, **change: Any) -> str:
    """The rows behind a figure, the smallest cut first."""
    sort = "cut" if measure in queries.CUTS else None
    return view.url("figures.rows", measure=measure, sort=sort, by=None, **change)


@bp.get("/figures")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """The figures at the top, their course by month, one dimension in full, category by district, competition."""
    view = said.asked()
    with web.db().read() as s:
        top = _top(s, view)
        courses = [_course(s, view, measure) for measure in (view.fee, "days")]
        split = [split_of(s, view, measure) for measure in (view.fee, "days")]
        heat = _heat(s, view)
        competition = _competition(s, view)
        choices = _choices(s)
        as_of = queries.as_of(s)
    return web.page(
        "figures/index.html", view=view, top=top, courses=courses, split=split, heat=heat, competition=competition,
        choices=choices, as_of=as_of, chips=said.chosen(view), title=said.title(view), by_word=said.BY[view.by],
        bys=[(by, word, view.url("figures.index", by=by)) for by, word in said.BY.items()], few=FEW,
        fee_target=TARGET_FEE, days_target=TARGET_DAYS, fee_word=said.FEE_WORDS[view.fee],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Top:
    """The figures at the top of the page."""

    fee: Stat
    days: Stat
    covered: Cell
    failed: Cell
    outside: Cell


def _top(s: Any, view: Asked) -> Top:
    fee, days = (queries.cell(s, m, view.kind, view.at) for m in (view.fee, "days"))
    return Top(
        stat(fee, str(said.FEE_WORDS[view.fee]), rows_url(view, view.fee)),
        stat(days, str(_("工期")), rows_url(view, "days")),
        queries.coverage(s, view.at),
        queries.cell(s, "failed", view.kind, view.at),
        queries.cell(s, "outside", view.kind, view.at),
    )


@dataclass(frozen=True, slots=True)
class Course:
    """A measure by month: the finding as title, the chart, and the numbers."""

    title: str
    chart: plots.Pair | None
    stats: list[Stat]
    n: int


def _course(s: Any, view: Asked, measure: str) -> Course:
    stats = [
        stat(cell, said.month_text(month), rows_url(view, measure, **view.narrowed("month", month)))
        for month, cell in queries.split(s, measure, view.kind, "month", view.at, lean=True)
    ]
    target = TARGET_DAYS if measure == "days" else TARGET_FEE
    points = [x.point for x in stats]
    legend = plots.Legend(str(_("中位")), str(_("目标")))
    return Course(
        _finding(measure, points, target), plots.trend(points, target, legend), stats, sum(x.n for x in stats)
    )


def _finding(measure: str, points: Sequence[plots.Point], target: int) -> str:
    name = str(_("工期降幅") if measure == "days" else _("费用降幅"))
    known = [p for p in points if p.middle is not None]
    if not known or known[-1].middle is None:
        return str(_("%(name)s：月度样本还不够", name=name))
    above = known[-1].middle >= target
    words = {
        "name": name, "month": said.month_words(known[-1].label), "value": plots.percent(known[-1].middle),
        "target": plots.percent(target, False),
    }  # fmt: skip
    if above:
        return str(_("%(name)s：%(month)s为 %(value)s，达到目标 %(target)s", **words))
    return str(_("%(name)s：%(month)s为 %(value)s，低于目标 %(target)s", **words))


@dataclass(frozen=True, slots=True)
class Split:
    """A measure by one dimension, most rows first where the order is not time: finding, chart and table."""

    measure: str
    title: str
    chart: plots.Pair | None
    stats: list[Stat]
    target: int


def split_of(s: Any, view: Asked, measure: str) -> Split:
    """One measure split as the view asks."""
    by, target = view.by, TARGET_DAYS if measure == "days" else TARGET_FEE
    covered = dict(queries.split(s, "covered", view.kind, by, view.at)) if measure != "days" else {}
    stats = [
        stat(cell, said.label(by, value), rows_url(view, measure, **view.narrowed(by, value)), covered.get(value))
        for value, cell in queries.split(s, measure, view.kind, by, view.at, lean=True)
    ]
    known = [x for x in stats if x.middle is not None]
    met = sum((x.middle or 0) >= target for x in known)
    name = _("工期降幅") if measure == "days" else _("费用降幅")
    words = {"name": name, "by": said.BY[by], "met": met, "n": len(known), "target": plots.percent(target, False)}
    title = str(_("%(name)s按%(by)s：够样本的 %(n)s 组里 %(met)s 组达到目标 %(target)s", **words))
    chart = plots.whiskers([x.point for x in stats], target, plots.Legend(str(_("中位")), str(_("目标"))))
    return Split(measure, title, chart, stats, target)


@dataclass(frozen=True, slots=True)
class Heat:
    """Category by district, with the city beside; `shade`: h1 to h5 by the edges, hx for too few."""

    columns: list[str]
    rows: list[tuple[str, list[tuple[str, Stat | None]], Stat]]
    edges: list[int]


def _heat(s: Any, view: Asked) -> Heat:
    cells = queries.grid(s, view.fee, view.kind, view.at, lean=True)
    whole = dict(queries.split(s, view.fee, view.kind, "category", view.at, lean=True))
    districts = sorted({district for _category, district in cells})
    made = {
        key: stat(cell, "", rows_url(view, view.fee, category=key[0], district=key[1])) for key, cell in cells.items()
    }
    values = sorted(x.middle for x in made.values() if x.middle is not None)
    edges = [values[len(values) * i // 5] for i in range(1, 5)] if len(values) >= 5 else []
    rows = []
    for category in sorted(whole):
        line = [(_shade(made.get((category, d)), edges), made.get((category, d))) for d in districts]
        total = stat(whole[category], said.label("category", category), rows_url(view, view.fee, category=category))
        rows.append((total.label, line, total))
    return Heat([said.label("district", d) for d in districts], rows, edges)


def _shade(found: Stat | None, edges: Sequence[int]) -> str:
    if found is None:
        return ""
    if found.middle is None:
        return "hx"
    return f"h{1 + sum(found.middle >= edge for edge in edges)}" if edges else "h1"


@dataclass(frozen=True, slots=True)
class Competition:
    """Valid bids a job: finding, chart, counts; and the categories in which most jobs failed, worst first."""

    title: str
    chart: plots.Pair | None
    counts: list[int]
    url: str
    worst: list[tuple[str, Cell, Cell, str]]


def _competition(s: Any, view: Asked) -> Competition:
    found = queries.cell(s, "bids", view.kind, view.at).histogram
    counts = [found.get(i, 0) for i in range(CROWD - 1)] + [sum(n for v, n in found.items() if v >= CROWD - 1)]
    total, enough = sum(counts), sum(counts[LEAST:])
    share = plots.percent((2_000 * enough + total) // (2 * total)) if total else "—"
    failed = queries.split(s, "failed", view.kind, "category", view.at)
    outside = dict(queries.split(s, "outside", view.kind, "category", view.at))
    worst = sorted(failed, key=lambda pair: (-(pair[1].share_of(1) or 0), pair[0]))
    return Competition(
        title=str(_("%(share)s的项目有 3 家以上有效报价", share=share)),
        chart=plots.crowd(counts, LEAST, str(_("不足 3 家"))),
        counts=counts,
        url=rows_url(view, "bids"),
        worst=[
            (said.label("category", c), cell, outside.get(c, Cell()), rows_url(view, "failed", category=c))
            for c, cell in worst
            if cell.share_of(1)
        ],
    )


def _choices(s: Any) -> dict[str, list[tuple[str, str]]]:
    months = [said.month_text(m) for m in queries.months(s)]
    return {
        "category": [(c.code, c.name_en if web.lang() == "en" else c.name_zh) for c in catalogue.categories(s)],
        "district": [(code, shell.district(code)) for code in shell.districts()],
        "funding": [(code, str(word)) for code, word in FUNDINGS.items()],
        "method": [(code, said.label("method", code)) for code in said.METHODS],
        "fee": [(code, str(word)) for code, word in said.FEE_WORDS.items()],
        "kind": [(code, str(said.KIND_WORDS[code])) for code in KINDS],
        "from": [(m, m) for m in months],
        "to": [(m, m) for m in months],
    }


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────


@bp.get("/figures/rows")
@needs(PUBLIC)
def rows() -> ResponseReturnValue:
    """The jobs behind a figure, each leading to its contract and its records."""
    view = said.asked()
    after = _after()
    with web.db().read() as s:
        found = queries.rows(s, view.at, after, PAGE + 1, view.measure, view.kind, view.lowest)
        shown = found[:PAGE]
        named = queries.firms(s, shown)
        total = queries.cell(s, view.measure, view.kind, view.at).n
    more = None
    if len(found) > PAGE:
        key, job = queries.place_of(shown[-1], view.measure, view.lowest)
        more = _here(view, after=f"{key}.{job}")
    return web.page(
        "figures/rows.html", view=view, rows=shown, named=named, total=total, more=more, first=after is None,
        chips=said.chosen(view), title=said.title(view), again=_here(view),
        other=_here(view, sort=None if view.lowest else "cut"), words=said.measure_word(view), kinds=said.KIND_WORDS,
        back=view.url("figures.index"), save=[(f, _file("figures.rows", view, f)) for f in ("csv", "xlsx")],
    )  # fmt: skip


def _here(view: Asked, **change: Any) -> str:
    base = {"measure": view.measure, "sort": "cut" if view.lowest else None, "by": None}
    return view.url("figures.rows", **{**base, **change})


def _file(endpoint: str, view: Asked, kind: str) -> str:
    sort = "cut" if view.lowest else None
    return view.url(f"{endpoint}_{kind}", measure=view.measure if endpoint == "figures.rows" else None, sort=sort)


def _after() -> tuple[int, int] | None:
    """`key.job` in the address; anything else begins at the beginning."""
    key, dot, job = request.args.get("after", "").partition(".")
    try:
        place = int(key), int(job)
    except ValueError:
        return None
    return place if dot and abs(place[0]) < 2**31 and 0 <= place[1] < 2**31 else None


@bp.get("/figures/method")
@needs(PUBLIC)
def method() -> ResponseReturnValue:
    """What each figure is, and what it leaves out."""
    return web.page("figures/method.html", few=FEW, notes=said.notes(), fee=TARGET_FEE, days=TARGET_DAYS)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


@bp.get("/figures.csv")
@needs(PUBLIC)
def index_csv() -> Response:
    """The view as CSV."""
    return sheets.as_csv("figures", _table(said.asked()))


@bp.get("/figures.xlsx")
@needs(PUBLIC)
def index_xlsx() -> Response:
    """The view as XLSX, with the definitions."""
    return sheets.as_xlsx("figures", _table(said.asked()), _notes())


@bp.get("/figures/rows.csv")
@needs(PUBLIC)
def rows_csv() -> Response:
    """All rows of the view as CSV, read page by page while they are sent."""
    return sheets.as_csv("figures-rows", _all_rows(said.asked(), None))


@bp.get("/figures/rows.xlsx")
@needs(PUBLIC)
def rows_xlsx() -> Response:
    """The rows of the view as XLSX, up to SHEET of them."""
    return sheets.as_xlsx("figures-rows", _all_rows(said.asked(), SHEET), _notes())


def _notes() -> list[Line]:
    """What stands beside the numbers: as of when, and what each figure is."""
    with web.db().read() as s:
        as_of = queries.as_of(s)
    at = f"{as_of.astimezone(BEIJING):%Y-%m-%d %H:%M}" if as_of else "—"
    return [[str(_("数据截至")), at], *([head, text] for head, text in said.notes())]


def _table(view: Asked) -> Iterator[Line]:
    """Every dimension of the view, then category by district: one line a cell."""
    yield said.table_heads()
    with web.db().read() as s:
        for measure in (view.fee, "days"):
            for by in queries.DIMENSIONS:
                covered = dict(queries.split(s, "covered", view.kind, by, view.at))
                for value, cell in queries.split(s, measure, view.kind, by, view.at, lean=True):
                    one = stat(cell, said.label(by, value), "", covered.get(value))
                    yield _line(view, measure, str(said.BY[by]), one)
        names = {c.code: c.name_en if web.lang() == "en" else c.name_zh for c in catalogue.categories(s)}
        for (category, district), cell in sorted(queries.grid(s, view.fee, view.kind, view.at, lean=True).items()):
            where = f"{names.get(category, category)} × {shell.district(district)}"
            yield _line(view, view.fee, str(_("类别 × 区域")), stat(cell, where, ""))


def _line(view: Asked, measure: str, by: str, one: Stat) -> Line:
    name = _("工期") if measure == "days" else said.FEE_WORDS[measure]
    kind = "" if measure == "days" else said.KIND_WORDS[view.kind]
    values = (one.middle, one.low, one.high, one.weighted, one.covered)
    return [str(name), str(kind), by, one.label, one.n, *(None if v is None else v / 10 for v in values)]


def _all_rows(view: Asked, most: int | None) -> Iterator[Line]:
    yield said.row_heads()
    after, sent, page = None, 0, 1_000
    while True:
        with web.db().read() as s:
            found = queries.rows(s, view.at, after, page, view.measure, view.kind, view.lowest)
            named = queries.firms(s, found)
        for row in found:
            yield _cells(row, named)
        sent += len(found)
        if len(found) < page or (most is not None and sent >= most):
            return
        after = queries.place_of(found[-1], view.measure, view.lowest)


def _cells(row: Row, named: dict[int, tuple[str, str]]) -> Line:
    yuan = [None if v is None else v / 100 for v in (row.baseline, row.awarded, row.contracted, row.settled)]
    firm = named.get(row.firm_id or 0, ("", ""))[1]
    cuts = [None if v is None else v / 10 for v in (row.cut_awarded, row.cut_days)]
    return [
        row.job_code, row.contract_code, row.title, said.label("category", row.category),
        said.label("district", row.district), said.month_text(row.month), said.label("method", row.method),
        said.label("funding", row.funding), firm, str(said.KIND_WORDS.get(row.kind, row.kind)), *yuan,
        row.baseline_days, row.days_promised, row.days_used, row.valid_bids, row.rounds, int(row.failed), *cuts,
    ]  # fmt: skip
