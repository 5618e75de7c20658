"""The folder of a contract as one ZIP (stored, not packed): the same files in the same order give the same bytes.

`manifest.json` comes first and names every file with its size and SHA-256, so what follows can be checked against it.
The archive is made while it is sent: one file at a time is in memory, whatever the whole may weigh.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from market.errors import refuse

MOST_BYTES = 2 * 2**30
"""All files together; below what a ZIP without its 64-bit extension holds."""
MANIFEST = "manifest.json"
_FIRST = (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP can name: no file's own time changes the bytes
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its name in the archive, size in bytes, SHA-256 (hex), and how to get its bytes (None: it is gone)."""

    name: str
    size: int
    digest: str
    read: Callable[[], bytes | None]


def made(name: str, data: bytes) -> Member:
    """A file that is at hand."""
    return Member(name, len(data), hashlib.sha256(data).hexdigest(), lambda: data)


def written(name: str, value: Any) -> Member:
    """A JSON file: sorted keys, two blanks deep, so that people can read it and bytes stay the same."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)
    return made(name, f"{text}\n".encode())


def manifest(code: str, members: Sequence[Member]) -> Member:
    """The list of all files."""
    listed = [{"name": m.name, "size": m.size, "sha256": m.digest} for m in members]
    return written(MANIFEST, {"contract": code, "files": listed, "v": 1})


def safe_name(text: str, most: int = 60) -> str:
    """A file's own name as one step of a path: no slash, backslash, colon or leading dot, at most `most` characters."""
    plain = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in text).lstrip(". ")
    stem, dot, ending = plain.rpartition(".")
    if dot and len(ending) <= 5:
        return f"{stem[: most - len(ending) - 1]}.{ending}" if stem else f"_.{ending}"
    return plain[:most] or "_"


def pack(code: str, members: Sequence[Member]) -> Iterator[bytes]:
    """The ZIP, piece by piece. Raises Refused `contract.archive_too_big` before the first one, ArchiveBroken midway."""
    if sum(m.size for m in members) > MOST_BYTES:
        raise refuse("contract.archive_too_big", status=413, most=MOST_BYTES // 2**20)
    return _pieces([manifest(code, members), *members])


class ArchiveBroken(RuntimeError):
    """A file is gone or no longer what the manifest says: the archive ends here, so that nobody takes it for whole."""


class _Outlet(io.RawIOBase):
    """What zipfile writes to: keeps the bytes until they are taken, and cannot seek."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.kept += data
        return len(data)

    def take(self) -> bytes:
        """The bytes written since the last time."""
        found, self.kept = bytes(self.kept), bytearray()
        return found


def _pieces(members: Sequence[Member]) -> Iterator[bytes]:
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED, allowZip64=False) as package:
        for member in members:
            data = member.read()
            if data is None or len(data) != member.size or hashlib.sha256(data).hexdigest() != member.digest:
                raise ArchiveBroken(member.name)
            info = zipfile.ZipInfo(member.name, _FIRST)
            info.external_attr, info.create_system = _MODE, 3
            package.writestr(info, data)
            yield outlet.take()
    yield outlet.take()
