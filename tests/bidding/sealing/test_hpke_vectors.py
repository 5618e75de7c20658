"""The published test vectors of RFC 9180, and a second, plain implementation that passes them and opens ours.

The library's public call has no aad, which the vectors use; so the vectors prove the second implementation here, and
that one proves the library: each opens what the other sealed.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bidding.sealing.envelope import Opened, open_envelope, seal

FILE = Path(__file__).parents[2] / "data" / "vectors" / "hpke_rfc9180.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
SETUP = {name: bytes.fromhex(value) for name, value in VECTORS["setup"].items()}
KEM_ID = b"KEM\x00\x20"
HPKE_ID = b"HPKE\x00\x20\x00\x01\x00\x01"


def extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def expand(prk: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    block = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01"
    return hmac.digest(prk, block, hashlib.sha256)[:length]


def shared(exchange: bytes, enc: bytes, receiver: bytes) -> bytes:
    return expand(extract(b"", KEM_ID, b"eae_prk", exchange), KEM_ID, b"shared_secret", enc + receiver, 32)


def schedule(secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and base nonce of base mode."""
    context = b"\x00" + extract(b"", HPKE_ID, b"psk_id_hash", b"") + extract(b"", HPKE_ID, b"info_hash", info)
    prk = extract(secret, HPKE_ID, b"secret", b"")
    return expand(prk, HPKE_ID, b"key", context, 16), expand(prk, HPKE_ID, b"base_nonce", context, 12)


def reference_open(private: bytes, enc: bytes, ciphertext: bytes, info: bytes, aad: bytes, seq: int = 0) -> bytes:
    own = X25519PrivateKey.from_private_bytes(private)
    exchange = own.exchange(X25519PublicKey.from_public_bytes(enc))
    key, base = schedule(shared(exchange, enc, own.public_key().public_bytes_raw()), info)
    nonce = (int.from_bytes(base, "big") ^ seq).to_bytes(12, "big")
    return AESGCM(key).decrypt(nonce, ciphertext, aad)


def test_the_reference_derives_the_published_secret_key_and_nonce() -> None:
    own = X25519PrivateKey.from_private_bytes(SETUP["skRm"])
    exchange = own.exchange(X25519PublicKey.from_public_bytes(SETUP["enc"]))

    secret = shared(exchange, SETUP["enc"], SETUP["pkRm"])

    assert secret == SETUP["shared_secret"]
    assert schedule(secret, SETUP["info"]) == (SETUP["key"], SETUP["base_nonce"])


@pytest.mark.parametrize("case", VECTORS["encryptions"], ids=lambda case: f"seq {case['seq']}")
def test_the_reference_opens_the_published_ciphertexts(case: dict[str, Any]) -> None:
    ciphertext, aad = bytes.fromhex(case["ct"]), bytes.fromhex(case["aad"])

    plain = reference_open(SETUP["skRm"], SETUP["enc"], ciphertext, SETUP["info"], aad, case["seq"])

    assert plain == bytes.fromhex(case["pt"])


def test_the_library_opens_what_the_published_sender_would_have_sealed_without_aad() -> None:
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    ciphertext = AESGCM(SETUP["key"]).encrypt(SETUP["base_nonce"], b"Beauty is truth", b"")

    plain = suite.decrypt(SETUP["enc"] + ciphertext, X25519PrivateKey.from_private_bytes(SETUP["skRm"]), SETUP["info"])

    assert plain == b"Beauty is truth"


def test_the_reference_opens_our_envelope_byte_for_byte() -> None:
    sealed = seal(SETUP["pkRm"], "CP-2026-0001-1", "ab" * 32, "0f" * 8, {"amount": 1280050, "days": 9}, bytes(32))

    plain = reference_open(SETUP["skRm"], sealed.envelope[1:33], sealed.envelope[33:], sealed.info, b"")

    assert plain == (b'{"nonce":"' + b"0" * 64 + b'","offer":{"amount":1280050,"days":9}}').ljust(1024, b" ")
    assert open_envelope(SETUP["skRm"], sealed.envelope, sealed.info) == Opened(
        {"amount": 1280050, "days": 9}, "0" * 64
    )
