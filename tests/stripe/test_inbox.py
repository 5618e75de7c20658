"""The inbox: what is signed, young and whole is kept once; anything else is not kept at all."""

import json
from datetime import timedelta

import pytest
import stripe as sdk
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from market.audit.models import AuditEntry
from market.db import Database
from market.notices.models import Notice
from market.payments import inbox
from market.payments.inbox import TOLERANCE, Unfit, check, read
from market.payments.models import InboxEvent
from tests.makers import T0
from tests.stripe.paying import SECRET, Paying, event, signed, states, tell

BODY = b'{"id": "evt_1"}'


def test_what_stripes_own_sdk_signs_is_taken() -> None:
    check(BODY, signed(BODY, T0), SECRET, T0)
    check(BODY, f"{signed(BODY, T0)},v0=00", SECRET, T0)
    check(BODY, signed(BODY, T0).replace("v1=", "v1=00,v1="), SECRET, T0)  # a secret that was just changed signs twice


@pytest.mark.parametrize("seconds", [-TOLERANCE, 0, TOLERANCE])
def test_a_signature_is_good_for_five_minutes_on_both_sides(seconds: int) -> None:
    check(BODY, signed(BODY, T0 + timedelta(seconds=seconds)), SECRET, T0)


@pytest.mark.parametrize("seconds", [-TOLERANCE - 1, TOLERANCE + 1, -86_400 * 3])
def test_an_old_or_early_signature_is_refused_for_its_age(seconds: int) -> None:
    with pytest.raises(Unfit, match="age"):
        check(BODY, signed(BODY, T0 + timedelta(seconds=seconds)), SECRET, T0)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "t=", "v1=", "nonsense", "t=1,v1", f"t={int(T0.timestamp())}", signed(BODY, T0).split(",")[1],
        signed(BODY, T0, "whsec_another"), signed(b"{}", T0), signed(BODY, T0).replace("v1=", "v0="),
        signed(BODY, T0).replace("t=", "t=１"), f"t=-1,{signed(BODY, T0).split(',')[1]}", "t=9" * 900,
        signed(BODY, T0).replace("t=1", "t=0"), signed(BODY, T0)[:-1], signed(BODY, T0).upper(),
    ],
)  # fmt: skip
def test_a_forged_signature_is_refused(header: str | None) -> None:
    with pytest.raises(Unfit, match="signature"):
        check(BODY, header, SECRET, T0)


@given(body=st.binary(max_size=60), cut=st.integers(0, 59), bit=st.integers(0, 7))
def test_one_bit_of_the_body_breaks_it(body: bytes, cut: int, bit: int) -> None:
    header = signed_bytes(body)
    check(body, header, SECRET, T0)
    if body:
        at = cut % len(body)
        other = body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]
        with pytest.raises(Unfit):
            check(other, header, SECRET, T0)


def signed_bytes(body: bytes) -> str:
    """A header for any bytes, by the published rule."""
    import hashlib
    import hmac

    stamp = int(T0.timestamp())
    return f"t={stamp},v1={hmac.new(SECRET.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_our_rule_is_the_sdks_rule() -> None:
    assert signed_bytes(BODY) == sdk.WebhookSignature.generate_signature_header(
        BODY.decode(), SECRET, int(T0.timestamp())
    )


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": ""}, {"id": "x" * 121}, {"id": "evt\n1"}, {"id": "事件"}, {"type": 3}, {"type": "x" * 81},
        {"data": None}, {"data": {}}, {"data": {"object": "pi_1"}}, {"data": {"object": {"id": ["pi"]}}},
        {"created": "soon"}, {"created": 10**30}, {"account": 7}, {"account": "acct\0"},
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Unfit, match="form"):
        read(json.dumps(event("payment_intent.succeeded", "acct_1", "pi_1") | change).encode())


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(
    lambda v: json.dumps(v).encode()
))  # fmt: skip
def test_any_other_bytes_are_no_event(body: bytes) -> None:
    with pytest.raises(Unfit, match="form"):
        read(body)


def test_a_deep_body_is_no_event() -> None:
    with pytest.raises(Unfit, match="form"):
        read(b"[" * 100_000)


def test_an_event_is_kept_once(db: Database, deal: Paying) -> None:
    said = [tell(db, "payment_intent.succeeded", deal.account, "pi_1", id="evt_same") for _ in range(3)]

    assert said == ["new", "again", "again"] and states(db) == [("new", None)]


def test_kinds_we_do_not_know_and_our_own_account_are_kept_as_ignored(db: Database, deal: Paying) -> None:
    said = [tell(db, "invoice.paid", deal.account, "in_1"), tell(db, "payment_intent.succeeded", None, "pi_1")]

    assert said == ["ignored", "ignored"] and states(db) == [("ignored", None)] * 2


def test_an_account_of_nobody_here_is_kept_as_failed_and_told(db: Database, deal: Paying) -> None:
    assert tell(db, "payment_intent.succeeded", "acct_stranger", "pi_1") == "failed"

    assert states(db) == [("failed", "account")]
    with db.read() as s:
        assert s.scalar(select(func.count()).where(Notice.kind == "payment.event_failed")) == 1
        facts = s.scalars(select(AuditEntry.facts).where(AuditEntry.deed == "payment.event_refused")).one()
        assert facts["account"] == "acct_stranger" and facts["why"] == "account"
        assert s.scalar(select(InboxEvent.subject)) == "pi_1"
    assert inbox.STATES[0] == "failed"
