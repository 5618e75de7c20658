"""Every text for people has its English twin with the same slots, in good punctuation."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "lazy_gettext": None, "_l": None, "ngettext": (1, 2)}
SLOT = re.compile(r"%\(\w+\)[sd]|%%")
CJK = "\u3400-\u9fff\u3001\u3002\uff00-\uffef"
HALF = re.compile(rf"[{CJK}][,:;?!()]|[,:;?!()][{CJK}]")


def sources() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "portal").rglob("*.py"))


@cache
def msgids() -> dict[str, str]:
    """Each text of the source → where it stands."""
    found: dict[str, str] = {}
    for file in sources():
        method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
        for line, message, _comments, _context in extract_from_file(method, str(file), keywords=KEYWORDS):
            for text in [message] if isinstance(message, str) else message:
                if text:
                    found.setdefault(text, f"{file.relative_to(ROOT)}:{line}")
    return found


@cache
def english() -> dict[str, str]:
    """The whole English catalogue. Two files must agree where both translate a text."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "portal" / "translations" / "en").glob("*.po")):
        with file.open("rb") as f:
            for message in read_po(f, locale="en"):
                if not message.id:
                    continue
                text = str(message.string)
                assert found.setdefault(str(message.id), text) == text, f"{file.name}: {message.id} in two ways"
    return found


def test_every_text_has_an_english_twin() -> None:
    missing = {text: where for text, where in msgids().items() if not english().get(text)}

    assert missing == {}


def test_the_twins_have_the_same_slots() -> None:
    known = ((text, english()[text]) for text in msgids() if text in english())

    differing = [(zh, en) for zh, en in known if sorted(set(SLOT.findall(zh))) != sorted(set(SLOT.findall(en)))]

    assert differing == []


def test_nothing_is_translated_that_nobody_says() -> None:
    assert sorted(set(english()) - set(msgids())) == []


def test_chinese_text_has_full_width_punctuation() -> None:
    bad = {text: where for text, where in msgids().items() if HALF.search(SLOT.sub("N", text))}

    assert bad == {}


@pytest.mark.parametrize("text", ["你好,世界", "是吗?", "一(二)"])
def test_half_width_beside_chinese_is_seen(text: str) -> None:
    assert HALF.search(text)
