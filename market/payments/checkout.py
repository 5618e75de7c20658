"""Pay by Stripe and give back, as the parties ask for it: read, call Stripe outside any transaction, then write.

What was read may be out of date after the call: the write takes the payment's lock and looks again. A payment has one
open page at a time; who asks again while it lasts gets the same one.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.db import Database, insert_for
from market.errors import refuse
from market.identity.models import Organisation
from market.identity.rules import User
from market.moments import beijing_day
from market.notices.service import notify
from market.payments.models import Checkout, Payment, PaymentAccount, Settlement
from market.payments.port import Declined, Due, Hosted, Payee, Unreachable
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
    came = {r.external: (r.memo, r.fen) for r in rows if r.kind == "paid"}
    gone = dict.fromkeys(came, 0)
    of = {r.external: r.memo for r in rows if r.kind in ("refund", "dispute")}
    for r in rows:
        if r.kind in ("refund", "dispute") and r.memo in gone:
            gone[r.memo] += r.fen
        elif r.kind == "restored" and of.get(r.memo) in gone:
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


def account_of(s: Session, org_id: int) -> PaymentAccount | None:
    """The firm's own account at Stripe."""
    mine = select(PaymentAccount).where(
        PaymentAccount.org_id == org_id, PaymentAccount.kind == PROVIDER, PaymentAccount.removed_at.is_(None)
    )
    return s.scalars(mine.order_by(PaymentAccount.id.desc()).limit(1)).first()


def record_account(s: Session, account: str, methods: Sequence[str] | None, by: User, now: datetime) -> PaymentAccount:
    """Keep an account that was opened for this firm, and by which ways it can take money (None: not asked yet)."""
    org = s.get_one(Organisation, by.org_id, with_for_update={"key_share": True})  # two clicks open one account
    mine = select(PaymentAccount).where(PaymentAccount.account == account, PaymentAccount.removed_at.is_(None))
    row = s.scalars(mine).first()
    if row is not None and row.org_id != by.org_id:
        raise refuse("account.not_yours", status=404)
    if row is None:
        row = PaymentAccount(
            org_id=org.id, kind=PROVIDER, holder=org.name, bank="Stripe", secret=b"", tail=account[-4:],
            methods=[], recorded_at=now, removed_at=None, account=account,
        )  # fmt: skip
        s.add(row)
        s.flush()
        record(s, Deed.PAYMENT_ACCOUNT_RECORDED, now, by.actor, f"firm:{org.uscc}", kind=PROVIDER, account=row.id)
    if methods is not None:
        row.methods = list(methods)
    s.flush()
    return row


# ── for pages ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute of the payer's bank: how much it took, on which day, and whether the firm has it back."""

    fen: int
    on: date
    won: bool


@dataclass(frozen=True, slots=True)
class View:
    """What the page of a payment shows of Stripe.

    `offered`: the firm can be paid by `methods`. `under_way`: a page was opened, and the bank has not spoken yet; it
    is never shown as paid. `most`: what the firm may give back by Stripe. `failure`: why the last try came to nothing.
    """

    offered: bool
    methods: tuple[str, ...]
    owed: int
    under_way: bool
    failure: str | None
    most: int
    disputes: tuple[Dispute, ...]


def payment_at(s: Session, code: str, no: int) -> Payment | None:
    """The payment of a contract's milestone."""
    return s.scalar(select(Payment).where(Payment.contract_code == code, Payment.milestone_no == no))


def view(s: Session, payment: Payment, now: datetime) -> View:
    """How a payment stands at Stripe."""
    to = payee(s, payment.firm_id)
    left = owed(payment.fen, payment.settled)
    back = returnable(s, payment.id)
    under_way = payment.session is not None and payment.session_expires is not None and payment.session_expires > now
    return View(
        offered=to is not None and left > 0,
        methods=to.methods if to else (),
        owed=left,
        under_way=under_way and left > 0,
        failure=payment.failure,
        most=max((one[2] for one in back), default=0),
        disputes=_disputes(s, payment.id),
    )


def _disputes(s: Session, payment_id: int) -> tuple[Dispute, ...]:
    mine = select(Settlement).where(Settlement.provider == PROVIDER, Settlement.payment_id == payment_id)
    rows = s.scalars(mine.order_by(Settlement.id)).all()
    back = {row.memo for row in rows if row.kind == "restored"}
    return tuple(Dispute(row.fen, row.value_on, row.external in back) for row in rows if row.kind == "dispute")
