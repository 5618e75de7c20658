"""A firm's bank statements: look first, then load; what did not match waits for a person; the account to be paid on."""

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict

from market.payments import accounts, queries, transfer
from market.payments.queries import Bill
from market.payments.reading import FILE_MAX
from market.payments.transfer import Report
from portal import web
from portal.access import May, needs
from portal.forms.catalogue import carried, carry
from portal.forms.paging import page_number, pages_of
from portal.forms.payments import AccountForm, AssignForm, IgnoreForm, StatementForm
from portal.shell import money
from portal.web import page, said

bp = Blueprint("statements", __name__)
SHOWN_MAX = 300
"""Lines and faults of a dry run shown on the page; the count of all stands beside them."""
STATES = ("near", "unmatched", "partial", "over", "ignored")


def fate_words() -> dict[str, tuple[str, str]]:
    """What becomes of a line → kind of tag, word."""
    return {
        "matched": ("ok", _("对上")), "partial": ("warn", _("部分")), "over": ("warn", _("多付")),
        "near": ("warn", _("近似，等确认")), "unmatched": ("bad", _("未对上")), "twin": ("warn", _("疑似重复，等确认")),
        "known": ("off", _("已载入过")), "debit": ("off", _("不是收入")), "foreign": ("off", _("不是人民币，不收")),
        "pending": ("off", _("银行未入账")), "ignored": ("off", _("已忽略")),
    }  # fmt: skip


def why_words() -> dict[str, str]:
    """Why a line is where it is."""
    return {
        "reference": _("附言里有付款编号"), "typo": _("附言里的编号错一位或被截断"),
        "payer": _("付款人和金额相符，没有编号"),
        "none": _("没有编号，也对不上付款人和金额"), "several": _("有不止一笔可能的付款"), "rejected": _("已确认不是"),
        "twin": _("同日同一付款人的同一金额已在另一份对账单里"), "near": _("人工确认"), "hand": _("人工指定"),
    }  # fmt: skip


# ── statements ──────────────────────────────────────────────────────────────────────────────────────────────────


def _index(status: int = 200, form: Any = None, report: Report | None = None, **more: Any) -> Response:
    number, me = page_number(), web.user()
    with web.db().read() as s:
        rows, total = queries.statements_of(s, me.org_id, number)
        waiting, _since = queries.waiting_lines(s, me.org_id)
        account = accounts.account_of(s, me.org_id)
    faults = [] if report is None else [(f.no, said(f.refusal)[0]) for f in report.faults[:SHOWN_MAX]]
    return page(
        "payments/statements.html", status, form=form or StatementForm(), report=report, faults=faults, rows=rows,
        number=number, pages=pages_of(total), waiting=waiting, account=account, fates=fate_words(), whys=why_words(),
        shown=SHOWN_MAX, **more,
    )  # fmt: skip


@bp.get("/my/statements")
@needs(May.PAYMENT_STATEMENT)
def index() -> ResponseReturnValue:
    """The form and the statements so far."""
    return _index()


@bp.post("/my/statements")
@needs(May.PAYMENT_STATEMENT)
def upload() -> ResponseReturnValue:
    """Dry run (the first button) or load (the second, of the file just shown)."""
    form = StatementForm(CombinedMultiDict([request.files, request.form]))
    loading, fits = request.form.get("act") == "load", form.validate()
    data, name = _uploaded(form)
    if data is None and not form.file.errors:
        form.file.errors = [_("请选择一个文件，不超过 2 MB。")]
    if not fits or data is None:
        return _index(422, form)
    if loading:
        return _load(form, name, data)
    with web.db().read() as s:
        report = transfer.dry_run(s, web.user().org_id, data, web.now())
    packed = carry(data) if report.ok else None
    form.name.data = form.name.typed = name
    return _index(422 if report.faults else 200, form, report, packed=packed)


def _uploaded(form: StatementForm) -> tuple[bytes | None, str]:
    """The chosen file and its name, else the one carried from the dry run."""
    if form.file.data is not None:
        name = "".join(c for c in form.file.data.filename if c.isprintable())[-120:]
        return form.file.data.read(FILE_MAX + 1), name or "statement"
    return (carried(form.carried.data) if form.carried.data else None), form.name.data or "statement"


