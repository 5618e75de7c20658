"""Money: int fen of CNY (1 元 = 100 fen), never a float.

Text from people becomes `Fen` once, at the door (`parse_yuan`); pages show it with `show_yuan`, overviews with
`show_wan`, checks and contracts in 人民币大写 with `daxie` (支付结算办法, 银发〔1997〕393号, 附一).
"""

import re
from fractions import Fraction
from typing import NewType

Fen = NewType("Fen", int)

LARGEST = Fen(10**18 - 1)
"""The largest amount: it fits a 64-bit integer, and 大写 up to 千万亿."""

HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}
"""str.translate table from full-width to plain ASCII. Not NFKC: that would turn ① and ² into digits."""

_TYPED = HALF_WIDTH | {0xFFE5: "¥", 0x3000: " ", 0xA0: " ", 0x2009: " ", 0x202F: " "}
_PREFIX = re.compile(r"(?:人民币|RMB|CNY)? *¥? *", re.IGNORECASE)
_UNIT = re.compile(r" *(元|万元?|亿元?)$")
_NUMBER = re.compile(r"([0-9][0-9, ]*)(?:\.([0-9]+))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:(?:,[0-9]{3})*|(?: [0-9]{3})*)|[0-9]+")
_DECIMALS = {"": 2, "元": 2, "万": 6, "亿": 10}
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_WAN, _YI = 1_000_000, 10_000_000_000  # fen in 1 万元 and in 1 亿元


class MoneyError(ValueError):
    """An amount that cannot be taken.

    `code`: empty, not_a_number, sign, grouping, leading_zero, decimals, overflow (typed text); negative, overflow
    (an amount that has no 大写).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_yuan(text: str) -> Fen:
    """An amount typed in yuan, 万 or 亿, as fen. Raises MoneyError.

    Takes `12,345.5`, `１２３４５`, `¥ 12 345`, `人民币1.2万元`; never rounds, never guesses. Source: the rules of
    money_input.json.
    """
    plain = text.translate(_TYPED).strip(" \t\r\n")
    if not plain:
        raise MoneyError("empty")
    if (prefix := _PREFIX.match(plain)) is not None:
        plain = plain[prefix.end() :]
    if plain[:1] in ("+", "-", "−", "("):
        raise MoneyError("sign")
    unit = ""
    if (found := _UNIT.search(plain)) is not None:
        unit, plain = found[1][0], plain[: found.start()]
    number = _NUMBER.fullmatch(plain)
    if number is None:
        raise MoneyError("not_a_number")
    return _fen(number[1], number[2] or "", _DECIMALS[unit])


def _fen(whole: str, fraction: str, places: int) -> Fen:
    """Fen of `whole`.`fraction` in a unit of 10^`places` fen; lengths are checked before a number is built."""
    if _GROUPED.fullmatch(whole) is None:
        raise MoneyError("grouping")
    digits = whole.replace(",", "").replace(" ", "")
    if len(digits) > 1 and digits[0] == "0":
        raise MoneyError("leading_zero")
    if len(fraction) > places:
        raise MoneyError("decimals")
    if len(digits) + places > len(str(LARGEST)):
        raise MoneyError("overflow")
    return Fen(int(digits + fraction.ljust(places, "0")))


def daxie(fen: Fen) -> str:
    """人民币大写 of `fen`: 人民币壹仟肆佰零玖元伍角. Raises MoneyError negative, overflow.

    Where the regulation leaves a choice (整 after 角, 零 around 元 and 万) the one form of daxie.json is written.
    """
    if fen < 0:
        raise MoneyError("negative")
    if fen > LARGEST:
        raise MoneyError("overflow")
    yuan, rest = divmod(fen, 100)
    jiao, cent = divmod(rest, 10)
    if fen == 0:
        return "人民币零元整"
    text = "人民币" + (_daxie_whole(yuan) + "元" if yuan else "")
    if not rest:
        return text + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif yuan:
        text += "零"
    return text + (_DIGITS[cent] + "分" if cent else "")


def _daxie_whole(number: int) -> str:
    """A whole number > 0 and < 10^16 in capital numerals: two halves of eight digits, joined by 亿."""
    high, low = divmod(number, 10**8)
    if not high:
        return _daxie_eight(low)
    text = _daxie_eight(high) + "亿"
    if not low:
        return text
    return text + ("零" if low < 10**7 or high % 10 == 0 else "") + _daxie_eight(low)


def _daxie_eight(number: int) -> str:
    """A whole number > 0 and < 10^8: two sections of four digits, joined by 万."""
    high, low = divmod(number, 10**4)
    if not high:
        return _daxie_four(low)
    text = _daxie_four(high) + "万"
    if not low:
        return text
    return text + ("零" if low < 1000 or high % 10 == 0 else "") + _daxie_four(low)


def _daxie_four(number: int) -> str:
    """A whole number > 0 and < 10^4; a run of zeros between two digits is one 零."""
    text, gap = "", False
    for digit, place in zip(f"{number:04d}", _PLACES, strict=True):
        if digit == "0":
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[int(digit)] + place
        gap = False
    return text


def half_away(value: Fraction) -> int:
    """The nearest whole number; halves go away from zero."""
    whole = (abs(value) * 2 + 1) // 2
    return whole if value >= 0 else -whole


def decimals(value: Fraction, places: int = 2) -> str:
    """`value` with commas and `places` (≥ 1) decimals, half away from zero: 1,234.50; negative with the sign −."""
    scaled = half_away(value * 10**places)
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{'−' if scaled < 0 else ''}{whole:,}.{rest:0{places}d}"


def show_yuan(fen: Fen, lang: str) -> str:
    """The exact amount: ¥12,345.00 in Chinese, CNY 12,345.00 in English (`lang` en)."""
    text = decimals(Fraction(abs(fen), 100))
    return f"{'−' if fen < 0 else ''}{'CNY ' if lang == 'en' else '¥'}{text}"


def show_wan(fen: Fen, lang: str) -> str:
    """An overview amount, two decimals, half away from zero: 1.23 万元, 1.20 亿元; English CNY 1.23 million.

    Below 1 万元 (1 million in English) the exact amount, which is as short. A page puts the exact sum beside it.
    """
    if lang == "en":
        million = Fraction(fen, 100 * _WAN)
        return f"CNY {decimals(million)} million" if abs(million) >= 1 else show_yuan(fen, lang)
    if abs(fen) < _WAN:
        return show_yuan(fen, lang)
    wan = Fraction(fen, _WAN)
    if abs(half_away(wan * 100)) < 10_000 * 100:  # 9,999.999 万元 rounds to 1.00 亿元, not to 10,000.00 万元
        return f"{decimals(wan)} 万元"
    return f"{decimals(Fraction(fen, _YI))} 亿元"


def show_fraction_percent(value: Fraction, places: int = 2, mark: bool = False) -> str:
    """A share as percent, half away from zero: 31.20%; with `mark`, ≈ stands before a rounded figure."""
    percent = value * 100
    exact = (percent * 10**places).denominator == 1
    return f"{'≈' if mark and not exact else ''}{decimals(percent, places)}%"
