"""The regulator's desk: what waits, with its clock, and the ways to it."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from bidding.awards import protocol as results
from oversight.indicators import queries
from oversight.indicators.rules import BY_ID, INDICATORS
from oversight.metrics import queries as metrics
from oversight.metrics.rules import TARGET_DAYS, TARGET_FEE, median_of
from portal import plots, web
from portal.access import May, needs

bp = Blueprint("regulator", __name__)
FIRST = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure within a scope, in permille: its median (None with too few rows), the target, the categories below it.

    `below`: category, rows, median; the one furthest from the target first. `filters`: of the address of its figures.
    """

    measure: str
    n: int
    middle: int | None
    target: int
    below: list[tuple[str, int, int]]
    filters: dict[str, str]


def measured_of(s: Any, measure: str, scope: str | None) -> Measured:
    """The contract's price, with every change, or the days against baselines of the national list."""
    at = metrics.Filters(district=scope)
    target = TARGET_DAYS if measure == "days" else TARGET_FEE
    middles = [
        (category, cell.n, plots.tenths(middle))
        for category, cell in metrics.split(s, measure, "official", "category", at, lean=True)
        if (middle := median_of(cell)) is not None
    ]
    below = sorted((row for row in middles if row[2] < target), key=lambda row: (row[2], row[0]))
    whole = metrics.cell(s, measure, "official", at)
    found = median_of(whole)
    middle = None if found is None else plots.tenths(found)
    return Measured(measure, whole.n, middle, target, below, {"district": scope} if scope else {})


@bp.get("/regulator")
@needs(May.FLAG_DECIDE)
def index() -> ResponseReturnValue:
    """Open flags by rule and the oldest of them, the complaints due next, objections left unanswered."""
    with web.db().read() as s:
        scope = queries.scope_of(s, web.user().org_id)
        counts = queries.open_counts(s, scope)
        oldest, total = queries.flags(s, scope, (), False, 1, FIRST)
        complaints, waiting = results.complaints(s, False, 1, FIRST)
        late = results.overdue(s, web.now())
        measured = [measured_of(s, measure, scope) for measure in ("contracted", "days")]
    return web.page(
        "regulator/index.html", scope=scope, counts=counts, oldest=oldest, total=total, complaints=complaints,
        measured=measured, waiting=waiting, late=late, rules=INDICATORS, by_id=BY_ID,
        word=1 if web.lang() == "en" else 0,
    )  # fmt: skip
