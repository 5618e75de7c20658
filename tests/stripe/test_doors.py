"""The doors: webhooks in, the way to Stripe and back, refunds; and none of it without a key."""

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from market.clock import FixedClock
from market.db import Database
from market.payments.models import InboxEvent, PaymentAccount
from market.payments.stripe import StripeProvider
from market.search.whoosh import WhooshSearch
from market.settings import read
from portal.app import create_app
from portal.composition import open_city
from portal.web import City
from tests.makers import T0, Party, keeper_in, make_org, make_person
from tests.stripe.paying import SECRET, Paying, event, paying, settled, signed, states, tell, work
from tests.stripe.recorder import Recorder

FEN = 1_000_000
ENV = {
    "TAOZHONGJIE_STRIPE_KEY": "sk_test_of_no_worth", "TAOZHONGJIE_STRIPE_WEBHOOK_SECRET": SECRET,
    "TAOZHONGJIE_URL": "http://city.test",
}  # fmt: skip


def site_of(db: Database, clock: FixedClock, folder: Path, provider: StripeProvider | None) -> FlaskClient:
    env = ENV if provider else {"TAOZHONGJIE_URL": "http://city.test"}
    settings = read({**env, "TAOZHONGJIE_HOME": str(folder / "home")})
    settings.home.mkdir(exist_ok=True)
    extra = {"providers": {"stripe": provider} if provider else {}}
    city = City(settings, db, clock, keeper_in(folder / "keeper", clock), WhooshSearch(settings.index), extra)
    app = create_app(city, b"a secret of the tests only" * 2)
    app.config.update(WTF_CSRF_ENABLED=True)
    return app.test_client()


@pytest.fixture
def client(db: Database, clock: FixedClock, tmp_path: Path, provider: StripeProvider) -> FlaskClient:
    """A site with a key of Stripe; forms need their token, webhooks do not."""
    return site_of(db, clock, tmp_path, provider)


def enter(client: FlaskClient, party: Party) -> None:
    with client.session_transaction() as session:
        session["person"], session["epoch"] = party.person.id, party.person.epoch


def post(client: FlaskClient, path: str, page: str, **form: str) -> tuple[int, str, str]:
    """A form of a page posted with that page's token: status, where to, text."""
    token = client.get(page).get_data(as_text=True).partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post(path, data={"csrf_token": token, **form})
    return answer.status_code, answer.headers.get("Location", ""), answer.get_data(as_text=True)


def hook(client: FlaskClient, body: bytes, header: str | None) -> tuple[int, str]:
    headers = {"Stripe-Signature": header} if header is not None else {}
    answer = client.post("/hooks/stripe", data=body, headers=headers, content_type="application/json")
    return answer.status_code, answer.get_data(as_text=True).strip()


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_webhook_is_taken_once_without_a_token(client: FlaskClient, db: Database, deal: Paying) -> None:
    body = json.dumps(event("payment_intent.succeeded", deal.account, "pi_1")).encode()

    assert hook(client, body, signed(body, T0)) == (200, "new")
    assert hook(client, body, signed(body, T0)) == (200, "again")
    assert states(db) == [("new", None)]


