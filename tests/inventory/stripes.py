"""What the doors of Stripe need of a city for the inventory. These cities have no key: what would go to Stripe is not
there (404), which tests/stripe tries with one."""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.orm import Session

from market.payments.models import InboxEvent
from tests.makers import T0

if TYPE_CHECKING:
    from tests.inventory.stock import Stock

OF_PAYMENT: Final = ("checkout.ask", "checkout.look", "checkout.refund", "checkout.start")
KINDS: Final = {
    **{f"{door}/code": "bill" for door in OF_PAYMENT},
    **{f"{door}/no": "bill_no" for door in OF_PAYMENT},
    "hooks_in.again/id": "hook",
}  # fmt: skip
BODIES: Final[dict[str, dict[str, Any]]] = {"checkout.ask": {"fen": "1", "reason": "多付"}}
KEYLESS: Final = {
    "checkout.ask": 404,  # the payment of who does both is one to it
    "checkout.check": 404, "checkout.connect": 404, "checkout.look": 404,
    "checkout.refund": 404, "checkout.start": 404, "hooks_in.stripe": 404,
}  # fmt: skip
"""Doors that are not there without a key of Stripe."""


def failed_event(s: Session) -> int:
    """A webhook that was not booked, for the operator's page; its number."""
    row = InboxEvent(
        provider="stripe", event="evt_of_nobody", kind="payment_intent.succeeded", account="acct_of_nobody",
        subject="pi_of_nobody", made_at=T0, received_at=T0, state="failed", tries=1, due_at=T0, done_at=T0,
        error="account",
    )  # fmt: skip
    s.add(row)
    s.flush()
    return row.id


def stock_stripe(made: "Stock") -> None:
    """One event that failed."""
    with made.db.write() as s:
        made.own["other"]["hook"] = failed_event(s)
