"""Uploaded files: what they are is read from their bytes, they are kept by digest, and who may read them is a rule.

A file is written before its row commits; a roll-back leaves an orphan that nobody can reach, never a row without file.
"""

import io
import os
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.models import Document
from market.audit.rules import Deed
from market.audit.service import record
from market.errors import refuse
from market.identity.rules import Role, User
from market.ids import TextError, digest, plain_text

SIZE_MAX = 20 * 2**20
"""Bytes of one file."""
NAME_MAX = 120
TYPES = {
    "pdf": ("application/pdf", ("pdf",)),
    "png": ("image/png", ("png",)),
    "jpeg": ("image/jpeg", ("jpg", "jpeg")),
    "ofd": ("application/ofd", ("ofd",)),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ("docx",)),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ("xlsx",)),
    "dwg": ("image/vnd.dwg", ("dwg",)),
}
"""What is taken: the kind found in the bytes → media type and the endings a name may have."""
_INSIDE = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "ofd": "OFD.xml"}


def sniff(data: bytes) -> str | None:
    """The kind of a whole file by its own bytes; None: another kind; `broken`: its beginning without its end."""
    if data.startswith(b"%PDF-"):
        return "pdf" if b"%%EOF" in data[-2048:] else "broken"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png" if b"IEND" in data[-64:] else "broken"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg" if b"\xff\xd9" in data[-1024:] else "broken"
    if data.startswith(b"AC10") and data[4:6].isdigit():
        return "dwg" if len(data) > 128 else "broken"
    return _packed(data) if data.startswith(b"PK\x03\x04") else None


def _packed(data: bytes) -> str | None:
    """A kind that is a ZIP package, by the member only it has. Nothing is unpacked, so no bomb can go off here."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = set(package.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, UnicodeDecodeError):
        return "broken"
    return next((kind for kind, member in _INSIDE.items() if member in names), None)


def keep_document(
    s: Session,
    folder: Path,
    org_id: int,
    job_id: int | None,
    name: str,
    data: bytes,
    now: datetime,
    actor: str = "system",
    field: str = "document",
) -> Document:
    """Keep a file of an organisation (or of its job) and give its row; the same file again gives the row it has.

    Raises Refused `document.empty`, `.too_big`, `.name`, `.broken`, `.type`, `.renamed` on `field`;
    `.disk` (503) if it cannot be kept.
    """
    label = _name(name, field)
    kind = _kind(label, data, field)
    found = digest(data)
    mine = select(Document).where(
        Document.org_id == org_id,
        Document.job_id == job_id if job_id is not None else Document.job_id.is_(None),
        Document.digest == found,
        Document.removed_at.is_(None),
    )
    known = s.scalars(mine).first()
    if known is not None:
        return known
    try:
        _write(path_of(folder, found), data)
    except OSError:  # the disk is full, or the folder not ours: nothing of the person's doing
        raise refuse("document.disk", field, 503, name=label) from None
    row = Document(
        org_id=org_id, job_id=job_id, digest=found, name=label, mime=TYPES[kind][0], size=len(data), uploaded_at=now,
        removed_at=None,
    )  # fmt: skip
    s.add(row)
    s.flush()
    record(s, Deed.DOCUMENT_ADDED, now, actor, subject=f"org:{org_id}", document=row.id, digest=found, size=row.size)
    return row


def _name(name: str, field: str) -> str:
    try:
        plain = plain_text(PurePosixPath(name.replace("\\", "/")).name, NAME_MAX)
    except TextError:
        raise refuse("document.name", field, most=NAME_MAX) from None
    return plain


def _kind(name: str, data: bytes, field: str) -> str:
    if not data:
        raise refuse("document.empty", field, name=name)
    if len(data) > SIZE_MAX:
        raise refuse("document.too_big", field, 413, name=name, size=len(data) // 2**20 + 1, most=SIZE_MAX // 2**20)
    kind = sniff(data)
    if kind == "broken":
        raise refuse("document.broken", field, name=name)
    if kind is None:
        raise refuse("document.type", field, name=name)
    ending = name.rpartition(".")[2].lower()
    if ending not in TYPES[kind][1]:
        raise refuse("document.renamed", field, name=name, kind=kind.upper(), ending=ending[:12])
    return kind


def path_of(folder: Path, found: str) -> Path:
    """Where the file of a digest lies: aa/bb/aabb…, so that no folder grows without end."""
    return folder / found[:2] / found[2:4] / found


def _write(path: Path, data: bytes) -> None:
    """Whole and durable, or not there: written beside, synced, then renamed. Raises OSError."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def read_document(folder: Path, row: Document) -> bytes | None:
    """The bytes of a document; None if the file is gone or is no longer what was uploaded."""
    try:
        data = path_of(folder, row.digest).read_bytes()
    except OSError:
        return None
    return data if digest(data) == row.digest else None


def may_read(row: Document, user: User | None, published: bool) -> bool:
    """A job's document is public once the job is; before that, and for a firm's own, its organisation and the offices.

    Before publication a regulator has no part in a draft; a firm's papers it may read, since it judges appeals.
    """
    if row.job_id is not None and published and row.removed_at is None:
        return True
    if user is None:
        return False
    if user.has(Role.OPERATOR) or (user.has(Role.REGULATOR) and (row.job_id is None or published)):
        return True
    return user.org_id == row.org_id and row.removed_at is None


def document(s: Session, id: int) -> Document | None:
    """A document by its number."""
    return s.get(Document, id)


def remove_document(s: Session, org_id: int, id: int, now: datetime, actor: str) -> None:
    """Take a document of the organisation out of use; its bytes stay, being kept for years."""
    row = s.get(Document, id, with_for_update=True)
    if row is None or row.org_id != org_id or row.removed_at is not None:
        raise refuse("document.unknown", status=404)
    row.removed_at = now
    record(s, Deed.DOCUMENT_REMOVED, now, actor, subject=f"org:{org_id}", document=id)
