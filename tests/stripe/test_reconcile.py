"""Reconciling: what no webhook told is found on the account, put into the same inbox and posted once."""

from datetime import timedelta

from sqlalchemy import select

from market.clock import FixedClock
from market.db import Database
from market.payments.models import Payment, Settlement
from market.payments.reconcile import QUIET, ask_pages, reconcile, reports
from market.payments.stripe import StripeProvider
from tests.makers import T0
from tests.stripe.paying import Paying, paying, settled, states, tell, work
from tests.stripe.recorder import Recorder

FEN = 1_000_000
NOW = int(T0.timestamp())


def test_gaps_are_filled_once_over_several_pages_and_accounts(
    db: Database, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deals = [paying(db) for _ in range(3)]
    for n, deal in enumerate(deals):
        deal.put_page(FEN, f"cs_{n}")
        settled(stripe, deal, f"pi_{n}", created=NOW)
        for other in range(120):  # what else the firm sells there is no business of ours
            stripe.put(deal.account, "payment_intent", id=f"pi_else_{n}_{other}", created=NOW)
    stripe.put(deals[0].account, "refund", id="re_1", payment_intent="pi_0", amount=100, created=NOW + 60)
    stripe.put(deals[0].account, "refund", id="re_else", payment_intent="pi_else_0_1", amount=100, created=NOW + 60)
    clock.at = T0 + timedelta(hours=1)

    looks = [reconcile(db, provider, clock.now) for _ in range(3) if work(db, provider, clock) >= 0]
    work(db, provider, clock)

    assert [sum(look.filled for look in one) for one in looks] == [3, 1, 0]
    assert [d.now().settled for d in deals] == [FEN - 100, FEN, FEN]
    assert {state for state, _ in states(db)} == {"done"} and len(states(db)) == 4
    with db.read() as s:
        assert [r.differences for r in reports(s)] == [[], [], []] and reports(s)[0].upto == clock.at - QUIET
    deals[0].balanced()


def test_what_a_webhook_told_is_no_gap_and_what_is_young_is_none_yet(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deal.put_page(FEN)
    settled(stripe, deal, created=NOW)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    work(db, provider, clock)
    clock.at = T0 + timedelta(hours=1)
    stripe.put(deal.account, "payment_intent", id="pi_young", metadata=deal.named(), created=NOW + 3590)

    (look,) = reconcile(db, provider, clock.now)

    assert (look.looked, look.filled, look.differences) == (2, 0, [])


def test_a_refund_that_failed_and_a_dispute_that_was_won_in_silence_are_found(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deal.put_page(FEN)
    settled(stripe, deal, created=NOW)
    refund = stripe.put(deal.account, "refund", payment_intent="pi_paid", created=NOW)
    dispute = stripe.put(deal.account, "dispute", payment_intent="pi_paid", amount=50_000, created=NOW)
    tell(db, "refund.created", deal.account, refund["id"])
    tell(db, "charge.dispute.created", deal.account, dispute["id"])
    work(db, provider, clock)
    assert deal.now().settled == FEN - 150_000

    refund["status"], dispute["status"] = "failed", "won"
    clock.at = T0 + timedelta(hours=1)
    for _ in range(2):
        reconcile(db, provider, clock.now)
        work(db, provider, clock)

    assert deal.now().settled == FEN and len(states(db)) == 4
    deal.balanced()


def test_what_only_one_side_has_is_told(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deal.put_page(FEN)
    row = settled(stripe, deal, created=NOW)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    clock.at = T0 + timedelta(minutes=1)
    work(db, provider, clock)
    clock.at = T0 + timedelta(hours=1)
    row["amount_received"] = FEN - 7
    (look,) = reconcile(db, provider, clock.now)
    assert look.differences == [{"kind": "paid", "id": "pi_paid", "fen": -7, "why": "amount"}]

    del stripe.there[deal.account, "pi_paid"]
    (look,) = reconcile(db, provider, clock.now)

    assert look.differences == [{"kind": "paid", "id": "pi_paid", "fen": -FEN, "why": "unknown_at_stripe"}]
    with db.read() as s:
        assert s.scalars(select(Settlement.fen)).one() == FEN, "nothing is changed by looking"


def test_an_account_that_cannot_be_asked_holds_up_no_other(
    db: Database, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deals = [paying(db) for _ in range(2)]
    for n, deal in enumerate(deals):
        deal.put_page(FEN, f"cs_{n}")
        settled(stripe, deal, f"pi_{n}", created=NOW)
    clock.at = T0 + timedelta(hours=1)
    stripe.down = 1

    looks = reconcile(db, provider, clock.now)

    assert len(looks) == 1 and looks[0].filled == 1
    assert sum(look.filled for look in reconcile(db, provider, clock.now)) == 1


def test_a_page_whose_end_nobody_told_is_asked_for(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deal.open_page(provider)
    stripe.there[deal.account, "cs_test_000001"]["status"] = "expired"
    with db.write() as s:
        s.get_one(Payment, deal.payment).session_expires = T0 + timedelta(hours=1)
    clock.at = T0 + timedelta(hours=2)

    assert [ask_pages(db, clock.now()) for _ in range(2)] == [1, 0]
    work(db, provider, clock)

    assert deal.now().session is None and ask_pages(db, clock.now()) == 0
