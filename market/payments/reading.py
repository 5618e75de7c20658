"""Reading a bank statement (对账单) as it was exported: CSV of any bank by the names of its columns (pure).

Banks differ in encoding, in lines above the heading and in how they mark direction. Every faulty line is reported; a
file with one is loaded not at all. XML (camt.053) is read by camt.py into the same lines.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from market.errors import Refusal
from market.ids import half_width
from market.money import MoneyError, parse_yuan
from market.payments.rules import FEN_MAX, Credit

FILE_MAX: Final = 2 * 2**20
"""Bytes of a statement."""
LINES_MAX: Final = 5000
"""Lines of a statement."""
HEAD_MAX: Final = 40
"""Lines that may stand above the heading."""
PAYER_MAX, TEXT_MAX, BANK_ID_MAX = 140, 500, 120

# Names of columns as the exports of ICBC, CCB, ABC, BOC (enterprise online banking, Chinese and bilingual heads) and
# generic English files have them; compared without blanks, brackets and case.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": (
        "记账日期", "会计日期", "入账日期", "交易日期", "交易日", "日期", "交易时间", "入账时间", "起息日期",
        "bookingdate", "transactiondate", "postingdate", "valuedate", "date",
    ),
    "credit": (
        "贷方发生额", "贷方发生额收入", "贷方金额", "贷方", "收入金额", "收入", "存入金额", "存入", "转入金额",
        "credit", "creditamount", "deposit", "moneyin", "paidin",
    ),
    "debit": (
        "借方发生额", "借方发生额支取", "借方金额", "借方", "支出金额", "支出", "支取金额", "转出金额", "debit",
        "debitamount", "withdrawal", "moneyout", "paidout",
    ),
    "amount": ("交易金额", "发生额", "金额", "amount", "transactionamount", "tradeamount"),
    "sign": (
        "借贷标志", "借贷方向", "借贷标识", "收支标志", "收支方向", "借贷", "收/支", "交易类型", "transactiontype",
        "creditdebit", "credit/debit", "dc", "d/c", "direction",
    ),
    "payer": (
        "对方户名", "对方单位名称", "对方单位", "对方名称", "对方账户名称", "对方账户名", "付款人名称", "付款人",
        "付款方户名", "付款方名称", "交易对方", "payer", "payername", "payer'sname", "counterparty",
        "counterpartyname", "name", "from",
    ),
    "currency": ("币种", "货币", "交易货币", "币别", "currency", "tradecurrency", "ccy"),
    "id": (
        "交易流水号", "账户明细编号-交易流水号", "银行流水号", "核心流水号", "流水号", "交易参考号", "交易序号",
        "transactionreferencenumber", "transactionid", "bankreference", "id",
    ),
    "text": (
        "摘要", "用途", "附言", "交易附言", "交易用途", "交易摘要", "备注", "个性化信息", "说明", "客户附言",
        "description", "reference", "remark", "remarks", "memo", "details", "purpose", "narrative", "paymentreference",
    ),
}  # fmt: skip
NAMES: Final[Mapping[str, str]] = {"date": "交易日期", "amount": "收入金额（贷方发生额）", "text": "摘要（附言、用途）"}
"""How a column that is missing is called."""
CNY: Final = frozenset({"", "CNY", "RMB", "人民币", "人民币元", "156", "CN¥", "元"})
_OUT: Final = frozenset({"借", "借方", "D", "DR", "DBIT", "DEBIT", "支", "支出", "往账", "转出", "OUT", "取出"})
_DATE = re.compile(r"(\d{4})([-/.年]?)(\d{1,2})(?:[-/.月]?)(\d{1,2})日?(?:[ T]*\d{1,2}[:时]?\d{2}.*)?", re.ASCII)
_TOTAL = re.compile(r"合计|总计|小计|总笔数|total|^[-—=*#]", re.IGNORECASE)


class Fate(StrEnum):
    """What a line of a statement is: only a credit in CNY, booked, is held against payments."""

    CREDIT = "credit"
    DEBIT = "debit"
    FOREIGN = "foreign"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Line:
    """A line as read: `credit` holds its values whatever its fate; of a foreign one `fen` counts its own currency."""

    fate: Fate
    credit: Credit
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be read; `no` 0: the whole file."""

    no: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Read:
    """A statement as read. `format`: csv | camt053; `encoding` of a CSV."""

    format: str
    encoding: str
    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]


