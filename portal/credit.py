"""Credit (信用分): why a score is what it is, checked anew on demand, as a file; and asking for repair."""

import json
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict

from market.admission import firms
from market.money import decimals, show_fraction_percent
from portal import strips, web
from portal.access import PUBLIC, May, needs
from portal.charts import Drawing
from portal.forms.credit import AsOfForm, RepairForm
from portal.forms.uploads import keep_upload
from ratings.credit import record, repairs
from ratings.credit.rules import BAD, Fact, Kind, Quarter, credit_document, end_of_day, recompute

bp = Blueprint("credit", __name__)


# ── words that the firm's page and these pages share ────────────────────────────────────────────────────────────

bp.add_app_template_filter(strips.points, "points")
bp.add_app_template_filter(strips.signed, "signed_points")


@bp.app_template_global("signed_days")
def signed_days(days: Fraction) -> str:
    """−1, +2 or 0.5: working days with a real minus; a half where the median lies between two."""
    text = decimals(abs(days), 1).removesuffix(".0")
    return text if days == 0 else f"{'−' if days < 0 else '+'}{text}"


@bp.app_template_global("fact_words")
def fact_words(fact: Fact) -> str:
    """What happened, in words with its measure."""
    plain = {
        Kind.ON_TIME: _("按期交付"),
        Kind.PRICE_KEPT: _("合同价没有上涨"),
        Kind.REFUSED_AWARD: _("中选后放弃"),
        Kind.INSPECTION_PASSED: _("检查合格，无发现"),
    }
    if fact.kind in plain:
        return str(plain[fact.kind])
    if fact.kind is Kind.REVIEW:
        return str(_("业主评价，五项合计 %(n)s 分（满分 25）", n=fact.value))
    if fact.kind is Kind.LATE:
        return str(_("迟延交付 %(n)s 个工作日", n=fact.value))
    if fact.kind is Kind.PRICE_RAISED:
        return str(_("合同价上涨 %(p)s", p=show_fraction_percent(Fraction(fact.value, 10_000), 1)))
    if fact.kind is Kind.PAPER_LAPSED:
        return str(_("资质到期未续：%(name)s", name=fact.subject))
    return str(_("监管认定（%(grade)s）", grade={1: _("一般"), 2: _("较重"), 3: _("严重")}[fact.value]))


@bp.app_template_global("fact_kind")
def fact_kind(kind: str) -> str:
    """A kind of fact by its name."""
    return str(
        {
            Kind.REVIEW: _("业主评价"), Kind.ON_TIME: _("按期交付"), Kind.LATE: _("迟延交付"),
            Kind.PRICE_KEPT: _("合同价没有上涨"), Kind.PRICE_RAISED: _("合同价上涨"),
            Kind.REFUSED_AWARD: _("中选后放弃"), Kind.PAPER_LAPSED: _("资质到期未续"), Kind.FINDING: _("监管认定"),
            Kind.INSPECTION_PASSED: _("检查合格，无发现"),
        }[Kind(kind)]
    )  # fmt: skip


@bp.app_template_global("credit_strip")
def credit_strip(quarters: list[Quarter]) -> tuple[Drawing, Drawing] | None:
    """The strip of a history."""
    return strips.credit_strip([_mark(q) for q in quarters], web.lang())


def _mark(quarter: Quarter) -> strips.Quarter:
    worst = min((p for p in quarter.new if p.fact.kind in BAD), key=lambda p: p.effect, default=None)
    why = fact_words(worst.fact) if worst is not None else ""
    return strips.Quarter(quarter.year, quarter.number, quarter.credit.score, quarter.gained, quarter.lost, why)


@bp.app_template_global("quarter_word")
def quarter_word(number: int) -> str:
    """一季度 to 四季度."""
    return str((_("一季度"), _("二季度"), _("三季度"), _("四季度"))[number - 1])


@bp.app_template_global("strip_title")
def strip_title(quarters: list[Quarter]) -> str:
    """The finding of the strip in one sentence: the deepest fall, and where the score is now."""
    last = quarters[-1].credit.score
    now = _("现在 %(n)s 分", n=strips.points(last)) if last is not None else _("现在没有分数")
    worst = min(quarters, key=lambda q: q.lost)
    if worst.lost >= 0:
        return str(_("近 %(n)s 个季度没有扣分，%(now)s", n=len(quarters), now=now))
    when = _("%(y)s 年%(q)s", y=worst.year, q=quarter_word(worst.number))
    return str(_("扣分最多的是 %(when)s，%(n)s 分；%(now)s", when=when, n=strips.points(-worst.lost), now=now))


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _asked() -> tuple[AsOfForm, datetime]:
    """The day asked for and the instant it stands for."""
    form = AsOfForm(request.args)
    day = form.on.data if form.validate() else None
    if not isinstance(day, date):
        return form, web.now()
    return form, end_of_day(day, web.now())


def _record(uscc: str, at: datetime) -> tuple[firms.Firm, record.Record]:
    with web.db().read() as s:
        found = firms.firm(s, uscc, web.now())
        if found is None:
            abort(404)
        return found, record.record_of(s, found.org.id, at)


@bp.get("/firms/<uscc>/credit")
@needs(PUBLIC)
def show(uscc: str) -> ResponseReturnValue:
    """Why this score: each fact with its arithmetic; `check` recomputes it from the file, `on` shows another day's."""
    form, at = _asked()
    found, told = _record(uscc, at)
    checked = None
    if request.args.get("check"):
        # What is checked is the file as anybody can fetch it, read back from its text.
        checked = recompute(json.loads(_file(found.org.uscc, told)))
    status = 422 if form.errors else 200
    return web.page("credit/show.html", status, firm=found, r=told, at=at, form=form, checked=checked)


def _file(uscc: str, told: record.Record) -> str:
    return json.dumps(credit_document(uscc, told.facts, told.weights, told.credit), ensure_ascii=False, indent=1)


@bp.get("/firms/<uscc>/credit.json")
@needs(PUBLIC)
def file(uscc: str) -> Response:
    """Facts, weights and result as a file: enough to compute the score without us."""
    form, at = _asked()
    if form.errors:
        abort(400)
    found, told = _record(uscc, at)
    response = Response(_file(found.org.uscc, told), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="credit-{found.org.uscc}.json"'
    return response


@bp.route("/my/credit/<key>/repair", methods=["GET", "POST"])
@needs(May.CREDIT_REPAIR_ASK)
def repair(key: str) -> ResponseReturnValue:
    """Ask that a fact against the own firm ends early; what became of the newest request."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        fact = repairs.repairable(s, me.org_id, key, now)
        last = record.last_repair(s, me.org_id, key)
    if fact is None and last is None:
        abort(404)
    form = RepairForm(CombinedMultiDict([request.files, request.form]))

    def ask(s: Any) -> None:
        repairs.ask_repair(s, key, form.grounds.data, keep_upload(s, form.document.data, now), me, now)

    did = web.tried(form, ask)
    if did.done:
        flash(_("修复申请已提交。"), "ok")
        return redirect(url_for("credit.repair", key=key), 303)
    return web.page("credit/repair.html", did.status, fact=fact, last=last, form=form, said=did.said, uscc=me.uscc)
