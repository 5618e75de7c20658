"""Findings of an authority (监管认定) and requests for repair: entered, replied to, withdrawn, decided, published."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from market.admission.firms import firm
from market.errors import Refused
from portal import web
from portal.access import PUBLIC, May, needs
from portal.forms.findings import DecideForm, FindingForm, OwnReplyForm, WithdrawForm
from portal.forms.paging import page_number, pages_of
from ratings.credit import findings, record, repairs

bp = Blueprint("findings", __name__)
PAGE = 20


@bp.get("/findings")
@needs(PUBLIC)
def published() -> ResponseReturnValue:
    """Findings that show: firm, finding, article, date, expiry, the firm's reply."""
    number = page_number()
    with web.db().read() as s:
        rows, total = record.findings(s, web.now(), number, PAGE, public=True)
    pages = pages_of(total, PAGE)
    if number > pages:
        abort(404)
    return web.page("findings/published.html", rows=rows, total=total, number=number, pages=pages)


@bp.get("/regulator/findings")
@needs(May.FINDING_WRITE)
def index() -> ResponseReturnValue:
    """All findings, and requests for repair by their clock; decided ones under ?decided=1."""
    number, decided = page_number(), request.args.get("decided") == "1"
    with web.db().read() as s:
        rows, total = record.findings(s, web.now(), number, PAGE, public=False)
        asked = record.repairs(s, open_only=not decided)
    pages = pages_of(total, PAGE)
    if number > pages:
        abort(404)
    return web.page(
        "findings/index.html", rows=rows, total=total, asked=asked, decided=decided, number=number, pages=pages
    )


@bp.route("/regulator/findings/new", methods=["GET", "POST"])
@needs(May.FINDING_WRITE)
def new() -> ResponseReturnValue:
    """Enter a finding: first its preview as the public will read it, then the act."""
    given, me, now = FindingForm(request.form or None), web.user(), web.now()
    if request.method == "GET":
        given.uscc.data = request.args.get("firm", "")[:18] or None
        return web.page("findings/new.html", form=given)
    if request.form.get("step") == "edit":
        return web.page("findings/new.html", form=given)
    if not given.validate():
        return web.page("findings/new.html", 422, form=given)
    if request.form.get("step") != "record":
        return _preview(given)
    did = web.tried(given, lambda s: findings.record_finding(s, given.uscc.data, given.finding(), me, now))
    if not did.done:
        return web.page("findings/new.html", did.status, form=given, said=did.said)
    flash(_("已录入，并已通知机构。陈述期满后公开并计分。"), "ok")
    return redirect(url_for("findings.index"), 303)


def _preview(given: FindingForm) -> ResponseReturnValue:
    with web.attempt(given) as did, web.db().read() as s:
        found = firm(s, given.uscc.data, web.now())
        faults = findings.finding_faults(given.finding(), web.now())
        if faults:
            raise Refused(*faults)
        shows = findings.reply_ends(s, web.now())
    if not did.ok:
        return web.page("findings/new.html", did.status, form=given, said=did.said)
    if found is None:
        given.uscc.errors = [_("没有这家已入驻的机构。请核对统一社会信用代码。")]
        return web.page("findings/new.html", 404, form=given)
    return web.page("findings/preview.html", form=given, f=given.finding(), firm=found, shows=shows)


@bp.route("/regulator/findings/<int:id>", methods=["GET", "POST"])
@needs(May.FINDING_WRITE)
def show(id: int) -> ResponseReturnValue:
    """One finding with the firm's reply; withdraw it with a reason."""
    given, me = WithdrawForm(request.form), web.user()
    with web.db().read() as s:
        found = record.finding(s, id, web.now())
    if found is None:
        abort(404)
    did = web.tried(given, lambda s: findings.withdraw_finding(s, id, given.reason.data, me, web.now()))
    if did.done:
        flash(_("认定已撤销，并已通知机构。"), "ok")
        return redirect(url_for("findings.show", id=id), 303)
    return web.page("findings/show.html", did.status, f=found, form=given, said=did.said)


@bp.route("/my/findings/<int:id>", methods=["GET", "POST"])
@needs(May.FINDING_REPLY)
def own(id: int) -> ResponseReturnValue:
    """A finding about the own firm, and its one reply before it shows."""
    given, me = OwnReplyForm(request.form), web.user()
    with web.db().read() as s:
        found = record.finding(s, id, web.now(), me.org_id)
    if found is None:
        abort(404)
    did = web.tried(given, lambda s: findings.reply_finding(s, id, given.text.data, me, web.now()))
    if did.done:
        flash(_("陈述已提交，将与认定一起公开。"), "ok")
        return redirect(url_for("findings.own", id=id), 303)
    return web.page("findings/own.html", did.status, f=found, form=given, said=did.said)


@bp.route("/regulator/repairs/<int:id>", methods=["GET", "POST"])
@needs(May.CREDIT_REPAIR_DECIDE)
def repair(id: int) -> ResponseReturnValue:
    """A request for repair beside the fact it is about, and the decision."""
    given, me = DecideForm(request.form), web.user()
    with web.db().read() as s:
        found = record.repair(s, id)
        told = record.record_of(s, found.row.org_id, web.now()) if found else None
    if found is None or told is None:
        abort(404)
    did = web.tried(
        given,
        lambda s: repairs.decide_repair(s, id, given.granted.data == "yes", given.decision.data, me, web.now()),
    )
    if did.done:
        flash(_("决定已公开，并已通知机构。"), "ok")
        return redirect(url_for("findings.repair", id=id), 303)
    entry = next((e for e in told.entries if e.fact.key == found.row.fact_key), None)
    return web.page("findings/repair.html", did.status, q=found, e=entry, form=given, said=did.said)
