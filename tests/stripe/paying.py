"""A payment by Stripe in the making, and what Stripe tells of it, for tests."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import stripe as sdk
from sqlalchemy import select

from market.clock import FixedClock
from market.db import Database
from market.identity.rules import User
from market.payments import checkout, inbox, worker
from market.payments.ledger import balances, ledger_sum, reconcile_ledger
from market.payments.models import InboxEvent, Payment, PaymentAccount
from market.payments.port import Hosted
from market.payments.stripe import StripeProvider
from tests.makers import FOUNDED, T0, Party
from tests.makers_payments import Deal, make_deal, make_payment, the_payment, user_of
from tests.stripe.recorder import Recorder, shape

SECRET = "whsec_of_no_worth"
BACK = "http://city.test/contracts/HT/pay/1"
_events = count(1)


@dataclass(frozen=True)
class Paying:
    """A payment, its parties, and the firm's account at Stripe."""

    db: Database
    deal: Deal
    payment: int
    account: str
    owner: User
    firm: User

    def now(self) -> Payment:
        """The payment as it stands."""
        with self.db.read() as s:
            return the_payment(s, self.payment)

    def open_page(self, provider: StripeProvider, now: datetime = T0, lang: str = "zh") -> str:
        """The owner goes to Stripe's page."""
        return checkout.begin(self.db, provider, self.payment, "阶段1", self.owner, BACK, lang, now)

    def put_page(self, fen: int, session: str = "cs_put") -> None:
        """A page that was opened for a sum, without asking anybody."""
        with self.db.write() as s:
            page = Hosted(session, f"https://checkout.stripe.com/{session}", fen, T0.replace(hour=23))
            checkout.keep_page(s, self.payment, page, self.account, self.owner, T0)

    def named(self) -> dict[str, str]:
        """The metadata of money that is for this payment."""
        return {"payment": str(self.payment)}

    def balanced(self) -> None:
        """The ledger sums to zero and says what the payments say."""
        with self.db.read() as s:
            assert ledger_sum(s) == 0 and sum(balances(s, self.deal.contract.id).values()) == 0
            assert reconcile_ledger(s) == []


def paying(db: Database, *fens: int, firm: Party | None = None, account: str | None = None) -> Paying:
    """A deal with one payment due, whose firm has an account at Stripe that takes cards, Alipay and WeChat Pay."""
    with db.write() as s:
        deal = make_deal(s, *fens, firm=firm)
        payment = make_payment(s, deal)
        account = account or f"acct_{deal.firm.org.id:06d}"
        s.add(
            PaymentAccount(
                org_id=deal.firm.org.id, kind="stripe", holder=deal.firm.org.name, bank="Stripe", secret=b"",
                tail=account[-4:], methods=["card", "alipay", "wechat_pay"], recorded_at=FOUNDED, account=account,
            )
        )  # fmt: skip
        owner, firm_user = user_of(s, deal.owner), user_of(s, deal.firm)
    return Paying(db, deal, payment.id, account, owner, firm_user)


def event(kind: str, account: str | None, subject: str, **but: Any) -> dict[str, Any]:
    """A webhook's body, of an event of its own."""
    row = {"id": f"evt_{next(_events):06d}", "type": kind, "data": {"object": {"id": subject}}}
    made = shape("event", **row | but)
    if account is None:
        del made["account"]
        return made
    return made | {"account": account}


def signed(body: bytes, at: datetime, secret: str = SECRET) -> str:
    """The header Stripe's own SDK makes for a body."""
    return sdk.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))


def tell(db: Database, kind: str, account: str | None, subject: str, now: datetime = T0, **but: Any) -> str:
    """A webhook arrives, with a right signature."""
    body = json.dumps(event(kind, account, subject, **but)).encode()
    inbox.check(body, signed(body, now), SECRET, now)
    with db.write() as s:
        return inbox.take(s, inbox.read(body), now, lambda a: checkout.known_account(s, a))


def work(db: Database, provider: StripeProvider, clock: FixedClock) -> int:
    """Everything that is due; how many events."""
    n = 0
    while (done := worker.work_inbox(db, provider, clock.now)) is not None:
        n += done
    return n


def states(db: Database) -> list[tuple[str, str | None]]:
    """State and error of each event in the order they came."""
    with db.read() as s:
        return [(e.state, e.error) for e in s.scalars(select(InboxEvent).order_by(InboxEvent.id))]


def settled(stripe: Recorder, deal: Paying, id: str = "pi_paid", **but: Any) -> dict[str, Any]:
    """Money on the firm's account that is for this payment."""
    row = {"metadata": deal.named(), "amount_received": deal.now().fen} | but
    return stripe.put(deal.account, "payment_intent", id=id, **row)
