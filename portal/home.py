"""The first page, and the server's time."""

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from bidding.awards import queries as awards
from market.clock import micros
from portal import web
from portal.access import PUBLIC, needs

bp = Blueprint("home", __name__)


@bp.get("/")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """What the market is, whether it works, what closes today."""
    now = web.city().clock.now()
    with web.db().read() as s:
        figures = awards.home_figures(s, now)
        today = awards.closing_today(s, now)
        soon = today if today.total else awards.closing_next(s, now)
        opened = awards.just_opened(s, now)
    return web.page("home/index.html", figures=figures, closing=soon, is_today=bool(today.total), opened=opened)


@bp.get("/time")
@needs(PUBLIC)
def time() -> Response:
    """The server's clock in milliseconds since 1970 UTC, for the countdown."""
    response = jsonify(now=micros(web.city().clock.now()) / 1000)
    response.headers["Cache-Control"] = "no-store"
    return response
