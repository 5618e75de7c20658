"""Approval items and the services they require, the versions of the catalogue, and how well each category is served."""

from dataclasses import dataclass

from flask import Blueprint, Response, abort
from flask_babel import gettext as _

from market.admission import queries as admission
from market.catalogue import queries
from market.catalogue.models import Service
from market.catalogue.rules import Standard, Standards, kind_label, show_scale
from market.catalogue.rules.explain import document, scale_label, title
from portal.access import PUBLIC, needs
from portal.forms.paging import page_number, pages_of, typed_query
from portal.web import db, lang, now, page

bp = Blueprint("items", __name__)


def stage_words() -> dict[str, str]:
    """The stages of a project, in their order."""
    return {
        "land": _("用地"),
        "initiation": _("立项"),
        "planning_design": _("规划设计"),
        "construction_permit": _("施工许可"),
        "acceptance": _("竣工验收"),
    }


@dataclass(frozen=True, slots=True)
class FeeTable:
    """A fee standard in words: where it is from, of what kind, for which amount and range."""

    title: str
    document: str
    kind: str
    scale: str
    least: str
    most: str | None
    beyond: bool


def fee_table(standards: Standards, code: str | None) -> FeeTable | None:
    """The words of a service's fee standard; None where it has none."""
    standard = standards.get(code)
    if standard is None:
        return None
    least, most = _range(standard)
    return FeeTable(
        title(standard, lang()),
        document(standard, lang()),
        kind_label(standard.kind, lang()),
        scale_label(standard, lang()),
        show_scale(standard, least, lang()),
        None if most is None else show_scale(standard, most, lang()),
        standard.below is not None or standard.above is not None,
    )


def _range(standard: Standard) -> tuple[int, int | None]:
    """The scales the table itself covers; beyond them the document may go on with a rate."""
    last = standard.rows[-1]
    if standard.method == "interpolate":
        return standard.rows[0].start, last.start
    return standard.rows[0].start, last.end


@bp.get("/items")
@needs(PUBLIC)
def index() -> Response:
    """Search: which services does my approval item need?"""
    text, chosen, number = typed_query("q"), typed_query("category"), page_number()
    with db().read() as s:
        rows, total = queries.suggest(s, text, now(), chosen, number)
        categories = queries.categories(s)
        standards = queries.standards_on(s, now())
        version = queries.version_on(s, "services", now())
    return page(
        "items/index.html", rows=rows, total=total, q=text, chosen=chosen, categories=categories, number=number,
        pages=pages_of(total), kinds={r.code: _kind(standards, r) for r in rows}, version=version,
        stages=stage_words(),
    )  # fmt: skip


def _kind(standards: Standards, service: Service) -> str:
    standard = standards.get(service.standard)
    return "" if standard is None else title(standard, lang())


@bp.get("/items/<code>")
@needs(PUBLIC)
def show(code: str) -> Response:
    """An approval item by one of its services: each with category, qualification, days and fee standard."""
    with db().read() as s:
        service = queries.service_on(s, code, now())
        if service is None:
            abort(404)
        services = queries.same_item(s, service)
        standards = queries.standards_on(s, now())
        version = queries.version_on(s, "services", now())
        able = admission.eligible_counts(s, [(x.category_code, x.qualification) for x in services], now())
    return page(
        "items/show.html", item=service, services=services, version=version, able=able, stages=stage_words(),
        tables={x.code: fee_table(standards, x.standard) for x in services},
    )  # fmt: skip


@bp.get("/coverage")
@needs(PUBLIC)
def coverage() -> Response:
    """Categories with fewer than three independent firms that may bid today, the thinnest first."""
    with db().read() as s:
        rows = admission.coverage(s, now())
    rows.sort(key=lambda row: (row.groups, row.category))
    return page("items/coverage.html", rows=rows, thin=sum(row.thin for row in rows))


@bp.get("/catalogue")
@needs(PUBLIC)
def versions() -> Response:
    """Every version of the catalogue ever loaded, with source and digest."""
    number = page_number()
    with db().read() as s:
        rows, total = queries.versions(s, number)
    return page("items/versions.html", rows=rows, number=number, pages=pages_of(total), kinds=kind_words())


@bp.get("/catalogue/<int:id>")
@needs(PUBLIC)
def version(id: int) -> Response:
    """The file a version was loaded from, as text; a CSV in UTF-8 with its mark, so that spreadsheets read it."""
    with db().read() as s:
        found = queries.version_text(s, id)
    if found is None:
        abort(404)
    row, text = found
    table = row.kind in ("categories", "services")
    body = (b"\xef\xbb\xbf" if table else b"") + text.encode("utf-8")
    response = Response(body, mimetype="text/csv" if table else "application/json")
    name = f"{row.kind}-{row.effective_on.isoformat()}-{row.id}.{'csv' if table else 'json'}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


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
