"""Reading camt.053 (ISO 20022 BankToCustomerStatement, versions .001.02 to .001.08): booked credits in CNY.

Elements are found by local names, since versions differ in namespace and in a few shells around a name (Pty since .08).
The XML is a stranger's: no DTD, no entities, no files (defusedxml). Nothing here is guessed: an entry without amount,
day or direction is a fault.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final
from xml.etree.ElementTree import Element

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from market.errors import Refusal
from market.ids import TextError, plain_text
from market.moments import BEIJING
from market.payments.reading import BANK_ID_MAX, LINES_MAX, PAYER_MAX, TEXT_MAX, Fate, Fault, Line, Read, broken
from market.payments.rules import FEN_MAX, Credit

_ROOT = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d\d)\}Document")
VERSIONS: Final = range(2, 9)
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.([0-9]{1,5}))?", re.ASCII)


def read_camt(data: bytes, today: date) -> Read:
    """The lines of a statement. Never raises on any bytes."""
    try:
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except (DefusedXmlException, defusedxml.ElementTree.ParseError, ValueError, LookupError, RecursionError):
        # Besides broken XML: a DTD or an entity, an unknown encoding.
        return broken("camt053", "xml")
    found = _ROOT.fullmatch(root.tag)
    if found is None or int(found[1]) not in VERSIONS:
        return broken("camt053", "camt_version")
    entries = [entry for statement in _all(root, "BkToCstmrStmt", "Stmt") for entry in _all(statement, "Ntry")]
    if not entries:
        return broken("camt053", "no_lines")
    lines: list[Line] = []
    faults: list[Fault] = []
    for no, entry in enumerate(entries, 1):
        for line in _entry(no, entry, today):
            if isinstance(line, Refusal):
                faults.append(Fault(no, line))
            else:
                lines.append(line)
        if len(lines) + len(faults) > LINES_MAX:
            return broken("camt053", "too_long", most=LINES_MAX)
    return Read("camt053", "", tuple(lines), tuple(faults))


# ── elements by local name ──────────────────────────────────────────────────────────────────────────────────────


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: Element, *path: str) -> list[Element]:
    found = [element]
    for name in path:
        found = [child for one in found for child in one if _local(child) == name]
    return found


def _text(element: Element, *path: str) -> str:
    """The text of the first element at a path; empty if there is none."""
    for found in _all(element, *path):
        if found.text and found.text.strip():
            return found.text.strip()
    return ""


def _first(element: Element, *paths: Sequence[str]) -> str:
    return next((text for path in paths if (text := _text(element, *path))), "")


def _kept(text: str, most: int) -> str:
    """Text for a page: without control characters, cut to the column."""
    plain = "".join(c for c in text if c.isprintable() or c == " ")[:most]
    try:
        return plain_text(plain, most, optional=True)
    except TextError:
        return ""


# ── one entry ───────────────────────────────────────────────────────────────────────────────────────────────────


def _entry(no: int, entry: Element, today: date) -> Iterator[Line | Refusal]:
    """The lines of an entry: one, or for a batch that tells the sum of each of its transactions one for each."""
    day = _day(entry, today)
    direction = _text(entry, "CdtDbtInd")
    if day is None:
        yield Refusal("statement.date", "file", {"typed": _first(entry, ("BookgDt", "Dt"), ("BookgDt", "DtTm"))[:40]})
        return
    if direction not in ("CRDT", "DBIT"):
        yield Refusal("statement.direction", "file", {"typed": direction[:40]})
        return
    parts = _all(entry, "NtryDtls", "TxDtls")
    split = len(parts) > 1 and all(_amount_of(part) is not None for part in parts)
    bank_id = _first(entry, ("AcctSvcrRef",), ("NtryRef",))
    for index, part in enumerate(parts if split else [entry], 1):
        own = _first(part, ("Refs", "AcctSvcrRef")) if split else ""
        id = own or (f"{bank_id}/{index}" if split and bank_id else bank_id)
        yield _line(no, entry, part, [part] if split else [*parts, entry], day, direction, id)


def _line(
    no: int, entry: Element, part: Element, told: Sequence[Element], day: date, direction: str, bank_id: str
) -> Line | Refusal:
    """A line of the amount of `part`, with what the elements of `told` say of it."""
    amount = _amount_of(part)
    if amount is None or amount.text is None:
        return Refusal("statement.amount", "file", {"typed": ""})
    fen = _fen(amount.text.strip())
    if fen is None:
        return Refusal("statement.amount", "file", {"typed": amount.text.strip()[:40]})
    payer = next((name for one in told if (name := _payer(one))), "")
    texts = list(dict.fromkeys(text for one in told for text in _remittance(one)))
    credit = Credit(
        no, day, fen, _kept(payer, PAYER_MAX), _kept("；".join(texts), TEXT_MAX), _kept(bank_id, BANK_ID_MAX) or None
    )
    currency = amount.get("Ccy", "")
    part_direction = _text(part, "CdtDbtInd") or direction
    # A reversal undoes an earlier entry of the other direction: a reversed debit is no payment of anybody.
    reversal = _text(entry, "RvslInd").lower() in ("true", "1")
    fate = Fate.CREDIT if part_direction == "CRDT" and not reversal else Fate.DEBIT
    if currency != "CNY":
        return Line(Fate.FOREIGN, credit, _kept(currency, 10))
    if fate is Fate.CREDIT and _first(entry, ("Sts", "Cd"), ("Sts",)) not in ("", "BOOK"):
        return Line(Fate.PENDING, credit)
    return Line(fate, credit) if fen else Line(Fate.DEBIT, credit)


def _amount_of(part: Element) -> Element | None:
    found = _all(part, "Amt") or _all(part, "AmtDtls", "TxAmt", "Amt")
    return found[0] if found else None


def _fen(text: str) -> int | None:
    """Fen of an ISO 20022 amount: a point and up to five decimals, of which only two may say something."""
    found = _AMOUNT.fullmatch(text)
    if found is None or (found[1] or "")[2:].strip("0"):
        return None
    whole, _, fraction = text.partition(".")
    fen = int(whole + fraction[:2].ljust(2, "0"))
    return fen if fen <= FEN_MAX else None


def _day(entry: Element, today: date) -> date | None:
    text = _first(entry, ("BookgDt", "Dt"), ("BookgDt", "DtTm"), ("ValDt", "Dt"), ("ValDt", "DtTm"))
    try:
        if len(text) <= 10:
            day = date.fromisoformat(text)
        else:
            at = datetime.fromisoformat(text)
            day = (at.astimezone(BEIJING) if at.tzinfo else at).date()
    except (ValueError, OverflowError):
        return None
    return day if date(2000, 1, 1) <= day and (day - today).days <= 1 else None


def _payer(part: Element) -> str:
    side = ("RltdPties", "Dbtr")
    return _first(part, (*side, "Nm"), (*side, "Pty", "Nm"), ("RltdPties", "UltmtDbtr", "Nm"))


def _remittance(part: Element) -> list[str]:
    """Everything in which a payer may have written the reference."""
    paths = (
        ("RmtInf", "Ustrd"), ("RmtInf", "Strd", "CdtrRefInf", "Ref"), ("Refs", "EndToEndId"), ("AddtlTxInf",),
        ("AddtlNtryInf",),
    )  # fmt: skip
    found = (one.text.strip() for path in paths for one in _all(part, *path) if one.text)
    return [text for text in found if text and text != "NOTPROVIDED"]
