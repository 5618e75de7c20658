"""Stripe: Checkout on the firm's own connected account (direct charges), and everything there fetched anew.

Every request names the account in `Stripe-Account` (docs.stripe.com/connect/direct-charges): money goes from the owner
to the firm, without an application fee, and never through the platform. Amounts are fen, which is Stripe's smallest
unit of CNY. The SDK pins the version of the API. Network only: no database, no clock.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar, cast

import stripe
from stripe import StripeClient, StripeError
from stripe._base_address import BaseAddresses
from stripe.params._refund_create_params import RefundCreateParams
from stripe.params.checkout._session_create_params import SessionCreateParams

from market.payments.port import CURRENCY, Connected, Declined, Due, Hosted, Moved, Page, Payee, Unreachable

T = TypeVar("T")
Row = TypeVar("Row", bound=stripe.StripeObject)
METHODS: Final = {"card_payments": "card", "alipay_payments": "alipay", "wechat_pay_payments": "wechat_pay"}
"""What an account must be able to do → the way of paying that Checkout then offers."""
SECONDS: Final = (3.05, 12.0)
"""How long we wait to reach Stripe, and for its answer: a person waits behind it."""
RETRIES: Final = 2
ROWS: Final = 100
"""Rows of one page of a list, the most Stripe gives."""


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _id(what: object) -> str:
    """The id of what stands as an id or, expanded, as the whole object; empty where there is none."""
    return what if isinstance(what, str) else cast(str, getattr(what, "id", ""))


def _plain(metadata: object) -> dict[str, str]:
    found = metadata.to_dict() if isinstance(metadata, stripe.StripeObject) else metadata or {}
    return {str(k): str(v) for k, v in cast(Mapping[object, object], found).items()}


def asked(call: Callable[[], T]) -> T:
    """What a call gives. Raises Unreachable for a fault that may pass, Declined for a no."""
    try:
        return call()
    except StripeError as no:
        status = no.http_status
        if status is None or status in (409, 429) or status >= 500:
            raise Unreachable(type(no).__name__) from None
        raise Declined(no.code or type(no).__name__) from None


class StripeProvider:
    """Stripe by one secret key of the platform. `api` is another address, for a stand-in on this machine."""

    name = "stripe"

    def __init__(self, key: str, api: str | None = None) -> None:
        http = stripe.RequestsClient(timeout=SECONDS)
        base: BaseAddresses = {"api": api} if api else {}
        self._v1 = StripeClient(key, base_addresses=base, max_network_retries=RETRIES, http_client=http).v1

    # ── paying ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, due: Due, to: Payee, back: str, lang: str) -> Hosted:
        """A page to pay `due` on. The same attempt gives the same page, also when it is asked for twice at once."""
        ask = _checkout(due, to, back, lang)
        made = asked(
            lambda: self._v1.checkout.sessions.create(
                ask, {"stripe_account": to.number, "idempotency_key": _key(due, to, back, lang)}
            )
        )
        if not made.url:
            raise Declined("session_without_url")
        return Hosted(made.id, made.url, due.fen, _at(made.expires_at))

    def expire(self, account: str, session: str) -> None:
        """End an open page, so that nobody pays on it any more. One that is paid or over already is left as it is."""
        try:
            asked(lambda: self._v1.checkout.sessions.expire(session, options={"stripe_account": account}))
        except Declined as no:
            if no.code not in ("InvalidRequestError", "resource_missing"):
                raise

    def refund(self, account: str, intent: str, fen: int, metadata: Mapping[str, str], key: str) -> Moved:
        """Give back part of a payment; the same `key` gives back once. Raises Declined, above what was paid too."""
        ask: RefundCreateParams = {"payment_intent": intent, "amount": fen, "metadata": dict(metadata)}
        options: stripe.RequestOptions = {"stripe_account": account, "idempotency_key": key}
        return _refund(asked(lambda: self._v1.refunds.create(ask, options)))

    # ── fetching anew ───────────────────────────────────────────────────────────────────────────────────────────

    def session(self, account: str, id: str) -> Page:
        """A checkout page."""
        seen = asked(lambda: self._v1.checkout.sessions.retrieve(id, options={"stripe_account": account}))
        return Page(
            seen.id,
            seen.status or "",
            seen.payment_status,
            _id(seen.payment_intent) or None,
            seen.amount_total or 0,
            seen.currency or "",
            seen.url,
            _at(seen.expires_at),
            _plain(seen.metadata),
        )

    def payment(self, account: str, id: str) -> Moved:
        """A payment."""
        return _intent(asked(lambda: self._v1.payment_intents.retrieve(id, options={"stripe_account": account})))

    def refunded(self, account: str, id: str) -> Moved:
        """A refund."""
        return _refund(asked(lambda: self._v1.refunds.retrieve(id, options={"stripe_account": account})))

    def refunds_of(self, account: str, charge: str) -> list[Moved]:
        """Every refund of a charge, the newest hundred."""
        found = asked(
            lambda: self._v1.refunds.list({"charge": charge, "limit": ROWS}, options={"stripe_account": account})
        )
        return [_refund(row) for row in found.data]

    def dispute(self, account: str, id: str) -> Moved:
        """A dispute."""
        return _dispute(asked(lambda: self._v1.disputes.retrieve(id, options={"stripe_account": account})))

    # ── lists, for what no webhook told ─────────────────────────────────────────────────────────────────────────

    def payments_since(self, account: str, since: datetime) -> Iterator[Moved]:
        """Payments begun since an instant, the newest first, page by page."""
        return self._since(self._v1.payment_intents.list, _intent, account, since)

    def refunds_since(self, account: str, since: datetime) -> Iterator[Moved]:
        """Refunds made since an instant."""
        return self._since(self._v1.refunds.list, _refund, account, since)

    def disputes_since(self, account: str, since: datetime) -> Iterator[Moved]:
        """Disputes opened since an instant."""
        return self._since(self._v1.disputes.list, _dispute, account, since)

    def _since(
        self, ask: Callable[..., stripe.ListObject[Row]], read: Callable[[Row], Moved], account: str, since: datetime
    ) -> Iterator[Moved]:
        """Pages until a row is older than `since`: Stripe lists the newest first."""
        floor, after = _at(int(since.timestamp())), ""
        while True:
            want: dict[str, object] = {"limit": ROWS} | ({"starting_after": after} if after else {})
            page = asked(lambda want=want: ask(want, options={"stripe_account": account}))  # type: ignore[misc]
            for row in (read(row) for row in page.data):
                if row.at < floor:
                    return
                yield row
                after = row.id
            if not page.has_more or not page.data:
                return

    # ── the firm's account ──────────────────────────────────────────────────────────────────────────────────────

    def open_account(self, org: int, uscc: str) -> str:
        """A new account of a firm at Stripe, its own from the first day (type standard); the same firm gets one."""
        made = asked(
            lambda: self._v1.accounts.create(
                {"type": "standard", "metadata": {"org": str(org), "uscc": uscc}},
                {"idempotency_key": f"account-{org}-{uscc}"},
            )
        )
        return made.id

    def account_page(self, account: str, again: str, back: str) -> str:
        """The address of Stripe's own form, where the firm proves who it is; it works once and for minutes."""
        made = asked(
            lambda: self._v1.account_links.create(
                {"account": account, "refresh_url": again, "return_url": back, "type": "account_onboarding"}
            )
        )
        return made.url

    def account(self, id: str) -> Connected:
        """What a connected account may do by now."""
        seen = asked(lambda: self._v1.accounts.retrieve(id))
        can = seen.capabilities.to_dict() if seen.capabilities else {}
        methods = tuple(way for able, way in METHODS.items() if can.get(able) == "active")
        return Connected(seen.id, bool(seen.charges_enabled), methods, _plain(seen.metadata).get("org", ""))


