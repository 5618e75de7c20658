"""The sealed envelope: what a bidder's price looks like from the moment it arrives until T (design.md, fairness 3).

HPKE base mode (RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM) to the auction's own key.
Plaintext: canonical JSON {"offer": …, "nonce": 64 hex} padded with blanks to 1,024 bytes, so that a size tells
nothing. Envelope: 01 ∥ enc ∥ ciphertext. Info: `taozhongjie/envelope/v1` 00 auction 0A terms digest 0A bidder 0A
16 random bytes in hex; it binds the envelope to its place (the one-shot call has no aad) and is kept beside it.
Nothing here is logged, and no exception carries an offer.
"""

import json
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from market.ids import canonical_json, digest

VERSION = b"\x01"
PLAIN = 1024  # bytes of the padded plaintext
LENGTH = 1 + 32 + PLAIN + 16  # version, enc (an X25519 key), ciphertext, tag of AES-GCM

_NAME = b"taozhongjie/envelope/v1\x00"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_NONCE = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[!-~]{1,64}")  # printable ASCII without blanks: a part can never hold the 0A that ends it
_SALT = re.compile(rb"[0-9a-f]{32}")
_DEEP = 8  # an offer nests two or three deep; more is an attack on whoever reads it next


class EnvelopeTooLong(ValueError):
    """The offer does not fit into 1,024 bytes; `code` is the key of its words. The text names sizes only."""

    code = "envelope.too_long"

    def __init__(self, size: int) -> None:
        super().__init__(f"The offer takes {size} bytes of {PLAIN}: shorten it.")
        self.size = size


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope of `LENGTH` bytes, its HPKE info, and the SHA-256 of the envelope in lower-case hex."""

    envelope: bytes
    info: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What an envelope held: the offer (any JSON value without fractions; decide() judges it) and 64 hex of nonce."""

    offer: Any
    nonce: str

    def __repr__(self) -> str:
        return "Opened(…)"  # a price must not slip into a log through a traceback or a debug line


@dataclass(frozen=True, slots=True)
class Unopened:
    """Why an envelope gave nothing: `envelope.shape`, `envelope.unopenable` or `envelope.malformed`."""

    code: str


def make_info(auction: str, terms_digest: str, bidder: str, salt: bytes) -> bytes:
    """The HPKE info. `salt` is 16 random bytes. Raises ValueError for a part that could be read as two."""
    if len(salt) != 16:
        raise ValueError("The info ends with 16 random bytes.")
    return _place(auction, terms_digest, bidder) + salt.hex().encode("ascii")


def bound_to(info: bytes, auction: str, terms_digest: str, bidder: str) -> bool:
    """Whether an info made elsewhere (a browser, a script) names exactly this auction, terms and bidder."""
    place = _place(auction, terms_digest, bidder)
    return info.startswith(place) and _SALT.fullmatch(info[len(place) :]) is not None


def names_auction(info: bytes, auction: str) -> bool:
    """Whether `info` belongs to this auction at all, whatever its terms and bidder."""
    return info.startswith(_NAME + auction.encode("utf-8", "replace") + b"\n")


def _place(auction: str, terms_digest: str, bidder: str) -> bytes:
    for part in (auction, terms_digest, bidder):
        if not _PART.fullmatch(part):
            raise ValueError("Auction, terms digest and bidder are 1 to 64 printable ASCII characters.")
    return _NAME + f"{auction}\n{terms_digest}\n{bidder}\n".encode("ascii")


def seal(
    public_key: bytes,
    auction: str,
    terms_digest: str,
    bidder: str,
    offer: dict[str, Any],
    nonce: bytes | None = None,
) -> Sealed:
    """Seal an offer to the auction's key (32 bytes, X25519).

    `nonce` is the bidder's 32 random bytes that feed the seed of ties (selection_methods §3); without one they are
    drawn here. Raises EnvelopeTooLong beyond 1,024 bytes, ValueError for a nonce of another length.
    """
    nonce = secrets.token_bytes(32) if nonce is None else nonce
    if len(nonce) != 32:
        raise ValueError("A nonce has 32 bytes.")
    info = make_info(auction, terms_digest, bidder, secrets.token_bytes(16))
    plain = canonical_json({"offer": offer, "nonce": nonce.hex()})
    if len(plain) > PLAIN:
        raise EnvelopeTooLong(len(plain))
    envelope = VERSION + _SUITE.encrypt(plain.ljust(PLAIN), _loaded(public_key), info)
    return Sealed(envelope, info, digest(envelope))


@lru_cache(maxsize=4096)
def _loaded(public_key: bytes) -> X25519PublicKey:
    """An auction's public key, made once by each process."""
    return X25519PublicKey.from_public_bytes(public_key)


def well_formed(envelope: bytes) -> bool:
    """Length and version byte: all that can be seen before opening. False makes the bid void `envelope`."""
    return len(envelope) == LENGTH and envelope[:1] == VERSION


def open_envelope(private_key: bytes, envelope: bytes, info: bytes) -> Opened | Unopened:
    """What the envelope holds, or why not; whatever a bidder sent, nothing is raised.

    Blanks and the order of keys may be any: an honest bid is not lost to its JSON library. What could not be
    recorded afterwards (fractions, NUL, half surrogates, deep nesting, a key given twice) is malformed.
    """
    if not well_formed(envelope):
        return Unopened("envelope.shape")
    try:
        plain = _SUITE.decrypt(envelope[1:], X25519PrivateKey.from_private_bytes(private_key), info)
    except (InvalidTag, ValueError):
        return Unopened("envelope.unopenable")
    return _read(plain)


def _read(plain: bytes) -> Opened | Unopened:
    bad = Unopened("envelope.malformed")
    if len(plain) != PLAIN:
        return bad
    try:
        content = json.loads(
            plain.decode("utf-8"), parse_float=_no, parse_constant=_no, object_pairs_hook=_each_key_once
        )
        if not isinstance(content, dict) or content.keys() != {"offer", "nonce"}:
            return bad
        nonce, offer = content["nonce"], content["offer"]
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce) or not _recordable(offer, _DEEP):
            return bad
        canonical_json(offer)  # the record of the opening needs this form: better refused here than there
    except (ValueError, TypeError, RecursionError):
        return bad
    return Opened(offer, nonce)


def _no(_: str) -> NoReturn:
    raise ValueError("Only whole numbers are canonical.")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A key stands twice: two readers could see two prices.")
    return found


def _recordable(value: Any, deep: int) -> bool:
    """Whether both databases can keep the value: no NUL (PostgreSQL refuses it), valid Unicode, not too deep."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return deep > 0 and all(_recordable(k, 0) and _recordable(v, deep - 1) for k, v in value.items())
    if isinstance(value, list):
        return deep > 0 and all(_recordable(v, deep - 1) for v in value)
    return value is None or isinstance(value, int)
