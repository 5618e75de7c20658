"""Firms as the public sees them, and a firm's own record: certificates, professionals, price list, suspensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response as Answer

from bidding.awards.tally import tally
from market.admission import changes
from market.admission.firms import FirmPage, firm, firms
from market.admission.models import Qualification, Suspension
from market.admission.rules import expiry_step, good_until, mask
from market.catalogue import queries as catalogue
from market.moments import beijing_day
from market.search.port import SearchDown
from portal.access import PUBLIC, May, needs
from portal.forms.admission import CertificateForm, PersonForm, PriceForm
from portal.forms.paging import page_number, pages_of, picked, typed_query
from portal.forms.uploads import keep_upload
from portal.shell import districts
from portal.web import attempt, city, db, now, page, user
from ratings.credit import record as credit
from ratings.reviews import queries as reviews

bp = Blueprint("firms", __name__)
LATEST = 3
"""Reviews on a firm's page; all of them stand on their own."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate as of today: kind of tag and the days left."""

    row: Qualification
    state: str
    left: int


def papers(rows: Sequence[Qualification], at: datetime) -> list[Paper]:
    """Certificates with their state: waiting | expired | soon (within 60 days) | good."""
    today = beijing_day(at)
    found = []
    for row in rows:
        left = (row.expires_on - today).days
        soon = expiry_step(row.expires_on, today) is not None
        state = "good" if not soon else "soon"
        if row.verified_at is None:
            state = "waiting"
        elif at >= good_until(row.expires_on):
            state = "expired"
        found.append(Paper(row, state, left))
    return found


def running(rows: Sequence[Suspension], at: datetime) -> Suspension | None:
    """The suspension in force, if any."""
    return next((x for x in rows if x.from_at <= at < (x.lifted_at or x.until_at)), None)


def search(text: str) -> tuple[list[int] | None, str, bool]:
    """Ids from the index, or what to look for in the database when the index is down (and that it is)."""
    if not text:
        return None, "", False
    try:
        return city().search.find("firm", text), "", False
    except SearchDown:
        return None, text, True


@bp.get("/firms")
@needs(PUBLIC)
def index() -> Response:
    """All admitted firms, with facets for category and district and full text."""
    text, number = typed_query("q"), page_number()
    ids, like, down = search(text)
    with db().read() as s:
        categories = catalogue.categories(s)
        chosen = picked("category", [c.code for c in categories])
        areas = picked("district", list(districts()))
        found: FirmPage = firms(s, now(), chosen, areas, ids, like, number)
    return page(
        "firms/index.html", found=found, q=text, down=down, number=number, pages=pages_of(found.total),
        categories=categories, chosen=chosen, areas=areas,
    )  # fmt: skip


@bp.get("/firms/<uscc>")
@needs(PUBLIC)
def show(uscc: str) -> Response:
    """An admitted firm: facts, categories, certificates with expiry, prices, suspensions with reason and appeal."""
    with db().read() as s:
        found = firm(s, uscc, now())
        if found is None:
            abort(404)
        services = {x.code: x for x in catalogue.services_on(s, now())}
        track = _track(s, found.org.id, now())
    return page(
        "firms/show.html", firm=found, papers=papers(found.certificates, now()), services=services,
        stopped=running(found.suspensions, now()), people=[mask(p.name) for p in found.people], **track,
    )  # fmt: skip


def _track(s: Any, org_id: int, at: datetime) -> dict[str, Any]:
    """What a firm has done: its credit, bids and awards, fees and days, what owners say."""
    return {
        "r": credit.record_of(s, org_id, at),
        "done": credit.done(s, org_id, at),
        "bids": tally(s, org_id, at),
        "summary": reviews.summary(s, org_id, at),
        "latest": reviews.about(s, org_id, at, size=LATEST),
        "at": at,
    }


# A firm's own record


def _own(status: int = 200, said: Any = None, **forms: Any) -> Response:
    with db().read() as s:
        found = firm(s, user().uscc, now())
        if found is None:
            return page("firms/none.html", status)
        services = catalogue.services_on(s, now())
    shown = {
        "certificate": CertificateForm(prefix="c"),
        "person": PersonForm(prefix="p"),
        "price": PriceForm(prefix="s"),
        **forms,
    }
    offer_services(shown["price"], services)
    wrong = next(iter(forms.values()), None)
    return page(
        "firms/own.html", status, firm=found, papers=papers(found.certificates, now()), forms=shown, form=wrong,
        services={x.code: x for x in services}, stopped=running(found.suspensions, now()), said=said,
        names=sorted({x.qualification for x in services if x.qualification}),
    )  # fmt: skip


def offer_services(form: PriceForm, services: Sequence[Any]) -> None:
    """The services a price may be given for."""
    form.service.offer([(x.code, f"{x.code} {x.name}") for x in services])


@bp.get("/firm")
@needs(May.ADMISSION_APPLY)
def own() -> Response:
    """Our record as the market keeps it, with what we may change."""
    return _own()


@bp.post("/firm/certificates")
@needs(May.ADMISSION_APPLY)
def add_certificate() -> Answer:
    """Enter a new or renewed certificate; it counts once an operator has verified it."""
    form = CertificateForm(CombinedMultiDict([request.files, request.form]), prefix="c")
    if not form.validate():
        return _own(422, certificate=form)
    with attempt(form) as did, db().write() as s:
        document = keep_upload(s, form.document.data, now())
        changes.add_qualification(s, user().org_id, form.given(document), now(), user().actor)
    if not did.ok:
        return _own(did.status, did.said, certificate=form)
    flash(_("已提交，核验后即可用来报价。"), "ok")
    return redirect(url_for("firms.own") + "#certificates", 303)


@bp.post("/firm/people")
@needs(May.ADMISSION_APPLY)
def add_person() -> Answer:
    """Enter a professional."""
    form = PersonForm(request.form, prefix="p")
    if not form.validate():
        return _own(422, person=form)
    with attempt(form) as did, db().write() as s:
        changes.add_practitioner(s, user().org_id, form.given(), now(), user().actor)
    if not did.ok:
        return _own(did.status, did.said, person=form)
    flash(_("已登记。"), "ok")
    return redirect(url_for("firms.own") + "#people", 303)


@bp.post("/firm/people/<int:id>/end")
@needs(May.ADMISSION_APPLY)
def end_person(id: int) -> Answer:
    """A professional has left."""
    with db().write() as s:
        changes.remove_practitioner(s, user().org_id, id, now(), user().actor)
    flash(_("已移除，已提交的报价不受影响。"), "ok")
    return redirect(url_for("firms.own") + "#people", 303)


@bp.post("/firm/prices")
@needs(May.ADMISSION_APPLY)
def set_price() -> Answer:
    """Publish a price and promise."""
    form = PriceForm(request.form, prefix="s")
    with db().read() as s:
        offer_services(form, catalogue.services_on(s, now()))
    if not form.validate():
        return _own(422, price=form)
    with attempt(form) as did, db().write() as s:
        changes.set_price(s, user().org_id, form.given(), now(), user().actor)
    if not did.ok:
        return _own(did.status, did.said, price=form)
    flash(_("已公开。"), "ok")
    return redirect(url_for("firms.own") + "#prices", 303)


@bp.post("/firm/prices/<code>/end")
@needs(May.ADMISSION_APPLY)
def end_price(code: str) -> Answer:
    """Take a price off the list."""
    with db().write() as s:
        changes.end_price(s, user().org_id, code, now(), user().actor)
    flash(_("已撤下。"), "ok")
    return redirect(url_for("firms.own") + "#prices", 303)
