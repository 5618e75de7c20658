"""What our client sends has the names and words Stripe publishes, and the recorder's answers have its shapes.

Both are held against the SDK of the pinned API version, whose classes Stripe generates from its OpenAPI file.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin

import pytest
import stripe as sdk
from stripe.params._account_create_params import AccountCreateParams
from stripe.params._account_link_create_params import AccountLinkCreateParams
from stripe.params._refund_create_params import RefundCreateParams
from stripe.params.checkout._session_create_params import SessionCreateParams
from typing_extensions import get_type_hints, is_typeddict

from market.payments.port import Due, Payee, Unreachable
from market.payments.stripe import METHODS, Declined, StripeProvider
from tests.stripe.recorder import DATA, Recorder

DUE = Due(7, "HT-2026-00007", 2, "TZ23456789AB", 1_234_567, "阶段2", "0-2026-06-01")
FIRM = Payee("stripe", "澄浦测试有限公司", "Stripe", "acct_1TzExample0001", ("card", "alipay", "wechat_pay"))
BACK = "http://city.test/contracts/HT-2026-00007/pay/2"
CLASSES = {
    "account": sdk.Account, "account_link": sdk.AccountLink, "checkout_session": sdk.checkout.Session,
    "dispute": sdk.Dispute, "event": sdk.Event, "payment_intent": sdk.PaymentIntent, "refund": sdk.Refund,
}  # fmt: skip


def unfit(value: Any, kind: Any, at: str = "") -> Iterator[str]:
    """Where a decoded form is not what a type of the SDK's parameters allows."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is NotRequired:
        yield from unfit(value, parts[0], at)
    elif origin in (Union, UnionType):
        # `Literal[…] | str` means: these words, and whatever comes later. Ours must be among the words.
        choices = [p for p in parts if p not in (str, NoneType)] or [str]
        faults = [list(unfit(value, choice, at)) for choice in choices]
        yield from min(faults, key=len)
    elif origin is Literal:
        if value not in parts:
            yield f"{at}={value!r}"
    elif is_typeddict(kind):
        names = vars(sys.modules[kind.__module__]) | {"StripeContext": str, "Mapping": Mapping}
        hints = get_type_hints(kind, names, include_extras=True)
        hints = {name: h for name, h in hints.items() if name not in sdk.RequestOptions.__annotations__}
        for name, inner in value.items():
            if name not in hints:
                yield f"{at}.{name} is unknown"
            else:
                yield from unfit(inner, hints[name], f"{at}.{name}")
    elif origin is list:
        for n, inner in value.items():
            yield from unfit(inner, parts[0], f"{at}[{n}]")
    elif kind is int and not str(value).isdigit():
        yield f"{at}={value!r} is no whole number"


def test_every_name_of_the_recorders_answers_is_published() -> None:
    for file in DATA.glob("*.json"):
        published = {name for c in CLASSES[file.stem].__mro__ for name in vars(c).get("__annotations__", {})}

        assert set(json.loads(file.read_text("utf-8"))) <= published, file.name


def test_a_checkout_is_asked_for_on_the_firms_account_and_takes_no_fee(
    stripe: Recorder, provider: StripeProvider
) -> None:
    page = provider.begin(DUE, FIRM, BACK, "zh")

    (asked,) = stripe.asked
    names = {"payment": "7", "contract": "HT-2026-00007", "milestone": "2", "reference": "TZ23456789AB"}
    assert (asked.method, asked.path) == ("POST", "/v1/checkout/sessions")
    assert asked.account == FIRM.number
    assert asked.headers["stripe-version"] == sdk.api_version == "2026-10-28.endive"
    assert asked.headers["authorization"] == "Bearer sk_test_of_no_worth"
    assert asked.form["line_items"]["0"]["price_data"] == {
        "currency": "cny", "unit_amount": "1234567", "product_data": {"name": "HT-2026-00007-2 阶段2"}
    }  # fmt: skip
    assert asked.form["allowed_payment_method_types"] == {"0": "card", "1": "alipay", "2": "wechat_pay"}
    assert asked.form["payment_method_options"] == {"wechat_pay": {"client": "web"}}
    assert asked.form["metadata"] == asked.form["payment_intent_data"]["metadata"] == names
    assert asked.form["client_reference_id"] == DUE.reference and asked.form["mode"] == "payment"
    assert (asked.form["success_url"], asked.form["cancel_url"]) == (f"{BACK}?from=stripe", BACK)
    assert "fee" not in json.dumps(asked.form) and "transfer_data" not in asked.form["payment_intent_data"]
    assert not list(unfit(asked.form, SessionCreateParams))
    assert page.url.startswith("https://checkout.stripe.com/") and page.fen == DUE.fen


