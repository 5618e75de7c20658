"""Admission (入驻) from the firm's side: five steps and a check page, each saved as it is sent."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response as Answer

from market.admission import queries, service
from market.admission.rules import DECISION_DAYS, Part
from market.catalogue import queries as catalogue
from market.identity import queries as identity
from market.identity.rules import Role, TieKind
from portal.access import PUBLIC, May, needs
from portal.forms.admission import (
    PARTS,
    CertificateForm,
    DeclarationForm,
    DocumentForm,
    FirmForm,
    PersonForm,
    PriceForm,
    RepForm,
    ScopeForm,
)
from portal.forms.people import AccountForm, ControllerForm
from portal.forms.uploads import keep_upload
from portal.shell import category, district, districts
from portal.web import attempt, db, now, page, user

bp = Blueprint("join", __name__)

LAST = 5


def step_names() -> list[str]:
    """The five steps."""
    return [_("登记信息"), _("法定代表人"), _("类别和区域"), _("资质和人员"), _("关联、价目和材料")]


STEP_OF = {"firm": 1, "rep": 2, "scope": 3, "certificates": 4, "people": 4, "ties": 5, "prices": 5, "documents": 5}


@bp.get("/join")
@needs(PUBLIC)
def start() -> Response:
    """How admission works, and where one's own application stands."""
    row = profile = None
    if g.user is not None and g.user.has(Role.FIRM):
        with db().read() as s:
            row = queries.latest_application(s, user().org_id)
            profile = queries.profile_of(s, user().org_id)
    return page(
        "join/start.html", application=row, profile=profile, days=DECISION_DAYS, parts=PARTS, steps=STEP_OF,
        names=step_names(), firm=g.user is not None and g.user.has(Role.FIRM),
    )  # fmt: skip


@bp.post("/join")
@needs(May.ADMISSION_APPLY)
def begin() -> Answer:
    """Open an application, or go on with the open one."""
    with db().write() as s:
        row = service.start(s, user().org_id, now())
    mend = row.content.get("mend") or {}
    first = min((STEP_OF[part] for part in mend), default=1)
    return redirect(url_for("join.step", step=first), 303)


@bp.post("/join/withdraw")
@needs(May.ADMISSION_APPLY)
def withdraw() -> Answer:
    """Take the application back."""
    with db().write() as s:
        service.withdraw(s, user().org_id, now(), user().actor)
    flash(_("申请已撤回，所填内容保留，可以重新申请。"), "ok")
    return redirect(url_for("join.start"), 303)


# The steps


def _forms(content: dict[str, Any], services: Any, categories: Any) -> dict[str, Any]:
    """Every form of the wizard, filled with what the application says."""
    firm, rep, scope = (content.get(part, {}) for part in (Part.FIRM, Part.REP, Part.SCOPE))
    forms = {
        "firm": FirmForm(data=firm, prefix="firm"),
        "rep": RepForm(data={"name": rep.get("name", "")}, prefix="rep"),
        "scope": ScopeForm(data=scope, prefix="scope"),
        "certificate": CertificateForm(prefix="certificate"),
        "person": PersonForm(prefix="person"),
        "control": ControllerForm(prefix="control"),
        "payer": AccountForm(prefix="payer"),
        "price": PriceForm(prefix="price"),
        "document": DocumentForm(prefix="document"),
    }
    _offer(forms, services, categories)
    return forms


def _offer(forms: dict[str, Any], services: Any, categories: Any) -> None:
    names = [(c.code, category(c.code)) for c in categories]
    if "scope" in forms:
        forms["scope"].categories.offer(names)
        forms["scope"].main.offer(names)
        forms["scope"].districts.offer([(code, district(code)) for code in districts()])
    if "price" in forms:
        forms["price"].service.offer([(x.code, f"{x.code} {x.name}") for x in services])


