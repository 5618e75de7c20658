"""Every template: a page of the frame, with a title, without inline script or style, without untranslated Chinese."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
ALL = sorted(TEMPLATES.rglob("*.html"))
CJK = re.compile(r"[\u3400-\u9fff\uff00-\uffef]")
SELF_NAMED = {"中文"}
"""Words that stand in their own language on every page."""


def name(file: Path) -> str:
    return str(file.relative_to(TEMPLATES))


def parts() -> set[str]:
    """Templates that stand inside others."""
    text = "\n".join(f.read_text("utf-8") for f in ALL)
    return set(re.findall(r"""{%-?\s*(?:include|from|import)\s+["']([^"']+)["']""", text))


def is_page(file: Path) -> bool:
    """A template that is answered as a whole; `_name.html` is a part by its name."""
    shared = name(file) == "layout.html" or name(file).startswith("macros/")
    return not shared and not file.name.startswith("_") and name(file) not in parts()


PAGES = [f for f in ALL if is_page(f)]


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_a_page_stands_in_the_frame_and_has_a_title(file: Path) -> None:
    text = file.read_text("utf-8")

    assert re.search(r"""{%-?\s*extends\s""", text), "It extends no layout."
    if re.search(r"""extends\s+["']layout\.html["']""", text):
        assert re.search(r"{%-?\s*block title\s*-?%}", text), "It has no title block."


@pytest.mark.parametrize("file", ALL, ids=name)
def test_a_template_has_no_inline_script_or_style(file: Path) -> None:
    text = file.read_text("utf-8")

    found = re.search(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+\s*=|\sstyle\s*=|javascript:|\|\s*safe\b", text)

    assert found is None, found


@pytest.mark.parametrize("file", ALL, ids=name)
def test_chinese_in_a_template_goes_through_the_catalogue(file: Path) -> None:
    text = re.sub(r"{#.*?#}", "", file.read_text("utf-8"), flags=re.S)
    text = re.sub(r"""\b_\(\s*(?:"[^"]*"|'[^']*')""", "_(", text)

    bare = [line.strip() for line in text.splitlines() if CJK.search(re.sub("|".join(SELF_NAMED), "", line))]

    assert bare == []


@pytest.mark.parametrize("file", ALL, ids=name)
def test_a_template_is_short(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= 150, "Make a partial of it."


def test_the_linter_finds_nothing() -> None:
    linter = [sys.executable, "-m", "djlint", str(TEMPLATES), "--lint", "--profile", "jinja", "--quiet"]

    done = subprocess.run(linter, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
