"""States of a payment, the reference an owner writes into a transfer, and which payment a transfer is for (pure).

Amounts are int fen. Nothing here says that money came: a bank statement or the provider does (design.md, money and
law).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from market.errors import Refusal

FEN_MAX: Final = 10**14
"""The largest sum that is taken, in fen: as large as a ceiling may be."""


# ── states ──────────────────────────────────────────────────────────────────────────────────────────────────────


class State(StrEnum):
    """Where a payment is. `over`: more came than was owed, and the firm owes the rest back. `disputed`: the payer's
    bank took money back and less than what is owed is left."""

    DUE = "due"
    PARTLY = "partly"
    PAID = "paid"
    OVER = "over"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


class Event(StrEnum):
    """What moves a payment: money came, was given back, or was taken back by the bank; and what that leaves."""

    COMES_PART = "comes:part"
    COMES_WHOLE = "comes:whole"
    COMES_MORE = "comes:more"
    BACK_NOTHING = "back:nothing"
    BACK_PART = "back:part"
    BACK_WHOLE = "back:whole"
    BACK_MORE = "back:more"
    TAKEN_NOTHING = "taken:nothing"
    TAKEN_PART = "taken:part"
    TAKEN_WHOLE = "taken:whole"
    TAKEN_MORE = "taken:more"


_OPEN = (State.DUE, State.PARTLY, State.REFUNDED, State.DISPUTED)
NEXT: Final[dict[tuple[State, Event], State]] = {
    **{(state, Event.COMES_PART): State.PARTLY for state in _OPEN},
    **{(state, Event.COMES_WHOLE): State.PAID for state in _OPEN},
    **{(state, Event.COMES_MORE): State.OVER for state in State},
    (State.PARTLY, Event.BACK_NOTHING): State.REFUNDED,
    (State.PAID, Event.BACK_NOTHING): State.REFUNDED,
    (State.OVER, Event.BACK_NOTHING): State.REFUNDED,
    (State.DISPUTED, Event.BACK_NOTHING): State.DISPUTED,
    (State.PARTLY, Event.BACK_PART): State.PARTLY,
    (State.PAID, Event.BACK_PART): State.PARTLY,
    (State.OVER, Event.BACK_PART): State.PARTLY,
    (State.DISPUTED, Event.BACK_PART): State.DISPUTED,
    (State.OVER, Event.BACK_WHOLE): State.PAID,
    (State.OVER, Event.BACK_MORE): State.OVER,
    **{
        (state, event): State.DISPUTED
        for state in (State.PARTLY, State.PAID, State.OVER, State.DISPUTED)
        for event in (Event.TAKEN_NOTHING, Event.TAKEN_PART)
    },
    (State.OVER, Event.TAKEN_WHOLE): State.PAID,
    (State.OVER, Event.TAKEN_MORE): State.OVER,
}


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads to, or why it cannot be."""
    if (State(state), event) in NEXT:
        return NEXT[State(state), event]
    return Refusal("payment.state", values={"state": state, "event": str(event)})


def event_of(way: str, fen: int, left: int) -> Event:
    """The event of a movement (`way`: comes | back | taken) that leaves `left` settled of `fen` owed."""
    if left > fen:
        return Event(f"{way}:more")
    if left == fen:
        return Event(f"{way}:whole")
    return Event(f"{way}:part" if left > 0 else f"{way}:nothing")


def owed(fen: int, settled: int) -> int:
    """What is still to be paid."""
    return max(0, fen - settled)


def excess(fen: int, settled: int) -> int:
    """What was paid beyond what was owed: the firm owes it back."""
    return max(0, settled - fen)


# ── references ──────────────────────────────────────────────────────────────────────────────────────────────────

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRTUVWXY"
"""29 characters, a prime number of them: no 0 O, 1 I L, 2 Z or 5 S side by side."""
PREFIX: Final = "TZ"
"""Z is not in the alphabet, so a reference begins where TZ stands and nowhere else."""
BODY: Final = 8
LENGTH: Final = len(PREFIX) + BODY + 2
REFERENCES: Final = len(ALPHABET) ** BODY
"""How many references there are."""
_ORDER = {c: i for i, c in enumerate(ALPHABET)}
_P = len(ALPHABET)
_JUNK = re.compile(r"[^0-9A-Z\u3400-\u9fff]")
_TRUNCATED: Final = 6
"""Characters of the body that must be left of a reference the bank cut off at the end of its text."""


