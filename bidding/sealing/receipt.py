"""The signed receipt of an act on a bid: what was received, when, and by whose clock; never a price.

Canonical JSON {v, number, auction, terms, bidder, version, kind, received_at µs, digest, key} signed with the
platform's Ed25519 key (RFC 8032). Anyone who holds the public key can check it without the platform.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from market.clock import from_micros, micros
from market.ids import canonical_json

Kind = Literal["sealed", "withdrawn", "confirmed"]
KINDS: tuple[Kind, ...] = ("sealed", "withdrawn", "confirmed")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The facts of a receipt. `terms` and `digest` (of the envelope bytes) are SHA-256 in lower-case hex.

    `received_at` is aware, in microseconds: the clock right after the whole body was read. `version` counts the
    acts of this bidder in this auction from 1. A withdrawal or confirmation may name the envelope it speaks of.
    """

    number: str
    auction: str
    terms: str
    bidder: str
    version: int
    kind: Kind
    received_at: datetime
    digest: str | None


@dataclass(frozen=True, slots=True)
class Signed:
    """The canonical text that was signed and the signature (64 bytes)."""

    text: str
    signature: bytes


def new_key() -> bytes:
    """A fresh Ed25519 private key, 32 raw bytes. Made once, at the first migrate."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> bytes:
    """The 32 raw bytes that verify what `private` signs."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(public: bytes) -> str:
    """How a receipt names its key: the first 16 hex of the SHA-256 of the public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def sign(private: bytes, receipt: Receipt) -> Signed:
    """Write and sign a receipt. Ed25519 is deterministic: the same facts give the same bytes."""
    key, name = _loaded(private)
    body = _body(receipt, name)
    return Signed(body.decode("utf-8"), key.sign(body))


@lru_cache(maxsize=4)
def _loaded(private: bytes) -> tuple[Ed25519PrivateKey, str]:
    """The key and its name: made once by each process, used for every bid."""
    return Ed25519PrivateKey.from_private_bytes(private), key_id(public_key(private))


def _body(receipt: Receipt, key: str) -> bytes:
    return canonical_json(
        {
            "v": 1,
            "number": receipt.number,
            "auction": receipt.auction,
            "terms": receipt.terms,
            "bidder": receipt.bidder,
            "version": receipt.version,
            "kind": receipt.kind,
            "received_at": micros(receipt.received_at),
            "digest": receipt.digest,
            "key": key,
        }
    )


def verify(public: bytes, text: str, signature: bytes) -> Receipt | None:
    """The facts if `signature` over `text` is the platform's and the text is a receipt; None otherwise."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode("utf-8"))
    except (InvalidSignature, ValueError):
        return None
    receipt = read(text)
    if receipt is None or _body(receipt, key_id(public)) != text.encode("utf-8"):
        return None
    return receipt


def read(text: str) -> Receipt | None:
    """The facts a text states, unproven; None when it is no receipt of this form."""
    try:
        facts = json.loads(text)
        if facts["v"] != 1 or facts["kind"] not in KINDS:
            return None
        return Receipt(
            number=str(facts["number"]),
            auction=str(facts["auction"]),
            terms=str(facts["terms"]),
            bidder=str(facts["bidder"]),
            version=int(facts["version"]),
            kind=facts["kind"],
            received_at=from_micros(int(facts["received_at"])),
            digest=None if facts["digest"] is None else str(facts["digest"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
