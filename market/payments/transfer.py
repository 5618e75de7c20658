"""Bank transfer: what the owner types into its own bank, and the firm's statements that tell what came.

A statement is shown first as it would be booked (`dry_run`, nothing written), then loaded whole. What carries the
reference is booked at once; what is near waits for a nod; the rest waits for a person on the page of differences.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.errors import refuse
from market.identity.models import Organisation
from market.identity.rules import User
from market.ids import digest
from market.moments import beijing_day
from market.notices.service import notify
from market.payments.camt import read_camt
from market.payments.models import Payment, Settlement, Statement, StatementLine
from market.payments.port import Due, Instructions, Payee
from market.payments.reading import FILE_MAX, Fate, Fault, Line, Read, broken, read_csv
from market.payments.rules import Credit, Fit, Match, Payable, match_all, normal_name, shown, sized
from market.payments.service import refund, settle

PROVIDER: Final = "transfer"
_SPACE = b" \t\r\n"


class TransferProvider:
    """Bank transfer as a way of paying: money moves between the parties' banks, a statement tells us afterwards."""

    name = PROVIDER

    def begin(self, due: Due, to: Payee, back: str, lang: str) -> Instructions:
        """What the payer types into its own bank."""
        return Instructions(to.holder, to.bank, to.number, due.reference, due.fen)


