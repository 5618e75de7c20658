"""The inbox of webhooks: a door checks and stores, once by event id; a worker fetches the object anew and posts.

What an event says of money is never believed: only its kind, its account and the object's id are kept, and the object
is asked for again. So events may come in any order, twice, late or never (reconcile.py finds those).
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.db import insert_for
from market.notices.service import notify
from market.payments.models import InboxEvent

log = logging.getLogger("taozhongjie.inbox")

TOLERANCE: Final = 300
"""Seconds a signature may be old, or ahead of our clock (docs.stripe.com/webhooks/signature)."""
SCHEME: Final = "v1"
LIMIT: Final = 256 * 1024
"""Bytes of a body at most."""

SESSIONS: Final = frozenset(
    f"checkout.session.{what}" for what in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
)
PAYMENTS: Final = frozenset({"payment_intent.succeeded"})
CHARGES: Final = frozenset({"charge.refunded"})
REFUNDS: Final = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
DISPUTES: Final = frozenset(
    f"charge.dispute.{what}" for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)
KINDS: Final = SESSIONS | PAYMENTS | CHARGES | REFUNDS | DISPUTES
"""The kinds of event that are worked on; every other one is kept as ignored."""


class Unfit(Exception):
    """A webhook that is not taken: `why` is signature | age | form. What it said is not kept."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Event:
    """What is kept of a webhook. `account` is the connected account it happened on; None: our own."""

    id: str
    kind: str
    account: str | None
    subject: str
    made_at: datetime


def check(body: bytes, header: str | None, secret: str, now: datetime) -> None:
    """Whether Stripe signed these bytes within the tolerance. Raises Unfit.

    The header is `t=<seconds>,v1=<hex>[,v1=<hex>…]`, the signature HMAC-SHA256 of `<t>.<body>` under the endpoint's
    secret; other schemes count for nothing (docs.stripe.com/webhooks/signature). Compared in constant time, and
    before the age, so that a stranger learns nothing of our clock.
    """
    stamp, given = "", []
    for part in (header or "")[:2000].split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamp = value
        elif name == SCHEME:
            given.append(value)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or not given:
        raise Unfit("signature")
    right = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    # Every one is compared: how long it takes tells nothing of which was nearly right.
    same = [hmac.compare_digest(right, one.encode("utf-8", "replace")) for one in given]
    if not any(same):
        raise Unfit("signature")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE:
        raise Unfit("age")


def read(body: bytes) -> Event:
    """A signed body as an event. Raises Unfit(form) for anything that is none."""
    try:
        whole = json.loads(body)
        made = Event(
            _text(whole["id"]),
            _text(whole["type"], 80),
            None if whole.get("account") is None else _text(whole["account"]),
            _text(whole["data"]["object"].get("id", "-")),
            datetime.fromtimestamp(int(whole["created"]), UTC),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        raise Unfit("form") from None
    return made


def _text(value: Any, most: int = 120) -> str:
    """An id: plain ASCII, so that no column and no page can be surprised."""
    if not (isinstance(value, str) and 0 < len(value) <= most and value.isascii() and value.isprintable()):
        raise ValueError
    return value


def take(s: Session, event: Event, now: datetime, known: Callable[[str], bool]) -> str:
    """Keep an event, once; gives its state: new | ignored | failed, or `again` for one that is here already.

    One of a kind we do not know, or of our own account (where nothing is ever paid), is kept as ignored; one of an
    account that is no firm's here is kept as failed, for the operator's page.
    """
    if event.kind not in KINDS or event.account is None:
        return "ignored" if keep(s, event, now, "ignored") else "again"
    if known(event.account):
        return "new" if keep(s, event, now) else "again"
    if not keep(s, event, now, "failed", "account"):
        return "again"
    tell(s, event.id, event.kind, event.account, event.subject, "account", now)
    return "failed"


def tell(s: Session, event: str, kind: str, account: str, subject: str, why: str, now: datetime) -> None:
    """Put an event of which nothing is posted into the log and before the operator: ids and a word, no content."""
    record(
        s, Deed.PAYMENT_EVENT_REFUSED, now, "system", provider="stripe", event=event, kind=kind, account=account,
        object=subject, why=why,
    )  # fmt: skip
    notify(
        s, now, "payment.event_failed", office="operator", link="/operator/hooks", once=f"hook:{event}", event=event,
        what=kind, why=why,
    )  # fmt: skip


def keep(s: Session, event: Event, now: datetime, state: str = "new", error: str | None = None) -> bool:
    """Insert an event unless it is here; whether it was new."""
    row = {
        "provider": "stripe", "event": event.id, "kind": event.kind, "account": event.account,
        "subject": event.subject, "made_at": event.made_at, "received_at": now, "state": state, "tries": 0,
        "due_at": now, "done_at": None if state == "new" else now, "error": error,
    }  # fmt: skip
    once = insert_for(s)(InboxEvent).values(**row).on_conflict_do_nothing(index_elements=["provider", "event"])
    return s.execute(once.returning(InboxEvent.id)).first() is not None


# ── for the operator's page ─────────────────────────────────────────────────────────────────────────────────────

STATES: Final = ("failed", "new", "done", "ignored")
SHOWN: Final = 100
"""Events of one page, the newest."""


def counts(s: Session) -> dict[str, int]:
    """How many events are in each state."""
    found = s.execute(select(InboxEvent.state, func.count()).group_by(InboxEvent.state))
    return dict.fromkeys(STATES, 0) | {state: int(n) for state, n in found}


def events(s: Session, state: str) -> list[InboxEvent]:
    """The newest events of a state."""
    found = select(InboxEvent).where(InboxEvent.state == state).order_by(InboxEvent.id.desc())
    return list(s.scalars(found.limit(SHOWN)))
