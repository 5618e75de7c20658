"""The offline verifier (离线验证): a bundle's log, results, baselines, figures and credit, computed again.

No database, no network, nothing of the running site: `verify` takes bytes and gives a `Verdict`. What it imports is
held to that by the import contract and by a test that runs it without SQLAlchemy and sockets.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from market.audit.note import key_id
from oversight.verify import claims
from oversight.verify.bundle import (
    FILES,
    MANIFEST,
    SIGNATURE,
    VERSION,
    BundleError,
    Finding,
    Verdict,
    digests,
    read,
)
from oversight.verify.log import checkpoints, read_log

__all__ = ["BundleError", "Finding", "Verdict", "read", "signed_text", "verify"]


def signed_text(manifest: bytes) -> bytes:
    """What the log's key signs of a bundle."""
    return b"taozhongjie/bundle/v1\n" + manifest


def verify(files: Mapping[str, bytes], key: str | None = None) -> Verdict:
    """Recompute a bundle given as name → bytes.

    `key` pins the log's verifier line (name+id+base64). Without it the bundle's own is trusted: then it is only known
    that the bundle agrees with itself, and whose key that is.
    """
    found = Verdict(pinned=key is not None)
    manifest = _manifest(files, found)
    if manifest is None:
        return found
    found.key = key or manifest["key"]
    if key is not None and key != manifest["key"]:
        found.fault("key", MANIFEST, None, manifest["key"])
    signer = _signer(found.key)
    if signer is None:
        found.fault("key", MANIFEST, None, "unreadable")
        return found
    if not _signed(files, signer[1]):
        found.fault("manifest.signature", SIGNATURE)
    digests(files, manifest, found)
    log = read_log(files, found)
    checkpoints(files, log, manifest, signer, found)
    prices = claims.standards(files, found)
    fixed = claims.jobs(files, log, prices, found)
    results = claims.auctions(files, log, found)
    claims.figures(files, log, fixed, results, found)
    claims.credit(files, found)
    return found


def _manifest(files: Mapping[str, bytes], found: Verdict) -> dict[str, Any] | None:
    try:
        told = json.loads(files[MANIFEST])
        known = told["version"] == VERSION and isinstance(told["key"], str) and isinstance(told["size"], int)
        whole = all({"sha256", "lines"} <= set(told["files"][name]) for name in FILES)
        if known and whole and isinstance(told["checkpoint"], str):
            return dict(told)
    except (KeyError, ValueError, TypeError, RecursionError):
        pass
    found.fault("manifest", MANIFEST)
    return None


def _signer(line: str) -> tuple[str, bytes] | None:
    """Origin and public key of a verifier line name+id+base64(type and key)."""
    try:
        name, number, packed = line.split("+", 2)
        raw = base64.b64decode(packed, validate=True)
    except ValueError:
        return None
    good = len(raw) == 33 and raw[:1] == b"\x01" and key_id(name, raw[1:]).hex() == number
    return (name, raw[1:]) if good else None


def _signed(files: Mapping[str, bytes], public: bytes) -> bool:
    try:
        signature = base64.b64decode(files[SIGNATURE].strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed_text(files[MANIFEST]))
    except (KeyError, ValueError, InvalidSignature):
        return False
    return base64.b64encode(signature) + b"\n" == files[SIGNATURE]