def _show(step: int, status: int = 200, said: Any = None, **sent: Any) -> Response:
    """A step as it stands, with the form that was sent (and its errors) in its place."""
    with db().read() as s:
        row = queries.open_application(s, user().org_id)
        if row is None:
            abort(404)
        services = catalogue.services_on(s, now())
        categories = catalogue.categories(s)
        ties = identity.ties_of(s, user().org_id) if step == LAST else []
        kept = {d.id: d for d in queries.documents_of(s, user().org_id)} if step >= 4 else {}
    forms = _forms(row.content, services, categories)
    _offer(sent, services, categories)
    chosen = row.content.get(Part.SCOPE, {}).get("categories", ())
    return page(
        f"join/step{step}.html", status, application=row, content=row.content, forms={**forms, **sent}, step=step,
        form=next(iter(sent.values()), None), said=said, names=step_names(), parts=PARTS, documents=kept,
        ties=[t for t in ties if t.removed_at is None and t.kind != TieKind.LEGAL_REP], editable=queries.editable(row),
        asked=sorted({x.qualification for x in services if x.category_code in chosen and x.qualification}),
        services={x.code: x for x in services},
    )  # fmt: skip


@bp.get("/join/<int(min=1, max=5):step>")
@needs(May.ADMISSION_APPLY)
def step(step: int) -> Response:
    """One step of the application."""
    return _show(step)


def _onward(step: int) -> Answer:
    return redirect(url_for("join.step", step=step + 1) if step < LAST else url_for("join.check"), 303)


def _whole(step: int, name: str, form: Any, save: Callable[[Any], None]) -> Answer:
    """A step that is one form: saved, then the next one."""
    with db().read() as s:
        _offer({name: form}, [], catalogue.categories(s))
    if not form.validate():
        return _show(step, 422, **{name: form})
    with attempt(form) as did, db().write() as s:
        save(s)
    return _onward(step) if did.ok else _show(step, did.status, did.said, **{name: form})


@bp.post("/join/1")
@needs(May.ADMISSION_APPLY)
def save_firm() -> Answer:
    """Save licence data."""
    form = FirmForm(request.form, prefix="firm")
    return _whole(1, "firm", form, lambda s: service.save_firm(s, user().org_id, form.data, now(), user().actor))


@bp.post("/join/2")
@needs(May.ADMISSION_APPLY)
def save_rep() -> Answer:
    """Save the legal representative; the identity number becomes a keyed digest at once."""
    form = RepForm(request.form, prefix="rep")

    def save(s: Any) -> None:
        service.save_rep(s, user().org_id, form.name.data, form.identifier.data or "", now(), user().actor)

    return _whole(2, "rep", form, save)


@bp.post("/join/3")
@needs(May.ADMISSION_APPLY)
def save_scope() -> Answer:
    """Save categories and districts."""
    form = ScopeForm(request.form, prefix="scope")
    areas = list(districts())
    return _whole(
        3, "scope", form, lambda s: service.save_scope(s, user().org_id, form.data, now(), user().actor, areas)
    )


def _entry(step: int, name: str, form: Any, add: Callable[[Any], object]) -> Answer:
    """An entry of a list: added, then the same step again."""
    with db().read() as s:
        _offer({name: form}, catalogue.services_on(s, now()), [])
    if not form.validate():
        return _show(step, 422, **{name: form})
    with attempt(form) as did, db().write() as s:
        add(s)
    if not did.ok:
        return _show(step, did.status, did.said, **{name: form})
    return redirect(url_for("join.step", step=step) + f"#{name}", 303)


@bp.post("/join/4/certificate")
@needs(May.ADMISSION_APPLY)
def add_certificate() -> Answer:
    """Add a certificate, with its scan if there is one."""
    form = CertificateForm(CombinedMultiDict([request.files, request.form]), prefix="certificate")

    def add(s: Any) -> None:
        document = keep_upload(s, form.document.data, now())
        service.add_certificate(s, user().org_id, form.given(document), now(), user().actor)

    return _entry(4, "certificate", form, add)