def broken(format: str, code: str, no: int = 0, **values: object) -> Read:
    """A file that cannot be read at all."""
    return Read(format, "", (), (Fault(no, Refusal(f"statement.{code}", "file", values)),))


def decode(data: bytes) -> tuple[str, str] | None:
    """Text and its encoding: byte-order mark, strict UTF-8, then GB 18030 (of which GBK and GB 2312 are parts)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(data, "utf-16")
    name = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    return _decoded(data, name) or _decoded(data, "gb18030")


def _decoded(data: bytes, encoding: str) -> tuple[str, str] | None:
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return None


def read_csv(data: bytes, today: date) -> Read:
    """The lines of a CSV (comma, semicolon or tab). Never raises on any bytes."""
    decoded = decode(data)
    if decoded is None or "\0" in decoded[0]:
        return broken("csv", "encoding")
    text, encoding = decoded
    try:
        rows = [(no, [_cell(c) for c in row]) for no, row in _rows(text)]
    except csv.Error:
        return broken("csv", "csv")
    columns, head = _heading(rows)
    missing = missing_of(columns)
    if missing:
        return broken("csv", "column", head, column=NAMES[missing])
    body = [(no, row) for no, row in rows if no > head and any(row)]
    if len(body) > LINES_MAX:
        return broken("csv", "too_long", most=LINES_MAX)
    lines: list[Line] = []
    faults: list[Fault] = []
    for no, row in body:
        found = _line(no, row, columns, today)
        if isinstance(found, Refusal):
            faults.append(Fault(no, found))
        elif found is not None:
            lines.append(found)
    if not lines and not faults:
        return broken("csv", "no_lines")
    return Read("csv", encoding, tuple(lines), tuple(faults))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    head = text[:8192]
    separator = max(",;\t", key=lambda c: head.count(c))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False)
    for row in reader:
        yield reader.line_num, row


def _cell(text: str) -> str:
    """A cell without what spreadsheets put around it (blanks, tabs, ="…", a leading apostrophe) or hide in it."""
    plain = text.strip(" \t\r\n\u3000\u00a0\ufeff")
    if plain.startswith('="') and plain.endswith('"'):
        plain = plain[2:-1]
    spaced = plain.lstrip("'").replace("\u3000", " ").replace("\u00a0", " ")
    return "".join(c for c in spaced if c.isprintable()).strip()


def _plain_head(text: str) -> list[str]:
    """The names a heading may go by: without brackets, and for `中文[ English ]` each of the two."""
    low = re.sub(r"\s", "", half_width(text)).lower()
    outside, inside = re.sub(r"[\[(（].*", "", low), re.sub(r"^.*?[\[(（]|[\])）]$", "", low)
    return [re.sub(r"[\[\]()（）]", "", low), outside, inside]


def _heading(rows: Sequence[tuple[int, list[str]]]) -> tuple[dict[str, list[int]], int]:
    """The first line that names every column needed, else the one that names most: its columns and its number."""
    best: dict[str, list[int]] = {}
    at = 0
    for no, row in rows[:HEAD_MAX]:
        found = columns_of(row)
        if len(found) > len(best):
            best, at = found, no
        if not missing_of(found):
            return found, no
    return best, at


def columns_of(row: Sequence[str]) -> dict[str, list[int]]:
    """What each column of a heading is: kind → places, by the order in which COLUMNS prefers the names."""
    found: dict[str, list[tuple[int, int]]] = {}
    for place, cell in enumerate(row):
        for kind, names in COLUMNS.items():
            ranks = [names.index(name) for name in _plain_head(cell) if name in names]
            if ranks:
                found.setdefault(kind, []).append((min(ranks), place))
                break
    return {kind: [place for _rank, place in sorted(places)] for kind, places in found.items()}


def missing_of(columns: Mapping[str, object]) -> str | None:
    """The first column a statement cannot do without."""
    if "date" not in columns:
        return "date"
    if "credit" not in columns and "amount" not in columns:
        return "amount"
    return None if "text" in columns or "payer" in columns else "text"


def _line(no: int, row: Sequence[str], columns: Mapping[str, Sequence[int]], today: date) -> Line | Refusal | None:
    """A line of the body; None for a line of totals."""

    def cell(kind: str) -> str:
        return next((row[p] for p in columns.get(kind, ()) if p < len(row) and row[p]), "")

    if not cell("date"):
        if _TOTAL.search("".join(row)) or not any(c.isdigit() for c in "".join(row)):
            return None
        return Refusal("statement.date", "file", {"typed": ""})
    day = read_date(cell("date"), today)
    if day is None:
        if _TOTAL.search(cell("date")):
            return None
        return Refusal("statement.date", "file", {"typed": cell("date")[:40]})
    signed = _signed(cell)
    if isinstance(signed, Refusal):
        return signed
    texts = [row[p] for p in columns.get("text", ()) if p < len(row) and row[p]]
    credit = Credit(
        no, day, abs(signed), cell("payer")[:PAYER_MAX], "；".join(texts)[:TEXT_MAX], cell("id")[:BANK_ID_MAX] or None
    )
    currency = half_width(cell("currency")).upper().strip()
    if currency not in CNY:
        return Line(Fate.FOREIGN, credit, currency[:10])
    return Line(Fate.CREDIT if signed > 0 else Fate.DEBIT, credit)


def _signed(cell: Callable[[str], str]) -> int | Refusal:
    """Fen of a line: positive came in, negative went out (a reversed credit too)."""
    if credit := cell("credit"):
        fen = read_amount(credit)
        if fen is None:
            return Refusal("statement.amount", "file", {"typed": credit[:40]})
        if fen:
            return fen
    if cell("credit") or cell("debit"):
        out = read_amount(cell("debit") or "0")
        return Refusal("statement.amount", "file", {"typed": cell("debit")[:40]}) if out is None else -abs(out)
    amount, sign = read_amount(cell("amount")), half_width(cell("sign")).upper()
    if amount is None:
        return Refusal("statement.amount", "file", {"typed": cell("amount")[:40]})
    # 交易类型 is a direction at one bank and a kind of business at another: any other word leaves it to the amount.
    return -abs(amount) if sign in _OUT else amount


def read_date(text: str, today: date) -> date | None:
    """A day as banks write it: 20260601, 2026-06-01 10:22:33, 2026年6月1日; None for none, or one not yet come."""
    found = _DATE.fullmatch(half_width(text).strip())
    if found is None or (not found[2] and len(found[3] + found[4]) != 4):
        return None
    try:
        day = date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day and (day - today).days <= 1 else None


def read_amount(text: str) -> int | None:
    """Fen of an amount: 1,234.50, １２３４．５, -20.00, (20.00), 20.0000; 0 for empty and dashes; None for none."""
    plain = half_width(text).strip().replace("−", "-").replace("，", ",")
    if plain in ("", "-", "--"):
        return 0
    negative = plain.startswith("-") or (plain.startswith("(") and plain.endswith(")"))
    plain = plain.strip("()+-").strip()
    plain = re.sub(r"(\.\d\d)0+$", r"\1", plain)
    plain = re.sub(r"^\.", "0.", plain)
    try:
        fen = int(parse_yuan(plain))
    except MoneyError:
        return None
    if fen > FEN_MAX:
        return None
    return -fen if negative else fen