def _checkout(due: Due, to: Payee, back: str, lang: str) -> SessionCreateParams:
    names = {"payment": str(due.payment), "contract": due.contract, "milestone": str(due.milestone)}
    names["reference"] = due.reference
    ask: SessionCreateParams = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": CURRENCY,
                    "unit_amount": due.fen,
                    "product_data": {"name": f"{due.contract}-{due.milestone} {due.title}"[:250]},
                },
            }
        ],
        # `payment_method_types` is gone since 2026-09-30.endive (docs.stripe.com/changelog): this list narrows what the
        # account itself can take.
        "allowed_payment_method_types": [_method(name) for name in to.methods],
        "client_reference_id": due.reference,
        "metadata": names,
        "payment_intent_data": {"metadata": names, "description": due.reference},
        "success_url": f"{back}?from=stripe",
        "cancel_url": back,
        "locale": "zh" if lang == "zh" else "en",
    }
    if "wechat_pay" in to.methods:
        ask["payment_method_options"] = {"wechat_pay": {"client": "web"}}
    return ask


def _method(name: str) -> Literal["alipay", "card", "wechat_pay"]:
    """A way of paying as Stripe names it. Raises ValueError for one we do not offer."""
    if name not in METHODS.values():
        raise ValueError(f"{name} is no way of paying here.")
    return cast(Literal["alipay", "card", "wechat_pay"], name)


def _key(due: Due, to: Payee, back: str, lang: str) -> str:
    """One key for one attempt. What else the request says is part of it: Stripe refuses a key used for another one."""
    rest = hashlib.sha256("\n".join((to.number, *to.methods, back, lang, due.title)).encode()).hexdigest()[:16]
    return f"pay-{due.payment}-{due.fen}-{due.attempt}-{rest}"


def _intent(row: stripe.PaymentIntent) -> Moved:
    received = getattr(row, "amount_received", row.amount)
    return Moved("paid", row.id, row.id, row.status, row.currency, received, _at(row.created), _plain(row.metadata))


def _refund(row: stripe.Refund) -> Moved:
    intent = _id(row.payment_intent)
    return Moved("refund", row.id, intent, row.status or "", row.currency, row.amount, _at(row.created))


def _dispute(row: stripe.Dispute) -> Moved:
    intent = _id(row.payment_intent)
    return Moved("dispute", row.id, intent, row.status, row.currency, row.amount, _at(row.created))
