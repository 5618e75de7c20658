"""Changing a published job before T: the owner amends or cancels, the operator moves T later. Each is announced."""

from datetime import UTC
from typing import Any

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from bidding.auctions import queries as auctions_read
from bidding.auctions import service as auctions
from bidding.auctions.models import Auction
from market.catalogue import queries as catalogue
from market.clock import BEIJING
from market.jobs import queries as jobs
from market.jobs.models import Job
from market.moments import beijing_day
from portal import web
from portal.access import May, needs
from portal.forms.auctions import AmendForm, CancelForm, MoveForm, closing_times

bp = Blueprint("auctions", __name__)


def _found(code: str, own: bool) -> tuple[Job, Auction, dict[str, Any]]:
    """A published job with its auction and the city's rules; 404 for an owner's view of another's job."""
    with web.db().read() as s:
        whole = jobs.job_by_code(s, code)
        auction = auctions_read.newest(s, whole.job.id) if whole else None
        rules = catalogue.city_rules_on(s, web.now())
    if whole is None or auction is None or (own and whole.job.owner_id != web.user().org_id):
        abort(404)
    return whole.job, auction, rules


def _at(auction: Auction) -> dict[str, Any]:
    here = auction.closes_at.astimezone(BEIJING)
    return {"closing_day": beijing_day(auction.closes_at), "closing_time": f"{here:%H:%M}"}


@bp.route("/jobs/<code>/amend", methods=["GET", "POST"])
@needs(May.JOB_AMEND)
def amend(code: str) -> ResponseReturnValue:
    """New terms and a T that leaves time; every bidder must confirm (M15). First a check page, then the deed."""
    job, auction, rules = _found(code, own=True)
    asked = {"summary": job.summary, "ceiling": job.ceiling_fen, "days_max": job.days_max, **_at(auction)}
    form = AmendForm(request.form, data=asked)
    form.closing_time.offer(closing_times(rules))
    view = {"job": job, "auction": auction, "form": form, "least": rules["after_amendment_min_wd"]}
    if request.method == "POST" and request.form.get("do") == "check":
        if form.validate():
            return web.page("auctions/amend_check.html", closes_at=form.closes_at().astimezone(UTC), **view)
        return web.page("auctions/amend.html", 422, said=None, **view)
    if request.method == "POST" and request.form.get("do") == "edit":
        return web.page("auctions/amend.html", said=None, **view)
    me = web.user()
    did = web.tried(
        form,
        lambda s: auctions.amend_auction(s, job.id, me.org_id, _changes(form), me.actor, web.now(), web.city().keeper),
    )
    if did.done:
        return redirect(url_for("jobs.show", code=code), 303)
    return web.page("auctions/amend.html", did.status, said=did.said, **view)


def _changes(form: AmendForm) -> auctions.Changes:
    return auctions.Changes(
        reason=form.reason.data,
        closes_at=form.closes_at().astimezone(UTC),
        summary=form.summary.data,
        ceiling_fen=form.ceiling.data,
        days_max=form.days_max.data,
    )


@bp.route("/jobs/<code>/cancel", methods=["GET", "POST"])
@needs(May.JOB_AMEND)
def cancel(code: str) -> ResponseReturnValue:
    """Take the job back before T; the envelopes stay sealed for good."""
    job, auction, _rules = _found(code, own=True)
    form, me = CancelForm(request.form), web.user()
    did = web.tried(
        form, lambda s: auctions.cancel_auction(s, job.id, me.org_id, form.reason.data, me.actor, web.now())
    )
    if did.done:
        return redirect(url_for("jobs.show", code=code), 303)
    return web.page("auctions/cancel.html", did.status, job=job, auction=auction, form=form, said=did.said)


@bp.route("/operator/jobs/<code>/deadline", methods=["GET", "POST"])
@needs(May.JOB_MOVE)
def postpone(code: str) -> ResponseReturnValue:
    """An operator moves T later, with a published reason; bids already in still count (M30)."""
    job, auction, rules = _found(code, own=False)
    form, me = MoveForm(request.form, data=_at(auction)), web.user()
    form.closing_time.offer(closing_times(rules))
    did = web.tried(
        form,
        lambda s: auctions.postpone_auction(
            s, job.id, form.closes_at().astimezone(UTC), form.reason.data, me.actor, web.now(), web.city().keeper
        ),
    )
    if did.done:
        return redirect(url_for("jobs.show", code=code), 303)
    return web.page("auctions/postpone.html", did.status, job=job, auction=auction, form=form, said=did.said)
