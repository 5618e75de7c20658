"""Checkpoints as signed notes (pure): C2SP tlog-checkpoint over C2SP signed-note, with Ed25519 (RFC 8032).

taozhongjie/3f9c…            origin, which log this is; also the name of the key
20852                        how many leaves
CsUYapGGPo4dkMgIAUqom/Xa…    root, base64

— taozhongjie/3f9c… <base64 of 4 bytes of key id and 64 of signature>
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "ed25519"
_TYPE = b"\x01"
"""Signature type of Ed25519 in signed notes."""
_DASH = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class NoteError(ValueError):
    """The text is no checkpoint, or none of this log's; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs a log's checkpoints: the origin and the Ed25519 key, 32 raw bytes each."""

    origin: str
    secret: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


def key_id(name: str, public: bytes) -> bytes:
    """Four bytes that tell the key among others of its name."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + _TYPE + public).digest()[:4]


def verifier(name: str, public: bytes) -> str:
    """The key on one line, as tools for signed notes take it: name+key id+base64 of type and key."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(_TYPE + public).decode('ascii')}"


def text_of(checkpoint: Checkpoint) -> str:
    """The text that is signed; it ends in a newline."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode('ascii')}\n"


def sign(signer: Signer, size: int, root: bytes) -> str:
    """The signed note of a tree. The same tree gives the same bytes."""
    text = text_of(Checkpoint(signer.origin, size, root))
    signature = _private(signer.secret).sign(text.encode("utf-8"))
    packed = base64.b64encode(key_id(signer.origin, signer.public) + signature).decode("ascii")
    return f"{text}\n{_DASH}{signer.origin} {packed}\n"


@lru_cache(maxsize=4)
def _private(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret)


def read(note: str) -> Checkpoint:
    """What an unverified note says. Raises NoteError for what is no checkpoint, also with extension lines."""
    text, _ = _parts(note)
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0]:
        raise NoteError("A checkpoint has three lines: origin, size, root.")
    if _SIZE.fullmatch(lines[1]) is None:
        raise NoteError("The second line of a checkpoint is a whole number.")
    root = _base64(lines[2])
    if len(root) != 32:
        raise NoteError("The root of a checkpoint has 32 bytes.")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_note(note: str, origin: str, public: bytes) -> Checkpoint:
    """What a checkpoint says, once its signature by this log's key is verified. Raises NoteError.

    Signatures of other keys (witnesses, a key before or after) are passed over, as signed-note demands.
    """
    said = read(note)
    if said.origin != origin:
        raise NoteError("This is a checkpoint of another log.")
    text, signatures = _parts(note)
    for line in signatures:
        name, _, packed = line.removeprefix(_DASH).partition(" ")
        signed = _base64(packed)
        if name != origin or signed[:4] != key_id(name, public):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signed[4:], text.encode("utf-8"))
        except (InvalidSignature, ValueError):
            raise NoteError("The signature of this checkpoint does not verify.") from None
        return said
    raise NoteError("This checkpoint is not signed by the log's key.")


def _parts(note: str) -> tuple[str, list[str]]:
    """The text with its last newline, and the signature lines."""
    if any(c < " " and c != "\n" for c in note):
        raise NoteError("A note has no control characters.")
    head, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or lines[-1] or len(lines) < 2 or any(not line.startswith(_DASH) for line in lines[:-1]):
        raise NoteError("A note has a text, an empty line and signature lines.")
    return head + "\n", lines[:-1]


def _base64(text: str) -> bytes:
    try:
        made = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("This is not base64.") from None
    if base64.b64encode(made).decode("ascii") != text:
        raise NoteError("This base64 is not written the one way it can be.")
    return made
