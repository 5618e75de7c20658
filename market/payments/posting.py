"""What the provider has, held against what was asked for, and posted once. The session's transaction is the caller's.

Nothing is posted that we did not ask for: the account must be the firm's, the currency CNY, the amount that of a page
opened for this payment. A fault is the word for the operator's page; money already posted is posted no more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.moments import beijing_day
from market.notices.service import notify
from market.payments import service
from market.payments.models import Checkout, Payment, PaymentAccount, Settlement
from market.payments.port import CURRENCY, Moved, Page

PROVIDER: Final = "stripe"
TAKEN: Final = frozenset({"needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review"})
"""States of a dispute in which Stripe has taken the money from the firm's account; an inquiry takes none."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An event's object and what it belongs to, as they stand now; payments stand before what undoes them."""

    account: str
    moved: tuple[Moved, ...] = ()
    page: Page | None = None

    @property
    def declined(self) -> bool:
        """Whether the page is over and its payment came to nothing (Alipay and WeChat Pay may say so late)."""
        over = self.page is not None and self.page.status == "complete" and self.page.paid == "unpaid"
        return over and all(m.status in ("requires_payment_method", "canceled") for m in self.moved)


@dataclass(frozen=True, slots=True)
class Asked:
    """What we know of the payment that money says it is for."""

    payment: int
    accounts: frozenset[str]
    amounts: frozenset[int]


def fault(moved: Moved, account: str, asked: Asked | None) -> str | None:
    """Why money that was received is not ours to post: payment | account | currency | amount; None if it is (pure)."""
    if asked is None:
        return "payment"
    if account not in asked.accounts:
        return "account"
    if moved.currency != CURRENCY:
        return "currency"
    return None if moved.fen in asked.amounts else "amount"


def payment_of(moved: Moved) -> int:
    """The number of the payment that the metadata names; 0 where it names none."""
    text = moved.metadata.get("payment", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def lock(s: Session, fetched: Iterable[Fetched]) -> dict[int, Payment]:
    """Take the payments of a batch in one order, so that two batches never wait for each other."""
    ids = {payment_of(m) for f in fetched for m in f.moved} - {0}
    if not ids:
        return {}
    mine = select(Payment).where(Payment.id.in_(ids)).order_by(Payment.id).with_for_update()
    return {p.id: p for p in s.scalars(mine.execution_options(populate_existing=True))}


def ask(s: Session, moved: Moved, account: str) -> Asked | None:
    """What was asked for the payment that this money names, on this account."""
    payment = s.get(Payment, payment_of(moved))
    if payment is None:
        return None
    mine = select(PaymentAccount.account).where(PaymentAccount.org_id == payment.firm_id)
    opened = select(Checkout.fen).where(Checkout.payment_id == payment.id, Checkout.account == account)
    accounts = frozenset(a for a in s.scalars(mine) if a is not None)
    return Asked(payment.id, accounts, frozenset(s.scalars(opened)))


def post_many(s: Session, fetched: Iterable[Fetched], locked: Mapping[int, Payment], now: datetime) -> frozenset[str]:
    """Post together what is plain: money for a payment, one sum for each, not posted yet and without a fault.

    Gives the ids that are posted now. Everything else (refunds, a second sum, faults) is left to `post`.
    """
    paid = {m.id: (f.account, m) for f in fetched for m in f.moved if m.kind == "paid" and m.status == "succeeded"}
    count = Counter(payment_of(m) for _, m in paid.values())
    known = settled_ids(s, list(paid))
    asked = _ask_many(s, locked)
    plain = []
    for account, m in paid.values():
        number = payment_of(m)
        if m.id in known or count[number] > 1 or fault(m, account, asked.get((number, account))) is not None:
            continue
        payment = locked[number]
        day = beijing_day(m.at)
        plain.append((payment, service.Movement("paid", PROVIDER, m.id, m.fen, day, "stripe", account)))
        payment.intent, payment.failure = m.id, None
    return frozenset(service.settle_many(s, plain, now))


def _ask_many(s: Session, locked: Mapping[int, Payment]) -> dict[tuple[int, str], Asked]:
    """(payment, account) → what was asked for, as `ask` tells it; only pairs that a page was opened for."""
    accounts: dict[int, set[str]] = {}
    firms = {p.firm_id for p in locked.values()}
    mine = select(PaymentAccount.org_id, PaymentAccount.account).where(PaymentAccount.org_id.in_(firms))
    for org, account in s.execute(mine.where(PaymentAccount.account.is_not(None))):
        accounts.setdefault(org, set()).add(account or "")
    amounts: dict[tuple[int, str], set[int]] = {}
    opened = select(Checkout.payment_id, Checkout.account, Checkout.fen).where(Checkout.payment_id.in_(locked))
    for payment, account, fen in s.execute(opened):
        amounts.setdefault((payment, account), set()).add(fen)
    return {
        pair: Asked(pair[0], frozenset(accounts.get(locked[pair[0]].firm_id, ())), frozenset(fens))
        for pair, fens in amounts.items()
    }


def post(s: Session, fetched: Fetched, now: datetime, posted: frozenset[str] = frozenset()) -> str | None:
    """Post what moved, once; gives the fault if there is one, and then nothing of it is posted.

    `posted`: ids that `post_many` has posted already.
    """
    for moved in fetched.moved:
        if moved.id in posted:
            continue
        wrong = _post_payment(s, moved, fetched.account, now) if moved.kind == "paid" else _post_back(s, moved, now)
        if wrong is not None:
            return wrong
    if fetched.page is not None:
        close_page(s, fetched.page, fetched.declined, now)
    return None


def _post_payment(s: Session, moved: Moved, account: str, now: datetime) -> str | None:
    if moved.status != "succeeded" or _posted(s, moved.id) is not None:
        return None
    asked = ask(s, moved, account)
    wrong = fault(moved, account, asked)
    if wrong is not None or asked is None:
        return wrong or "payment"
    day = beijing_day(moved.at)
    service.settle(s, asked.payment, PROVIDER, moved.id, moved.fen, day, "stripe", account, now)
    payment = s.get_one(Payment, asked.payment)
    payment.intent, payment.failure = moved.id, None
    return None


def _post_back(s: Session, moved: Moved, now: datetime) -> str | None:
    """A refund or dispute of a payment that is posted. One that is undone later (failed, won) is posted back."""
    first = _posted(s, moved.intent)
    if first is None or first.payment_id is None:
        return None if moved.kind == "refund" and moved.status != "succeeded" else "payment"
    if moved.currency != CURRENCY:
        return "currency"
    known, day = _posted(s, moved.id), beijing_day(moved.at)
    if moved.kind == "refund":
        if moved.status == "succeeded" and known is None:
            service.refund(s, PROVIDER, moved.id, first.payment_id, moved.fen, day, moved.intent, now)
        if moved.status in ("failed", "canceled"):
            _returned(s, moved, known, now)
        return None
    if moved.status in TAKEN | {"won"} and known is None:
        service.dispute(s, PROVIDER, moved.id, first.payment_id, moved.fen, day, moved.intent, now)
        known = _posted(s, moved.id)
    if moved.status == "won":
        _returned(s, moved, known, now)
    return None


def _returned(s: Session, moved: Moved, known: Settlement | None, now: datetime) -> None:
    """Money that went back to the firm after all: what was taken is posted back, once, under an id of its own."""
    if known is None or known.payment_id is None:
        return
    service.restore(s, PROVIDER, f"{moved.id}:back", known.payment_id, known.fen, beijing_day(now), moved.id, now)


def _posted(s: Session, external: str) -> Settlement | None:
    return s.scalar(select(Settlement).where(Settlement.provider == PROVIDER, Settlement.external == external))


def close_page(s: Session, page: Page, declined: bool, now: datetime) -> None:
    """Take note of a checkout page that is over: paid, expired, or declined after a wait."""
    payment = s.scalar(select(Payment).where(Payment.session == page.id).with_for_update())
    if payment is None or page.status == "open":
        return
    if page.status == "complete" and page.paid == "unpaid" and not declined:
        return  # the bank is still at work on it: the page says so
    if declined:
        payment.failure = "declined"
        once = f"declined:{page.id}"
        notify(
            s, now, "payment.declined", payment.owner_id, link=service.page_of(payment), once=once, fen=page.fen,
            reference=payment.reference,
        )  # fmt: skip
    payment.session = payment.session_url = payment.session_expires = None


def settled_ids(s: Session, externals: Sequence[str]) -> Mapping[str, int]:
    """Which of the provider's ids are posted, with their fen."""
    if not externals:
        return {}
    found = select(Settlement.external, Settlement.fen).where(
        Settlement.provider == PROVIDER, Settlement.external.in_(externals)
    )
    return {row.external: row.fen for row in s.execute(found)}
