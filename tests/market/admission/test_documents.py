"""Uploaded files: read by their bytes, kept by digest, shown to whom they concern."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.admission.documents import SIZE_MAX, keep_document, may_read, path_of, read_document, remove_document, sniff
from market.admission.models import Document
from market.db import Database
from market.errors import Refused
from market.identity.rules import Role, User
from market.ids import digest
from tests.makers import T0
from tests.makers_admission import PDF, make_applicant

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 40 + b"\xff\xd9"
DWG = b"AC1032" + b"\x00" * 200


def packed(member: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(zipfile.ZipInfo(member), "<x/>")  # with a fixed date: the bytes name the test
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "pdf"), (PNG, "png"), (JPEG, "jpeg"), (DWG, "dwg"), (packed("word/document.xml"), "docx"),
        (packed("xl/workbook.xml"), "xlsx"), (packed("OFD.xml"), "ofd"), (packed("evil.exe"), None),
        (PDF[:12], "broken"), (PNG[:20], "broken"), (JPEG[:9], "broken"), (packed("OFD.xml")[:30], "broken"),
        (b"MZ\x90", None), (b"<html>", None), (b"", None),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(data: bytes, kind: str | None) -> None:
    assert sniff(data) == kind


@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04"]))
def test_no_bytes_crash_the_reader(data: bytes, start: bytes) -> None:
    assert sniff(start + data) in {None, "broken", "pdf", "png", "jpeg", "docx", "xlsx", "ofd", "dwg"}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"", "document.empty"),
        ("a.pdf", b"%PDF-" + b"\x00" * SIZE_MAX, "document.too_big"),
        ("a.pdf", PDF[:10], "document.broken"),
        ("a.png", PDF, "document.renamed"),
        ("a", PDF, "document.renamed"),
        ("a.exe", b"MZ\x90\x00", "document.type"),
        ("", PDF, "document.name"),
        ("a\x07.pdf", PDF, "document.name"),
        ("x" * 200 + ".pdf", PDF, "document.name"),
    ],
)
def test_an_unfit_file_is_refused_and_not_written(
    db: Database, tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    with db.write() as s:
        org = make_applicant(s).org.id
        with pytest.raises(Refused) as no:
            keep_document(s, tmp_path / "documents", org, None, name, data, T0)
    assert [r.code for r in no.value.refusals] == [code] and not (tmp_path / "documents").exists()


def test_a_file_is_kept_by_its_digest_once_and_read_back_whole(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        org, other = make_applicant(s).org.id, make_applicant(s).org.id
        row = keep_document(s, tmp_path, org, None, "..\\secret/执照.PDF", PDF, T0)
        assert (row.name, row.mime, row.digest) == ("执照.PDF", "application/pdf", digest(PDF))
        assert keep_document(s, tmp_path, org, None, "again.pdf", PDF, T0).id == row.id
        assert keep_document(s, tmp_path, other, None, "theirs.pdf", PDF, T0).id != row.id
        assert path_of(tmp_path, row.digest).is_file() and len(list(tmp_path.glob("??/??/*"))) == 1
        assert read_document(tmp_path, row) == PDF
        path_of(tmp_path, row.digest).write_bytes(b"changed")
        assert read_document(tmp_path, row) is None
        with pytest.raises(Refused) as no:
            remove_document(s, other, row.id, T0, "person:1")
        assert no.value.status == 404
        remove_document(s, org, row.id, T0, "person:1")
        assert row.removed_at == T0


def person(org: int, *roles: Role) -> User:
    return User(1, "x", "x@example.com", org, "x", "x", frozenset(roles), 0)


def test_who_may_read_a_document() -> None:
    paper = Document(org_id=1, job_id=None, removed_at=None)
    plan = Document(org_id=2, job_id=9, removed_at=None)
    firm, owner, stranger = person(1, Role.FIRM), person(2, Role.OWNER), person(3, Role.FIRM)
    operator, regulator = person(4, Role.OPERATOR), person(4, Role.REGULATOR)
    assert [may_read(paper, u, False) for u in (None, firm, owner, stranger, operator, regulator)] == [
        False, True, False, False, True, True,
    ]  # fmt: skip
    assert [may_read(plan, u, False) for u in (None, firm, owner, stranger, operator, regulator)] == [
        False, False, True, False, True, False,
    ]  # fmt: skip
    assert all(may_read(plan, u, True) for u in (None, firm, owner, stranger, operator, regulator))
