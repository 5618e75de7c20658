"""Money: typed text, 大写 and shown amounts against the published vectors and their own properties."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import LARGEST, Fen, MoneyError, daxie, parse_yuan, show_fraction_percent, show_wan, show_yuan

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
FEN = st.integers(0, LARGEST)


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text("utf-8"))["cases"]
    return found


@pytest.mark.parametrize("case", cases("money_input.json"), ids=lambda c: c["why"])
def test_typed_money_is_read_as_published(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(MoneyError) as no:
            parse_yuan(case["input"])
        assert no.value.code == case["refused"]
    else:
        assert parse_yuan(case["input"]) == case["fen"]


@pytest.mark.parametrize("case", cases("daxie.json"), ids=lambda c: str(c["fen"]))
def test_daxie_is_written_as_published(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(MoneyError) as no:
            daxie(Fen(case["fen"]))
        assert no.value.code == case["refused"]
    else:
        assert daxie(Fen(case["fen"])) == case["text"]


def read_daxie(text: str) -> int:
    """A second reading of 大写: sums digit × place, with 万 and 亿 closing what stands before them."""
    places = {"拾": 10, "佰": 100, "仟": 1000}
    total = section = high = digit = 0
    for c in text.removeprefix("人民币"):
        if c in "零壹贰叁肆伍陆柒捌玖":
            digit = "零壹贰叁肆伍陆柒捌玖".index(c)
        elif c in places:
            section, digit = section + digit * places[c], 0
        elif c == "万":
            section, digit = (section + digit) * 10_000, 0
            high, section = high + section, 0
        elif c == "亿":
            high, section, digit = (high + section + digit) * 10**8, 0, 0
            total, high = total + high, 0
        elif c == "元":
            total, high, section, digit = (total + high + section + digit) * 100, 0, 0, 0
        elif c in "角分":
            total, digit = total + digit * (10 if c == "角" else 1), 0
    return total


@given(FEN)
def test_daxie_reads_back_to_the_same_fen(fen: int) -> None:
    assert read_daxie(daxie(Fen(fen))) == fen


@given(FEN)
def test_a_shown_amount_can_be_typed_again(fen: int) -> None:
    assert parse_yuan(show_yuan(Fen(fen), "zh")) == fen
    assert parse_yuan(show_yuan(Fen(fen), "en")) == fen


@given(st.text(max_size=40) | st.text("0123456789,. ¥元万亿-+()（）人民币RMBＲ１，", max_size=40))
def test_any_text_gives_an_amount_or_a_code(text: str) -> None:
    try:
        assert 0 <= parse_yuan(text) <= LARGEST
    except MoneyError as no:
        assert no.code in {"empty", "not_a_number", "sign", "grouping", "leading_zero", "decimals", "overflow"}


def test_a_million_digits_are_refused_before_a_number_is_built() -> None:
    with pytest.raises(MoneyError, match="overflow"):
        parse_yuan("9" * 1_000_000)


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "¥0.00", "CNY 0.00"),
        (999_999, "¥9,999.99", "CNY 9,999.99"),
        (1_234_500, "1.23 万元", "CNY 12,345.00"),
        (1_235_000, "1.24 万元", "CNY 12,350.00"),
        (-1_235_000, "−1.24 万元", "−CNY 12,350.00"),
        (9_999_994_999, "9,999.99 万元", "CNY 100.00 million"),
        (9_999_999_999, "1.00 亿元", "CNY 100.00 million"),
        (12_000_000_000, "1.20 亿元", "CNY 120.00 million"),
        (32_000_000_000, "3.20 亿元", "CNY 320.00 million"),
    ],
)
def test_an_overview_rounds_half_away_from_zero(fen: int, zh: str, en: str) -> None:
    assert show_wan(Fen(fen), "zh") == zh
    assert show_wan(Fen(fen), "en") == en


def test_a_share_is_shown_as_percent_and_says_when_it_is_rounded() -> None:
    assert show_fraction_percent(Fraction(312, 1000)) == "31.20%"
    assert show_fraction_percent(Fraction(1, 3), mark=True) == "≈33.33%"
    assert show_fraction_percent(Fraction(-1, 8), places=1) == "−12.5%"
    assert show_fraction_percent(Fraction(-25, 100_000)) == "−0.03%"
