"""The regulator's desk: what waits, with its clock, and the ways to it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from bidding.awards import protocol as results
from oversight.indicators import queries
from oversight.indicators.rules import BY_ID, INDICATORS
from portal import web
from portal.access import May, needs

bp = Blueprint("regulator", __name__)
FIRST = 5


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
    return web.page(
        "regulator/index.html", scope=scope, counts=counts, oldest=oldest, total=total, complaints=complaints,
        waiting=waiting, late=late, rules=INDICATORS, by_id=BY_ID, word=1 if web.lang() == "en" else 0,
    )  # fmt: skip
