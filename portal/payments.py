"""A payment and its account: what to pay whom by when, what came, the ledger of a contract, invoices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict

from market.admission.documents import document, read_document
from market.contracts.folder import folder
from market.contracts.models import Contract
from market.identity.rules import Role
from market.payments import checkout, invoices, ledger, queries, transfer
from market.payments.accounts import account_of, payee_for
from market.payments.models import Invoice
from market.payments.queries import Bill
from portal import web
from portal.access import May, needs
from portal.forms.payments import InvoiceForm, ReturnedForm
from portal.forms.uploads import keep_upload

bp = Blueprint("payments", __name__)
OFFICES = (Role.OPERATOR, Role.REGULATOR)


@dataclass(frozen=True, slots=True)
class Whose:
    """A contract as its money pages need it; `side` of the reader: owner | firm | office."""

    row: Contract
    owner: str
    firm: str
    side: str


def state_words() -> Mapping[str, tuple[str, str]]:
    """State of a payment → kind of tag, word."""
    return {
        "due": ("warn", _("待付款")), "partly": ("warn", _("部分已付")), "paid": ("ok", _("已付清")),
        "over": ("bad", _("多付待退")), "refunded": ("warn", _("已退款，未付")), "disputed": ("bad", _("有争议")),
    }  # fmt: skip


def way_words() -> Mapping[str, str]:
    """Provider → word."""
    return {"transfer": _("银行转账"), "stripe": "Stripe"}


def _kind_words() -> Mapping[str, str]:
    return {"paid": _("到账"), "refund": _("退还业主"), "dispute": _("银行扣回"), "restored": _("回到机构")}


def _how_words() -> Mapping[str, str]:
    return {"reference": _("按附言自动对上"), "near": _("近似，人工确认"), "hand": _("人工登记"), "stripe": "Stripe"}


def _side(owner_id: int, firm_id: int) -> str:
    """The reader's side; for anybody else the page does not exist."""
    me = web.user()
    if me.org_id == owner_id:
        return "owner"
    if me.org_id == firm_id:
        return "firm"
    if any(me.has(role) for role in OFFICES):
        return "office"
    abort(404)


def _bill(s: Any, code: str, no: int) -> tuple[Bill, str]:
    found = queries.payment_at(s, code, no)
    if found is None:
        abort(404)
    return found, _side(found.row.owner_id, found.row.firm_id)


def _contract(s: Any, code: str) -> Whose:
    found = folder(s, code)
    if found is None:
        abort(404)
    c = found.contract
    return Whose(c, found.owner.name, found.firm.name, _side(c.owner_id, c.firm_id))


@bp.get("/contracts/<code>/pay/<int:no>")
@needs(May.PAYMENT_READ)
def pay(code: str, no: int) -> ResponseReturnValue:
    """Amount, payee, reference and ways to pay; what came so far. It says the same however often it is opened."""
    with web.db().read() as s:
        bill, side = _bill(s, code, no)
        payee = payee_for(s, bill.row, web.user())
        account = account_of(s, bill.row.firm_id)
        moved = queries.settlements_of(s, bill.row.id)
        stripe = checkout.view(s, bill.row, web.now()) if web.city().extra.get("providers") else None
    return web.page(
        "payments/pay.html", bill=bill, payment=bill.row, side=side, payee=payee, account=account, moved=moved,
        stripe=stripe, states=state_words(), ways=way_words(), kinds=_kind_words(), hows=_how_words(),
        late=bill.left > 0 and bill.row.due_at < web.now(),
    )  # fmt: skip


@bp.route("/contracts/<code>/pay/<int:no>/returned", methods=["GET", "POST"])
@needs(May.PAYMENT_REFUND)
def returned(code: str, no: int) -> ResponseReturnValue:
    """The firm notes what it gave back by transfer of what was paid too much."""
    with web.db().read() as s:
        bill, side = _bill(s, code, no)
    if side != "firm":
        abort(404)
    form = ReturnedForm(request.form, data={"fen": bill.beyond or None})

    def work(s: Any) -> None:
        fen, day, bank_id = form.fen.data, form.value_on.data, form.bank_id.data
        transfer.give_back(s, bill.row.id, fen, day, bank_id, web.user(), web.now())

    did = web.tried(form, work)
    if did.done:
        flash(_("已登记退款，业主会收到通知。"), "ok")
        return redirect(url_for("payments.pay", code=code, no=no), 303)
    return web.page("payments/returned.html", did.status, form=form, said=did.said, bill=bill, payment=bill.row)


# ── the ledger ──────────────────────────────────────────────────────────────────────────────────────────────────


