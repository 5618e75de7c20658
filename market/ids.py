"""Codes and texts that people read, type and send back: their one normal form, and bytes that are signed or hashed.

Pure: random bits are arguments. Every error is a `Malformed` with a stable `code`.
"""

import hashlib
import json
import re
import unicodedata
from typing import Any, Final

from market.money import HALF_WIDTH

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RAISE = {low: low - 32 for low in range(ord("a"), ord("z") + 1)}
_DROP: dict[int, None] = dict.fromkeys((0x20, 0xA0, 0x3000, 0x2D))
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
_UNFIT = _BIDI | {"\ufffd"}  # what a broken byte has become on its way here stands for nothing that was typed


class Malformed(ValueError):
    """Text without the form it must have; `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UsccError(Malformed):
    """A unified social credit code that cannot be one. Codes: length, character, area, check."""


class ReceiptError(Malformed):
    """Not a receipt number. Codes: length, character."""


class TextError(Malformed):
    """Text from people that cannot be kept. Codes: text.empty, text.too_long, text.control."""


class NumberError(Malformed):
    """Not a whole number within its bounds. Codes: number.empty, .not_a_number, .too_small, .too_large."""


def half_width(text: str) -> str:
    """Full-width ASCII (１，Ａ) as plain ASCII; nothing else is folded."""
    return text.translate(HALF_WIDTH)


def _compact(text: str) -> str:
    """Half-width, a–z raised, blanks and hyphens dropped."""
    return half_width(text).translate(_RAISE).translate(_DROP)


def normal_uscc(text: str) -> str:
    """The 18 characters of a 统一社会信用代码 (GB 32100-2015) in normal form. Raises UsccError.

    Form and check character only: whether the code was issued is for a register. O is never read as 0.
    """
    code = _compact(text)
    if len(code) != 18:
        raise UsccError("length")
    if any(c not in _USCC for c in code):
        raise UsccError("character")
    if not all("0" <= c <= "9" for c in code[2:8]):
        raise UsccError("area")
    total = sum(_USCC.index(c) * w for c, w in zip(code[:17], _USCC_WEIGHTS, strict=True))
    if _USCC[(31 - total % 31) % 31] != code[17]:
        raise UsccError("check")
    return code


def org_code_check(uscc: str) -> bool:
    """Whether places 9–17 of a normal code hold a right organisation code (GB 11714-1997); a warning if not."""
    total = sum(int(c, 36) * w for c, w in zip(uscc[8:16], _ORG_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11] == uscc[16]


def receipt_number(random40: int) -> str:
    """R-XXXX-XXXX of 40 random bits in Crockford's base 32 (no I, L, O, U). Raises ValueError beyond 40 bits."""
    if not 0 <= random40 < 1 << 40:
        raise ValueError("A receipt number is made of 40 bits.")
    body = "".join(_CROCKFORD[random40 >> shift & 31] for shift in range(35, -1, -5))
    return f"R-{body[:4]}-{body[4:]}"


def normal_receipt(text: str) -> str:
    """A typed receipt number in its one form; O is read as 0, I and L as 1 (Crockford). Raises ReceiptError."""
    body = _compact(text)
    if len(body) == 9 and body[0] == "R":
        body = body[1:]
    if len(body) != 8:
        raise ReceiptError("length")
    body = body.replace("O", "0").replace("I", "1").replace("L", "1")
    if any(c not in _CROCKFORD for c in body):
        raise ReceiptError("character")
    return f"R-{body[:4]}-{body[4:]}"


def job_code(year: int, n: int) -> str:
    """The code of the n-th job of a year: ZJ-2026-00001 (six digits from the 100,000th on)."""
    return f"ZJ-{year:04d}-{n:05d}"


def auction_id(job: str, round_: int) -> str:
    """The id of a job's auction: its code and the round, ZJ-2026-00001-1."""
    return f"{job}-{round_}"


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: Any) -> bytes:
    """The one UTF-8 text of a JSON value: sorted keys, no blanks, ints and text only (bool, null, lists, objects).

    Raises ValueError for floats, other types, keys that are not text, and text that is no Unicode.
    """
    _refuse_floats(value)
    return _CANONICAL.encode(value).encode("utf-8")


def _refuse_floats(value: Any) -> None:
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"A key of canonical JSON is text, not {type(key).__name__}.")
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
    else:
        raise ValueError(f"Canonical JSON holds whole numbers and text, not {type(value).__name__}.")


def digest(content: bytes) -> str:
    """SHA-256 of `content`, 64 lower-case hex characters."""
    return hashlib.sha256(content).hexdigest()


def plain_text(text: str, most: int, *, lines: bool = False, optional: bool = False) -> str:
    """Text from people: NFC, outer blanks off, at most `most` characters. Raises TextError.

    Emoji and HTML stay: escaping is the page's. Refused are control characters, broken bytes, and signs that
    turn the direction of writing, since they can make a name read as another. With `lines` line ends (as \\n) and
    tabs are kept; with `optional` empty text is fine.
    """
    if len(text) > 4 * most + 1000:  # composing shortens text at most threefold; the rest is blanks
        raise TextError("text.too_long")
    plain = unicodedata.normalize("NFC", text).lstrip("\ufeff")
    if lines:
        plain = plain.replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.strip(" \t\r\n\u3000\u00a0")
    for c in plain:
        if (unicodedata.category(c) in ("Cc", "Cs") and not (lines and c in "\n\t")) or c in _UNFIT:
            raise TextError("text.control")
    if not plain and not optional:
        raise TextError("text.empty")
    if len(plain) > most:
        raise TextError("text.too_long")
    return plain


def whole_number(text: str, lo: int, hi: int) -> int:
    """A whole number typed by people, lo ≤ number ≤ hi; full-width digits are fine, commas and points are not.

    Raises NumberError. The length is looked at before a number is built, so that no input is too long to answer.
    """
    plain = half_width(text).strip(" \t\r\n\u3000\u00a0")
    if not plain:
        raise NumberError("number.empty")
    if re.fullmatch(r"[-−]?[0-9]+", plain) is None:
        raise NumberError("number.not_a_number")
    negative, digits = plain[0] in "-−", plain.lstrip("-−").lstrip("0") or "0"
    if len(digits) > 30:
        raise NumberError("number.too_small" if negative else "number.too_large")
    number = -int(digits) if negative else int(digits)
    if number < lo:
        raise NumberError("number.too_small")
    if number > hi:
        raise NumberError("number.too_large")
    return number
