"""The regulator's list (投诉): complaints with their clocks, objections left unanswered, hold and decision."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from bidding.awards import protocol as results
from bidding.awards import service as awards
from portal import web
from portal.access import May, needs
from portal.forms.awards import AnswerForm, HoldForm

bp = Blueprint("complaints", __name__)
PAGE = 20


@bp.get("/regulator/complaints")
@needs(May.COMPLAINT_DECIDE)
def index() -> ResponseReturnValue:
    """What waits, the nearest deadline first; decided ones under ?decided=1."""
    decided = request.args.get("decided") == "1"
    number = request.args.get("page", 1, type=int)
    if not 0 < number < 10**6:
        abort(404)
    with web.db().read() as s:
        rows, total = results.complaints(s, decided, number, PAGE)
        late = [] if decided else results.overdue(s, web.now())
    pages = max(1, -(-total // PAGE))
    return web.page(
        "complaints/index.html", rows=rows, total=total, late=late, decided=decided, number=number, pages=pages
    )


@bp.route("/regulator/complaints/<int:id>", methods=["GET", "POST"])
@needs(May.COMPLAINT_DECIDE)
def show(id: int) -> ResponseReturnValue:
    """One complaint: the words of the firm, the result, and the decision."""
    form, me = AnswerForm(request.form), web.user()
    did = web.tried(
        form,
        lambda s: awards.decide_complaint(s, id, form.upheld.data == "yes", form.text.data, me.id, web.now()),
    )
    if did.done:
        return redirect(url_for("complaints.show", id=id), 303)
    return _page(id, did, form, HoldForm())


@bp.post("/regulator/complaints/<int:id>/hold")
@needs(May.COMPLAINT_DECIDE)
def hold(id: int) -> ResponseReturnValue:
    """Stay the award while the complaint is looked into."""
    form, me = HoldForm(request.form), web.user()
    did = web.tried(form, lambda s: awards.hold_award(s, id, form.reason.data, me.actor, web.now()))
    if did.done:
        return redirect(url_for("complaints.show", id=id), 303)
    return _page(id, did, AnswerForm(), form)


@bp.post("/regulator/complaints/<int:id>/release")
@needs(May.COMPLAINT_DECIDE)
def release(id: int) -> ResponseReturnValue:
    """Lift the hold; the award goes on."""
    with web.db().write() as s:
        awards.release_award(s, id, web.user().actor, web.now())
    return redirect(url_for("complaints.show", id=id), 303)


def _page(id: int, did: web.Tried, form: AnswerForm, holding: HoldForm) -> ResponseReturnValue:
    with web.db().read() as s:
        found = results.complaint(s, id)
        dispute = results.dispute(s, found.job.code or "") if found else None
    if found is None or dispute is None:
        abort(404)
    return web.page("complaints/show.html", did.status, c=found, d=dispute, form=form, holding=holding, said=did.said)
