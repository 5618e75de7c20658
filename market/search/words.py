"""Chinese text into the words an index holds (pure): rjieba cuts, folded like people type."""

import re
import unicodedata
from typing import Final

import rjieba

_ASCII = re.compile(r"[0-9a-z]+(?:[-._][0-9a-z]+)*")
_WORD = re.compile(r"\w")
MOST: Final = 24
"""The most words of a query that are looked at; what people type is shorter."""


def folded(text: str) -> str:
    """Text as it is compared: full-width forms as ASCII, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def to_index(text: str) -> list[str]:
    """Every word of a text that somebody might look for: long words and the short ones inside them.

    A code such as ZJ-2026-01187 is kept whole and in its parts.
    """
    plain = folded(text)
    found = [word for word in rjieba.cut_for_search(plain, True) if _WORD.search(word)]
    for code in _ASCII.findall(plain):
        found += [code, *re.split(r"[-._]", code)] if re.search(r"[-._]", code) else [code]
    return found


def signs(text: str) -> list[str]:
    """Each Chinese sign of a text once: 再生水 is cut 再生 水, but 再生水厂 is cut 再生 水厂, and who types the first
    must find the second."""
    return [sign for sign in dict.fromkeys(text) if "一" <= sign <= "鿿"]


def to_find(text: str) -> list[str]:
    """The words of a query, each once, at most 24; codes whole."""
    plain = folded(text)
    codes = _ASCII.findall(plain)
    rest = [word for word in rjieba.cut(_ASCII.sub(" ", plain), True) if _WORD.search(word)]
    return list(dict.fromkeys([*codes, *rest]))[:MOST]