def test_forged_old_and_broken_webhooks_are_answered_400_and_logged_without_their_body(
    client: FlaskClient, db: Database, deal: Paying, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(event("payment_intent.succeeded", deal.account, "pi_secret_of_somebody")).encode()
    old = signed(body, T0 - timedelta(minutes=6))

    with caplog.at_level(logging.INFO):
        said = [
            hook(client, body, None), hook(client, body, signed(body, T0, "whsec_wrong")), hook(client, body, old),
            hook(client, b"[]", signed(b"[]", T0)), hook(client, b"", signed(b"", T0)),
        ]  # fmt: skip

    assert said == [(400, "refused: signature")] * 2 + [(400, "refused: age")] + [(400, "refused: form")] * 2
    assert states(db) == []
    assert "pi_secret_of_somebody" not in caplog.text and SECRET not in caplog.text and "v1=" not in caplog.text
    assert caplog.text.count("a webhook of stripe was refused") == 5


def test_a_webhook_of_another_account_or_kind_is_answered_200_and_posts_nothing(
    client: FlaskClient, db: Database, deal: Paying
) -> None:
    said = []
    for kind, account in (("payment_intent.succeeded", "acct_x"), ("x.y", deal.account), ("charge.refunded", None)):
        body = json.dumps(event(kind, account, "pi_1")).encode()
        said.append(hook(client, body, signed(body, T0)))

    assert said == [(200, "failed"), (200, "ignored"), (200, "ignored")]


def test_without_a_key_there_is_no_stripe_anywhere(
    db: Database, clock: FixedClock, tmp_path: Path, deal: Paying
) -> None:
    bare = site_of(db, clock, tmp_path, None)
    body = json.dumps(event("payment_intent.succeeded", deal.account, "pi_1")).encode()
    assert hook(bare, body, signed(body, T0))[0] == 404

    enter(bare, deal.deal.owner)
    page = bare.get(f"/contracts/{deal.deal.code}/pay/1")
    assert page.status_code == 200 and "Stripe" not in page.get_data(as_text=True)
    assert post(bare, f"/contracts/{deal.deal.code}/pay/1/stripe", "/my")[0] in (400, 404)
    assert "stripe.com" not in page.headers["Content-Security-Policy"]
    enter(bare, deal.deal.firm)
    assert bare.get("/my/stripe").headers["Location"] == "/my/accounts"
    assert post(bare, "/my/stripe", "/my/accounts")[0] == 404


# ── paying ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_owner_is_led_to_stripe_and_back_to_a_page_that_does_not_say_paid(
    client: FlaskClient, db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    pay = f"/contracts/{deal.deal.code}/pay/1"
    enter(client, deal.deal.owner)
    before = client.get(pay)
    assert "去 Stripe 付 ¥10,000.00" in before.get_data(as_text=True)
    assert "form-action 'self' https://checkout.stripe.com" in before.headers["Content-Security-Policy"]

    status, where, _ = post(client, f"{pay}/stripe", pay)
    assert (status, where) == (303, "https://checkout.stripe.com/c/pay/cs_test_000001")
    assert stripe.asked[0].form["success_url"] == f"http://city.test{pay}?from=stripe"
    back = client.get(f"{pay}?from=stripe").get_data(as_text=True)
    assert "等待银行确认" in back and "已付清" not in back

    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    work(db, provider, clock)
    after = client.get(f"{pay}?from=stripe").get_data(as_text=True)
    assert "等待银行确认" not in after and "已付清" in after


def test_the_owner_may_have_stripe_asked_at_once(client: FlaskClient, deal: Paying, stripe: Recorder) -> None:
    pay = f"/contracts/{deal.deal.code}/pay/1"
    enter(client, deal.deal.owner)
    post(client, f"{pay}/stripe", pay)
    page = stripe.there[deal.account, "cs_test_000001"]
    settled(stripe, deal)
    page |= {"status": "complete", "payment_status": "paid", "payment_intent": "pi_paid"}

    assert post(client, f"{pay}/look", pay)[:2] == (303, f"{pay}?from=stripe")
    assert deal.now().state == "paid"


def test_others_do_not_find_the_payment(client: FlaskClient, db: Database, deal: Paying) -> None:
    other, pay = paying(db), f"/contracts/{deal.deal.code}/pay/1"
    for party, paths in (
        (other.deal.owner, ("stripe", "look", "ask-refund")), (other.deal.firm, ("refund",))
    ):  # fmt: skip
        enter(client, party)
        mine = f"/contracts/{other.deal.code}/pay/1"
        assert [post(client, f"{pay}/{p}", mine, fen="1", sure="y", reason="x")[0] for p in paths] == [404] * len(paths)


def test_when_stripe_is_down_the_page_says_so(client: FlaskClient, deal: Paying, stripe: Recorder) -> None:
    pay = f"/contracts/{deal.deal.code}/pay/1"
    enter(client, deal.deal.owner)
    client.get(pay)
    stripe.down = 5

    status, _, text = post(client, f"{pay}/stripe", pay)

    assert status == 503 and "Stripe 没有应答" in text and deal.now().session is None


def test_the_firm_gives_back_and_is_refused_above_what_came(
    client: FlaskClient, db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deal.put_page(FEN)
    settled(stripe, deal)
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    work(db, provider, clock)
    refund = f"/contracts/{deal.deal.code}/pay/1/refund"
    enter(client, deal.deal.firm)

    status, _, text = post(client, refund, refund, fen="10000.01", sure="y")
    assert status == 422 and "¥10,000.00" in text and deal.now().settled == FEN
    assert post(client, refund, refund, fen="2500", sure="y")[0] == 303

    assert deal.now().settled == 750_000
    enter(client, deal.deal.owner)
    ask = f"/contracts/{deal.deal.code}/pay/1/ask-refund"
    assert post(client, ask, ask, fen="100", reason="多付了。")[0] == 303
    deal.balanced()


# ── the firm's account, the operator's page ─────────────────────────────────────────────────────────────────────


def test_a_firm_opens_its_own_account_which_is_kept_before_it_goes(
    client: FlaskClient, db: Database, deal: Paying, stripe: Recorder
) -> None:
    with db.write() as s:
        s.scalars(select(PaymentAccount)).one().removed_at = T0
    enter(client, deal.deal.firm)

    status, where, _ = post(client, "/my/stripe", "/my/stripe")
    assert status == 303 and where.startswith("https://connect.stripe.com/")
    assert "还不可以" in client.get("/my/stripe").get_data(as_text=True)

    (id,) = [id for (_, id), o in stripe.there.items() if o["object"] == "account"]
    stripe.there["", id]["charges_enabled"] = True
    assert post(client, "/my/stripe/check", "/my/stripe")[0] == 303
    shown = client.get("/my/stripe").get_data(as_text=True)
    assert id in shown and "支付宝" in shown and "微信支付" not in shown
    with db.read() as s:
        assert s.scalar(select(func.count()).where(PaymentAccount.account == id)) == 1


def test_the_operator_sees_what_was_not_booked_and_tries_again(
    client: FlaskClient, db: Database, deal: Paying, stripe: Recorder, provider: StripeProvider, clock: FixedClock
) -> None:
    deal.put_page(FEN)
    row = settled(stripe, deal, currency="usd")
    tell(db, "payment_intent.succeeded", deal.account, "pi_paid")
    work(db, provider, clock)
    with db.write() as s:
        office = make_org(s, kind="authority", is_owner=False)
        operator = make_person(s, office, office="operator")
    enter(client, Party(office, operator))

    page = client.get("/operator/hooks").get_data(as_text=True)
    assert "币种不是人民币" in page and "pi_paid" in page and client.get("/operator/hooks?state=x").status_code == 404
    row["currency"] = "cny"
    with db.read() as s:
        id = s.scalars(select(InboxEvent.id)).one()
    assert post(client, f"/operator/hooks/{id}/again", "/operator/hooks")[0] == 303
    work(db, provider, clock)

    assert states(db) == [("done", None)] and deal.now().state == "paid"
    assert post(client, f"/operator/hooks/{id}/again", "/operator/hooks?state=done")[0] in (400, 404)


# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "env",
    [
        {"TAOZHONGJIE_STRIPE_KEY": "sk_test_x"}, {"TAOZHONGJIE_STRIPE_WEBHOOK_SECRET": "whsec_x"},
        {**ENV, "TAOZHONGJIE_STRIPE_KEY": "pk_test_x"}, {**ENV, "TAOZHONGJIE_STRIPE_KEY": "sk_test_ x\n"},
        {**ENV, "TAOZHONGJIE_STRIPE_API": "http://203.0.113.7:80"}, {**ENV, "TAOZHONGJIE_STRIPE_API": "https://127.0.0.1"},
        {**ENV, "TAOZHONGJIE_STRIPE_API": "http://127.0.0.1:1", "TAOZHONGJIE_PRODUCTION": "1"},
    ],
)  # fmt: skip
def test_half_or_dangerous_settings_are_refused(env: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="TAOZHONGJIE_STRIPE"):
        read(env)


def test_a_city_offers_stripe_only_with_a_key_and_shows_no_secret(tmp_path: Path, stripe: Recorder) -> None:
    home = {"TAOZHONGJIE_HOME": str(tmp_path)}
    with_key = open_city(read({**ENV, **home, "TAOZHONGJIE_STRIPE_API": stripe.url}))

    assert list(with_key.extra["providers"]) == ["stripe"] and open_city(read(home)).extra["providers"] == {}
    assert "sk_test" not in repr(with_key.settings) and "whsec" not in repr(with_key.settings)
