"""Matching (快速配对): the firms that may bid in an explained order, inviting them, and a firm's own answer."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.auctions import queries as auctions
from bidding.matching import invited, service
from market.errors import Refusal, Refused
from market.jobs import queries
from market.jobs import service as jobs
from portal import web
from portal.access import May, needs
from portal.forms.matching import DECLINED, InvitationForm, InviteForm

bp = Blueprint("matching", __name__)
SHOWN = 50
FEW = 3


@bp.route("/jobs/<code>/match", methods=["GET", "POST"])
@needs(May.JOB_POST)
def show(code: str) -> ResponseReturnValue:
    """Before T: who may bid, in which order and why, and a button to invite. After T: what the invited answered."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        whole = queries.job_by_code(s, code)
        if whole is None or whole.job.owner_id != me.org_id:
            abort(404)
        job = whole.job
        running = job.stage == "open" and job.closes_at is not None and now < job.closes_at
        found = invited.matches(s, job, now) if running else []
        sent, read = queries.invited_and_read(s, job.id)
        answers = invited.answers(s, job, now)
    form = InviteForm(request.form)

    def invite(s: Any) -> None:
        firm = queries.one_firm(s, form.firm.data, "invitation.firm")
        if isinstance(firm, Refusal):
            raise Refused(firm)
        jobs.invite(s, job.id, firm, me, now)

    did = web.tried(form, invite)
    if did.done:
        flash(_("已邀请，并已通知该机构。"), "ok")
        return redirect(url_for("matching.show", code=code), 303)
    return web.page(
        "matching/show.html", did.status, job=job, running=running, rows=found[:SHOWN], total=len(found), sent=sent,
        read=read, answers=answers, weights=invited.weights(), few=running and len(found) < FEW, form=form,
        said=did.said, declined=DECLINED,
    )  # fmt: skip


@bp.route("/jobs/<code>/invitation", methods=["GET", "POST"])
@needs(May.INVITATION_ANSWER)
def answer(code: str) -> ResponseReturnValue:
    """A firm answers its invitation; the owner reads it only after T."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        found = invited.invitation(s, code, me.org_id)
        if found is None:
            abort(404)
        job, row = found
        auction = auctions.newest(s, job.id)
    if auction is None:
        abort(404)
    form = InvitationForm(request.form)
    did = web.tried(
        form,
        lambda s: service.answer_invitation(
            s, job.id, form.accept.data == "yes", form.reason.data or "", form.note.data or "", me, now, auction.id
        ),
    )
    if did.done:
        flash(_("答复已收到。截标前业主看不到；答复不是报价，愿意参加请另行报价。"), "ok")
        return redirect(url_for("matching.answer", code=code), 303)
    running = job.stage == "open" and job.closes_at is not None and now < job.closes_at
    return web.page(
        "matching/answer.html", did.status, job=job, row=row, running=running, form=form, said=did.said
    )  # fmt: skip
