"""Known prices, and where one of them can be found: in every textual form, and packed as numbers are stored.

The prices share their upper half, so that one look through many megabytes finds any of the two hundred.
"""

import json
import os
import re
import struct
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from market.money import Fen, daxie, show_wan

_UPPER = 293_571
"""The upper half: a price is `_UPPER << 24` and 24 bits of its own, about 49 billion yuan."""
_HALF = re.compile(re.escape(_UPPER.to_bytes(3, "big")) + b"(?=(.{3}))", re.DOTALL)
_FLAH = re.compile(b"(?=(.{3})" + re.escape(_UPPER.to_bytes(3, "little")) + b")", re.DOTALL)
_DIGITS = re.compile(rb"[0-9](?:[0-9,. ]{11,})")


def prices(n: int) -> list[int]:
    """`n` prices in fen, far apart, none ending in a zero that a text form might drop."""
    found = [(_UPPER << 24) + (i * 83_777 + 40_503) % (1 << 24) for i in range(n)]
    return [price + (price % 10 == 0) for price in found]


def _beginning(texts: list[str]) -> str:
    """What all the texts begin with."""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in same)


class Canary:
    """Looks for prices."""

    def __init__(self, known: Iterable[int]) -> None:
        self._prices = set(known)
        self._digits = {str(price).encode("ascii") for price in self._prices}
        self._long = len(next(iter(self._digits)))
        self._lower = {price & 0xFFFFFF for price in self._prices}
        words = _beginning([daxie(Fen(price)).removeprefix("人民币") for price in self._prices])
        assert len(words) >= 6
        self._words = (words.encode("utf-8"), json.dumps(words)[1:-1].encode("ascii"), words.encode("utf-16-le"))
        self._wan = {show_wan(Fen(price), lang).encode("utf-8") for price in self._prices for lang in ("zh", "en")}
        self._numeric = [(order, struct.pack(order + "hh", *two)) for two in self._tops() for order in "<>"]
        self._third = {price // 10**4 % 10**4 for price in self._prices}

    def _tops(self) -> set[tuple[int, int]]:
        return {(price // 10**12, price // 10**8 % 10**4) for price in self._prices}

    def _packed_numeric(self, data: bytes) -> bool:
        """PostgreSQL packs a numeric as words of four decimal digits; the first three tell enough."""
        for order, top in self._numeric:
            at = data.find(top)
            while at >= 0:
                third = data[at + 4 : at + 6]
                if len(third) == 2 and struct.unpack(order + "h", third)[0] in self._third:
                    return True
                at = data.find(top, at + 1)
        return False

    def forms_in(self, data: bytes) -> set[str]:
        """The forms in which one of the prices stands in `data`."""
        found = set()
        for run in _DIGITS.finditer(data):
            plain = re.sub(rb"[,. ]", b"", run[0])
            if any(plain[i : i + self._long] in self._digits for i in range(len(plain) - self._long + 1)):
                found.add("digits")
        if any(int.from_bytes(m[1], "big") in self._lower for m in _HALF.finditer(data)):
            found.add("packed, big-endian")
        if any(int.from_bytes(m[1], "little") in self._lower for m in _FLAH.finditer(data)):
            found.add("packed, little-endian")
        if any(words in data for words in self._words):
            found.add("大写")
        if self._packed_numeric(data):
            found.add("numeric")
        return found | ({"万"} if any(wan in data for wan in self._wan) else set())

    def in_folder(self, folder: Path) -> dict[str, set[str]]:
        """The files below a folder that hold a price in a form, and the forms."""
        found = {}
        for root, _, names in os.walk(folder):
            for name in names:
                file = Path(root, name)
                if file.is_file() and (forms := self.forms_in(file.read_bytes())):
                    found[str(file)] = forms
        return found