@dataclass(frozen=True, slots=True)
class Reported:
    """A line of a statement and what becomes of it.

    `fate`: matched | near | partial | over | unmatched, or why it is not held against payments: known | twin (the same
    sum of the same payer on that day is in another statement) | debit | foreign | pending.
    """

    line: Line
    fate: str
    match: Match | None = None
    fingerprint: str = ""
    contract: str = ""
    milestone: int = 0
    reference: str = ""
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What a statement would do. `known`: when this very file was loaded."""

    format: str
    encoding: str
    digest: str
    lines: tuple[Reported, ...]
    faults: tuple[Fault, ...]
    known: datetime | None = None

    @property
    def ok(self) -> bool:
        """Whether it can be loaded: no fault, not loaded before, and something in it that is new."""
        return not self.faults and self.known is None and any(r.fingerprint for r in self.lines)

    @property
    def counts(self) -> dict[str, int]:
        """Fate → lines."""
        return dict(Counter(r.fate for r in self.lines))

    @property
    def booked(self) -> int:
        """Fen that loading would book at once."""
        return sum(r.line.credit.fen for r in self.lines if r.fate in ("matched", "partial", "over"))


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_statement(data: bytes, today: date) -> Read:
    """A statement in whichever format it is."""
    if len(data) > FILE_MAX:
        return broken("csv", "too_big", most=FILE_MAX // 2**20)
    if not data.strip(_SPACE):
        return broken("csv", "empty")
    if data.lstrip(b"\xef\xbb\xbf" + _SPACE).startswith(b"<"):
        return read_camt(data.strip(_SPACE), today)
    return read_csv(data, today)


def dry_run(s: Session, firm_id: int, data: bytes, now: datetime) -> Report:
    """What loading these bytes would do, line by line. Writes nothing."""
    return _report(s, firm_id, data, now, lock=False)


def _report(s: Session, firm_id: int, data: bytes, now: datetime, lock: bool) -> Report:
    read, found = read_statement(data, beijing_day(now)), digest(data)
    same = select(Statement.loaded_at).where(Statement.org_id == firm_id, Statement.digest == found)
    loaded_at = s.scalar(same)
    if read.faults or loaded_at is not None:
        return Report(read.format, read.encoding, found, (), read.faults, loaded_at)
    payables = _payables(s, firm_id, lock)
    return Report(read.format, read.encoding, found, tuple(_lines(s, firm_id, read.lines, payables)), ())


def _payables(s: Session, firm_id: int, lock: bool) -> dict[int, tuple[Payment, Payable]]:
    """Every payment to a firm; locked in one order, so that two who book never wait for each other."""
    of_firm = select(Payment).where(Payment.firm_id == firm_id).order_by(Payment.id)
    rows = s.scalars(of_firm.with_for_update() if lock else of_firm).all()
    owners = {p.owner_id for p in rows}
    named = select(Organisation.id, Organisation.name).where(Organisation.id.in_(owners))
    names = {id: normal_name(name) for id, name in s.execute(named)}
    return {p.id: (p, Payable(p.id, p.reference, p.fen, p.settled, frozenset({names[p.owner_id]}))) for p in rows}


def _lines(
    s: Session, firm_id: int, lines: Sequence[Line], payables: dict[int, tuple[Payment, Payable]]
) -> list[Reported]:
    prints = fingerprints([line.credit for line in lines])
    credits = [print_ for line, print_ in zip(lines, prints, strict=True) if line.fate is Fate.CREDIT]
    here = _known(s, firm_id, credits)
    twins = _twins(s, firm_id, lines, here, prints)
    fates = [_fate(line, print_, here, twins) for line, print_ in zip(lines, prints, strict=True)]
    new = [i for i, fate in enumerate(fates) if fate == "new"]
    matches = match_all([lines[i].credit for i in new], [p for _, p in payables.values()])
    by_line = dict(zip(new, matches, strict=True))
    left = {id: p.owed for id, (_, p) in payables.items()}
    found = []
    for i, (line, fate) in enumerate(zip(lines, fates, strict=True)):
        fits = by_line.get(i)
        one = Reported(line, str(fits.fit) if fits else fate, fits, prints[i] if fate in ("new", "twin") else "")
        if fits is not None and fits.payment is not None:
            p = payables[fits.payment][0]
            one = replace(
                one, contract=p.contract_code, milestone=p.milestone_no, reference=shown(p.reference), owed=left[p.id]
            )
            if fits.fit is not Fit.NEAR:
                left[p.id] = max(0, left[p.id] - line.credit.fen)
        found.append(one)
    return found


def fingerprints(credits: Sequence[Credit]) -> list[str]:
    """What tells a line from every other: the bank's own id, else how many equal lines its day had before it.

    The sum, the day and the payer are always part of it: some banks number the lines of each statement from 1.
    """
    seen: Counter[tuple[object, ...]] = Counter()
    found = []
    for c in credits:
        what = (c.booked_on.isoformat(), c.fen, c.payer, c.bank_id or c.text)
        nth = 0 if c.bank_id else seen[what]
        seen[what] += 1
        whole = json.dumps([*what, bool(c.bank_id), nth], ensure_ascii=False)
        found.append(hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest())
    return found


def _known(s: Session, firm_id: int, prints: Sequence[str]) -> set[str]:
    mine = select(StatementLine.fingerprint).where(StatementLine.org_id == firm_id)
    step = range(0, len(prints), 500)
    return {f for at in step for f in s.scalars(mine.where(StatementLine.fingerprint.in_(prints[at : at + 500])))}


def _twins(
    s: Session, firm_id: int, lines: Sequence[Line], here: set[str], prints: Sequence[str]
) -> set[tuple[date, int, str]]:
    """Sums of a payer on a day that another statement tells too, with and without the bank's id: perhaps one line.

    A CSV and a camt.053 of the same day give a transfer two fingerprints; a person decides whether it is one.
    """
    fresh = [
        line.credit
        for line, print_ in zip(lines, prints, strict=True)
        if line.fate is Fate.CREDIT and print_ not in here
    ]
    days = {c.booked_on for c in fresh}
    if not days:
        return set()
    rows = s.execute(
        select(StatementLine.booked_on, StatementLine.fen, StatementLine.payer, StatementLine.bank_id).where(
            StatementLine.org_id == firm_id, StatementLine.booked_on.between(min(days), max(days))
        )
    ).all()
    stored = {(r.booked_on, r.fen, normal_name(r.payer), r.bank_id is None) for r in rows}
    keys = ((c, (c.booked_on, c.fen, normal_name(c.payer))) for c in fresh)
    return {key for c, key in keys if (*key, c.bank_id is not None) in stored}


def _fate(line: Line, print_: str, here: set[str], twins: set[tuple[date, int, str]]) -> str:
    if line.fate is not Fate.CREDIT:
        return str(line.fate)
    if print_ in here:
        return "known"
    here.add(print_)  # the same line twice in one file, by the bank's own id
    c = line.credit
    return "twin" if (c.booked_on, c.fen, normal_name(c.payer)) in twins else "new"


# ── loading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def load(s: Session, firm_id: int, name: str, data: bytes, by: User, now: datetime) -> Statement:
    """Load a statement whole, or nothing of it. Raises Refused with the first fault, or statement.known (409)."""
    # One load of a firm at a time; but who only tells the firm something (a foreign key) must not wait for it.
    s.get_one(Organisation, firm_id, with_for_update={"key_share": True})
    report = _report(s, firm_id, data, now, lock=True)
    if report.known is not None:
        raise refuse("statement.known", "file", 409, at=report.known)
    if report.faults:
        raise refuse("statement.faults", "file", n=len(report.faults), line=report.faults[0].no)
    if not report.ok:
        raise refuse("statement.nothing_new", "file", 409)
    made = Statement(
        org_id=firm_id, format=report.format, name=name[:120], digest=report.digest, lines=len(report.lines),
        loaded_at=now, loaded_by=by.id,
    )  # fmt: skip
    s.add(made)
    s.flush()
    record(
        s, Deed.STATEMENT_LOADED, now, by.actor, f"org:{firm_id}", statement=made.id, format=report.format,
        digest=report.digest, lines=len(report.lines), booked=report.booked,
    )  # fmt: skip
    for one in report.lines:
        if one.fingerprint:
            _keep(s, made, one, by, now)
    waiting = sum(one.fate in ("near", "unmatched", "twin") for one in report.lines)
    if waiting:
        link = "/my/statements/differences"
        notify(s, now, "statement.waiting", firm_id, link=link, once=f"statement:{made.id}", mail=False, n=waiting)
    return made


def _keep(s: Session, statement: Statement, one: Reported, by: User, now: datetime) -> None:
    c, fits = one.line.credit, one.match
    row = StatementLine(
        statement_id=statement.id, org_id=statement.org_id, no=c.no, fingerprint=one.fingerprint,
        booked_on=c.booked_on, fen=c.fen, payer=c.payer, text=c.text, bank_id=c.bank_id,
        state="unmatched" if fits is None else str(fits.fit), payment_id=None if fits is None else fits.payment,
        note="twin" if fits is None else fits.why,
    )  # fmt: skip
    s.add(row)
    s.flush()
    if fits is not None and fits.payment is not None and fits.fit is not Fit.NEAR:
        _book(s, row, fits.payment, "reference", by, now)


def _book(s: Session, row: StatementLine, payment_id: int, how: str, by: User, now: datetime) -> None:
    """Settle a payment by a line; the line's own fingerprint keeps it from counting twice."""
    external, memo = f"{row.org_id}:{row.fingerprint}", (row.bank_id or row.text)[:200]
    settle(s, payment_id, PROVIDER, external, row.fen, row.booked_on, how, memo, now, row.id, by.actor)
    record(
        s, Deed.STATEMENT_MATCHED, now, by.actor, f"org:{row.org_id}", line=row.id, payment=payment_id, how=how,
        fen=row.fen,
    )  # fmt: skip


