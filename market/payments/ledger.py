"""Double entry: each row moves fen from one account to another, so the ledger sums to zero by its shape.

Rows are inserted and never changed (triggers.py). Accounts of a contract: models.LedgerEntry. Balances are debits less
credits: `owed` is what the owner still owes, `excess` (negative) what the firm owes back, `paid` what arrived.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from market.db import insert_for
from market.payments.models import LedgerEntry, Payment, Settlement
from market.payments.rules import Posting, account, excess, owed


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure on which the ledger and a payment do not agree, in fen. `what`: owed | excess | paid | settlements."""

    contract_id: int
    payment_id: int
    what: str
    ledger: int
    payment: int


def post(
    s: Session, contract_id: int, payment_id: int | None, posting: Posting, memo: str, once: str, now: datetime
) -> bool:
    """Insert an entry; False if `once` was posted before, and then nothing happens."""
    row = entry_row(contract_id, payment_id, posting, memo, once, now)
    insert = insert_for(s)(LedgerEntry).values(**row).on_conflict_do_nothing(index_elements=["once"])
    return s.execute(insert.returning(LedgerEntry.id)).first() is not None


def entry_row(
    contract_id: int, payment_id: int | None, posting: Posting, memo: str, once: str, now: datetime
) -> dict[str, Any]:
    """The column values of an entry, for callers that insert many at once."""
    return {
        "at": now,
        "kind": posting.kind,
        "contract_id": contract_id,
        "payment_id": payment_id,
        "debit": posting.debit,
        "credit": posting.credit,
        "fen": posting.fen,
        "memo": memo[:200],
        "once": once,
    }


def balances(s: Session, contract_id: int) -> dict[str, int]:
    """Account → debits less credits, of one contract; they sum to zero."""
    rows = s.execute(_by_account(LedgerEntry.contract_id == contract_id))
    return {row.account: int(row.fen) for row in rows}


def ledger_sum(s: Session) -> int:
    """The sum of every account of every contract: zero, or somebody took the table's shape apart."""
    sides = _sides().subquery()
    return int(s.scalar(select(func.coalesce(func.sum(sides.c.fen), 0))) or 0)


def _sides(*where: ColumnElement[bool]) -> CompoundSelect[int | None, str, int]:
    """Each entry twice: once on its debit and once, negative, on its credit side."""
    e = LedgerEntry
    debit = select(e.payment_id, e.debit.label("account"), e.fen.label("fen"))
    credit = select(e.payment_id, e.credit, e.fen * literal(-1))
    return union_all(debit.where(*where), credit.where(*where))


def _by_account(*where: ColumnElement[bool]) -> Select[str, int]:
    sides = _sides(*where).subquery()
    return (
        select(sides.c.account, func.sum(sides.c.fen).label("fen")).group_by(sides.c.account).order_by(sides.c.account)
    )


def reconcile_ledger(s: Session) -> list[Difference]:
    """Where ledger, settlements and payments do not tell the same sums; empty is right.

    Three questions for the whole house, each one pass; for the regulator's and the operator's page.
    """
    sides = _sides().subquery()
    rows = s.execute(
        select(sides.c.payment_id, sides.c.account, func.sum(sides.c.fen)).group_by(sides.c.payment_id, sides.c.account)
    )
    held: dict[int, dict[str, int]] = {}
    for payment_id, name, fen in rows:
        if payment_id is not None:
            held.setdefault(payment_id, {})[name] = int(fen)
    moved = _moved(s)
    found = []
    for p in s.scalars(select(Payment).order_by(Payment.id)):
        found += _compare(p, held.get(p.id, {}), moved.get(p.id, 0))
    return found


def _compare(p: Payment, held: dict[str, int], moved: int) -> list[Difference]:
    paid = sum(fen for name, fen in held.items() if name.startswith(account("paid", p.contract_id) + ":"))
    sums = (
        ("owed", held.get(account("owed", p.contract_id), 0), owed(p.fen, p.settled)),
        ("excess", -held.get(account("excess", p.contract_id), 0), excess(p.fen, p.settled)),
        ("paid", paid, p.settled),
        ("settlements", moved, p.settled),
    )
    return [Difference(p.contract_id, p.id, what, a, b) for what, a, b in sums if a != b]


def _moved(s: Session) -> dict[int, int]:
    """Payment → what its settlements add up to: money that came less what went back."""
    kinds = select(Settlement.payment_id, Settlement.kind, func.sum(Settlement.fen))
    kinds = kinds.where(Settlement.payment_id.is_not(None)).group_by(Settlement.payment_id, Settlement.kind)
    found: dict[int, int] = {}
    for payment_id, kind, fen in s.execute(kinds):
        sign = 1 if kind in ("paid", "restored") else -1
        found[payment_id or 0] = found.get(payment_id or 0, 0) + sign * int(fen)
    return found
