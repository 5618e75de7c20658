"""Receipts: anyone with the public key can check them, and one changed letter is noticed."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing.receipt import KINDS, Kind, Receipt, key_id, new_key, public_key, read, sign, verify

PRIVATE = bytes(range(32))
PUBLIC = public_key(PRIVATE)
AT = datetime(2026, 5, 12, 8, 59, 59, 999999, tzinfo=UTC)
RECEIPT = Receipt("R-7K3M-9Q2X", "CP-2026-0001-1", "ab" * 32, "0123456789abcdef", 2, "sealed", AT, "cd" * 32)


def test_a_receipt_is_the_canonical_text_of_the_law() -> None:
    signed = sign(PRIVATE, RECEIPT)

    assert signed.text == (
        '{"auction":"CP-2026-0001-1","bidder":"0123456789abcdef","digest":"' + "cd" * 32 + '",'
        f'"key":"{key_id(PUBLIC)}","kind":"sealed","number":"R-7K3M-9Q2X","received_at":1778576399999999,'
        '"terms":"' + "ab" * 32 + '","v":1,"version":2}'
    )
    assert len(signed.text) <= 600
    assert len(signed.signature) == 64


@pytest.mark.parametrize("kind", KINDS)
@given(
    version=st.integers(1, 10**6), at=st.datetimes(timezones=st.just(UTC)), digest=st.sampled_from(["ef" * 32, None])
)
def test_a_signed_receipt_verifies_to_its_facts(kind: Kind, version: int, at: datetime, digest: str | None) -> None:
    receipt = replace(RECEIPT, kind=kind, version=version, received_at=at, digest=digest)

    signed = sign(PRIVATE, receipt)

    assert verify(PUBLIC, signed.text, signed.signature) == receipt


@given(st.data())
def test_one_changed_letter_or_byte_is_noticed(data: st.DataObject) -> None:
    signed = sign(PRIVATE, RECEIPT)
    place = data.draw(st.integers(0, len(signed.text) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda c: c != signed.text[place]))
    spot = data.draw(st.integers(0, 63))
    spoilt = bytearray(signed.signature)
    spoilt[spot] ^= 1

    assert verify(PUBLIC, signed.text[:place] + letter + signed.text[place + 1 :], signed.signature) is None
    assert verify(PUBLIC, signed.text, bytes(spoilt)) is None


def test_another_platforms_signature_does_not_count() -> None:
    other = new_key()
    signed = sign(other, RECEIPT)

    assert verify(PUBLIC, signed.text, signed.signature) is None
    assert verify(public_key(other), signed.text, signed.signature) == RECEIPT


def test_the_same_facts_written_another_way_are_no_receipt_of_ours() -> None:
    loose = json.dumps(json.loads(sign(PRIVATE, RECEIPT).text), indent=1)
    signature = Ed25519PrivateKey.from_private_bytes(PRIVATE).sign(loose.encode())

    assert read(loose) == RECEIPT
    assert verify(PUBLIC, loose, signature) is None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"v":2}', "[" * 2000, '{"v":1,"kind":"free"}', "\ud800"])
def test_what_is_no_receipt_is_none_and_raises_nothing(text: str) -> None:
    assert read(text) is None
    assert verify(PUBLIC, text.encode("utf-8", "replace").decode(), bytes(64)) is None
    assert verify(PUBLIC, text, b"") is None


def test_a_key_is_named_by_the_digest_of_its_public_half() -> None:
    assert len(key_id(PUBLIC)) == 16
    assert key_id(PUBLIC) != key_id(public_key(new_key()))
