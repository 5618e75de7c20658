"""The paper of a contract: a PDF/A-2b set by Typst with an embedded Chinese font; the same facts give the same bytes.

Values reach Typst as JSON in `sys.inputs`, never as source, so no text of people is ever run. A character the font
does not have is an error (PaperError), not an empty box: a contract must not lose a word unseen. The words of the
paper stand in `wording.py`, its look in `contract.typ`.
"""

import io
import json
from functools import cache
from importlib.resources import files
from typing import Any

import segno
import typst

from market.clock import BEIJING
from market.contracts.facts import Paper
from market.contracts.wording import facts


class PaperError(ValueError):
    """The paper cannot be set: `code` is glyph (a character without a form in the font) or set (any other fault)."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


def pdf(paper: Paper) -> bytes:
    """The paper as PDF/A-2b. Raises PaperError."""
    found = _compiled(paper, "pdf", pdf_standards="a-2b")
    if not isinstance(found, bytes):
        raise PaperError("set", "Typst gave no file.")
    return found


def pictures(paper: Paper, ppi: float = 110) -> list[bytes]:
    """The pages as PNG, for eyes. Raises PaperError."""
    found = _compiled(paper, "png", ppi=ppi)
    return [found] if isinstance(found, bytes) else list(found or [])


def _compiled(paper: Paper, form: Any, **how: Any) -> bytes | list[bytes] | None:
    inputs = {"paper": json.dumps(facts(paper), ensure_ascii=False), "qr": qr(paper.url)}
    compiler = typst.Compiler(_source(), font_paths=_fonts(), ignore_system_fonts=True, sys_inputs=inputs)
    try:
        made: bytes | list[bytes] | None = compiler.compile(
            format=form, timestamp=paper.dated.astimezone(BEIJING).replace(microsecond=0), **how
        )
    except typst.TypstError as error:
        said = str(error)
        raise PaperError("glyph" if "could not be displayed" in said else "set", said[:400]) from None
    return made


def qr(address: str) -> str:
    """The QR code of an address as SVG."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", border=0, svgclass=None, lineclass=None)
    return out.getvalue().decode("utf-8")


@cache
def _source() -> bytes:
    return files("market.contracts").joinpath("contract.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    """The font, mapped once by each process: 32 MB that a page would otherwise read each time."""
    folder = str(files("manimgx_fonts_cjk"))
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