@bp.post("/join/4/person")
@needs(May.ADMISSION_APPLY)
def add_person() -> Answer:
    """Add a professional."""
    form = PersonForm(request.form, prefix="person")
    return _entry(4, "person", form, lambda s: service.add_person(s, user().org_id, form.given(), now(), user().actor))


@bp.post("/join/5/<any(control, payer):kind>")
@needs(May.ADMISSION_APPLY)
def add_tie(kind: str) -> Answer:
    """Record a controller or the payee account."""
    form: Any = {"control": ControllerForm, "payer": AccountForm}[kind](request.form, prefix=kind)

    def add(s: Any) -> None:
        side = form.party_kind.data if kind == "control" else ""
        told, name = form.identifier.data or "", form.party_name.data
        service.add_tie(s, user().org_id, kind, told, side, name, now(), user().actor)

    return _entry(5, kind, form, add)


@bp.post("/join/5/ties/<int:tie>/drop")
@needs(May.ADMISSION_APPLY)
def drop_tie(tie: int) -> Answer:
    """End a tie entered wrongly."""
    with db().write() as s:
        service.drop_tie(s, user().org_id, tie, now(), user().actor)
    return redirect(url_for("join.step", step=5), 303)


@bp.post("/join/5/price")
@needs(May.ADMISSION_APPLY)
def add_price() -> Answer:
    """Add a price and promise."""
    form = PriceForm(request.form, prefix="price")
    return _entry(5, "price", form, lambda s: service.add_price(s, user().org_id, form.given(), now(), user().actor))


@bp.post("/join/5/document")
@needs(May.ADMISSION_APPLY)
def add_document() -> Answer:
    """Add a document."""
    form = DocumentForm(CombinedMultiDict([request.files, request.form]), prefix="document")

    def add(s: Any) -> None:
        document = keep_upload(s, form.document.data, now())
        service.add_document(s, user().org_id, document or 0, now(), user().actor)

    return _entry(5, "document", form, add)


@bp.post("/join/<any(certificates, people, prices, documents):part>/<int:key>/drop")
@needs(May.ADMISSION_APPLY)
def drop(part: str, key: int) -> Answer:
    """Take an entry out of a list."""
    with db().write() as s:
        service.drop_entry(s, user().org_id, Part(part), key, now(), user().actor)
    return redirect(url_for("join.step", step=STEP_OF[part]), 303)


# The check page


def _check(status: int = 200, form: Any = None, said: Any = None) -> Response:
    with db().read() as s:
        row = queries.open_application(s, user().org_id)
        if row is None:
            abort(404)
        ties = identity.ties_of(s, user().org_id)
        kept = {d.id: d for d in queries.documents_of(s, user().org_id)}
        services = {x.code: x for x in catalogue.services_on(s, now())}
    return page(
        "join/check.html", status, application=row, content=row.content, form=form or DeclarationForm(), said=said,
        names=step_names(), parts=PARTS, documents=kept, services=services, steps=STEP_OF,
        ties=[t for t in ties if t.removed_at is None and t.kind != TieKind.LEGAL_REP],
        editable=queries.editable(row),
    )  # fmt: skip


@bp.get("/join/check")
@needs(May.ADMISSION_APPLY)
def check() -> Response:
    """Everything once more, before it goes to the operator."""
    return _check()


@bp.post("/join/check")
@needs(May.ADMISSION_APPLY)
def submit() -> Answer:
    """Send it."""
    form = DeclarationForm(request.form)
    if not form.validate():
        return _check(422, form)
    with attempt(form) as did, db().write() as s:
        service.submit(s, user().org_id, bool(form.declared.data), now(), user().actor)
    if not did.ok:
        return _check(did.status, form, did.said)
    flash(_("申请已提交，管理员核对后会通知您。"), "ok")
    return redirect(url_for("join.start"), 303)
