"""Shapes of the JSON values that terms, bids and seeds are made of (selection methods §1).

Every check takes any JSON value and answers; none raises. `bool` is never an int, and a float never a number:
a value that is nearly right is wrong, because two programs would read it differently.
"""

import re
from collections.abc import Set
from fractions import Fraction
from functools import lru_cache
from typing import TypeGuard

MAX_FEN = 10**14
MAX_DAYS = 3650

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_RATIO = re.compile(r"(0|[1-9][0-9]{0,17})/([1-9][0-9]{0,17})")
_HEX32 = re.compile(r"[0-9a-f]{64}")
_LONGEST = 37
_NOTHING: frozenset[str] = frozenset()


def is_int(value: object, low: int, high: int) -> TypeGuard[int]:
    """Whether it is a JSON integer from `low` to `high`, both included."""
    return type(value) is int and low <= value <= high


def is_fen(value: object) -> TypeGuard[int]:
    """Whether it is an amount of money: whole fen, 1 to 10^14."""
    return is_int(value, 1, MAX_FEN)


def is_days(value: object) -> TypeGuard[int]:
    """Whether it is a number of working days, 1 to 3650."""
    return is_int(value, 1, MAX_DAYS)


def is_id(value: object) -> TypeGuard[str]:
    """Whether it is an id: a bidder's credit code or opaque key, or the code of a criterion."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_hex32(value: object) -> TypeGuard[str]:
    """Whether it is 32 bytes as 64 lower-case hex digits."""
    return isinstance(value, str) and _HEX32.fullmatch(value) is not None


def is_one_of(value: object, words: Set[str]) -> TypeGuard[str]:
    """Whether it is one of the words; a list or object is not, and does not break the look-up."""
    return isinstance(value, str) and value in words


def has_keys(value: object, needed: Set[str], may: Set[str] = _NOTHING) -> TypeGuard[dict[str, object]]:
    """Whether it is an object with all the `needed` keys and none beyond those and the keys it `may` have."""
    if not isinstance(value, dict):
        return False
    if not may:
        return value.keys() == needed
    return needed <= value.keys() and value.keys() <= needed | may


def ratio(value: object) -> Fraction | None:
    """Read a ratio text such as `2/5` or `40/100`; None when it is none.

    At most 18 digits each: the length is known before a number is made of it, so no text is too long to read.
    """
    return _ratio(value) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _ratio(value: str) -> Fraction | None:
    """The texts of an auction repeat: scores, steps, options."""
    found = _RATIO.fullmatch(value)
    return Fraction(int(found[1]), int(found[2])) if found else None


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[int, int] | None:
    found = ratio(text)
    return None if found is None else (found.numerator, found.denominator)


def ratios(value: object) -> list[tuple[int, int]] | None:
    """Read a list of ratio texts as (numerator, denominator), reduced; None when it is none.

    For scores, of which there are thousands: whole numbers cost a tenth of fractions.
    """
    if not isinstance(value, list):
        return None
    found = [read for text in value if isinstance(text, str) and len(text) <= _LONGEST and (read := _parts(text))]
    return found if len(found) == len(value) else None


def ratio_text(value: Fraction | int) -> str:
    """Write a fraction as outcomes do: reduced, whole numbers with `/1`."""
    return f"{value.numerator}/{value.denominator}"
