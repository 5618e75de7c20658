"""The operator loads the catalogue: choose a file, look at what it would do, then load it whole."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response as Answer

from market.catalogue import queries, service
from market.catalogue.reading import FILE_MAX
from market.catalogue.service import Report
from market.moments import beijing_day
from portal.access import May, needs
from portal.forms.catalogue import UploadForm, carried, carry
from portal.forms.paging import page_number, pages_of
from portal.web import attempt, db, now, page, said, user

bp = Blueprint("catalogue", __name__)

LOADS: dict[str, Callable[..., Report]] = {
    "categories": service.load_categories,
    "services": service.load_services,
    "standards": service.load_standards,
    "calendar": service.load_calendar,
    "city_rules": service.load_city_rules,
    "method_rules": service.load_method_rules,
}
SHOWN_MAX = 200
"""Faults and changes shown on the page; the count of all stands beside them."""


def kind_words() -> dict[str, str]:
    """What a version is of."""
    return {
        "categories": _("服务类别"),
        "services": _("审批事项与中介服务"),
        "standards": _("收费标准"),
        "calendar": _("工作日历"),
        "city_rules": _("本市规则"),
        "method_rules": _("选取方式规则"),
    }


def _page(status: int = 200, form: UploadForm | None = None, report: Report | None = None, **more: Any) -> Response:
    number = page_number()
    with db().read() as s:
        rows, total = queries.versions(s, number)
    faults = [] if report is None else [(f, said(f.refusal)[0]) for f in report.refused[:SHOWN_MAX]]
    return page(
        "catalogue/index.html", status, form=form or UploadForm(data={"effective_on": beijing_day(now())}),
        report=report, faults=faults, rows=rows, number=number, pages=pages_of(total), kinds=kind_words(),
        shown=SHOWN_MAX, **more,
    )  # fmt: skip


@bp.get("/operator/catalogue")
@needs(May.CATALOGUE_LOAD)
def index() -> Response:
    """The form and every version so far."""
    return _page()


@bp.post("/operator/catalogue")
@needs(May.CATALOGUE_LOAD)
def load() -> Answer:
    """Dry run (the first button) or load (the second, of the file just shown)."""
    form = UploadForm(CombinedMultiDict([request.files, request.form]))
    fits = form.validate()
    loading = request.form.get("act") == "load"
    data = carried(form.carried.data) if loading else _uploaded(form)
    if data is None and not form.file.errors:
        form.file.errors = [_("请选择一个文件，不超过 2 MB。")]
    if not fits or data is None:
        return _page(422, form)
    with attempt(form) as did, db().write() as s:
        report = LOADS[form.kind.data](
            s, data, form.source.data, form.effective_on.data, now(), user().actor, dry_run=not loading
        )
    if not did.ok:
        return _page(did.status, form, said=did.said)
    if loading and report.ok:
        flash(_("没有变化，未载入新版本。") if report.version is None else _("已载入为新版本。"), "ok")
        return redirect(url_for("catalogue.index"), 303)
    packed = carry(data) if report.ok and not report.idle else ""
    return _page(200 if report.ok else 422, form, report, packed=packed)


def _uploaded(form: UploadForm) -> bytes | None:
    if form.file.data is None:
        return None
    data: bytes = form.file.data.read(FILE_MAX + 1)
    return data
