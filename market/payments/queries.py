"""What pages and the API read of payments: one payment with everything around it, lists, differences, the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.identity.models import Organisation
from market.payments.models import LedgerEntry, Payment, PaymentAccount, Settlement, Statement, StatementLine
from market.payments.rules import excess, owed, shown

PAGE = 20
WAITING = ("near", "unmatched")
"""States of a line that waits for a person."""


@dataclass(frozen=True, slots=True)
class Bill:
    """A payment as a page shows it, with the names of both sides; `left` is owed, `beyond` owed back, in fen."""

    row: Payment
    owner: str
    firm: str

    @property
    def left(self) -> int:
        """What is still to be paid."""
        return owed(self.row.fen, self.row.settled)

    @property
    def beyond(self) -> int:
        """What was paid too much and not given back."""
        return excess(self.row.fen, self.row.settled)

    @property
    def reference(self) -> str:
        """The reference as people read it."""
        return shown(self.row.reference)


@dataclass(frozen=True, slots=True)
class Different:
    """A line that waits for a person, with the payment it looks like (near)."""

    line: StatementLine
    statement: str
    looks_like: Bill | None


@dataclass(frozen=True, slots=True)
class Balance:
    """An account of a contract: debits less credits, in fen."""

    account: str
    fen: int


def _bills(s: Session, rows: Sequence[Payment]) -> list[Bill]:
    ids = {id for row in rows for id in (row.owner_id, row.firm_id)}
    named = select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    names = {row.id: row.name for row in s.execute(named)} if ids else {}
    return [Bill(row, names[row.owner_id], names[row.firm_id]) for row in rows]


def payment_at(s: Session, contract_code: str, no: int) -> Bill | None:
    """The payment of a contract's milestone."""
    found = s.scalar(select(Payment).where(Payment.contract_code == contract_code, Payment.milestone_no == no))
    return None if found is None else _bills(s, [found])[0]


def bill(s: Session, payment_id: int) -> Bill | None:
    """A payment by its number."""
    found = s.get(Payment, payment_id)
    return None if found is None else _bills(s, [found])[0]


def payments_of(s: Session, contract_code: str) -> list[Bill]:
    """The payments of a contract in the order of its milestones."""
    of = select(Payment).where(Payment.contract_code == contract_code).order_by(Payment.milestone_no)
    return _bills(s, s.scalars(of).all())


def settlements_of(s: Session, payment_id: int) -> list[Settlement]:
    """What moved for a payment, in order."""
    of = select(Settlement).where(Settlement.payment_id == payment_id)
    return list(s.scalars(of.order_by(Settlement.value_on, Settlement.id)))


def to_pay(s: Session, owner_id: int) -> list[Bill]:
    """What an owner has to pay, by due day."""
    of = select(Payment).where(Payment.owner_id == owner_id, Payment.settled < Payment.fen)
    return _bills(s, s.scalars(of.order_by(Payment.due_at, Payment.id)).all())


def to_receive(s: Session, firm_id: int) -> list[Bill]:
    """The payments of a firm that are open, or paid too much: those a statement may tell of."""
    of = select(Payment).where(Payment.firm_id == firm_id, Payment.settled != Payment.fen)
    return _bills(s, s.scalars(of.order_by(Payment.due_at, Payment.id)).all())


def assignable(s: Session, firm_id: int) -> list[Bill]:
    """The payments a firm may book a line to: what is open by due day, then what was paid last (paid twice)."""
    of = select(Payment).where(Payment.firm_id == firm_id)
    open_ones = of.where(Payment.settled < Payment.fen).order_by(Payment.due_at, Payment.id)
    paid = of.where(Payment.settled >= Payment.fen).order_by(Payment.paid_at.desc(), Payment.id.desc()).limit(PAGE)
    return _bills(s, [*s.scalars(open_ones), *s.scalars(paid)])


def waiting_lines(s: Session, firm_id: int) -> tuple[int, datetime | None]:
    """How many lines of a firm's statements wait for a person, and since when."""
    of = select(func.count(), func.min(Statement.loaded_at)).select_from(StatementLine)
    of = of.join(Statement, Statement.id == StatementLine.statement_id)
    n, since = s.execute(of.where(StatementLine.org_id == firm_id, StatementLine.state.in_(WAITING))).one()
    return int(n), since


def statements_of(s: Session, firm_id: int, page: int) -> tuple[list[Statement], int]:
    """A page of a firm's statements, the newest first, and how many there are."""
    mine = Statement.org_id == firm_id
    total = s.scalar(select(func.count()).select_from(Statement).where(mine)) or 0
    rows = select(Statement).where(mine).order_by(Statement.id.desc()).limit(PAGE).offset(PAGE * (page - 1))
    return list(s.scalars(rows)), total


def differences(s: Session, firm_id: int, state: str, page: int) -> tuple[list[Different], int]:
    """A page of the lines in a state, the oldest first, and how many there are."""
    mine = (StatementLine.org_id == firm_id, StatementLine.state == state)
    total = s.scalar(select(func.count()).select_from(StatementLine).where(*mine)) or 0
    rows = s.execute(
        select(StatementLine, Statement.name)
        .join(Statement, Statement.id == StatementLine.statement_id)
        .where(*mine)
        .order_by(StatementLine.id)
        .limit(PAGE)
        .offset(PAGE * (page - 1))
    ).all()
    wanted = {line.payment_id for line, _ in rows if line.payment_id is not None}
    bills = _bills(s, s.scalars(select(Payment).where(Payment.id.in_(wanted))).all()) if wanted else []
    by_id = {bill.row.id: bill for bill in bills}
    return [Different(line, name, by_id.get(line.payment_id or 0)) for line, name in rows], total


def line_of(s: Session, firm_id: int, line_id: int) -> Different | None:
    """One line of a firm's statements."""
    line = s.get(StatementLine, line_id)
    if line is None or line.org_id != firm_id:
        return None
    name = s.get_one(Statement, line.statement_id).name
    payment = s.get(Payment, line.payment_id) if line.payment_id is not None else None
    return Different(line, name, _bills(s, [payment])[0] if payment is not None else None)


def accounts_before(s: Session, org_id: int) -> list[PaymentAccount]:
    """The bank accounts a firm had and has, the newest first."""
    mine = select(PaymentAccount).where(PaymentAccount.org_id == org_id, PaymentAccount.kind == "bank")
    return list(s.scalars(mine.order_by(PaymentAccount.id.desc()).limit(PAGE)))


def ledger_of(s: Session, contract_id: int) -> tuple[list[LedgerEntry], list[Balance]]:
    """The entries of a contract in order, and its accounts, which sum to zero."""
    rows = s.scalars(select(LedgerEntry).where(LedgerEntry.contract_id == contract_id).order_by(LedgerEntry.id)).all()
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.debit] = sums.get(row.debit, 0) + row.fen
        sums[row.credit] = sums.get(row.credit, 0) - row.fen
    return list(rows), [Balance(name, fen) for name, fen in sorted(sums.items())]
