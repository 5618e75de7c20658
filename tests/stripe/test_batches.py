"""A batch of events is posted together: what it leaves is what the same events leave one by one."""

from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from market.audit.models import AuditEntry
from market.clock import FixedClock
from market.db import Database
from market.notices.models import Notice, Outbox
from market.payments import posting, worker
from market.payments.models import LedgerEntry, Settlement
from market.payments.stripe import StripeProvider
from tests.stripe.paying import Paying, paying, settled, states, tell
from tests.stripe.recorder import Recorder

FEN = 1_000_000


def group(db: Database, stripe: Recorder, name: str) -> list[Paying]:
    """Six payments: plain, told twice, of two sums, given back, of a wrong amount, and on a page that is over."""
    deals = [paying(db) for _ in range(6)]
    for n, deal in enumerate(deals):
        deal.put_page(FEN, f"cs_{name}{n}")
        settled(stripe, deal, f"pi_{name}{n}", **({"amount_received": FEN + 1} if n == 4 else {}))
    told = [(n, "payment_intent.succeeded", f"pi_{name}{n}") for n in range(5)]
    settled(stripe, deals[2], f"pi_{name}2b")
    stripe.put(deals[3].account, "refund", id=f"re_{name}3", payment_intent=f"pi_{name}3", amount=300_000)
    page: dict[str, Any] = {"payment_intent": f"pi_{name}5", "status": "complete", "payment_status": "paid"}
    stripe.put(deals[5].account, "checkout_session", id=f"cs_{name}5", **page)
    told += [
        (1, "payment_intent.succeeded", f"pi_{name}1"), (2, "payment_intent.succeeded", f"pi_{name}2b"),
        (3, "refund.created", f"re_{name}3"), (5, "checkout.session.completed", f"cs_{name}5"),
    ]  # fmt: skip
    for n, kind, subject in told:
        tell(db, kind, deals[n].account, subject)
    return deals


def traces(db: Database, deal: Paying) -> list[object]:
    """What was written of a payment, but for the ids."""
    payment = deal.now()
    code = payment.contract_code
    with db.read() as s:
        moved = s.scalars(select(Settlement).where(Settlement.payment_id == deal.payment).order_by(Settlement.id))
        entries = s.scalars(select(LedgerEntry).where(LedgerEntry.payment_id == deal.payment).order_by(LedgerEntry.id))
        records = s.scalars(select(AuditEntry).where(AuditEntry.subject == code).order_by(AuditEntry.id))
        notices = [n for n in s.scalars(select(Notice).order_by(Notice.id)) if n.values.get("contract") == code]
        mails = [m for m in s.scalars(select(Outbox)) if m.payload.get("values", {}).get("contract") == code]
        return [
            (
                payment.state,
                payment.settled,
                payment.paid_at,
                payment.session is None,
                payment.failure,
                bool(payment.intent),
            ),
            [(m.kind, m.fen, m.how, m.value_on, m.memo == deal.account) for m in moved],
            [(e.kind, e.fen, e.debit.split(":")[0], e.credit.split(":")[0]) for e in entries],
            [
                (r.deed, r.actor == "system", r.facts.get("fen"), r.facts.get("settled"), r.facts.get("state"))
                for r in records
            ],
            [(n.kind, n.org_id == deal.owner.org_id, n.once is not None, n.values["fen"]) for n in notices],
            sorted((m.topic, m.payload["kind"], m.tries) for m in mails),
        ]


def test_a_batch_leaves_what_the_same_events_leave_one_by_one(
    db: Database, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    whole = group(db, stripe, "a")
    assert worker.work_inbox(db, provider, clock.now, 100) == 9
    alone = group(db, stripe, "b")
    for _ in range(9):
        assert worker.work_inbox(db, provider, clock.now, 1) == 1

    assert [traces(db, d) for d in whole] == [traces(db, d) for d in alone]
    assert states(db)[:9] == states(db)[9:] and states(db)[4] == ("failed", "amount")
    assert [d.now().settled for d in whole] == [FEN, FEN, 2 * FEN, 700_000, 0, FEN]
    for deal in (*whole, *alone):
        deal.balanced()


def test_what_was_noted_meanwhile_breaks_the_batch_and_each_is_posted_alone(
    db: Database, stripe: Recorder, provider: StripeProvider, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deals = group(db, stripe, "a")
    worker.work_inbox(db, provider, clock.now, 1)
    monkeypatch.setattr(posting, "settled_ids", lambda s, ids: {})  # as if the first had been posted after we looked
    tell(db, "payment_intent.succeeded", deals[0].account, "pi_a0")

    assert worker.work_inbox(db, provider, clock.now, 100) == 9

    assert [d.now().settled for d in deals] == [FEN, FEN, 2 * FEN, 700_000, 0, FEN]
    assert {state for state, _ in states(db)} == {"done", "failed"}
    for deal in deals:
        deal.balanced()


def test_more_plain_payments_cost_no_more_statements(
    db: Database, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    """But for the settlements, whose numbers SQLite gives one by one."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("INSERT INTO settlement"):
            seen.append(statement)

    costs = []
    for n in (2, 9):
        for i in range(n):
            deal = paying(db)
            deal.put_page(FEN, f"cs_{n}_{i}")
            settled(stripe, deal, f"pi_{n}_{i}")
            tell(db, "payment_intent.succeeded", deal.account, f"pi_{n}_{i}")
        event.listen(Engine, "before_cursor_execute", note)
        try:
            assert worker.work_inbox(db, provider, clock.now, 100) == n
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        costs.append(len(seen))
        seen.clear()
    assert costs[0] == costs[1]
