"""The first page, and the server's time."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from bidding.awards import queries as awards
from market.clock import micros
from oversight.metrics import queries as metrics
from oversight.metrics.rules import median_of
from portal import plots, web
from portal.access import PUBLIC, needs

bp = Blueprint("home", __name__)
MONTHS = 12


@bp.get("/")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """What the market is, whether it works, what closes today."""
    now = web.city().clock.now()
    with web.db().read() as s:
        figures = awards.home_figures(s)
        cuts = [cut_of(s, measure) for measure in ("awarded", "days")]
        today = awards.closing_today(s, now)
        soon = today if today.total else awards.closing_next(s, now)
        opened = awards.just_opened(s, now)
    return web.page(
        "home/index.html", figures=figures, cuts=cuts, closing=soon, is_today=bool(today.total), opened=opened
    )


@dataclass(frozen=True, slots=True)
class Cut:
    """A median gap to the baseline of `n` jobs in permille, negative is below; `months`: its last twelve in order."""

    gap: int | None
    n: int
    months: tuple[int, ...]


def cut_of(s: Any, measure: str) -> Cut:
    """What the rollup says of a measure of the whole city, against baselines of the national list."""
    whole = metrics.cell(s, measure, "official", metrics.Filters())
    months = [
        median_of(cell) for _month, cell in metrics.split(s, measure, "official", "month", metrics.Filters(), lean=True)
    ]
    middle = median_of(whole)
    gaps = tuple(-plots.tenths(m) for m in months[-MONTHS:] if m is not None)
    return Cut(None if middle is None else -plots.tenths(middle), whole.n, gaps)


@bp.get("/time")
@needs(PUBLIC)
def time() -> Response:
    """The server's clock in milliseconds since 1970 UTC, for the countdown."""
    response = jsonify(now=micros(web.city().clock.now()) / 1000)
    response.headers["Cache-Control"] = "no-store"
    return response
