"""The envelope: what it hides, what it is bound to, and that nothing a bidder sends can hurt who opens it."""

import hashlib
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing.envelope import (
    EnvelopeTooLong,
    Opened,
    Unopened,
    bound_to,
    make_info,
    names_auction,
    open_envelope,
    seal,
    well_formed,
)

KEY = X25519PrivateKey.generate()
PRIVATE, PUBLIC = KEY.private_bytes_raw(), KEY.public_key().public_bytes_raw()
PLACE = ("CP-2026-0001-1", "ab" * 32, "0123456789abcdef")
OFFER = {"amount": 1280050, "days": 9}
NONCE = "5c" * 32
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUE = st.one_of(st.integers(-(10**18), 10**18), TEXT)
OFFERS = st.dictionaries(TEXT, st.one_of(VALUE, st.lists(VALUE, max_size=2)), max_size=4)


def envelope_of(plain: bytes) -> tuple[bytes, bytes]:
    """An envelope made by a sender who keeps to no rule inside it."""
    info = make_info(*PLACE, salt=bytes(16))
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    return b"\x01" + suite.encrypt(plain, X25519PublicKey.from_public_bytes(PUBLIC), info), info


@given(OFFERS, st.binary(min_size=32, max_size=32))
def test_an_offer_comes_out_as_it_went_in(offer: dict[str, Any], nonce: bytes) -> None:
    try:
        sealed = seal(PUBLIC, *PLACE, offer=offer, nonce=nonce)
    except EnvelopeTooLong as no:
        assert no.size > 1024
        return

    assert open_envelope(PRIVATE, sealed.envelope, sealed.info) == Opened(offer, nonce.hex())
    assert sealed.digest == hashlib.sha256(sealed.envelope).hexdigest()


def test_every_envelope_has_one_size_and_no_two_are_alike() -> None:
    small = seal(PUBLIC, *PLACE, offer={"amount": 1, "days": 1}, nonce=bytes(32))
    large = seal(PUBLIC, *PLACE, offer={"amount": 10**14, "days": 3650}, nonce=bytes(32))
    again = seal(PUBLIC, *PLACE, offer={"amount": 1, "days": 1}, nonce=bytes(32))

    assert {len(s.envelope) for s in (small, large, again)} == {1 + 32 + 1024 + 16}
    assert {len(s.info) for s in (small, large, again)} == {len(small.info)}
    assert small.envelope != again.envelope
    assert small.info != again.info
    assert small.envelope[:1] == b"\x01"


def test_the_info_is_the_one_the_law_writes_down() -> None:
    sealed = seal(PUBLIC, *PLACE, offer=OFFER)

    place = re.escape("CP-2026-0001-1\n" + "ab" * 32 + "\n0123456789abcdef\n")
    assert re.fullmatch(rf"taozhongjie/envelope/v1\x00{place}[0-9a-f]{{32}}", sealed.info.decode("ascii"))


def test_without_a_given_nonce_each_envelope_draws_its_own() -> None:
    found = [seal(PUBLIC, *PLACE, offer=OFFER) for _ in range(2)]

    opened = [open_envelope(PRIVATE, one.envelope, one.info) for one in found]

    assert all(isinstance(one, Opened) and re.fullmatch("[0-9a-f]{64}", one.nonce) for one in opened)
    assert opened[0] != opened[1]


@pytest.mark.parametrize(
    "other",
    [("CP-2026-0001-2", *PLACE[1:]), (PLACE[0], "cd" * 32, PLACE[2]), (*PLACE[:2], "fedcba9876543210")],
    ids=["auction", "terms", "bidder"],
)
def test_an_envelope_opens_only_for_its_own_auction_terms_and_bidder(other: tuple[str, str, str]) -> None:
    sealed = seal(PUBLIC, *PLACE, offer=OFFER)
    moved = make_info(*other, salt=bytes.fromhex(sealed.info[-32:].decode("ascii")))

    assert open_envelope(PRIVATE, sealed.envelope, moved) == Unopened("envelope.unopenable")
    assert not bound_to(sealed.info, *other)
    assert bound_to(sealed.info, *PLACE)


def test_another_key_and_another_salt_do_not_open_it() -> None:
    sealed = seal(PUBLIC, *PLACE, offer=OFFER)
    stranger = X25519PrivateKey.generate().private_bytes_raw()

    assert open_envelope(stranger, sealed.envelope, sealed.info) == Unopened("envelope.unopenable")
    assert open_envelope(PRIVATE, sealed.envelope, make_info(*PLACE, salt=bytes(16))) == Unopened("envelope.unopenable")


@given(st.integers(1, 1072), st.integers(1, 255))
def test_one_changed_byte_anywhere_after_the_version_is_noticed(place: int, change: int) -> None:
    sealed = seal(PUBLIC, *PLACE, offer=OFFER)
    spoilt = bytearray(sealed.envelope)
    spoilt[place] ^= change

    # RFC 7748 ignores the top bit of a public key; the KDF binds all of enc, so even that bit is noticed
    assert open_envelope(PRIVATE, bytes(spoilt), sealed.info) == Unopened("envelope.unopenable")


@pytest.mark.parametrize("low", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32], ids=["zero", "one", "ones"])
def test_a_key_of_low_order_in_the_envelope_opens_nothing_and_raises_nothing(low: bytes) -> None:
    envelope = b"\x01" + low + bytes(1040)

    assert well_formed(envelope)
    assert open_envelope(PRIVATE, envelope, b"") == Unopened("envelope.unopenable")


