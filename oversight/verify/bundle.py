"""A bundle as it lies on disk (docs/bundle.md): a folder or a .zip of files, and what is said of them.

Wrong content is never raised, it is a `Finding`; only what is no bundle at all is a BundleError.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

VERSION: Final = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FILES: Final = (
    "log.jsonl", "checkpoints.jsonl", "standards.jsonl", "jobs.jsonl", "auctions.jsonl", "rows.jsonl", "totals.jsonl",
    "credit.jsonl",
)  # fmt: skip
LARGEST: Final = 2**32
"""Bytes that are read of one file: a zip may claim more than a disk holds."""


class BundleError(ValueError):
    """There is nothing to verify; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: kind, file, line from 1 (None: the whole file), and what it is about."""

    kind: str
    file: str
    line: int | None = None
    what: str = ""


@dataclass
class Verdict:
    """What was recomputed and what did not hold. `key`: the verifier line that was trusted; `pinned`: it was given."""

    key: str = ""
    pinned: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything agrees."""
        return not self.findings

    def count(self, what: str, n: int = 1) -> None:
        """So many things of a kind were recomputed."""
        self.counts[what] = self.counts.get(what, 0) + n

    def fault(self, kind: str, file: str, line: int | None = None, what: object = "") -> None:
        """Something does not hold."""
        self.findings.append(Finding(kind, file, line, str(what)[:120]))


def read(path: Path) -> dict[str, bytes]:
    """The files of a bundle by name. Raises BundleError."""
    try:
        if path.is_dir():
            return {p.name: p.read_bytes() for p in sorted(path.iterdir()) if p.is_file()}
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > 100 or any(info.file_size > LARGEST for info in infos):
                raise BundleError("too large for a bundle")
            return {info.filename: archive.read(info) for info in infos}
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BundleError(f"{path}: {error}") from None
    except Exception as error:  # a damaged zip fails in zlib, struct and elsewhere
        raise BundleError(f"{path}: {type(error).__name__}: {error}") from None


def lines(name: str, files: Mapping[str, bytes], found: Verdict) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines with their numbers; what is none is a finding."""
    for line, raw in enumerate(files.get(name, b"").splitlines(), 1):
        try:
            row = json.loads(raw)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield line, row
        else:
            found.fault("json", name, line)


def digests(files: Mapping[str, bytes], manifest: Mapping[str, Any], found: Verdict) -> None:
    """Each file against its digest and number of lines in the manifest; and that there is no other."""
    for name in FILES:
        data, told = files.get(name), manifest["files"][name]
        if data is None:
            found.fault("missing", name)
            continue
        if hashlib.sha256(data).hexdigest() != told["sha256"]:
            found.fault("digest", name)
        if data.count(b"\n") != told["lines"]:
            found.fault("lines", name, None, data.count(b"\n"))
    for name in sorted(set(files) - {*FILES, MANIFEST, SIGNATURE}):
        found.fault("unknown", name)
