"""The operator reviews what owners send in, and publishes it or gives it back with a reason."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.auctions import service as auctions
from market.admission import queries as admission
from market.catalogue import queries as catalogue
from market.jobs import queries, service
from market.jobs.rules import State, closing_refusal, few_left
from portal import web
from portal.access import May, needs
from portal.forms import jobs as said
from portal.forms.review import PublishForm, ReturnForm

bp = Blueprint("review", __name__)


@bp.get("/operator/jobs")
@needs(May.JOB_REVIEW)
def index() -> ResponseReturnValue:
    """What waits, the nearest deadline first."""
    with web.db().read() as s:
        rows = queries.waiting(s)
    return web.page("review/index.html", rows=rows)


def _show(
    id: int, status: int = 200, publish: Any = None, back: Any = None, form: Any = None, words: Any = None
) -> Any:
    now = web.now()
    with web.db().read() as s:
        whole = queries.job_by_id(s, id)
        if whole is None or whole.job.code is None or whole.job.state == State.DRAFT:
            abort(404)
        job, found = whole.job, whole.service
        city, calendar = catalogue.city_rules_on(s, now), catalogue.calendar(s)
        standard = service.standards_in_force(s, now).get((job.baseline or {}).get("standard"))
        recusals = queries.recusals_of(s, id)
        out = [job.owner_id, *(r.org_id for r in recusals)]
        left = admission.eligible_count(s, found.category_code, found.qualification, now, out) if found else 0
        late = closing_refusal(job.closes_at, now, city, calendar, urgency=job.urgency) if job.closes_at else None
        documents, invited = queries.documents_of(s, id), queries.invited_and_read(s, id)
        author = queries.created_by(s, job)
    figure = job.baseline if job.baseline and "parts" in job.baseline else None
    return web.page(
        "review/show.html", status, whole=whole, job=job, figure=figure, recusals=recusals, left=left, author=author,
        documents=documents, invited=invited, late=web.said(late) if late else [], city=city, form=form, said=words,
        few=few_left(left, city["min_competitors"]), publish=publish or PublishForm(), back=back or ReturnForm(),
        scale=said.scale_word(figure, standard), coefficients=said.coefficient_rows(figure, standard),
        waiting=job.state == State.SUBMITTED,
    )  # fmt: skip


@bp.get("/operator/jobs/<int:id>")
@needs(May.JOB_REVIEW)
def show(id: int) -> ResponseReturnValue:
    """One job with everything it rests on."""
    page: ResponseReturnValue = _show(id)
    return page


@bp.post("/operator/jobs/<int:id>/publish")
@needs(May.JOB_REVIEW)
def publish(id: int) -> ResponseReturnValue:
    """Publish: the baseline and the city's rules are fixed, the auction gets its key. Keeper down: 503."""
    form, me, now = PublishForm(request.form), web.user(), web.now()
    form.validate()
    with web.attempt(form) as did, web.db().write() as s:
        if form.nod.data:
            service.approve_coefficients(s, id, me, now)
        auction = auctions.publish_job(s, id, me.actor, now, web.city().keeper)
        job = auction.id.rpartition("-")[0]
    if not did.ok:
        page: ResponseReturnValue = _show(id, did.status, publish=form, form=form, words=did.said)
        return page
    flash(_("已发布，正在报价。"), "ok")
    return redirect(url_for("jobs.show", code=job), 303)


@bp.post("/operator/jobs/<int:id>/return")
@needs(May.JOB_REVIEW)
def give_back(id: int) -> ResponseReturnValue:
    """Return to the owner with a reason."""
    form = ReturnForm(request.form)
    if not form.validate():
        page: ResponseReturnValue = _show(id, 422, back=form, form=form)
        return page
    with web.attempt(form) as did, web.db().write() as s:
        service.return_job(s, id, form.reason.data, web.user(), web.now())
    if not did.ok:
        again: ResponseReturnValue = _show(id, did.status, back=form, form=form, words=did.said)
        return again
    flash(_("已退回业主，并已通知。"), "ok")
    return redirect(url_for("review.index"), 303)