# ── the page of differences ─────────────────────────────────────────────────────────────────────────────────────


def nod(s: Session, line_id: int, yes: bool, by: User, now: datetime) -> None:
    """Say whether a near line is for the payment it looks like. A no leaves it unmatched."""
    row = _line_of(s, line_id, by, "near")
    if yes:
        _assign(s, row, row.payment_id or 0, "near", by, now)
        return
    row.state, row.payment_id, row.note = str(Fit.UNMATCHED), None, "rejected"
    record(s, Deed.STATEMENT_MATCHED, now, by.actor, f"org:{row.org_id}", line=row.id, how="rejected")


def assign(s: Session, line_id: int, payment_id: int, by: User, now: datetime) -> None:
    """Book a line that was not matched to one of the firm's payments, by hand."""
    _assign(s, _line_of(s, line_id, by, "unmatched", "near", "ignored"), payment_id, "hand", by, now)


def _assign(s: Session, row: StatementLine, payment_id: int, how: str, by: User, now: datetime) -> None:
    payment = s.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None or payment.firm_id != by.org_id:
        raise refuse("payment.unknown", "payment", 404)
    fits = sized(row.fen, Payable(payment.id, payment.reference, payment.fen, payment.settled, frozenset()))
    row.state, row.payment_id, row.note = str(fits.fit), payment.id, how
    _book(s, row, payment.id, how, by, now)


def ignore(s: Session, line_id: int, reason: str, by: User, now: datetime) -> None:
    """Set a line aside that is for nothing here, with the reason; it can still be assigned later."""
    row = _line_of(s, line_id, by, "unmatched", "near")
    row.state, row.payment_id, row.note = "ignored", None, reason[:300]
    record(s, Deed.STATEMENT_MATCHED, now, by.actor, f"org:{row.org_id}", line=row.id, how="ignored")


def _line_of(s: Session, line_id: int, by: User, *states: str) -> StatementLine:
    row = s.get(StatementLine, line_id, with_for_update=True, populate_existing=True)
    if row is None or row.org_id != by.org_id:
        raise refuse("statement.line_unknown", status=404)
    if row.state not in states:
        raise refuse("statement.line_done", status=409)
    return row


def give_back(
    s: Session, payment_id: int, fen: int, value_on: date, bank_id: str, by: User, now: datetime
) -> None:  # fmt: skip
    """The firm notes that it gave back by transfer what was paid too much; the owner is told.

    No more than the excess: else a firm could make an owner owe again by its own word. The same transfer (day and the
    bank's number) counts once.
    """
    payment = s.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None or payment.firm_id != by.org_id:
        raise refuse("payment.unknown", status=404)
    if value_on > beijing_day(now):
        raise refuse("payment.future", "value_on")
    external = f"{payment.firm_id}:back:{payment.id}:{digest(f'{value_on}/{bank_id}'.encode())[:40]}"
    beyond = payment.settled - payment.fen + _given_back(s, external)
    if fen > beyond:
        raise refuse("payment.refund_above", "fen", 409, fen=fen, most=max(0, beyond))
    refund(s, PROVIDER, external, payment.id, fen, value_on, bank_id, now, by.actor)


def _given_back(s: Session, external: str) -> int:
    """What the same transfer has already given back: told again, it must not look too large."""
    mine = select(Settlement.fen).where(Settlement.provider == PROVIDER, Settlement.external == external)
    return s.scalar(mine) or 0
