"""The operator's side of admission: applications, certificates, suspensions; appeals are the regulator's."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from market.admission import changes, desk, queries, service
from market.admission.firms import firm
from market.admission.rules import Decision, Event, Part, State, midnight
from market.catalogue import queries as catalogue
from market.identity import queries as identity
from market.identity.rules import Role
from portal.access import PUBLIC, May, needs
from portal.forms.admission import PARTS, AnswerForm, AppealForm, DecisionForm, ReasonForm, SuspendForm
from portal.forms.paging import page_number, pages_of
from portal.shell import category
from portal.web import attempt, db, now, page, user

bp = Blueprint("admissions", __name__)


def state_words() -> dict[str, str]:
    """States of an application."""
    return {
        "draft": _("草稿"),
        "submitted": _("正在核对"),
        "returned": _("需要补正"),
        "admitted": _("已入驻"),
        "refused": _("未通过"),
        "withdrawn": _("已撤回"),
    }


SHOWN = (State.SUBMITTED, State.RETURNED, State.ADMITTED, State.REFUSED)


@bp.get("/operator/admissions")
@needs(May.ADMISSION_READ)
def index() -> Response:
    """Applications by state, the longest waiting first, and certificates that wait."""
    number = page_number()
    asked = request.args.get("state", "submitted")
    state = asked if asked in SHOWN else State.SUBMITTED.value
    with db().read() as s:
        rows, total = desk.applications(s, state, number)
        certificates, waiting = desk.unverified(s)
    return page(
        "admissions/index.html", rows=rows, total=total, state=state, shown=[str(x) for x in SHOWN], number=number,
        pages=pages_of(total), words=state_words(), certificates=certificates, waiting=waiting,
    )  # fmt: skip


def _show(id: int, status: int = 200, form: DecisionForm | None = None, said: Any = None) -> Response:
    with db().read() as s:
        found = desk.application(s, id)
        if found is None or found[0].state in (State.DRAFT, State.WITHDRAWN):
            abort(404)
        row, org = found
        kept = {d.id: d for d in queries.documents_of(s, org.id)}
        ties = [t for t in identity.ties_of(s, org.id) if t.removed_at is None]
        services = {x.code: x for x in catalogue.services_on(s, now())}
        before = firm(s, org.uscc, now())
        numbers = [entry["certificate"] for entry in row.content.get(Part.PEOPLE, ())]
        same = desk.people_elsewhere(s, numbers, org.id, now())
    return page(
        "admissions/show.html", status, application=row, org=org, content=row.content, documents=kept, ties=ties,
        services=services, before=before, same=same, form=form or _decision(row.content), said=said,
        words=state_words(), parts=PARTS, open=row.state == State.SUBMITTED and user().has(Role.OPERATOR),
    )  # fmt: skip


def _decision(content: dict[str, Any], sent: Any = None) -> DecisionForm:
    categories = content.get(Part.SCOPE, {}).get("categories", [])
    certificates = content.get(Part.CERTIFICATES, [])
    form = DecisionForm(sent)
    form.categories.offer([(code, category(code)) for code in categories])
    form.certificates.offer([(str(e["key"]), f"{e['name']} {e['number']}") for e in certificates])
    form.mend.offer(list(PARTS.items()))
    return form


@bp.get("/operator/admissions/<int:id>")
@needs(May.ADMISSION_READ)
def show(id: int) -> Response:
    """One application: what is claimed beside its documents and the register."""
    return _show(id)


@bp.post("/operator/admissions/<int:id>")
@needs(May.ADMISSION_DECIDE)
def decide(id: int) -> Answer:
    """Admit, return or refuse, with reasons."""
    with db().read() as s:
        found = desk.application(s, id)
    if found is None or found[0].state in (State.DRAFT, State.WITHDRAWN):
        abort(404)
    form = _decision(found[0].content, request.form)
    if not form.validate():
        return _show(id, 422, form)
    reason = form.reason.data or ""
    decision = Decision(
        Event(form.outcome.data),
        reason,
        frozenset(form.categories.data or ()),
        frozenset(int(key) for key in form.certificates.data or ()),
        {part: reason.strip() for part in form.mend.data or ()} if form.outcome.data == Event.RETURN else {},
    )
    with attempt(form) as did, db().write() as s:
        service.decide(s, id, decision, user().id, now())
    if not did.ok:
        return _show(id, did.status, form, did.said)
    flash(_("已决定并通知申请机构。"), "ok")
    return redirect(url_for("admissions.index"), 303)


# Certificates


def _certificate(id: int, status: int = 200, form: ReasonForm | None = None, said: Any = None) -> Response:
    with db().read() as s:
        found = desk.qualification(s, id)
        if found is None:
            abort(404)
        row, org = found
        kept = {d.id: d for d in queries.documents_of(s, org.id)}
    return page(
        "admissions/certificate.html", status, row=row, org=org, scan=kept.get(row.document_id or 0),
        form=form or ReasonForm(), said=said, open=user().has(Role.OPERATOR) and row.revoked_at is None,
    )  # fmt: skip


@bp.get("/operator/certificates/<int:id>")
@needs(May.ADMISSION_READ)
def certificate(id: int) -> Response:
    """A certificate beside its scan."""
    return _certificate(id)


@bp.post("/operator/certificates/<int:id>/verify")
@needs(May.ADMISSION_DECIDE)
def verify(id: int) -> Answer:
    """It counts from now on."""
    with attempt() as did, db().write() as s:
        changes.verify_qualification(s, id, user().id, now())
    if not did.ok:
        return _certificate(id, did.status, said=did.said)
    flash(_("已核验，即时生效。"), "ok")
    return redirect(url_for("admissions.index"), 303)


@bp.post("/operator/certificates/<int:id>/refuse")
@needs(May.ADMISSION_DECIDE)
def revoke(id: int) -> Answer:
    """It is not accepted, or no longer counts."""
    form = ReasonForm(request.form)
    if not form.validate():
        return _certificate(id, 422, form)
    with attempt(form) as did, db().write() as s:
        changes.revoke_qualification(s, id, form.reason.data, user().id, now())
    if not did.ok:
        return _certificate(id, did.status, form, did.said)
    flash(_("已处理并通知机构。"), "ok")
    return redirect(url_for("admissions.index"), 303)


# Suspensions


def _suspend(uscc: str, status: int = 200, form: SuspendForm | None = None, said: Any = None) -> Response:
    with db().read() as s:
        found = firm(s, uscc, now())
    if found is None:
        abort(404)
    return page("admissions/suspend.html", status, firm=found, form=form or SuspendForm(), said=said)


@bp.get("/operator/firms/<uscc>/suspend")
@needs(May.ADMISSION_SUSPEND)
def suspend(uscc: str) -> Response:
    """The form of a suspension."""
    return _suspend(uscc)


@bp.post("/operator/firms/<uscc>/suspend")
@needs(May.ADMISSION_SUSPEND)
def suspending(uscc: str) -> Answer:
    """Suspend a firm through a last day, with a published reason."""
    form = SuspendForm(request.form)
    if not form.validate():
        return _suspend(uscc, 422, form)
    with attempt(form) as did, db().write() as s:
        org = identity.organisation(s, uscc)
        until = midnight(form.until.data) + timedelta(days=1)
        id = service.suspend(s, 0 if org is None else org.id, form.reason.data, until, user().id, now())
    if not did.ok:
        return _suspend(uscc, did.status, form, did.said)
    flash(_("已暂停并通知机构。"), "ok")
    return redirect(url_for("admissions.suspension", id=id), 303)


def _suspension(id: int, status: int = 200, said: Any = None, **sent: Any) -> Response:
    with db().read() as s:
        found = desk.suspension(s, id)
    if found is None:
        abort(404)
    row, org = found
    over = row.lifted_at is not None or row.until_at <= now()
    mine = g.user is not None and g.user.org_id == org.id and g.user.has(Role.FIRM)
    judge = g.user is not None and g.user.has(Role.REGULATOR)
    return page(
        "admissions/suspension.html", status, row=row, org=org, over=over, said=said,
        form=next(iter(sent.values()), None), appeal=sent.get("appeal") or AppealForm(),
        lift=sent.get("lift") or ReasonForm(), answer=sent.get("answer") or AnswerForm(),
        may_appeal=mine and not over and row.appealed_at is None,
        may_answer=judge and row.appealed_at is not None and row.answered_at is None,
        may_lift=g.user is not None and g.user.has(Role.OPERATOR) and not over, reads=mine or judge,
    )  # fmt: skip


@bp.get("/suspensions/<int:id>")
@needs(PUBLIC)
def suspension(id: int) -> Response:
    """A suspension is public: reason, end, appeal and its answer. The text of an appeal is for its parties."""
    return _suspension(id)


@bp.post("/suspensions/<int:id>/appeal")
@needs(May.ADMISSION_APPEAL)
def appeal(id: int) -> Answer:
    """The firm appeals to the regulator."""
    form = AppealForm(request.form)
    if not form.validate():
        return _suspension(id, 422, appeal=form)
    with attempt(form) as did, db().write() as s:
        service.appeal(s, user().org_id, id, form.text.data, now(), user().actor)
    if did.status == 404:
        abort(404)
    if not did.ok:
        return _suspension(id, did.status, did.said, appeal=form)
    flash(_("申诉已提交监管部门。"), "ok")
    return redirect(url_for("admissions.suspension", id=id), 303)


@bp.post("/suspensions/<int:id>/answer")
@needs(May.ADMISSION_APPEAL_DECIDE)
def answer(id: int) -> Answer:
    """The regulator decides an appeal."""
    form = AnswerForm(request.form)
    if not form.validate():
        return _suspension(id, 422, answer=form)
    with attempt(form) as did, db().write() as s:
        service.decide_appeal(s, id, form.granted.data == "yes", form.answer.data, user().id, now())
    if not did.ok:
        return _suspension(id, did.status, did.said, answer=form)
    flash(_("已决定并通知机构。"), "ok")
    return redirect(url_for("admissions.appeals"), 303)


@bp.post("/suspensions/<int:id>/lift")
@needs(May.ADMISSION_SUSPEND)
def lift(id: int) -> Answer:
    """End a suspension early."""
    form = ReasonForm(request.form)
    if not form.validate():
        return _suspension(id, 422, lift=form)
    with attempt(form) as did, db().write() as s:
        service.lift(s, id, form.reason.data, user().id, now())
    if not did.ok:
        return _suspension(id, did.status, did.said, lift=form)
    flash(_("已解除并通知机构。"), "ok")
    return redirect(url_for("admissions.suspension", id=id), 303)


@bp.get("/regulator/appeals")
@needs(May.ADMISSION_READ)
def appeals() -> Response:
    """Appeals against suspensions that wait for the regulator."""
    with db().read() as s:
        rows = desk.appeals(s)
    return page("admissions/appeals.html", rows=rows)
