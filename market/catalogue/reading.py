"""Reading an uploaded catalogue file (pure): bytes become rows or a JSON document, and every fault has its line.

Spreadsheets of Chinese offices save CSV as UTF-8 with a byte-order mark, as plain UTF-8 or as GB 18030; strict UTF-8
is tried first because text in GB 18030 is almost never valid UTF-8, while the reverse is common.
"""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market.errors import Refusal

FILE_MAX = 2 * 2**20
"""Bytes of one upload."""
ROWS_MAX = 5000
DAYS_MAX = 999
"""Baseline working days of a service: about four years, more is a typing error."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is refused: `line` counts from 1 in the file as saved (0: the whole file), `column` by its name."""

    line: int
    column: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Row:
    """One record, cleaned: by column, with the line it begins on."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file as read. `digest` is the SHA-256 of its bytes; `encoding`: utf-8 | utf-8-sig | gb18030."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    encoding: str
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON file as read; numbers with a fraction are Decimal."""

    value: Any
    faults: tuple[Fault, ...]
    encoding: str
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a CSV file: its heading and what a cell must be. `check` gives the value kept, or why not."""

    name: str
    check: Callable[[str], str | Refusal] = field(default=lambda text: text)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes) -> tuple[str, str] | Refusal:
    """Text and the encoding it was in: byte-order mark, then strict UTF-8, then GB 18030."""
    if not data:
        return Refusal("catalogue.empty")
    if len(data) > FILE_MAX:
        return Refusal("catalogue.too_big", values={"size": len(data), "most": FILE_MAX})
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Refusal("catalogue.encoding")
    name = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    for encoding in (name, "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return Refusal("catalogue.encoding")


def as_bytes(data: str | bytes) -> bytes:
    """Text given by a program counts as UTF-8; a lone surrogate cannot be encoded and is replaced, then refused."""
    return data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")


def read_table(data: str | bytes, columns: tuple[Column, ...]) -> Table:
    """Rows of a CSV with exactly these columns. Every faulty cell is reported; never raises on any bytes."""
    raw = as_bytes(data)
    decoded = decode(raw)
    if isinstance(decoded, Refusal):
        return Table((), (Fault(0, "", decoded),), "", digest(raw), "")
    text, encoding = decoded
    faults: list[Fault] = _control(text)
    rows: list[Row] = []
    if not faults:
        try:
            rows = _records(text, columns, faults)
        except csv.Error as error:
            faults.append(Fault(_line_of_break(text), "", Refusal("catalogue.csv", values={"detail": str(error)})))
    return Table(tuple(rows), tuple(faults), encoding, digest(raw), text)


def _control(text: str) -> list[Fault]:
    """Control characters other than tab and line ends; NUL is the usual sign of a spreadsheet saved as it is."""
    faults = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        for sign in line:
            if sign != "\t" and unicodedata.category(sign) in ("Cc", "Cs"):
                faults.append(Fault(number, "", Refusal("catalogue.control", values={"sign": f"U+{ord(sign):04X}"})))
                break
        if len(faults) >= 50:
            break
    return faults


def _line_of_break(text: str) -> int:
    """The line of the record the CSV reader stopped at."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for _ in reader:
            begins = reader.line_num + 1
    except csv.Error:
        return begins
    return begins


def _records(text: str, columns: tuple[Column, ...], faults: list[Fault]) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = [c.name for c in columns]
    head = [cell.strip() for cell in next(reader, [])]
    if head != names:
        wrong = {"want": ", ".join(names), "got": ", ".join(head)[:200]}
        faults.append(Fault(1, "", Refusal("catalogue.head", values=wrong)))
        return []
    rows: list[Row] = []
    begins = reader.line_num + 1
    for cells in reader:
        line, begins = begins, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            wrong_count = {"want": len(columns), "got": len(cells)}
            faults.append(Fault(line, "", Refusal("catalogue.columns", values=wrong_count)))
        elif len(rows) >= ROWS_MAX:
            faults.append(Fault(line, "", Refusal("catalogue.too_many", values={"most": ROWS_MAX})))
            break
        else:
            _take(line, cells, columns, rows, faults)
    if not rows and not faults:
        faults.append(Fault(0, "", Refusal("catalogue.no_rows")))
    _once(rows, columns[0].name, faults)
    return rows


