"""Reviews (评价): the form of a contract's parties, a firm's reviews in public, the one reply, moderation."""

from fractions import Fraction

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from market.admission.firms import firm
from market.errors import Refused
from market.money import decimals
from portal import web
from portal.access import PUBLIC, May, needs
from portal.forms.paging import page_number, pages_of
from portal.forms.reviews import HideForm, ReplyForm, ReviewForm
from ratings.reviews import queries, service
from ratings.reviews.rules import DIMENSIONS, Scores, may_review, shows_at

bp = Blueprint("reviews", __name__)
PAGE = 20


@bp.app_template_global("review_scores")
def review_scores(scores: Scores) -> list[tuple[str, int]]:
    """The five scores with their names."""
    names = {
        "quality": _("质量"), "timeliness": _("时效"), "attitude": _("态度"), "fees": _("收费"), "conduct": _("守信"),
    }  # fmt: skip
    return [(names[name], getattr(scores, name)) for name in DIMENSIONS]


@bp.app_template_global("review_mean")
def review_mean(total: int, n: int) -> str:
    """A sum of `n` scores as their mean with two decimals; a dash of none."""
    return decimals(Fraction(total, n), 2) if n else "—"


@bp.route("/contracts/<code>/evaluate", methods=["GET", "POST"])
@needs(May.REVIEW_GIVE)
def form(code: str) -> ResponseReturnValue:
    """Review the other party; then wait until both are in or the day comes; then read both."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        found = queries.standing(s, code, me.org_id, now)
        until = service.end_of_blindness(s, found.contract) if found else None
    if found is None:
        abort(404)
    no = may_review(found.contract.accepted_at, until, found.mine is not None, now)
    given = ReviewForm(request.form)
    if no is not None and request.method == "POST":
        raise Refused(no, status=409)
    did = web.tried(
        given,
        lambda s: service.give_review(s, found.contract.id, given.scores(), given.comment.data, me, now),
    )
    if did.done:
        flash(_("评价已收到。双方都评价后，或盲评期满后一起公开。"), "ok")
        return redirect(url_for("reviews.form", code=code), 303)
    blind = found.mine is not None and shows_at(found.mine.shown_at, found.mine.blind_until) > now
    return web.page(
        "reviews/form.html", did.status, c=found.contract, r=found, until=until, no=no, blind=blind, form=given,
        said=did.said,
    )  # fmt: skip


@bp.get("/firms/<uscc>/reviews")
@needs(PUBLIC)
def index(uscc: str) -> ResponseReturnValue:
    """What owners say of a firm, the newest first."""
    number = page_number()
    with web.db().read() as s:
        found = firm(s, uscc, web.now())
        if found is None:
            abort(404)
        all_of_it = queries.summary(s, found.org.id, web.now())
        rows = queries.about(s, found.org.id, web.now(), number, PAGE)
    pages = pages_of(all_of_it.n, PAGE)
    if number > pages:
        abort(404)
    return web.page("reviews/index.html", firm=found, summary=all_of_it, rows=rows, number=number, pages=pages)


def _shown(id: int) -> tuple[queries.Told, str]:
    """A review that shows, and where it stands in public; 404 otherwise: a blind one is not there."""
    with web.db().read() as s:
        found = queries.one(s, id, web.now())
    if found is None:
        abort(404)
    return found, url_for("reviews.form", code=found.code)


@bp.route("/reviews/<int:id>/reply", methods=["GET", "POST"])
@needs(May.REVIEW_GIVE)
def reply(id: int) -> ResponseReturnValue:
    """The reviewed side replies, once."""
    found, back = _shown(id)
    me = web.user()
    if found.about_id != me.org_id:
        abort(404)
    given = ReplyForm(request.form)
    did = web.tried(given, lambda s: service.reply(s, id, given.text.data, me, web.now()))
    if did.done:
        flash(_("回复已公开。"), "ok")
        return redirect(back, 303)
    return web.page("reviews/reply.html", did.status, r=found, form=given, back=back, said=did.said)


@bp.route("/reviews/<int:id>/hide", methods=["GET", "POST"])
@needs(May.REVIEW_HIDE)
def hide(id: int) -> ResponseReturnValue:
    """The regulator hides the words of a review; the reason is published in their place."""
    found, _back = _shown(id)
    me = web.user()
    given = HideForm(request.form)
    did = web.tried(given, lambda s: service.hide(s, id, given.reason.data, me, web.now()))
    if did.done:
        flash(_("文字已隐藏，理由已公开。"), "ok")
        return redirect(url_for("findings.index"), 303)
    return web.page("reviews/hide.html", did.status, r=found, form=given, said=did.said)