def _load(form: StatementForm, name: str, data: bytes) -> ResponseReturnValue:
    with web.attempt(form) as did, web.db().write() as s:
        transfer.load(s, web.user().org_id, name, data, web.user(), web.now())
    if not did.ok:
        return _index(did.status, form, said=did.said)
    with web.db().read() as s:
        waiting, _since = queries.waiting_lines(s, web.user().org_id)
    if waiting:
        flash(_("已载入。有 %(n)s 行等您处理。", n=waiting), "ok")
        return redirect(url_for("statements.differences"), 303)
    flash(_("已载入，全部对上。"), "ok")
    return redirect(url_for("statements.index"), 303)


# ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────


@bp.get("/my/statements/differences")
@needs(May.PAYMENT_STATEMENT)
def differences() -> ResponseReturnValue:
    """Lines in one state, and what is open or paid too much."""
    state, number = request.args.get("state", ""), page_number()
    me = web.user().org_id
    with web.db().read() as s:
        totals = {one: queries.differences(s, me, one, 1)[1] for one in STATES}
        if state not in STATES:
            state = next((one for one in STATES if totals[one]), "near")
        rows, total = queries.differences(s, me, state, number)
        bills = queries.to_receive(s, me)
    return page(
        "payments/differences.html", rows=rows, state=state, totals=totals, number=number, pages=pages_of(total),
        bills=bills, fates=fate_words(), whys=why_words(),
    )  # fmt: skip


@bp.route("/my/statements/lines/<int:id>", methods=["GET", "POST"])
@needs(May.PAYMENT_STATEMENT)
def line(id: int) -> ResponseReturnValue:
    """One line: nod to what it looks like, say what it is for, or set it aside with a reason."""
    me = web.user().org_id
    with web.db().read() as s:
        found = queries.line_of(s, me, id)
        bills = queries.assignable(s, me)
    if found is None:
        abort(404)
    act = request.form.get("act", "")
    assign, ignore = AssignForm(request.form), IgnoreForm(request.form)
    assign.payment.offer([(str(b.row.id), _bill_words(b)) for b in bills])
    form = {"assign": assign, "ignore": ignore}.get(act)

    def work(s: Any) -> None:
        user, at = web.user(), web.now()
        if act == "ignore":
            transfer.ignore(s, id, ignore.reason.data, user, at)
        elif act == "assign":
            transfer.assign(s, id, int(assign.payment.data), user, at)
        else:
            transfer.nod(s, id, act == "yes", user, at)

    did = _tried(act, form, work)
    if did.done:
        flash(_("已处理。"), "ok")
        return redirect(url_for("statements.differences"), 303)
    return page(
        "payments/line.html", did.status, found=found, bills=bills, form=form, said=did.said, assign=assign,
        ignore=ignore, fates=fate_words(), whys=why_words(),
    )  # fmt: skip


def _tried(act: str, form: Any, work: Any) -> web.Tried:
    """A nod has no field to look at; an act that is none is a bad request."""
    if request.method != "POST" or form is not None:
        return web.tried(form, work)
    if act not in ("yes", "no"):
        abort(400)
    with web.attempt() as did, web.db().write() as s:
        work(s)
    return web.Tried(did.ok, did.status, did.said or None)


def _bill_words(bill: Bill) -> str:
    sum_words = _("未付 %(fen)s", fen=money(bill.left)) if bill.left else _("已付清")
    return f"{bill.row.contract_code}-{bill.row.milestone_no} {bill.owner} {sum_words}"


# ── the account ─────────────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/my/accounts", methods=["GET", "POST"])
@needs(May.PAYMENT_ACCOUNT)
def account() -> ResponseReturnValue:
    """Where the firm takes transfers. Only the end of the number is ever shown here."""
    me = web.user()
    form = AccountForm(request.form, data={"holder": me.org_name})

    def work(s: Any) -> None:
        accounts.record_account(s, form.holder.data, form.bank.data, form.number.data, me, web.now())

    did = web.tried(form, work)
    if did.done:
        flash(_("收款账户已登记。"), "ok")
        return redirect(url_for("statements.account"), 303)
    with web.db().read() as s:
        rows = queries.accounts_before(s, me.org_id)
    stripe = bool(web.city().extra.get("providers"))
    return page("payments/accounts.html", did.status, form=form, said=did.said, rows=rows, stripe=stripe)


@bp.post("/my/accounts/<int:id>/remove")
@needs(May.PAYMENT_ACCOUNT)
def remove(id: int) -> ResponseReturnValue:
    """Take no transfers on an account any more."""
    with web.db().write() as s:
        accounts.remove_account(s, id, web.user(), web.now())
    flash(_("收款账户已停用。"), "ok")
    return redirect(url_for("statements.account"), 303)
