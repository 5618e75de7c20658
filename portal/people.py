"""The people of one's organisation, and its ties: legal representative, controllers, payer account."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from market.identity import queries, service
from market.identity.rules import TieKind
from portal.access import May, needs
from portal.forms.people import AccountForm, ControllerForm, PersonForm, RepresentativeForm
from portal.web import attempt, db, now, page, user

bp = Blueprint("people", __name__)

TIE_FORMS: dict[str, Any] = {
    TieKind.LEGAL_REP.value: RepresentativeForm,
    TieKind.CONTROL.value: ControllerForm,
    TieKind.PAYER.value: AccountForm,
}


def _people(status: int = 200, form: PersonForm | None = None, said: Any = None) -> Response:
    with db().read() as s:
        members = queries.people(s, user().org_id)
    return page("people/index.html", status, members=members, form=form or PersonForm(), said=said)


@bp.get("/people")
@needs(May.IDENTITY_PEOPLE)
def index() -> Response:
    """Everybody who signs in for our organisation."""
    return _people()


@bp.post("/people")
@needs(May.IDENTITY_PEOPLE)
def add() -> Answer:
    """Add somebody; a mail lets them set a password."""
    form = PersonForm(request.form)
    if not form.validate():
        return _people(422, form)
    with attempt(form) as did, db().write() as s:
        service.add_person(s, user(), form.email.data, form.name.data, now())
    if not did.ok:
        return _people(did.status, form, did.said)
    flash(_("已发出邀请邮件，对方设置密码后即可登录。"), "ok")
    return redirect(url_for("people.index"), 303)


@bp.post("/people/<int:person>/disable")
@needs(May.IDENTITY_PEOPLE)
def disable(person: int) -> Answer:
    """End somebody's access."""
    with attempt() as did, db().write() as s:
        service.disable_person(s, user(), person, now())
    if not did.ok:
        return _people(did.status, said=did.said)
    flash(_("已停用，其登录和令牌立即失效。"), "ok")
    return redirect(url_for("people.index"), 303)


def _ties(status: int = 200, said: Any = None, **filled: Any) -> Response:
    with db().read() as s:
        rows = queries.ties_of(s, user().org_id)
    forms = {kind: filled.get(kind) or form(prefix=kind) for kind, form in TIE_FORMS.items()}
    wrong = next(iter(filled.values()), None)
    return page("people/ties.html", status, rows=rows, forms=forms, form=wrong, said=said)


@bp.get("/organisation/ties")
@needs(May.IDENTITY_PEOPLE)
def ties() -> Response:
    """What our organisation has recorded of itself."""
    return _ties()


@bp.post("/organisation/ties/<any(legal_rep, control, payer):kind>")
@needs(May.IDENTITY_PEOPLE)
def add_tie(kind: str) -> Answer:
    """Record a tie; only a keyed digest of numbers is kept."""
    form = TIE_FORMS[kind](request.form, prefix=kind)
    if not form.validate():
        return _ties(422, **{kind: form})
    party_kind = form.party_kind.data if kind == TieKind.CONTROL else ""
    with attempt(form) as did, db().write() as s:
        service.record_tie(
            s, user().org_id, kind, form.identifier.data, party_kind, form.party_name.data, now(), user().actor
        )
    if not did.ok:
        return _ties(did.status, did.said, **{kind: form})
    flash(_("已记录。"), "ok")
    return redirect(url_for("people.ties"), 303)


@bp.post("/organisation/ties/<int:tie>/end")
@needs(May.IDENTITY_PEOPLE)
def end_tie(tie: int) -> Answer:
    """End a tie; it still counts for auctions it was in force in."""
    with db().write() as s:
        service.remove_tie(s, user().org_id, tie, now(), user().actor)
    flash(_("已结束。对已发布项目的关联判断不受影响。"), "ok")
    return redirect(url_for("people.ties"), 303)