def _account_words(name: str) -> str:
    kind, _contract_id, provider = (name + "::").split(":")[:3]
    words = {
        "owed": _("应付（业主欠机构）"), "earned": _("已验收应得"), "excess": _("多付（机构欠业主）"),
        "paid": _("已收"),
    }  # fmt: skip
    way = way_words().get(provider, provider)
    return f"{words[kind]}{_('：')}{way}" if provider else words[kind]


def _entry_words() -> Mapping[str, str]:
    return {
        "owe": _("里程碑验收，产生应付"), "settle": _("到账，冲减应付"), "excess": _("到账，超出应付"),
        "unexcess": _("退还多付"), "reopen": _("款项退回，恢复应付"),
    }  # fmt: skip


@bp.get("/contracts/<code>/ledger")
@needs(May.PAYMENT_READ)
def book(code: str) -> ResponseReturnValue:
    """Every entry of a contract and its accounts, which sum to zero."""
    with web.db().read() as s:
        whose = _contract(s, code)
        entries, balances = queries.ledger_of(s, whose.row.id)
        bills = queries.payments_of(s, code)
    return web.page(
        "payments/ledger.html", whose=whose, entries=entries, balances=balances, bills=bills,
        total=sum(b.fen for b in balances), named=_account_words, kinds=_entry_words(), states=state_words(),
    )  # fmt: skip


@bp.get("/operator/ledger")
@needs(May.PAYMENT_CHECK)
def check() -> ResponseReturnValue:
    """Whether the whole ledger is zero, and where it and the payments do not tell the same."""
    with web.db().read() as s:
        total, found = ledger.ledger_sum(s), ledger.reconcile_ledger(s)
        bills = {d.payment_id: queries.bill(s, d.payment_id) for d in found[:200]}
    words = {"owed": _("应付"), "excess": _("多付"), "paid": _("已收"), "settlements": _("收付明细")}
    return web.page("payments/check.html", total=total, found=found[:200], n=len(found), bills=bills, words=words)


# ── invoices ────────────────────────────────────────────────────────────────────────────────────────────────────


def _invoice_words() -> Mapping[str, str]:
    return {"electronic": _("数电发票"), "special": _("专用发票"), "ordinary": _("普通发票")}


@bp.get("/contracts/<code>/invoices")
@needs(May.PAYMENT_READ)
def papers(code: str) -> ResponseReturnValue:
    """The invoices of a contract, for both sides."""
    with web.db().read() as s:
        whose = _contract(s, code)
        rows = invoices.invoices_of(s, whose.row.id)
        bills = {bill.row.id: bill for bill in queries.payments_of(s, code)}
    return web.page(
        "payments/invoices.html", whose=whose, rows=rows, bills=bills, kinds=_invoice_words(),
        total=sum(row.fen for row in rows),
    )  # fmt: skip


@bp.route("/contracts/<code>/invoices/new", methods=["GET", "POST"])
@needs(May.PAYMENT_INVOICE)
def invoice(code: str) -> ResponseReturnValue:
    """The firm records an invoice, with its file."""
    with web.db().read() as s:
        whose = _contract(s, code)
        bills = queries.payments_of(s, code)
    if whose.side != "firm":
        abort(404)
    form = InvoiceForm(CombinedMultiDict([request.files, request.form]))
    form.payment.offer([(str(b.row.id), _("第 %(no)s 期", no=b.row.milestone_no)) for b in bills])

    def work(s: Any) -> None:
        kept = keep_upload(s, form.file.data, web.now(), "file")
        c = whose.row
        invoices.record_invoice(s, c.id, c.code, c.owner_id, c.firm_id, form.given(kept), web.user(), web.now())

    did = web.tried(form, work)
    if did.done:
        flash(_("发票已登记，业主会收到通知。"), "ok")
        return redirect(url_for("payments.papers", code=code), 303)
    return web.page("payments/invoice.html", did.status, form=form, said=did.said, whose=whose)


@bp.get("/contracts/<code>/invoices/<int:id>/file")
@needs(May.PAYMENT_READ)
def invoice_file(code: str, id: int) -> ResponseReturnValue:
    """The file of an invoice, for both sides: an attachment that no browser interprets."""
    with web.db().read() as s:
        whose = _contract(s, code)
        row: Invoice | None = next((i for i in invoices.invoices_of(s, whose.row.id) if i.id == id), None)
        paper = document(s, row.document_id) if row is not None and row.document_id is not None else None
    data = read_document(web.city().settings.documents, paper) if paper is not None else None
    if paper is None or data is None:
        abort(404)
    answer = Response(data, mimetype=paper.mime)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(paper.name)}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
