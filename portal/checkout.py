"""Paying a firm by Stripe, giving back, and a firm's own account there. Without a key of Stripe none of it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from market.errors import refuse
from market.payments import checkout
from market.payments.models import Payment
from market.payments.port import Declined, Unreachable
from portal import web
from portal.access import May, needs
from portal.forms.checkout import AskBackForm, GiveBackForm
from portal.web import page

if TYPE_CHECKING:
    from market.payments.stripe import StripeProvider

bp = Blueprint("checkout", __name__)


def _stripe() -> "StripeProvider":
    provider: StripeProvider | None = web.city().extra.get("providers", {}).get("stripe")
    if provider is None:
        abort(404)
    return provider


def _payment(code: str, no: int, side: str) -> Payment:
    """The payment, for the party that may act on it; for anybody else it does not exist."""
    with web.db().read() as s:
        found = checkout.payment_at(s, code, no)
    if found is None or getattr(found, f"{side}_id") != web.user().org_id:
        abort(404)
    return found


def _back(payment: Payment) -> str:
    return url_for("payments.pay", code=payment.contract_code, no=payment.milestone_no)


def _outside(path: str) -> str:
    """One of our paths as Stripe must know it."""
    return web.city().settings.public_url + path


@bp.post("/contracts/<code>/pay/<int:no>/stripe")
@needs(May.PAYMENT_PAY)
def start(code: str, no: int) -> ResponseReturnValue:
    """To a page of Stripe on the firm's own account; asked again, to the same one."""
    stripe, payment = _stripe(), _payment(code, no, "owner")
    title = _("第 %(no)s 期", no=no)
    url = checkout.begin(
        web.db(), stripe, payment.id, title, web.user(), _outside(_back(payment)), web.lang(), web.now()
    )
    return redirect(url, 303)


@bp.post("/contracts/<code>/pay/<int:no>/look")
@needs(May.PAYMENT_PAY)
def look(code: str, no: int) -> ResponseReturnValue:
    """Ask Stripe now how the payment stands, instead of waiting for its word."""
    stripe, payment = _stripe(), _payment(code, no, "owner")
    checkout.look(web.db(), stripe, payment.id, web.user(), web.now())
    return redirect(f"{_back(payment)}?from=stripe", 303)


@bp.route("/contracts/<code>/pay/<int:no>/refund", methods=["GET", "POST"])
@needs(May.PAYMENT_REFUND)
def refund(code: str, no: int) -> ResponseReturnValue:
    """The firm gives money back by Stripe, at most what came by it."""
    stripe, payment = _stripe(), _payment(code, no, "firm")
    form, status, said = GiveBackForm(request.form), 200, None
    if request.method == "POST":
        status = 422
        if form.validate():
            with web.attempt(form) as did:
                checkout.give_back(web.db(), stripe, payment.id, form.fen.data, web.user(), web.now())
            if did.ok:
                flash(_("退款已交 Stripe 办理，到账时间由付款方的银行决定。"))
                return redirect(_back(payment), 303)
            status, said = did.status, did.said
    with web.db().read() as s:
        shown = checkout.view(s, payment, web.now())
    return page("payments/refund.html", status, form=form, said=said, payment=payment, stripe=shown)


@bp.route("/contracts/<code>/pay/<int:no>/ask-refund", methods=["GET", "POST"])
@needs(May.PAYMENT_PAY)
def ask(code: str, no: int) -> ResponseReturnValue:
    """The owner asks the firm to give money back; the firm decides."""
    payment = _payment(code, no, "owner")
    form = AskBackForm(request.form)
    did = web.tried(
        form,
        lambda s: checkout.ask_back(s, payment.id, form.fen.data, form.reason.data, web.user(), web.now()),
    )
    if did.done:
        flash(_("已转告机构。是否退款由机构决定。"))
        return redirect(_back(payment), 303)
    return page("payments/ask_refund.html", did.status, form=form, said=did.said, payment=payment)


# ── the firm's own account ──────────────────────────────────────────────────────────────────────────────────────


@bp.get("/my/stripe")
@needs(May.PAYMENT_ACCOUNT)
def account() -> ResponseReturnValue:
    """The firm's own account at Stripe and what it may do, as far as we asked; the way to Stripe's form.

    Without a key there is only the bank's way.
    """
    if "stripe" not in web.city().extra.get("providers", {}):
        return redirect(url_for("statements.account"), 303)
    with web.db().read() as s:
        mine = checkout.account_of(s, web.user().org_id)
    return page("payments/stripe.html", mine=mine)


@bp.post("/my/stripe")
@needs(May.PAYMENT_ACCOUNT)
def connect() -> ResponseReturnValue:
    """To Stripe's own form, where the firm opens or completes its account; the account is kept before anybody goes."""
    stripe, me = _stripe(), web.user()
    here = _outside(url_for("checkout.account"))
    with _worded():
        account = stripe.open_account(me.org_id, me.uscc)
        with web.db().write() as s:
            checkout.record_account(s, account, None, me, web.now())
        form = stripe.account_page(account, here, here)
    return redirect(form, 303)


@bp.post("/my/stripe/check")
@needs(May.PAYMENT_ACCOUNT)
def check() -> ResponseReturnValue:
    """Ask Stripe what the firm's account may do by now."""
    stripe, me = _stripe(), web.user()
    with web.db().read() as s:
        mine = checkout.account_of(s, me.org_id)
    if mine is None or mine.account is None:
        abort(404)
    with _worded():
        seen = stripe.account(mine.account)
    with web.db().write() as s:
        checkout.record_account(s, seen.id, seen.methods if seen.takes else (), me, web.now())
    return redirect(url_for("checkout.account"), 303)


@contextmanager
def _worded() -> Iterator[None]:
    """Faults of Stripe as refusals with words."""
    try:
        yield
    except Unreachable:
        raise refuse("payment.stripe_down", status=503) from None
    except Declined as no:
        raise refuse("payment.stripe_no", status=409, why=no.code) from None
