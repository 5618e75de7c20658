"""Codes and texts people read: credit codes, receipt numbers, canonical JSON, plain text, whole numbers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import ids

USCC = json.loads((Path(__file__).parents[1] / "data" / "vectors" / "uscc.json").read_text("utf-8"))["cases"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("case", USCC, ids=lambda c: f"{c['input']!r} {c['why']}")
def test_a_credit_code_is_judged_as_published(case: dict[str, Any]) -> None:
    if case["valid"]:
        assert ids.normal_uscc(case["input"]) == case["normal"]
        assert ids.org_code_check(case["normal"]) is case["org_code_check"]
    else:
        with pytest.raises(ids.UsccError) as no:
            ids.normal_uscc(case["input"])
        assert no.value.code == case["reason"]


@given(st.text(max_size=30))
def test_any_text_gives_a_credit_code_or_a_reason(text: str) -> None:
    try:
        assert len(ids.normal_uscc(text)) == 18
    except ids.UsccError as no:
        assert no.code in {"length", "character", "area", "check"}


@given(st.integers(0, 2**40 - 1))
def test_a_receipt_number_is_its_own_normal_form_however_it_is_typed(bits: int) -> None:
    number = ids.receipt_number(bits)
    assert ids.normal_receipt(number) == number
    assert ids.normal_receipt(number.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == number
    assert ids.normal_receipt(number[2:]) == number


def test_a_receipt_number_counts_its_bits() -> None:
    assert ids.receipt_number(0) == "R-0000-0000"
    assert ids.receipt_number(2**40 - 1) == "R-ZZZZ-ZZZZ"
    with pytest.raises(ValueError, match="40 bits"):
        ids.receipt_number(2**40)


@pytest.mark.parametrize(("text", "code"), [("", "length"), ("R-123", "length"), ("R-1234-567U", "character")])
def test_what_is_no_receipt_number_is_refused(text: str, code: str) -> None:
    with pytest.raises(ids.ReceiptError) as no:
        ids.normal_receipt(text)
    assert no.value.code == code


def test_codes_of_jobs_and_auctions() -> None:
    assert ids.job_code(2026, 1) == "ZJ-2026-00001"
    assert ids.job_code(2026, 123_456) == "ZJ-2026-123456"
    assert ids.auction_id("ZJ-2026-00001", 2) == "ZJ-2026-00001-2"


def test_canonical_json_has_one_form() -> None:
    assert ids.canonical_json({"b": [1, True, None], "a": "价"}) == '{"a":"价","b":[1,true,null]}'.encode()
    assert ids.digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(VALUES)
def test_canonical_json_reads_back_and_does_not_depend_on_order(value: Any) -> None:
    try:
        text = ids.canonical_json(value)
    except UnicodeEncodeError:
        return
    assert json.loads(text) == value
    assert ids.canonical_json(json.loads(text)) == text


@pytest.mark.parametrize("value", [1.0, {"a": [0.5]}, {1: "a"}, b"", {"a"}, "\ud800"], ids=repr)
def test_canonical_json_refuses_what_has_no_one_form(value: Any) -> None:
    with pytest.raises(ValueError):
        ids.canonical_json(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text.empty"),
        (" \u3000\n", "text.empty"),
        ("x" * 11, "text.too_long"),
        ("x" * 5_000_000, "text.too_long"),
        ("a\x00b", "text.control"),
        ("a\nb", "text.control"),
        ("a\u202eb", "text.control"),
        ("\ud83d", "text.control"),
    ],
)
def test_text_that_cannot_be_kept_is_refused(text: str, code: str) -> None:
    with pytest.raises(ids.TextError) as no:
        ids.plain_text(text, 10)
    assert no.value.code == code


def test_text_is_composed_and_otherwise_left_alone() -> None:
    assert ids.plain_text(" e\u0301 <b>👩\u200d🔬 ", 20) == "é <b>👩\u200d🔬"
    assert ids.plain_text("a\r\nb\tc\rd", 20, lines=True) == "a\nb\tc\nd"
    assert ids.plain_text("  ", 20, optional=True) == ""


@pytest.mark.parametrize(("text", "number"), [("15", 15), ("１５", 15), (" 007 ", 7), ("20", 20), ("0", 0)])
def test_whole_numbers_are_read(text: str, number: int) -> None:
    assert ids.whole_number(text, 0, 20) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("1,000", "not_a_number"),
        ("1.0", "not_a_number"),
        ("1e3", "not_a_number"),
        ("²", "not_a_number"),
        ("٣", "not_a_number"),
        ("-", "not_a_number"),
        ("-1", "too_small"),
        ("－9", "too_small"),
        ("21", "too_large"),
        ("9" * 100_000, "too_large"),
        ("-" + "9" * 100_000, "too_small"),
    ],
    ids=lambda v: v[:9],
)
def test_what_is_no_whole_number_in_bounds_is_refused(text: str, code: str) -> None:
    with pytest.raises(ids.NumberError) as no:
        ids.whole_number(text, 0, 20)
    assert no.value.code == f"number.{code}"