def test_every_other_request_has_published_names_too(stripe: Recorder, provider: StripeProvider) -> None:
    stripe.put(FIRM.number, "payment_intent")
    provider.refund(FIRM.number, "pi_3TzExample0001", 100, {"payment": "7"}, "refund-1")
    account = provider.open_account(3, "91339901DEM00001XX")
    provider.account_page(account, BACK, BACK)

    kinds = {"/v1/refunds": RefundCreateParams, "/v1/accounts": AccountCreateParams}
    kinds |= {"/v1/account_links": AccountLinkCreateParams}
    assert len(stripe.asked) == 3
    for asked in stripe.asked:
        assert not list(unfit(asked.form, kinds[asked.path])), asked
    assert stripe.asked[0].account == FIRM.number and stripe.asked[1].account is None
    assert stripe.asked[0].headers["idempotency-key"] == "refund-1"


def test_the_check_of_names_finds_a_wrong_one() -> None:
    wrong = {"payment_method_types": {"0": "card"}, "mode": "pay", "line_items": {"0": {"quantity": "one"}}}

    assert sorted(unfit(wrong, SessionCreateParams)) == [
        ".line_items[0].quantity='one' is no whole number", ".mode='pay'", ".payment_method_types is unknown"
    ]  # fmt: skip


def test_wechat_pay_is_asked_for_only_where_the_account_has_it(stripe: Recorder, provider: StripeProvider) -> None:
    stripe.put("", "account")
    seen = provider.account("acct_1TzExample0001")
    provider.begin(DUE, Payee("stripe", "", "", seen.id, seen.methods), BACK, "en")

    assert seen.takes and seen.methods == ("card", "alipay") and set(seen.methods) < set(METHODS.values())
    assert "payment_method_options" not in stripe.asked[-1].form


def test_the_same_attempt_has_the_same_key_and_page_and_another_has_another(
    stripe: Recorder, provider: StripeProvider
) -> None:
    first, again = (provider.begin(DUE, FIRM, BACK, "zh") for _ in range(2))
    other = provider.begin(Due(7, DUE.contract, 2, DUE.reference, DUE.fen, "阶段2", "1-2026-06-01"), FIRM, BACK, "zh")
    less = provider.begin(Due(7, DUE.contract, 2, DUE.reference, 1, "阶段2", "0-2026-06-01"), FIRM, BACK, "zh")

    assert first == again and len({first.session, other.session, less.session}) == 3
    keys = [a.headers["idempotency-key"] for a in stripe.asked]
    assert keys[0] == keys[1] and keys[0].startswith("pay-7-1234567-0-2026-06-01-") and len(set(keys)) == 3


def test_a_list_is_read_page_by_page_until_it_is_old_enough(stripe: Recorder, provider: StripeProvider) -> None:
    start = 1_780_000_000
    for n in range(250):
        stripe.put(FIRM.number, "payment_intent", id=f"pi_{n:03d}", created=start + n)

    seen = list(provider.payments_since(FIRM.number, datetime.fromtimestamp(start + 40, UTC) + timedelta(seconds=0.5)))

    assert [m.id for m in seen] == [f"pi_{n:03d}" for n in range(249, 39, -1)]
    assert [a.form.get("starting_after") for a in stripe.asked] == [None, "pi_150", "pi_050"]
    assert {a.form["limit"] for a in stripe.asked} == {"100"}


def test_an_object_of_another_account_is_not_found(stripe: Recorder, provider: StripeProvider) -> None:
    stripe.put("acct_other", "payment_intent")

    with pytest.raises(Declined, match="resource_missing"):
        provider.payment(FIRM.number, "pi_3TzExample0001")


def test_no_answer_is_not_a_no(stripe: Recorder, provider: StripeProvider) -> None:
    stripe.down = 10
    with pytest.raises(Unreachable, match="APIError"):
        provider.payment(FIRM.number, "pi_3TzExample0001")
    with pytest.raises(Unreachable, match="APIConnectionError"):
        StripeProvider("sk_test_of_no_worth", "http://127.0.0.1:1").payment(FIRM.number, "pi_3TzExample0001")


def test_a_page_that_is_over_already_is_left_as_it_is(stripe: Recorder, provider: StripeProvider) -> None:
    page = provider.begin(DUE, FIRM, BACK, "zh")

    provider.expire(FIRM.number, page.session)
    provider.expire(FIRM.number, page.session)

    assert provider.session(FIRM.number, page.session).status == "expired"
