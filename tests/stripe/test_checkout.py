"""Paying and giving back: read, call outside any transaction, write under the lock; one page and one refund a click."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from market.clock import FixedClock
from market.db import Database
from market.errors import Refused
from market.payments import checkout
from market.payments.models import Checkout, PaymentAccount, Settlement
from market.payments.service import settle
from market.payments.stripe import StripeProvider
from tests.makers import T0
from tests.stripe.paying import Paying, paying, settled, tell, work
from tests.stripe.recorder import Recorder

FEN = 1_000_000


def code(no: pytest.ExceptionInfo[Refused]) -> str:
    return no.value.refusals[0].code


def pages(db: Database) -> list[tuple[str, int]]:
    with db.read() as s:
        return [(c.session, c.fen) for c in s.scalars(select(Checkout).order_by(Checkout.id))]


def test_the_page_is_stored_before_anybody_is_sent_to_it(deal: Paying, provider: StripeProvider) -> None:
    url = deal.open_page(provider)

    payment = deal.now()
    assert (payment.session_url, payment.session) == (url, "cs_test_000001") and payment.session_expires is not None
    assert pages(deal.db) == [("cs_test_000001", FEN)] and payment.state == "due"


def test_who_asks_again_gets_the_same_page_without_asking_stripe(
    deal: Paying, stripe: Recorder, provider: StripeProvider
) -> None:
    urls = {deal.open_page(provider, lang=lang) for lang in ("zh", "en", "zh")}

    assert len(urls) == 1 and len(stripe.asked) == 1


def test_two_clicks_at_once_open_one_page(deal: Paying, stripe: Recorder, provider: StripeProvider) -> None:
    urls: list[str] = []
    together = Barrier(2)

    def click() -> None:
        together.wait()
        urls.append(deal.open_page(provider))

    clicks = [Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert len(urls) == 2 and len(set(urls)) == 1 and len(pages(deal.db)) == 1


def test_after_a_death_between_call_and_write_the_same_page_is_found_again(
    deal: Paying, stripe: Recorder, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as m, pytest.raises(ZeroDivisionError):
        m.setattr(checkout, "keep_page", lambda *_: 1 / 0)
        deal.open_page(provider)
    assert deal.now().session is None

    url = deal.open_page(provider)

    assert url.endswith("cs_test_000001") and len(stripe.asked) == 2


def test_when_a_transfer_came_meanwhile_the_old_page_is_ended_and_the_new_asks_for_the_rest(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider
) -> None:
    deal.open_page(provider)
    with db.write() as s:
        settle(s, deal.payment, "transfer", "bank-1", 400_000, T0.date(), "reference", "", T0)

    url = deal.open_page(provider)

    assert url.endswith("cs_test_000002") and pages(db) == [("cs_test_000001", FEN), ("cs_test_000002", 600_000)]
    assert stripe.there[deal.account, "cs_test_000001"]["status"] == "expired"
    assert stripe.there[deal.account, "cs_test_000002"]["status"] == "open"


def test_a_sum_that_changes_during_the_call_keeps_no_page(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = provider.begin

    def slow(*args: object) -> object:
        page = real(*args)  # type: ignore[arg-type]
        with db.write() as s:
            settle(s, deal.payment, "transfer", "bank-1", 1, T0.date(), "reference", "", T0)
        return page

    monkeypatch.setattr(provider, "begin", slow)
    with pytest.raises(Refused) as no:
        deal.open_page(provider)

    assert code(no) == "payment.changed" and deal.now().session is None and pages(db) == []
    assert stripe.there[deal.account, "cs_test_000001"]["status"] == "expired"


def test_a_page_near_its_end_is_replaced(deal: Paying, stripe: Recorder, provider: StripeProvider) -> None:
    deal.open_page(provider)

    later = deal.open_page(provider, T0 + timedelta(days=1))

    assert later.endswith("cs_test_000002")


@pytest.mark.parametrize("kind", ["paid", "stranger", "no_stripe", "down", "declined"])
def test_what_cannot_be_paid_is_refused_with_words(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, kind: str
) -> None:
    wanted = {
        "paid": "payment.paid", "stranger": "payment.unknown", "no_stripe": "payment.no_stripe",
        "down": "payment.stripe_down", "declined": "payment.stripe_no",
    }  # fmt: skip
    who = paying(db).owner if kind == "stranger" else deal.owner
    stripe.down = 10 if kind == "down" else 0
    stripe.refuse = {"type": "invalid_request_error", "code": "account_invalid"} if kind == "declined" else None
    with db.write() as s:
        if kind == "paid":
            settle(s, deal.payment, "transfer", "bank-1", FEN, T0.date(), "reference", "", T0)
        if kind == "no_stripe":
            s.scalars(select(PaymentAccount).where(PaymentAccount.account == deal.account)).one().methods = []

    with pytest.raises(Refused) as no:
        checkout.begin(db, provider, deal.payment, "阶段1", who, "http://city.test/", "zh", T0)

    assert code(no) == wanted[kind] and pages(db) == []


def test_an_owner_who_comes_back_may_ask_stripe_how_it_stands(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider
) -> None:
    deal.open_page(provider)
    page = stripe.there[deal.account, "cs_test_000001"]
    checkout.look(db, provider, deal.payment, deal.owner, T0)
    with db.read() as s:
        assert checkout.view(s, deal.now(), T0).under_way and deal.now().state == "due"

    settled(stripe, deal)
    page |= {"status": "complete", "payment_status": "paid", "payment_intent": "pi_paid"}
    checkout.look(db, provider, deal.payment, deal.owner, T0)

    assert deal.now().state == "paid" and deal.now().session is None
    deal.balanced()


# ── giving back ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def paid(db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock) -> Paying:
    """The payment came by Stripe."""
    deal.put_page(FEN)
    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    work(db, provider, clock)
    return deal


def test_the_firm_gives_back_and_a_webhook_of_it_counts_no_second_time(
    db: Database, paid: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    checkout.give_back(db, provider, paid.payment, 250_000, paid.firm, T0)
    (asked,) = stripe.calls("POST", "/v1/refunds")
    tell(db, "refund.created", paid.account, "re_000001")
    work(db, provider, clock)

    assert asked.account == paid.account and asked.form["amount"] == "250000"
    assert asked.headers["idempotency-key"] == "refund-pi_paid-0-250000"
    assert (paid.now().settled, paid.now().state) == (750_000, "partly")
    with db.read() as s:
        assert checkout.returnable(s, paid.payment) == [(paid.account, "pi_paid", 750_000)]
    paid.balanced()


def test_a_refund_whose_answer_was_lost_is_made_once(
    db: Database, paid: Paying, stripe: Recorder, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as m, pytest.raises(ZeroDivisionError):
        m.setattr(checkout, "post", lambda *_: 1 / 0)
        checkout.give_back(db, provider, paid.payment, 250_000, paid.firm, T0)

    checkout.give_back(db, provider, paid.payment, 250_000, paid.firm, T0)

    made = [o for o in stripe.there.values() if o["object"] == "refund"]
    assert len(made) == 1 and paid.now().settled == 750_000
    paid.balanced()


@pytest.mark.parametrize("fen", [0, -1, FEN + 1, 10**13])
def test_more_than_came_by_stripe_never_goes_back(
    db: Database, paid: Paying, stripe: Recorder, provider: StripeProvider, fen: int
) -> None:
    with pytest.raises(Refused) as no:
        checkout.give_back(db, provider, paid.payment, fen, paid.firm, T0)

    assert code(no) == "refund.above" and stripe.calls("POST", "/v1/refunds") == [] and paid.now().settled == FEN


def test_two_refunds_together_above_what_came_are_one_refund(
    db: Database, paid: Paying, stripe: Recorder, provider: StripeProvider
) -> None:
    checkout.give_back(db, provider, paid.payment, 600_000, paid.firm, T0)

    with pytest.raises(Refused) as no:
        checkout.give_back(db, provider, paid.payment, 600_000, paid.firm, T0)

    assert code(no) == "refund.above" and no.value.refusals[0].values["most"] == 400_000
    paid.balanced()


def test_what_came_by_transfer_does_not_go_back_by_stripe(
    db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider
) -> None:
    with db.write() as s:
        settle(s, deal.payment, "transfer", "bank-1", FEN, T0.date(), "reference", "", T0)

    with pytest.raises(Refused) as no:
        checkout.give_back(db, provider, deal.payment, 1, deal.firm, T0)

    assert code(no) == "refund.above" and no.value.status == 409


@pytest.mark.parametrize("kind", ["owner", "down", "declined"])
def test_a_refund_that_cannot_be_made_is_refused_with_words(
    db: Database, paid: Paying, stripe: Recorder, provider: StripeProvider, kind: str
) -> None:
    wanted = {"owner": "payment.unknown", "down": "payment.stripe_down", "declined": "refund.declined"}
    stripe.down = 10 if kind == "down" else 0
    stripe.refuse = {"type": "invalid_request_error", "code": "balance_insufficient"} if kind == "declined" else None

    with pytest.raises(Refused) as no:
        checkout.give_back(db, provider, paid.payment, 1, paid.owner if kind == "owner" else paid.firm, T0)

    assert code(no) == wanted[kind] and paid.now().settled == FEN


def test_a_dispute_is_shown_and_lessens_what_may_go_back(
    db: Database, paid: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    dispute = stripe.put(paid.account, "dispute", payment_intent="pi_paid", amount=300_000)
    tell(db, "charge.dispute.created", paid.account, dispute["id"])
    work(db, provider, clock)
    with db.read() as s:
        seen = checkout.view(s, paid.now(), T0)
    assert [(d.fen, d.won) for d in seen.disputes] == [(300_000, False)] and seen.most == 700_000

    dispute["status"] = "won"
    tell(db, "charge.dispute.closed", paid.account, dispute["id"])
    work(db, provider, clock)
    with db.read() as s:
        seen = checkout.view(s, paid.now(), T0)
        kinds = set(s.scalars(select(Settlement.kind)))

    assert [(d.fen, d.won) for d in seen.disputes] == [(300_000, True)] and seen.most == FEN
    assert kinds == {"paid", "dispute", "restored"}


def test_an_account_is_kept_once_and_never_for_another_firm(db: Database, deal: Paying) -> None:
    with db.write() as s:
        one = checkout.record_account(s, "acct_new", None, deal.firm, T0)
        two = checkout.record_account(s, "acct_new", ("card",), deal.firm, T0)
        assert one.id == two.id and two.methods == ["card"] and checkout.payee(s, deal.deal.firm.org.id) is not None
    with db.write() as s, pytest.raises(Refused) as no:
        checkout.record_account(s, "acct_new", ("card",), deal.owner, T0)

    assert code(no) == "account.not_yours"
