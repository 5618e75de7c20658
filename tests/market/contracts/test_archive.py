"""The folder of a contract: deterministic, listed by its manifest, and never taken for whole when a file is gone."""

import hashlib
import io
import json
import zipfile

import pytest

from market.contracts.archive import MOST_BYTES, ArchiveBroken, Member, made, pack, safe_name, written
from market.errors import Refused

FILES = [
    made("contract.pdf", b"%PDF-1.7"),
    written("terms.json", {"b": 1, "a": "甲"}),
    made("deliverables/1.pdf", b"x"),
]


def whole(members: list[Member]) -> bytes:
    return b"".join(pack("HT-2026-00001", members))


def test_the_same_files_give_the_same_bytes() -> None:
    assert whole(FILES) == whole(FILES) != whole(FILES[:2])


def test_the_manifest_comes_first_and_names_every_file_with_its_digest() -> None:
    with zipfile.ZipFile(io.BytesIO(whole(FILES))) as package:
        names = package.namelist()
        listed = json.loads(package.read("manifest.json"))["files"]
        bodies = {name: package.read(name) for name in names}

    assert names == ["manifest.json", *(m.name for m in FILES)]
    assert [f["name"] for f in listed] == names[1:]
    assert all(hashlib.sha256(bodies[f["name"]]).hexdigest() == f["sha256"] for f in listed)
    assert all(len(bodies[f["name"]]) == f["size"] for f in listed)


def test_files_are_stored_as_they_are() -> None:
    with zipfile.ZipFile(io.BytesIO(whole(FILES))) as package:
        assert all(i.compress_type == zipfile.ZIP_STORED and i.date_time[0] == 1980 for i in package.infolist())
        assert package.testzip() is None


@pytest.mark.parametrize("found", [None, b"", b"other"])
def test_a_file_that_is_gone_or_changed_ends_the_archive(found: bytes | None) -> None:
    gone = Member("x.pdf", 5, hashlib.sha256(b"right").hexdigest(), lambda: found)

    with pytest.raises(ArchiveBroken, match=r"x\.pdf"):
        whole([*FILES, gone])


def test_one_file_at_a_time_is_in_memory() -> None:
    held: list[int] = []

    def read() -> bytes:
        held.append(1)
        return b"y" * 1000

    member = Member("y", 1000, hashlib.sha256(b"y" * 1000).hexdigest(), read)
    pieces = pack("C", [member, member])
    next(pieces)
    next(pieces)

    assert len(held) == 1


def test_more_than_a_zip_holds_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Refused) as no:
        pack("C", [Member("big", MOST_BYTES + 1, "0" * 64, lambda: None)])

    assert no.value.status == 413


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("报告.pdf", "报告.pdf"), ("../../etc/passwd", "_.._etc_passwd"), ("a\\b:c.pdf", "a_b_c.pdf"), (".pdf", "pdf"),
        ("", "_"), ("\u202ex.pdf", "_x.pdf"), ("长" * 200 + ".docx", "长" * 55 + ".docx"),
    ],
)  # fmt: skip
def test_a_name_is_one_step_of_a_path(name: str, safe: str) -> None:
    assert safe_name(name) == safe
