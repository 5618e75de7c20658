"""Pay by Stripe and give back, as the parties ask for it: read, call Stripe outside any transaction, then write.

What was read may be out of date after the call: the write takes the payment's lock and looks again. A payment has one
open page at a time; who asks again while it lasts gets the same one.
"""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.db import Database
from market.errors import refuse
from market.identity.rules import User
from market.identity.service import insert_for
from market.moments import beijing_day
from market.notices.service import notify
from market.payments.models import Checkout, Payment, PaymentAccount, Settlement
from market.payments.port import Connected, Declined, Due, Hosted, Payee, Unreachable
from market.payments.posting import PROVIDER, Fetched, post
from market.payments.rules import owed
from market.payments.service import page_of

if TYPE_CHECKING:
    from market.payments.stripe import StripeProvider

log = logging.getLogger("taozhongjie.stripe")

MARGIN: Final = timedelta(minutes=5)
"""A page that ends sooner is not shown any more: nobody types a card number in less."""


# ── paying ──────────────────────────────────────────────────────────────────────────────────────────────────────


def payee(s: Session, firm_id: int) -> Payee | None:
    """The firm's account at Stripe, if it has one that can take money."""
    mine = select(PaymentAccount).where(
        PaymentAccount.org_id == firm_id, PaymentAccount.kind == PROVIDER, PaymentAccount.removed_at.is_(None)
    )
    row = s.scalars(mine.order_by(PaymentAccount.id.desc()).limit(1)).first()
    if row is None or row.account is None or not row.methods:
        return None
    return Payee(PROVIDER, row.holder, row.bank, row.account, tuple(row.methods))


def known_account(s: Session, account: str) -> bool:
    """Whether an account at Stripe is, or was, a firm's here: money may come after it was taken off."""
    return s.scalar(select(PaymentAccount.id).where(PaymentAccount.account == account).limit(1)) is not None


def begin(
    db: Database, stripe: "StripeProvider", payment_id: int, title: str, by: User, back: str, lang: str, now: datetime
) -> str:
    """The address of a page of Stripe on which the open remainder is paid. Raises Refused."""
    with db.read() as s:
        payment = _mine(s.get(Payment, payment_id), by)
        if (open_page := _open_page(s, payment, now)) is not None:
            return open_page
        to = payee(s, payment.firm_id)
        tries = s.scalar(select(func.count()).where(Checkout.payment_id == payment.id)) or 0
    if to is None:
        raise refuse("payment.no_stripe", status=409)
    attempt = f"{tries}-{beijing_day(now)}"
    code, no, left = payment.contract_code, payment.milestone_no, owed(payment.fen, payment.settled)
    due = Due(payment.id, code, no, payment.reference, left, title, attempt)
    try:
        page = stripe.begin(due, to, back, lang)
    except Unreachable:
        raise refuse("payment.stripe_down", status=503) from None
    except Declined as no:
        log.warning("Stripe refused a page for payment %s: %s", payment.id, no.code)
        raise refuse("payment.stripe_no", status=409, why=no.code) from None
    with db.write() as s:
        url, over = keep_page(s, payment_id, page, to.number, by, now)
    if over is not None:
        _end(stripe, *over)
    if url is None:
        raise refuse("payment.changed", status=409)
    return url


def keep_page(
    s: Session, payment_id: int, page: Hosted, account: str, by: User, now: datetime
) -> tuple[str | None, tuple[str, str] | None]:
    """Store a page before anybody is sent to it: its address and the page (account, session) that is to be ended.

    If another one was stored meanwhile for the same sum, that one is used; if the sum has changed, none is.
    """
    payment = _mine(s.get(Payment, payment_id, with_for_update=True, populate_existing=True), by)
    if payment.session == page.session:
        return page.url, None
    if (other := _open_page(s, payment, now)) is not None:
        return other, (account, page.session)
    if owed(payment.fen, payment.settled) != page.fen:
        return None, (account, page.session)
    over = _last_page(s, payment)
    values = {
        "payment_id": payment.id, "session": page.session, "account": account, "fen": page.fen, "opened_at": now
    }  # fmt: skip
    s.execute(insert_for(s)(Checkout).values(**values).on_conflict_do_nothing(index_elements=["session"]))
    payment.session, payment.session_url, payment.session_expires = page.session, page.url, page.expires_at
    payment.failure = None
    record(
        s, Deed.PAYMENT_PAGE_OPENED, now, by.actor, subject=payment.contract_code, payment=payment.id, fen=page.fen,
        account=account, session=page.session,
    )  # fmt: skip
    return page.url, over


def look(db: Database, stripe: "StripeProvider", payment_id: int, by: User, now: datetime) -> None:
    """Ask Stripe now what became of the payment's page, and post it: for an owner who comes back and wants to know."""
    with db.read() as s:
        payment = _mine(s.get(Payment, payment_id), by, open_only=False)
        last = _last_page(s, payment)
    if last is None:
        return
    account, session = last
    try:
        page = stripe.session(account, session)
        moved = (stripe.payment(account, page.intent),) if page.intent else ()
    except Unreachable:
        raise refuse("payment.stripe_down", status=503) from None
    except Declined as no:
        raise refuse("payment.stripe_no", status=409, why=no.code) from None
    with db.write() as s:
        s.get(Payment, payment_id, with_for_update=True)
        if (wrong := post(s, Fetched(account, moved, page), now)) is not None:
            raise refuse("payment.stripe_odd", status=409, why=wrong)