@pytest.mark.parametrize("size", [0, 1, 1072, 1074, 4096])
def test_another_length_is_seen_without_opening(size: int) -> None:
    envelope = b"\x01" * size

    assert not well_formed(envelope)
    assert open_envelope(PRIVATE, envelope, b"") == Unopened("envelope.shape")


def test_another_version_byte_is_seen_without_opening() -> None:
    sealed = seal(PUBLIC, *PLACE, offer=OFFER)

    assert well_formed(sealed.envelope)
    assert not well_formed(b"\x02" + sealed.envelope[1:])


GOOD = json.dumps({"offer": OFFER, "nonce": NONCE})


def test_blanks_and_the_order_of_keys_are_free() -> None:
    assert open_envelope(PRIVATE, *envelope_of(GOOD.encode().ljust(1024))) == Opened(OFFER, NONCE)


@pytest.mark.parametrize("offer", [None, [], "5", 5, {}, {"amount": True, "days": [5]}, {"x": None}], ids=repr)
def test_an_offer_of_another_shape_is_opened_for_decide_to_judge(offer: Any) -> None:
    plain = json.dumps({"nonce": NONCE, "offer": offer}).encode()

    assert open_envelope(PRIVATE, *envelope_of(plain.ljust(1024))) == Opened(offer, NONCE)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{" * 900,
        b"[" * 1024,
        GOOD.encode() + b"\0",
        GOOD.encode() + b" {}",
        json.dumps({"offer": OFFER}).encode(),
        json.dumps({"nonce": NONCE}).encode(),
        json.dumps({"offer": OFFER, "nonce": NONCE.upper()}).encode(),
        json.dumps({"offer": OFFER, "nonce": NONCE[:-1]}).encode(),
        json.dumps({"offer": OFFER, "nonce": NONCE + "\n"}).encode(),
        json.dumps({"offer": OFFER, "nonce": 5}).encode(),
        json.dumps({"offer": OFFER, "nonce": None}).encode(),
        json.dumps({"offer": OFFER, "nonce": NONCE, "more": 1}).encode(),
        json.dumps({"offer": {"amount": 5.0}, "nonce": NONCE}).encode(),
        json.dumps({"offer": {"amount": float("nan")}, "nonce": NONCE}).encode(),
        json.dumps({"offer": {"amount": float("inf")}, "nonce": NONCE}).encode(),
        json.dumps({"offer": {"amount": "\0"}, "nonce": NONCE}).encode(),
        json.dumps({"offer": {"amount": "\ud800"}, "nonce": NONCE}).encode(),
        json.dumps({"offer": {"\0": 1}, "nonce": NONCE}).encode(),
        b'{"offer":{"amount":1e9},"nonce":"' + NONCE.encode() + b'"}',
        b'{"offer":{"amount":1,"amount":2},"nonce":"' + NONCE.encode() + b'"}',
        b'{"offer":1,"offer":2,"nonce":"' + NONCE.encode() + b'"}',
        b'{"offer":' + b"[" * 400 + b"]" * 400 + b',"nonce":"' + NONCE.encode() + b'"}',
    ],
)
def test_what_is_no_offer_with_a_nonce_is_malformed(plain: bytes) -> None:
    assert open_envelope(PRIVATE, *envelope_of(plain.ljust(1024))) == Unopened("envelope.malformed")


def test_an_unpadded_plaintext_has_the_wrong_length_outside_already() -> None:
    assert open_envelope(PRIVATE, *envelope_of(GOOD.encode())) == Unopened("envelope.shape")


@given(st.binary(max_size=1024))
def test_no_plaintext_makes_the_opener_raise(plain: bytes) -> None:
    assert isinstance(open_envelope(PRIVATE, *envelope_of(plain.ljust(1024))), Opened | Unopened)


@given(st.binary(max_size=1100), st.binary(max_size=200))
def test_no_envelope_makes_the_opener_raise(envelope: bytes, info: bytes) -> None:
    assert isinstance(open_envelope(PRIVATE, envelope, info), Unopened)


def test_an_offer_fits_to_the_last_byte_and_not_beyond() -> None:
    room = 1024 - len(json.dumps({"nonce": NONCE, "offer": {"t": ""}}, separators=(",", ":")))

    sealed = seal(PUBLIC, *PLACE, offer={"t": "x" * room})
    with pytest.raises(EnvelopeTooLong) as caught:
        seal(PUBLIC, *PLACE, offer={"t": "x" * (room + 1)})

    assert isinstance(open_envelope(PRIVATE, sealed.envelope, sealed.info), Opened)
    assert (caught.value.code, caught.value.size) == ("envelope.too_long", 1025)
    assert "xx" not in str(caught.value)


@pytest.mark.parametrize("part", ["", "a\nb", "a\0", "a b", "中", "x" * 65])
def test_a_part_of_the_info_can_never_be_read_as_two(part: str) -> None:
    for place in range(3):
        parts = [*PLACE]
        parts[place] = part
        with pytest.raises(ValueError, match="printable ASCII"):
            make_info(parts[0], parts[1], parts[2], salt=bytes(16))


def test_nonce_and_salt_have_their_sizes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(PUBLIC, *PLACE, offer=OFFER, nonce=bytes(31))
    with pytest.raises(ValueError, match="16 random bytes"):
        make_info(*PLACE, salt=bytes(15))


def test_an_info_names_one_auction_and_no_longer_one() -> None:
    info = make_info(*PLACE, salt=bytes(16))

    assert names_auction(info, "CP-2026-0001-1")
    assert not names_auction(info, "CP-2026-0001-")
    assert not names_auction(info, "CP-2026-0001-11")


def test_an_opened_offer_does_not_show_in_its_repr() -> None:
    assert "1280050" not in repr(Opened({"amount": 1280050}, NONCE))
