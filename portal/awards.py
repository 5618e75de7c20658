"""What the parties do with a result: explain, judge, object, answer, complain, refuse, cancel; all is published."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from bidding.awards import protocol as results
from bidding.awards import service as awards
from bidding.awards.models import Award
from bidding.awards.rules import State, may_object
from bidding.closing.queries import took_part
from market.errors import Refused, refuse
from portal import web
from portal.access import May, needs
from portal.forms.awards import AnswerForm, ExplainForm, GroundForm, JudgeForm, ReasonForm

bp = Blueprint("awards", __name__)


def _dispute(code: str) -> results.Dispute:
    """The job's result; 404 before there is one, so that nothing can be told before T."""
    with web.db().read() as s:
        found = results.dispute(s, code)
    if found is None:
        abort(404)
    return found


def _award_of_mine(code: str) -> tuple[results.Dispute, Award]:
    """The newest award, if it is this firm's; 404 otherwise."""
    found = _dispute(code)
    if found.award is None or found.award.org_id != web.user().org_id:
        abort(404)
    return found, found.award


def _of_my_job(code: str) -> results.Dispute:
    """The result of this owner's own job; 404 otherwise."""
    found = _dispute(code)
    if found.job.owner_id != web.user().org_id:
        abort(404)
    return found


def _done(code: str) -> ResponseReturnValue:
    return redirect(url_for("protocol.show", code=code), 303)


def _party(found: results.Dispute) -> None:
    if not took_part(found.auction, web.user().org_id):
        raise refuse("objection.stranger", status=403)


@bp.route("/jobs/<code>/award/explain", methods=["GET", "POST"])
@needs(May.AWARD_EXPLAIN)
def explain(code: str) -> ResponseReturnValue:
    """The first in order explains its costs (M25)."""
    found, award = _award_of_mine(code)
    form = ExplainForm(request.form)
    me = web.user()
    if request.method == "GET" and (award.state != State.EXPLAINING):
        raise refuse("award.not_explaining", status=409)
    did = web.tried(form, lambda s: awards.explain_price(s, award.id, me.org_id, form.text.data, me.actor, web.now()))
    if did.done:
        return _done(code)
    low = next(
        (e for e in (found.auction.outcome or {})["abnormal"] if e["bidder"] == award.bidder),
        {"below_mean": None, "below_next": None},
    )
    return web.page("awards/explain.html", did.status, d=found, award=award, low=low, form=form, said=did.said)


@bp.route("/jobs/<code>/award/judge", methods=["GET", "POST"])
@needs(May.AWARD_OWNER)
def judge(code: str) -> ResponseReturnValue:
    """The owner accepts or rejects an explanation, with a reason."""
    found = _of_my_job(code)
    award = found.award
    if award is None:
        abort(404)
    form = JudgeForm(request.form)
    me = web.user()
    if request.method == "GET" and (award.state != State.EXPLAINING or award.explanation is None):
        raise refuse("explanation.none", status=409)
    did = web.tried(
        form,
        lambda s: awards.judge_explanation(
            s, award.id, me.org_id, form.accept.data == "yes", form.reason.data, me.actor, web.now()
        ),
    )
    if did.done:
        return _done(code)
    return web.page("awards/judge.html", did.status, d=found, award=award, form=form, said=did.said)


@bp.route("/jobs/<code>/objection", methods=["GET", "POST"])
@needs(May.AWARD_OBJECT)
def object(code: str) -> ResponseReturnValue:
    """A bidder objects to the award within the standstill; the owner answers."""
    found = _dispute(code)
    _party(found)
    award = found.award
    if award is None:
        raise refuse("objection.none", status=409)
    late = may_object(award.state, award.standstill_ends, web.now())
    if late is not None and request.method == "GET":
        raise Refused(late, status=409)
    form = GroundForm(request.form)
    me = web.user()
    did = web.tried(
        form,
        lambda s: awards.object_to(s, award.id, me.org_id, form.ground.data, form.text.data, me.actor, web.now()),
    )
    if did.done:
        return _done(code)
    return web.page("awards/object.html", did.status, d=found, award=award, form=form, said=did.said)


@bp.route("/jobs/<code>/objection/<int:id>", methods=["GET", "POST"])
@needs(May.AWARD_OWNER)
def answer(code: str, id: int) -> ResponseReturnValue:
    """The owner answers an objection; upheld, the next in order follows."""
    found = _of_my_job(code)
    with web.db().read() as s:
        row = results.objection(s, code, id)
    if row is None:
        abort(404)
    form = AnswerForm(request.form)
    me = web.user()
    if request.method == "GET" and (row[0].answered_at is not None):
        raise refuse("objection.answered", status=409)
    did = web.tried(
        form,
        lambda s: awards.answer_objection(
            s, id, me.org_id, form.upheld.data == "yes", form.text.data, me.actor, web.now()
        ),
    )
    if did.done:
        return _done(code)
    return web.page("awards/answer.html", did.status, d=found, objection=row[0], firm=row[1], form=form, said=did.said)


@bp.route("/jobs/<code>/complaint", methods=["GET", "POST"])
@needs(May.COMPLAINT_FILE)
def complain(code: str) -> ResponseReturnValue:
    """A bidder complains to the regulator about a result (M23)."""
    found = _dispute(code)
    _party(found)
    form = GroundForm(request.form)
    me = web.user()
    did = web.tried(
        form,
        lambda s: awards.complain(
            s, found.auction.id, me.org_id, form.ground.data, form.text.data, me.actor, web.now()
        ),
    )
    if did.done:
        return _done(code)
    return web.page("awards/complain.html", did.status, d=found, form=form, said=did.said)


@bp.route("/jobs/<code>/award/refuse", methods=["GET", "POST"], endpoint="refuse")
@needs(May.AWARD_REFUSE)
def refuse_own(code: str) -> ResponseReturnValue:
    """The winner refuses its award; the next in order follows."""
    found, award = _award_of_mine(code)
    form = ReasonForm(request.form)
    me = web.user()
    did = web.tried(form, lambda s: awards.refuse_award(s, award.id, me.org_id, form.reason.data, me.actor, web.now()))
    if did.done:
        return _done(code)
    return web.page("awards/refuse.html", did.status, d=found, award=award, form=form, said=did.said)


@bp.route("/jobs/<code>/award/cancel", methods=["GET", "POST"])
@needs(May.AWARD_OWNER)
def cancel(code: str) -> ResponseReturnValue:
    """The owner gives up the whole result; no other rank can be chosen (M22)."""
    found = _of_my_job(code)
    award = found.award
    if award is None:
        abort(404)
    form = ReasonForm(request.form)
    me = web.user()
    did = web.tried(form, lambda s: awards.cancel_award(s, award.id, me.org_id, form.reason.data, me.actor, web.now()))
    if did.done:
        return _done(code)
    return web.page("awards/cancel.html", did.status, d=found, award=award, form=form, said=did.said)
