"""The operator's home, the market's offices, and sent mail with masked recipients."""

from email import message_from_bytes, policy
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from market.admission import desk
from market.identity import queries as identity
from market.identity import service
from market.jobs import queries as jobs
from market.notices import queries as notices
from market.notices.deliver import send_again
from portal.access import May, needs
from portal.forms.people import OfficeForm
from portal.web import attempt, city, db, now, page, user

bp = Blueprint("operator", __name__, url_prefix="/operator")


@bp.get("")
@needs(May.IDENTITY_OFFICE)
def index() -> Response:
    """What waits for the operator, and the way to each page."""
    with db().read() as s:
        counts = {
            "jobs": jobs.waiting_count(s),
            "applications": desk.applications(s, "submitted")[1],
            "certificates": desk.unverified(s)[1],
            **notices.outbox_counts(s),
        }
    return page("operator/index.html", counts=counts)


def _offices(status: int = 200, form: OfficeForm | None = None, said: Any = None) -> Response:
    with db().read() as s:
        rows = identity.offices(s)
    return page("operator/offices.html", status, rows=rows, form=form or OfficeForm(), said=said)


@bp.get("/offices")
@needs(May.IDENTITY_OFFICE)
def offices() -> Response:
    """Operators and regulators."""
    return _offices()


@bp.post("/offices")
@needs(May.IDENTITY_OFFICE)
def add() -> Answer:
    """Make an operator or regulator; a mail lets them set a password."""
    form = OfficeForm(request.form)
    if not form.validate():
        return _offices(422, form)
    with attempt(form) as did, db().write() as s:
        service.create_office(s, form.email.data, form.name.data, form.office.data, None, now(), user().actor)
    if not did.ok:
        return _offices(did.status, form, did.said)
    flash(_("已发出邀请邮件，对方设置密码后即可登录。"), "ok")
    return redirect(url_for("operator.offices"), 303)


@bp.post("/offices/<int:person>/disable")
@needs(May.IDENTITY_OFFICE)
def disable(person: int) -> Answer:
    """End the access of somebody of the market itself."""
    with attempt() as did, db().write() as s:
        service.disable_person(s, user(), person, now())
    if not did.ok:
        return _offices(did.status, said=did.said)
    flash(_("已停用，其登录和令牌立即失效。"), "ok")
    return redirect(url_for("operator.offices"), 303)


@bp.get("/mail")
@needs(May.MAIL_READ)
def mail() -> Response:
    """Sent mail: masked recipient, kind, time, state; never a text outside the sample city."""
    number = min(max(request.args.get("page", 1, int), 1), 10**6)
    with db().read() as s:
        rows, total = notices.sent_mail(s, number)
        sample = identity.mode(s) == "sample"
    pages = max(1, -(-total // notices.PAGE))
    return page("operator/mail.html", rows=rows, number=number, pages=pages, sample=sample, total=total)


@bp.get("/mail/<int:mail>")
@needs(May.MAIL_READ)
def mail_text(mail: int) -> Response:
    """The text of a mail, in the sample city only and never of one that lets somebody in."""
    with db().read() as s:
        row = notices.one_mail(s, mail)
        sample = identity.mode(s) == "sample"
    if not sample or row is None or row.file is None or identity.is_secret(row.kind):
        abort(404)
    file = city().settings.mail / row.file
    if file.parent != city().settings.mail or not file.is_file():
        abort(404)
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    return page("operator/mail_text.html", row=row, subject=message["Subject"], text=body.get_content() if body else "")


@bp.post("/mail/<int:mail>/again")
@needs(May.MAIL_READ)
def again(mail: int) -> Answer:
    """Send an unfinished mail now."""
    with db().write() as s:
        if notices.one_mail(s, mail) is None:
            abort(404)
        done = send_again(s, mail, now())
    flash(_("已重新排队，几秒后发送。") if done else _("这封邮件已经发出，不再重发。"), "ok" if done else "warn")
    return redirect(url_for("operator.mail"), 303)