def _take(line: int, cells: list[str], columns: tuple[Column, ...], rows: list[Row], faults: list[Fault]) -> None:
    kept: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=True):
        value = column.check(cell.strip())
        if isinstance(value, Refusal):
            faults.append(Fault(line, column.name, value))
        else:
            kept[column.name] = value
    if len(kept) == len(columns):
        rows.append(Row(line, kept))


def _once(rows: list[Row], key: str, faults: list[Fault]) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        code = row.cells[key]
        if code in seen:
            values = {"code": code, "first": seen[code]}
            faults.append(Fault(row.line, key, Refusal("catalogue.twice", values=values)))
        seen.setdefault(code, row.line)


# What a cell may be


def text_of(most: int, least: int = 1) -> Callable[[str], str | Refusal]:
    """Text of `least` to `most` characters on one line."""

    def check(cell: str) -> str | Refusal:
        if len(cell) < least:
            return Refusal("catalogue.cell_empty")
        if len(cell) > most:
            return Refusal("catalogue.cell_long", values={"most": most, "have": len(cell)})
        if "\n" in cell or "\r" in cell or "\t" in cell:
            return Refusal("catalogue.cell_lines")
        return cell

    return check


def code_of(pattern: str, example: str) -> Callable[[str], str | Refusal]:
    """A code of a pattern; full-width letters and digits are accepted."""

    def check(cell: str) -> str | Refusal:
        plain = unicodedata.normalize("NFKC", cell)
        if re.fullmatch(pattern, plain):
            return plain
        return Refusal("catalogue.cell_code", values={"value": cell[:40], "example": example})

    return check


def days_of(cell: str) -> str | Refusal:
    """Whole working days from 1 to 999; full-width digits are accepted."""
    plain = unicodedata.normalize("NFKC", cell)
    if re.fullmatch(r"[0-9]{1,4}", plain) and 1 <= int(plain) <= DAYS_MAX:
        return str(int(plain))
    return Refusal("catalogue.cell_days", values={"value": cell[:40], "most": DAYS_MAX})


def one_of(known: frozenset[str], code: str, optional: bool = False) -> Callable[[str], str | Refusal]:
    """A code that stands in the catalogue already; `code` is the refusal for an unknown one."""

    def check(cell: str) -> str | Refusal:
        plain = unicodedata.normalize("NFKC", cell)
        if plain in known or (optional and not plain):
            return plain
        return Refusal(code, values={"value": cell[:40]})

    return check


# JSON


class _Twice(ValueError):
    """A name given twice in one object: which one counts would depend on the reader."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _constant(name: str) -> Any:
    raise ValueError(name)


def read_json(data: str | bytes) -> Document:
    """A JSON object with exact numbers. Never raises on any bytes."""
    raw = as_bytes(data)
    decoded = decode(raw)
    if isinstance(decoded, Refusal):
        return Document(None, (Fault(0, "", decoded),), "", digest(raw), "")
    text, encoding = decoded
    faults = _control(text)
    if faults:
        return Document(None, tuple(faults), encoding, digest(raw), text)
    value: Any = None
    try:
        value = json.loads(text, parse_float=Decimal, object_pairs_hook=_pairs, parse_constant=_constant)
        if not isinstance(value, dict):
            faults.append(Fault(1, "", Refusal("catalogue.json_object")))
    except json.JSONDecodeError as error:
        detail = {"detail": error.msg, "column": error.colno}
        faults.append(Fault(error.lineno, "", Refusal("catalogue.json", values=detail)))
    except _Twice as error:
        faults.append(Fault(line_of(text, str(error)), str(error)[:80], Refusal("catalogue.json_twice")))
    except (ValueError, RecursionError, ArithmeticError):
        faults.append(Fault(0, "", Refusal("catalogue.json", values={"detail": "number or depth", "column": 0})))
    return Document(value, tuple(faults), encoding, digest(raw), text)


def line_of(text: str, word: str) -> int:
    """The line where a quoted word first stands, 0 if nowhere: to point into a JSON file."""
    at = text.find(json.dumps(word, ensure_ascii=False))
    return 0 if at < 0 else text.count("\n", 0, at) + 1