def reference(number: int) -> str:
    """TZ, eight characters and two check characters: a Reed-Solomon code over the field of 29 elements.

    Any two wrong characters and any two that changed places are noticed. Raises ValueError outside 0…REFERENCES-1.
    """
    if not 0 <= number < REFERENCES:
        raise ValueError(f"A reference is made of a number below {REFERENCES}.")
    body = [number // _P**place % _P for place in range(BODY - 1, -1, -1)]
    total = sum(body) % _P
    weighted = sum(place * value for place, value in enumerate(body, 1)) % _P
    last = ((BODY + 1) * total - weighted) % _P
    return PREFIX + "".join(ALPHABET[v] for v in (*body, (-total - last) % _P, last))


def is_reference(text: str) -> bool:
    """Whether `text`, in its normal form, is a reference whose check characters fit."""
    values = [_ORDER.get(c, -1) for c in text[len(PREFIX) :]]
    if len(text) != LENGTH or not text.startswith(PREFIX) or -1 in values:
        return False
    return sum(values) % _P == 0 and sum(place * v for place, v in enumerate(values, 1)) % _P == 0


def shown(code: str) -> str:
    """A reference as people read it: TZ-XXXXX-XXXXX."""
    return "-".join((code[:2], code[2:7], code[7:])) if len(code) == LENGTH else code


def normal_text(text: str) -> str:
    """What a bank or a person made of a text, as it is searched: NFKC, upper case, letters, digits and CJK only."""
    return _JUNK.sub("", unicodedata.normalize("NFKC", text).upper())


def find_references(text: str) -> list[str]:
    """Every reference in a free text, in order, each once: with blanks, hyphens, full-width or small letters in it."""
    plain = normal_text(text)
    found = (plain[at : at + LENGTH] for at in _starts(plain))
    return list(dict.fromkeys(code for code in found if is_reference(code)))


def _starts(plain: str) -> Iterator[int]:
    return (found.start() for found in re.finditer(PREFIX, plain))


def near_references(text: str, known: Collection[str]) -> list[str]:
    """Those of `known` that stand in a text with one wrong character, or cut off at its end."""
    plain = normal_text(text)
    windows = {plain[at : at + LENGTH] for at in range(max(0, len(plain) - LENGTH + 1))}
    ends = {plain[at:] for at in _starts(plain) if len(PREFIX) + _TRUNCATED <= len(plain) - at < LENGTH}
    return [
        code
        for code in known
        if any(_wrong(code, window) == 1 for window in windows) or any(code.startswith(end) for end in ends)
    ]


def _wrong(code: str, window: str) -> int:
    return sum(a != b for a, b in zip(code, window, strict=True))


def normal_name(text: str) -> str:
    """An organisation's name as it is compared: NFKC, no blanks and no signs."""
    return normal_text(text)


# ── which payment a transfer is for ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit of a bank statement. `bank_id` is the bank's own id of it, if it gives one; `no` its line."""

    no: int
    booked_on: date
    fen: int
    payer: str
    text: str
    bank_id: str | None = None


@dataclass(frozen=True, slots=True)
class Payable:
    """A payment a transfer may be for: what is owed and what was settled, and who pays it."""

    id: int
    reference: str
    fen: int
    settled: int
    payers: frozenset[str]

    @property
    def owed(self) -> int:
        """What is still to be paid, in fen."""
        return owed(self.fen, self.settled)


class Fit(StrEnum):
    """How a credit fits: `matched`, `partial` and `over` carry the reference; `near` waits for a nod."""

    MATCHED = "matched"
    PARTIAL = "partial"
    OVER = "over"
    NEAR = "near"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Match:
    """What a credit is for. `why`: reference | typo | payer | none | several; `beyond` is the part nobody owes."""

    fit: Fit
    payment: int | None
    why: str
    beyond: int = 0


def match(credit: Credit, payables: Iterable[Payable]) -> Match:
    """The payment a credit is for.

    Exact is the reference with the open amount. The reference with another amount is partial or over: it is certain
    whose money it is. One wrong character, or no reference but the owner's name with the amount of one open payment,
    is near. Two references, or nothing to go by, is for a person.
    """
    all_of = list(payables)
    codes = set(find_references(credit.text))
    carried = [p for p in all_of if p.reference in codes]
    if len(carried) == 1:
        return sized(credit.fen, carried[0])
    if carried:
        return Match(Fit.UNMATCHED, None, "several")
    close = near_references(credit.text, [p.reference for p in all_of])
    if len(close) == 1:
        return Match(Fit.NEAR, next(p.id for p in all_of if p.reference == close[0]), "typo")
    payer = normal_name(credit.payer)
    named = [p for p in all_of if payer and payer in p.payers and p.owed == credit.fen]
    if len(named) == 1 and not close:
        return Match(Fit.NEAR, named[0].id, "payer")
    return Match(Fit.UNMATCHED, None, "several" if close or named else "none")


def sized(fen: int, payable: Payable) -> Match:
    """How an amount fits the payment it surely is for."""
    beyond = max(0, fen - payable.owed)
    fit = Fit.OVER if beyond else Fit.MATCHED if fen == payable.owed else Fit.PARTIAL
    return Match(fit, payable.id, "reference", beyond)


def match_all(credits: Sequence[Credit], payables: Iterable[Payable]) -> list[Match]:
    """The matches of a whole statement in order: what one line pays, the next one finds paid."""
    now = {p.id: p for p in payables}
    found = []
    for credit in credits:
        fits = match(credit, now.values())
        found.append(fits)
        if fits.payment is not None and fits.fit is not Fit.NEAR:
            paid = now[fits.payment]
            now[paid.id] = replace(paid, settled=paid.settled + credit.fen)
    return found


# ── ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement of double entry: `fen` from `credit` to `debit`."""

    kind: str
    debit: str
    credit: str
    fen: int


def account(name: str, contract: int, provider: str | None = None) -> str:
    """The name of a contract's account: owed | earned | excess, or paid with its provider."""
    return f"{name}:{contract}" + (f":{provider}" if provider else "")


def postings(way: str, contract: int, provider: str, fen: int, due: int, settled: int) -> list[Posting]:
    """What a movement posts (`way` as in `event_of`), when `settled` of `due` was settled before it.

    Money that comes pays what is owed, the rest is excess; money that goes back is excess first, then owed again.
    """
    paid = account("paid", contract, provider)
    if way == "comes":
        first = min(fen, owed(due, settled))
        parts = [("settle", "owed", first), ("excess", "excess", fen - first)]
        return [Posting(kind, paid, account(name, contract), part) for kind, name, part in parts if part]
    first = min(fen, excess(due, settled))
    parts = [("unexcess", "excess", first), ("reopen", "owed", fen - first)]
    return [Posting(kind, account(name, contract), paid, part) for kind, name, part in parts if part]
