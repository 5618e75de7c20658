"""Every refusal and notice by code has words in both languages, and every word is used."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.inventory.test_catalogue import HALF

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("market", "ratings", "bidding", "oversight", "portal")
SLOT = re.compile(r"\{(\w+)(?:\|(\w+))?\}")
KINDS = {"", "text", "fen", "time", "instant", "day", "percent"}
CODE = re.compile(r"""\b(?:refuse|Refusal)\(\s*["']([a-z_0-9.]+)["']""")
NOTICE = re.compile(r"""\bnotify\(\s*\w+,\s*["']([a-z_0-9.]+)["']""")


@cache
def source() -> str:
    return "\n".join(f.read_text("utf-8") for p in PACKAGES for f in sorted((ROOT / p).rglob("*.py")))


def worded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob(name)):
            for code, words in json.loads(file.read_text("utf-8")).items():
                assert code not in found, f"{file}: {code} stands in two files"
                found[code] = words
    return found


def used(code: str) -> bool:
    """Whether the code stands in the source, whole or made of a head and a tail."""
    if f'"{code}"' in source():
        return True
    heads = [code[:i] for i, c in enumerate(code) if c in "._"]
    return any(f'f"{head}{sep}{{' in source() for head in heads for sep in "._")


def slots_of(text: str) -> set[tuple[str, str]]:
    """Name and kind of each slot; `cat_en` is `cat` in the other language."""
    return {(name.removesuffix("_en"), kind) for name, kind in SLOT.findall(text)}


def test_every_refusal_of_the_source_has_words() -> None:
    codes = set(CODE.findall(source()))

    assert sorted(codes - set(worded("refusals.json"))) == []


def test_every_notice_of_the_source_has_words() -> None:
    kinds = set(NOTICE.findall(source()))

    assert sorted(kinds - set(worded("notices.json"))) == []


@pytest.mark.parametrize("name", ["refusals.json", "notices.json"])
def test_every_worded_code_is_used(name: str) -> None:
    assert [code for code in worded(name) if not used(code)] == []


@pytest.mark.parametrize(("name", "parts"), [("refusals.json", {"why", "do"}), ("notices.json", {"subject", "body"})])
def test_words_stand_in_both_languages_with_the_same_slots(name: str, parts: set[str]) -> None:
    for code, words in worded(name).items():
        assert set(words) == {"zh", "en"}, code
        assert set(words["zh"]) == set(words["en"]) == parts, code
        slots = {lang: slots_of("".join(words[lang].values())) for lang in words}
        assert slots["zh"] == slots["en"], code
        assert {kind for _name, kind in slots["zh"]} <= KINDS, code
        first = "why" if "why" in parts else "subject"
        assert words["zh"][first] and words["en"][first], code


@pytest.mark.parametrize("name", ["refusals.json", "notices.json"])
def test_chinese_words_have_full_width_punctuation(name: str) -> None:
    texts = [t for words in worded(name).values() for t in words["zh"].values()]

    assert [t for t in texts if HALF.search(SLOT.sub("N", t))] == []


def test_a_refusal_is_short_enough_to_be_read() -> None:
    long = {c: len(w["zh"]["why"]) for c, w in worded("refusals.json").items() if len(w["zh"]["why"]) > 120}

    assert long == {}
