"""How client and keeper talk over the Unix socket: a length of 4 bytes (big-endian), then that many bytes of JSON.

Request: {"do": "create" | "postpone", "auction", "not_before" µs}, {"do": "open", "auction", "envelopes": [[base64,
base64]]} or {"do": "alive"}. Answer: {"ok": …} or {"refused": code, "status", "values": {name: µs}}.
An opened envelope is {"offer", "nonce"}, another {"error": code}.
"""

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bidding.sealing.envelope import Opened, Unopened

LARGEST = 16 * 1024 * 1024  # bytes of one message; 2,000 envelopes take 3.3 MB
PATH = 100  # bytes of a socket's path; the kernel takes 107 and says nothing useful beyond
_LENGTH = struct.Struct(">I")


class Broken(Exception):
    """The other side sent something that is no message; the text never quotes it."""


def fit_path(path: Path) -> str:
    """The path as the kernel takes it. Raises ValueError with the mend when it is too long."""
    size = len(os.fsencode(path))
    if size > PATH:
        raise ValueError(
            f"The keeper's socket path has {size} bytes; a Unix socket takes {PATH}: "
            "set TAOZHONGJIE_KEEPER to a file in a short folder."
        )
    return str(path)


def wait(link: socket.socket, until: float) -> None:
    """Let the next call on the socket last to the deadline (monotonic seconds) and no longer."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    link.settimeout(left)


def send(link: socket.socket, message: dict[str, Any], until: float) -> None:
    """Write one message before `until`. Raises OSError when the other side is gone or slow, Broken when too long."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > LARGEST:
        raise Broken("too long")
    wait(link, until)
    link.sendall(_LENGTH.pack(len(body)) + body)


def receive(link: socket.socket, until: float) -> dict[str, Any] | None:
    """Read one message before `until`; None when the other side closed between two. Raises Broken or OSError.

    The deadline holds for the whole message: who drips a byte a second is as good as silent.
    """
    head = _exactly(link, _LENGTH.size, until)
    if head is None:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > LARGEST:
        raise Broken("too long")
    body = _exactly(link, size, until)
    if body is None:
        raise Broken("cut short")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Broken("not JSON") from None  # the decoder's own error would quote the text
    if not isinstance(message, dict):
        raise Broken("not an object")
    return message


def _exactly(link: socket.socket, size: int, until: float) -> bytes | None:
    """`size` bytes; None when nothing at all came. Memory grows with what arrives, not with what is promised."""
    got = bytearray()
    while len(got) < size:
        wait(link, until)
        piece = link.recv(min(size - len(got), 65536))
        if not piece:
            if got:
                raise Broken("cut short")
            return None
        got += piece
    return bytes(got)


def pack(envelopes: Sequence[tuple[bytes, bytes]]) -> list[list[str]]:
    """Envelopes and infos as text for a request."""
    return [[base64.b64encode(part).decode("ascii") for part in pair] for pair in envelopes]


def unpack(value: Any) -> list[tuple[bytes, bytes]]:
    """The envelopes of a request. Raises Broken for anything else."""
    try:
        return [(_bytes(envelope), _bytes(info)) for envelope, info in value]
    except (ValueError, TypeError):
        raise Broken("envelopes") from None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def told(found: Sequence[Opened | Unopened]) -> list[dict[str, Any]]:
    """Openings for an answer."""
    return [
        {"offer": one.offer, "nonce": one.nonce} if isinstance(one, Opened) else {"error": one.code} for one in found
    ]


def heard(value: Any) -> list[Opened | Unopened]:
    """Openings read from an answer. Raises Broken for anything else."""
    try:
        return [Unopened(str(x["error"])) if "error" in x else Opened(x["offer"], str(x["nonce"])) for x in value]
    except (TypeError, KeyError):
        raise Broken("answer") from None
