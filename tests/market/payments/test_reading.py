"""Statements of several banks, encodings and versions; broken, doubled, oversized and hostile ones."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.payments.reading import FILE_MAX, LINES_MAX, Fate, Read, decode, read_amount, read_csv, read_date
from market.payments.rules import find_references, reference
from market.payments.transfer import fingerprints, read_statement

FILES = Path(__file__).resolve().parents[2] / "data" / "statements"
TODAY = date(2026, 6, 5)
CODE = reference(20260601)
HEAD = "交易日期,贷方发生额,对方户名,摘要\n"


def codes(read: Read) -> list[str]:
    return [fault.refusal.code for fault in read.faults]


@pytest.mark.parametrize("file", sorted(FILES.iterdir()), ids=lambda f: f.name)
def test_the_export_of_each_bank_is_read(file: Path) -> None:
    found = read_statement(file.read_bytes(), TODAY)

    assert found.faults == ()
    first = found.lines[0]
    assert (first.fate, first.credit.fen, first.credit.booked_on) == (Fate.CREDIT, 1_200_000, date(2026, 6, 1))
    assert find_references(first.credit.text) == [CODE]


@pytest.mark.parametrize("name", ["camt053_02.xml", "camt053_08.xml"])
def test_a_batch_is_split_and_foreign_money_pending_and_debits_stay_out(name: str) -> None:
    found = read_statement((FILES / name).read_bytes(), TODAY)

    assert [line.fate for line in found.lines] == [
        Fate.CREDIT, Fate.DEBIT, Fate.FOREIGN, Fate.PENDING, Fate.CREDIT, Fate.CREDIT
    ]  # fmt: skip
    assert [line.credit.bank_id for line in found.lines[4:]] == ["B0602009/1", "B0602009/2"]
    assert [find_references(line.credit.text) for line in found.lines[4:]] == [
        [reference(20260602)], [reference(20260603)]
    ]  # fmt: skip


def test_a_reversal_is_no_payment() -> None:
    data = (FILES / "camt053_08.xml").read_text("utf-8")
    turned = data.replace("<CdtDbtInd>CRDT</CdtDbtInd>", "<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd>")

    assert Fate.CREDIT not in {line.fate for line in read_statement(turned.encode(), TODAY).lines}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gbk", "gb18030"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
def test_every_encoding_of_a_chinese_office_is_read(encoding: str, name: str) -> None:
    text = HEAD + f'20260601,"1,000.00",澄浦测试有限公司,{CODE}\n'

    assert decode(text.encode(encoding)) == (text, name)
    assert read_csv(text.encode(encoding), TODAY).lines[0].credit.payer == "澄浦测试有限公司"


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        ("贷方发生额,对方户名,摘要", "交易日期"), ("交易日期,对方户名,摘要", "收入金额（贷方发生额）"),
        ("交易日期,贷方发生额,余额", "摘要（附言、用途）"), ("你好,世界", "交易日期"),
    ],
)  # fmt: skip
def test_a_missing_column_is_named(head: str, missing: str) -> None:
    found = read_csv(f"{head}\n1,2,3\n".encode(), TODAY)

    assert codes(found) == ["statement.column"]
    assert found.faults[0].refusal.values["column"] == missing


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2026-13-01,1.00,甲,x", "statement.date"), ("明天,1.00,甲,x", "statement.date"),
        ("20260701,1.00,甲,x", "statement.date"), (",1.00,甲,x", "statement.date"),
        ("20260601,一百,甲,x", "statement.amount"), ("20260601,1.005,甲,x", "statement.amount"),
        ('20260601,"1,00",甲,x', "statement.amount"), ("20260601,99999999999999999999,甲,x", "statement.amount"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named_with_its_number(row: str, code: str) -> None:
    found = read_csv((HEAD + "20260601,1.00,甲,好\n" + row + "\n").encode(), TODAY)

    assert [(f.no, f.refusal.code) for f in found.faults] == [(3, code)]


def test_totals_and_blank_lines_are_no_lines() -> None:
    text = f"账号：1234\n\n{HEAD}20260601,1.00,甲,x\n,,,\n合计,1.00,,\n总笔数：1,,,\n"

    assert len(read_csv(text.encode(), TODAY).lines) == 1


def test_a_line_with_a_direction_of_its_own_counts_by_it() -> None:
    text = "日期,借贷标志,金额,对方户名,摘要\n20260601,贷,5.00,甲,x\n20260601,借,5.00,甲,x\n20260601,贷,-5.00,甲,x\n"
    fates = [line.fate for line in read_csv(text.encode(), TODAY).lines]

    assert fates == [Fate.CREDIT, Fate.DEBIT, Fate.DEBIT]


def test_a_reversed_credit_in_red_is_no_credit() -> None:
    found = read_csv((HEAD + "20260601,-5.00,甲,冲正\n").encode(), TODAY)

    assert [line.fate for line in found.lines] == [Fate.DEBIT]


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,234.50", 123450), ("１２３４．５", 123450), ("-20.00", -2000), ("(20.00)", -2000), ("20.0000", 2000),
        ("", 0), ("--", 0), ("+7", 700), ("−3.1", -310), ("1e3", None), ("1,2,3", None), ("0x10", None),
    ],
)  # fmt: skip
def test_amounts_of_banks(text: str, fen: int | None) -> None:
    assert read_amount(text) == fen


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260601", 1), ("2026-06-01", 1), ("2026/6/1 0:00", 1), ("2026年6月1日", 1), ("20260601 10:22:33", 1),
        ("2026-06-01T10:22:33", 1), ("２０２６－０６－０１", 1), ("2026061", 0), ("01/06/2026", 0), ("1999-01-01", 0),
        ("2026-06-08", 0), ("2026-02-30", 0),
    ],
)  # fmt: skip
def test_days_of_banks(text: str, day: int) -> None:
    assert read_date(text, TODAY) == (date(2026, 6, 1) if day else None)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><x>&b;</x></Document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><x>&x;</x></Document>"""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "statement.empty"), (b" \n", "statement.empty"), (BOMB, "statement.xml"), (OUTSIDE, "statement.xml"),
        (b"<Document>", "statement.xml"), (b"<html/>", "statement.camt_version"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.99"/>', "statement.camt_version"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.052.001.02"/>', "statement.camt_version"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"/>', "statement.no_lines"),
        (b'<?xml version="1.0" encoding="nonsense"?><Document/>', "statement.xml"),
        (b"<" + b"a" * FILE_MAX, "statement.too_big"), (HEAD.encode() + b"1" * FILE_MAX, "statement.too_big"),
        (HEAD.encode(), "statement.no_lines"), (b"PK\x03\x04\0\0\0", "statement.encoding"),
        (b"\x80\xff\x80\xff", "statement.encoding"), (b"\xff\xfe\x00", "statement.encoding"),
        (HEAD.encode() + b"20260601,1.00,a,x\n" * (LINES_MAX + 1), "statement.too_long"),
        (HEAD.encode() + b'20260601,1.00,a,"' + b"x" * 200_000 + b"\n", "statement.csv"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_whole(data: bytes, code: str) -> None:
    found = read_statement(data, TODAY)

    assert (codes(found), found.lines) == ([code], ())


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("12000.00", "12000.005", "statement.amount"), ("12000.00", "1e9", "statement.amount"),
        ("<Dt>2026-06-01</Dt>", "<Dt>soon</Dt>", "statement.date"), (">CRDT<", ">XXXX<", "statement.direction"),
    ],
)  # fmt: skip
def test_an_entry_that_says_nothing_certain_is_a_fault(old: str, new: str, code: str) -> None:
    data = (FILES / "camt053_02.xml").read_text("utf-8").replace(old, new)

    assert code in codes(read_statement(data.encode(), TODAY))


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    read_statement(data, TODAY)
    read_statement(HEAD.encode() + data, TODAY)
    read_statement(b"<" + data, TODAY)


def test_equal_lines_of_a_day_are_told_apart_by_their_order() -> None:
    lines = read_csv((HEAD + "20260601,5.00,甲,x\n" * 3).encode(), TODAY).lines

    assert len(set(fingerprints([line.credit for line in lines]))) == 3