def _mine(payment: Payment | None, by: User, open_only: bool = True) -> Payment:
    """The owner's own payment with something left to pay."""
    if payment is None or payment.owner_id != by.org_id:
        raise refuse("payment.unknown", status=404)
    if open_only and owed(payment.fen, payment.settled) <= 0:
        raise refuse("payment.paid", status=409)
    return payment


def _open_page(s: Session, payment: Payment, now: datetime) -> str | None:
    """The address of the page under way, if it still asks for what is left and lasts a while."""
    if payment.session is None or payment.session_expires is None or payment.session_expires <= now + MARGIN:
        return None
    asked = s.scalar(select(Checkout.fen).where(Checkout.session == payment.session))
    return payment.session_url if asked == owed(payment.fen, payment.settled) else None


def _last_page(s: Session, payment: Payment) -> tuple[str, str] | None:
    """Account and session of the page under way."""
    if payment.session is None:
        return None
    row = s.scalars(select(Checkout).where(Checkout.session == payment.session)).first()
    return None if row is None else (row.account, row.session)


def _end(stripe: "StripeProvider", account: str, session: str) -> None:
    """End a page nobody shall pay on. If Stripe cannot be asked, it ends by itself; money on it is posted as excess."""
    try:
        stripe.expire(account, session)
    except (Unreachable, Declined) as no:
        log.warning("a page that is not used any more could not be ended: %s", no)


# ── giving back ─────────────────────────────────────────────────────────────────────────────────────────────────


def returnable(s: Session, payment_id: int) -> list[tuple[str, str, int]]:
    """What may be given back by Stripe: (account, intent, fen still there) of each payment that came by it."""
    rows = s.scalars(
        select(Settlement).where(Settlement.provider == PROVIDER, Settlement.payment_id == payment_id)
    ).all()
    came = {r.external: (r.memo, r.fen) for r in rows if r.kind == "paid" and ":" not in r.external}
    gone = dict.fromkeys(came, 0)
    of = {r.external: r.memo for r in rows if r.kind in ("refund", "dispute")}
    for r in rows:
        if r.kind in ("refund", "dispute") and r.memo in gone:
            gone[r.memo] += r.fen
        elif r.external.endswith(":back") and of.get(r.memo) in gone:
            gone[of[r.memo]] -= r.fen
    return [(account, intent, fen - gone[intent]) for intent, (account, fen) in came.items() if fen > gone[intent]]


def give_back(db: Database, stripe: "StripeProvider", payment_id: int, fen: int, by: User, now: datetime) -> None:
    """The firm gives back part of what came by Stripe, never more than that. Raises Refused.

    The key at Stripe counts what was given back before: the same click sent twice gives back once.
    """
    with db.read() as s:
        payment = s.get(Payment, payment_id)
        if payment is None or payment.firm_id != by.org_id:
            raise refuse("payment.unknown", status=404)
        left = returnable(s, payment_id)
        of_payment = (Settlement.provider == PROVIDER, Settlement.payment_id == payment_id)
        before = s.scalar(select(func.count()).where(*of_payment, Settlement.kind == "refund")) or 0
    fit = next((one for one in left if one[2] >= fen), None)
    if fen <= 0 or fit is None:
        most = max((one[2] for one in left), default=0)
        raise refuse("refund.above", field="fen", status=409 if most == 0 else 422, most=most)
    account, intent, _ = fit
    names = {"payment": str(payment_id), "reference": payment.reference, "by": by.actor}
    try:
        moved = stripe.refund(account, intent, fen, names, f"refund-{intent}-{before}-{fen}")
    except Unreachable:
        raise refuse("payment.stripe_down", status=503) from None
    except Declined as no:
        raise refuse("refund.declined", status=409, why=no.code) from None
    with db.write() as s:
        s.get(Payment, payment_id, with_for_update=True)
        if (wrong := post(s, Fetched(account, (moved,)), now)) is not None:
            raise refuse("payment.stripe_odd", status=409, why=wrong)


def ask_back(s: Session, payment_id: int, fen: int, reason: str, by: User, now: datetime) -> None:
    """The owner asks the firm to give money back; whether it does is the firm's act."""
    payment = s.get(Payment, payment_id)
    if payment is None or payment.owner_id != by.org_id:
        raise refuse("payment.unknown", status=404)
    if not 0 < fen <= payment.settled:
        raise refuse("refund.above", field="fen", most=payment.settled)
    notify(
        s, now, "payment.refund_asked", payment.firm_id, link=page_of(payment), fen=fen, reason=reason,
        reference=payment.reference, once=f"refund:{payment.id}:{fen}:{beijing_day(now)}",
    )  # fmt: skip


# ── the firm's account ──────────────────────────────────────────────────────────────────────────────────────────


def record_account(s: Session, seen: Connected, by: User, now: datetime) -> PaymentAccount:
    """Keep what Stripe says of the firm's own account, made by us for this firm. Raises Refused for another's."""
    if seen.org != str(by.org_id):
        raise refuse("account.not_yours", status=404)
    mine = select(PaymentAccount).where(PaymentAccount.account == seen.id, PaymentAccount.removed_at.is_(None))
    row = s.scalars(mine.with_for_update()).first()
    methods = list(seen.methods) if seen.takes else []
    if row is None:
        row = PaymentAccount(
            org_id=by.org_id, kind=PROVIDER, holder="", bank="Stripe", secret=b"", tail=seen.id[-4:], methods=methods,
            recorded_at=now, removed_at=None, account=seen.id,
        )  # fmt: skip
        s.add(row)
        record(s, Deed.PAYMENT_ACCOUNT_RECORDED, now, by.actor, subject=f"org:{by.org_id}", kind=PROVIDER)
    row.methods = methods
    s.flush()
    return row
