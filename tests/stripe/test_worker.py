"""The worker: each object fetched anew, posted once, in any order; what does not fit is posted not at all."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from market.clock import FixedClock
from market.db import Database
from market.notices.models import Notice
from market.payments import worker
from market.payments.models import InboxEvent, Settlement
from market.payments.stripe import StripeProvider
from market.payments.worker import LEASE, TRIES_AT_MOST
from tests.makers import T0
from tests.stripe.paying import Paying, paying, settled, states, tell, work
from tests.stripe.recorder import Recorder

FEN = 1_000_000


@pytest.fixture(autouse=True)
def asked_for(deal: Paying) -> None:
    """The owner has opened a page for the whole sum."""
    deal.put_page(FEN)


def kinds(db: Database) -> list[tuple[str, int]]:
    """What was posted."""
    with db.read() as s:
        return [(row.kind, row.fen) for row in s.scalars(select(Settlement).order_by(Settlement.id))]


def test_money_that_came_is_posted_once_whatever_is_told_and_how_often(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    stripe.put(deal.account, "checkout_session", id="cs_put", payment_intent="pi_paid", status="complete",
               payment_status="paid")  # fmt: skip
    for _ in range(3):
        tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    tell(db, "checkout.session.completed", deal.account, "cs_put")
    tell(db, "checkout.session.async_payment_succeeded", deal.account, "cs_put")

    assert work(db, provider, clock) == 5

    payment = deal.now()
    assert (payment.state, payment.settled, payment.intent, payment.session) == ("paid", FEN, "pi_paid", None)
    assert kinds(db) == [("paid", FEN)] and states(db) == [("done", None)] * 5
    deal.balanced()


def test_what_an_event_says_of_money_is_not_believed(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal, status="processing", amount_received=0)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid",
         data={"object": {"id": "pi_paid", "status": "succeeded", "amount_received": FEN}})  # fmt: skip

    work(db, provider, clock)

    assert kinds(db) == [] and deal.now().state == "due" and states(db) == [("done", None)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"currency": "usd"}, "currency"), ({"amount_received": FEN + 1}, "amount"), ({"amount_received": 1}, "amount"),
        ({"metadata": {}}, "payment"), ({"metadata": {"payment": "999999"}}, "payment"),
        ({"metadata": {"payment": "１"}}, "payment"), ({"metadata": {"payment": "9" * 40}}, "payment"),
    ],
)  # fmt: skip
def test_money_that_was_never_asked_for_is_failed_with_the_reason_and_nothing_is_posted(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock,
    wrong: dict[str, Any], why: str,
) -> None:  # fmt: skip
    settled(stripe, deal, **wrong)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")

    work(db, provider, clock)

    assert states(db) == [("failed", why)] and kinds(db) == [] and deal.now().settled == 0
    with db.read() as s:
        assert s.scalar(select(func.count()).where(Notice.kind == "payment.event_failed")) == 1
    deal.balanced()


def test_money_on_another_firms_account_is_not_this_payments(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    other = paying(db)
    stripe.put(other.account, "payment_intent", id="pi_other", metadata=deal.named(), amount_received=FEN)
    tell(db, "payment_intent.succeeded", other.account, "pi_other")
    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", other.account, "pi_paid")  # the id is real, but not on that account

    work(db, provider, clock)

    assert states(db) == [("failed", "account"), ("failed", "resource_missing")]
    assert kinds(db) == [] and deal.now().settled == 0 and other.now().settled == 0


ORDERS = list(itertools.permutations(["paid", "refund", "dispute", "won"]))


@pytest.mark.parametrize("order", ORDERS, ids=lambda o: "-".join(o))
def test_events_in_any_order_end_in_the_same_ledger(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock, order: tuple[str, ...]
) -> None:
    settled(stripe, deal)
    stripe.put(deal.account, "refund", id="re_1", payment_intent="pi_paid", amount=300_000)
    stripe.put(deal.account, "dispute", id="du_1", payment_intent="pi_paid", amount=200_000, status="won")
    told = {
        "paid": ("payment_intent.succeeded", "pi_paid"), "refund": ("refund.created", "re_1"),
        "dispute": ("charge.dispute.created", "du_1"), "won": ("charge.dispute.closed", "du_1"),
    }  # fmt: skip
    for name in order:
        tell(db, told[name][0], deal.account, told[name][1])
        work(db, provider, clock)

    payment = deal.now()
    assert (payment.settled, payment.state) == (700_000, "partly")
    assert sorted(kinds(db)) == [("dispute", 200_000), ("paid", FEN), ("refund", 300_000), ("restored", 200_000)]
    assert {state for state, _ in states(db)} == {"done"}
    deal.balanced()


def test_a_refund_told_by_its_charge_is_posted_too(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    for n in (1, 2):
        stripe.put(deal.account, "refund", id=f"re_{n}", payment_intent="pi_paid", amount=100_000)
    tell(db, "charge.refunded", deal.account, "ch_3TzExample0001")

    work(db, provider, clock)

    assert sorted(kinds(db)) == [("paid", FEN), ("refund", 100_000), ("refund", 100_000)]
    deal.balanced()


def test_a_refund_that_fails_later_is_taken_back_once(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    refund = stripe.put(deal.account, "refund", id="re_1", payment_intent="pi_paid", amount=300_000, status="pending")
    tell(db, "refund.created", deal.account, "re_1")
    work(db, provider, clock)
    assert kinds(db) == [("paid", FEN)]
    refund["status"] = "succeeded"
    tell(db, "refund.updated", deal.account, "re_1")
    work(db, provider, clock)
    assert deal.now().settled == 700_000

    refund["status"] = "failed"
    tell(db, "refund.failed", deal.account, "re_1")
    tell(db, "refund.updated", deal.account, "re_1")
    work(db, provider, clock)

    assert deal.now().settled == FEN and deal.now().state == "paid"
    assert kinds(db) == [("paid", FEN), ("refund", 300_000), ("restored", 300_000)]
    deal.balanced()


def test_an_inquiry_takes_no_money_and_a_lost_dispute_keeps_it(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    dispute = stripe.put(deal.account, "dispute", id="du_1", payment_intent="pi_paid", status="warning_needs_response")
    tell(db, "charge.dispute.created", deal.account, "du_1")
    work(db, provider, clock)
    assert deal.now().state == "paid"

    for status, kind in (("needs_response", "funds_withdrawn"), ("lost", "closed")):
        dispute["status"] = status
        tell(db, f"charge.dispute.{kind}", deal.account, "du_1")
        work(db, provider, clock)

    assert (deal.now().state, deal.now().settled) == ("disputed", 0) and kinds(db)[1:] == [("dispute", FEN)]
    deal.balanced()


def test_a_refund_above_what_was_paid_is_failed_and_holds_up_nothing(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    stripe.put(deal.account, "refund", id="re_1", payment_intent="pi_paid", amount=FEN + 1)
    tell(db, "refund.created", deal.account, "re_1")
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")

    work(db, provider, clock)

    assert states(db) == [("failed", "payment.refund_above"), ("done", None)]
    assert deal.now().settled == FEN
    deal.balanced()


def test_a_page_that_ends_without_money_frees_the_payment(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    stripe.put(deal.account, "checkout_session", id="cs_put", status="expired")
    tell(db, "checkout.session.expired", deal.account, "cs_put")

    work(db, provider, clock)

    assert deal.now().session is None and deal.now().failure is None and deal.now().state == "due"


def test_a_payment_declined_late_is_told_to_the_owner_once(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    intent = settled(stripe, deal, status="processing", amount_received=0)
    stripe.put(deal.account, "checkout_session", id="cs_put", status="complete", payment_intent="pi_paid")
    tell(db, "checkout.session.completed", deal.account, "cs_put")
    work(db, provider, clock)
    assert deal.now().session == "cs_put", "the bank is still at work on it"

    intent["status"] = "requires_payment_method"
    for _ in range(2):
        tell(db, "checkout.session.async_payment_failed", deal.account, "cs_put")
    work(db, provider, clock)

    assert deal.now().session is None and deal.now().failure == "declined" and kinds(db) == []
    with db.read() as s:
        assert s.scalar(select(func.count()).where(Notice.kind == "payment.declined")) == 1


def test_a_second_payment_of_the_same_milestone_is_told_as_owed_back(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    for id in ("pi_one", "pi_two"):
        settled(stripe, deal, id)
        tell(db, "payment_intent.succeeded", deal.account, id)

    work(db, provider, clock)

    assert (deal.now().state, deal.now().settled) == ("over", 2 * FEN)
    deal.balanced()


def test_without_an_answer_it_waits_longer_each_time_and_is_done_when_stripe_is_back(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    waits = []
    for _ in range(3):
        stripe.down = 10
        work(db, provider, clock)
        with db.read() as s:
            row = s.scalars(select(InboxEvent)).one()
        assert row.state == "new" and row.error == "APIError"
        waits.append(row.due_at - clock.at)
        clock.at = row.due_at

    stripe.down = 0
    work(db, provider, clock)

    assert waits == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
    assert deal.now().state == "paid" and states(db) == [("done", None)]


def test_after_days_without_an_answer_it_is_the_operators_and_may_be_tried_again(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    with db.write() as s:
        s.scalars(select(InboxEvent)).one().tries = TRIES_AT_MOST - 1
    stripe.down = 10
    work(db, provider, clock)
    assert states(db) == [("failed", "APIError")]

    stripe.down = 0
    with db.write() as s:
        assert worker.try_again(s, s.scalars(select(InboxEvent.id)).one(), clock.now())
    work(db, provider, clock)

    assert states(db) == [("done", None)] and deal.now().state == "paid"


def test_a_worker_that_dies_before_it_commits_leaves_the_event_to_the_next(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Killed(BaseException):
        """As a kill would: nothing catches it."""

    def die(*_: Any) -> None:
        raise Killed

    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    with monkeypatch.context() as m, pytest.raises(Killed):
        m.setattr(worker, "_post_batch", die)
        work(db, provider, clock)

    assert worker.work_inbox(db, provider, clock.now) is None, "its lease is not over"
    clock.at = T0 + LEASE
    assert work(db, provider, clock) == 1
    assert kinds(db) == [("paid", FEN)] and states(db) == [("done", None)]


def test_two_workers_that_hold_the_same_event_post_it_once(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    first = worker.claim(db, clock.now())
    clock.at = T0 + LEASE
    second = worker.claim(db, clock.now())
    for claims in (second, first):
        found = worker.fetch_all(provider, claims)
        with db.write() as s:
            worker._post_batch(s, claims, found, clock.now())

    assert kinds(db) == [("paid", FEN)] and states(db) == [("done", None)]
    deal.balanced()


def test_one_bad_event_of_a_batch_does_not_hold_up_the_others(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    others = [paying(db) for _ in range(3)]
    for n, one in enumerate([deal, *others]):
        one.put_page(FEN, f"cs_put{n}")
        settled(stripe, one, f"pi_{n}")
        tell(db, "payment_intent.succeeded", one.account, f"pi_{n}")
    real: Callable[..., Any] = worker.post

    def broken(s: Any, fetched: Any, *rest: Any) -> Any:
        if fetched.moved[0].id == "pi_2":
            raise ZeroDivisionError
        return real(s, fetched, *rest)

    with monkeypatch.context() as m:
        m.setattr(worker, "post", broken)
        work(db, provider, clock)
    assert [state for state, _ in states(db)] == ["done", "done", "new", "done"]

    clock.at += timedelta(minutes=5)
    work(db, provider, clock)

    assert {state for state, _ in states(db)} == {"done"} and len(kinds(db)) == 4
    deal.balanced()


def test_a_batch_asks_for_each_object_once(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    settled(stripe, deal)
    for _ in range(20):
        tell(db, "payment_intent.succeeded", deal.account, "pi_paid")

    work(db, provider, clock)

    assert len(stripe.calls("GET", "/v1/payment_intents/pi_paid")) == 1
