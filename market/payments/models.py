"""What is owed and settled. Amounts in fen, CNY. Money goes from owner to firm; nothing here holds any of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.audit.models import BigId
from market.db import Base


class LedgerEntry(Base):
    """One movement of double entry: `fen` from account `credit` to account `debit`. Insert only, by triggers.

    Both sides stand in one row, so the ledger sums to zero by its shape, and no bug or hand can unbalance it.
    Accounts of a contract C: `owed:C` (what the owner owes the firm), `earned:C` (what the firm has earned by
    accepted milestones), `paid:C:transfer` and `paid:C:stripe` (what was settled), `excess:C` (paid beyond what is
    owed). `once` makes a repeated posting do nothing.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("fen > 0", name="a_posting_moves_something"),
        CheckConstraint("debit <> credit", name="a_posting_has_two_sides"),
        Index("ix_ledger_entry_debit", "debit"),
        Index("ix_ledger_entry_credit", "credit"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(20))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    debit: Mapped[str] = mapped_column(String(60))
    credit: Mapped[str] = mapped_column(String(60))
    fen: Mapped[int] = mapped_column(BigInteger)
    memo: Mapped[str] = mapped_column(String(200))
    once: Mapped[str] = mapped_column(String(120), unique=True)


class PaymentAccount(Base):
    """Where a firm takes money: `bank` (account number encrypted, last four shown) or `stripe` (its own account id).

    `account` is the id at Stripe, no secret and asked for by every webhook; None for a bank account.
    """

    __tablename__ = "payment_account"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    holder: Mapped[str] = mapped_column(String(100))
    bank: Mapped[str] = mapped_column(String(100))
    secret: Mapped[bytes] = mapped_column(LargeBinary(400))
    tail: Mapped[str] = mapped_column(String(8))
    methods: Mapped[list[Any]]
    recorded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    account: Mapped[str | None] = mapped_column(String(120), index=True)


class Payment(Base):
    """What is due for one accepted milestone: paid once, whatever is reloaded, doubled or reordered.

    `reference` is what the owner writes into the transfer. States: payments.rules. `settled` counts what arrived less
    refunds. `contract_code` and `milestone_no` are its page's address. `session` and `intent` name a Stripe checkout
    under way.
    """

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("milestone_id", name="a_milestone_is_paid_once"),
        CheckConstraint("fen > 0", name="a_payment_is_a_sum"),
        CheckConstraint("settled >= 0", name="a_payment_is_not_below_nothing"),
        Index("ix_payment_state", "state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"))
    contract_code: Mapped[str] = mapped_column(String(20))
    milestone_no: Mapped[int]
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    firm_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    reference: Mapped[str] = mapped_column(String(20), unique=True)
    fen: Mapped[int] = mapped_column(BigInteger)
    settled: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(12))
    due_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    session: Mapped[str | None] = mapped_column(String(120))
    intent: Mapped[str | None] = mapped_column(String(120), unique=True)
    session_url: Mapped[str | None] = mapped_column(String(1000))
    session_expires: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(200))


class Checkout(Base):
    """A page of Stripe that was opened for a payment: what was asked for, on which account. Insert only.

    Money that comes later is held against it: another amount or account was never asked for.
    """

    __tablename__ = "payment_checkout"
    __table_args__ = (CheckConstraint("fen > 0", name="a_checkout_asks_for_something"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    session: Mapped[str] = mapped_column(String(120), unique=True)
    account: Mapped[str] = mapped_column(String(120))
    fen: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]


class Settlement(Base):
    """Money that moved, once by its provider's own id: kind paid | refund | dispute | restored (a refund that
    failed, a dispute that was won).

    `payment_id` None: it came and belongs to nothing yet (the page of differences). `how`: reference | near | hand |
    stripe. `fen` is always positive.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("provider", "external", name="money_moves_once"),
        CheckConstraint("fen > 0", name="a_settlement_is_a_sum"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(10))
    external: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(12))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("statement_line.id"))
    fen: Mapped[int] = mapped_column(BigInteger)
    how: Mapped[str] = mapped_column(String(10))
    value_on: Mapped[date]
    recorded_at: Mapped[datetime]
    memo: Mapped[str] = mapped_column(String(300))


class Statement(Base):
    """A bank statement a firm loaded (对账单): `format` csv | camt053; the same file is loaded once."""

    __tablename__ = "statement"
    __table_args__ = (UniqueConstraint("org_id", "digest", name="a_statement_is_loaded_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    format: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64))
    lines: Mapped[int]
    loaded_at: Mapped[datetime]
    loaded_by: Mapped[int] = mapped_column(ForeignKey("person.id"))


class StatementLine(Base):
    """One credit of a statement. `fingerprint` keeps a line that stands in two statements from counting twice.

    `state`: matched | near (waits for a nod) | unmatched | ignored | over | partial.
    """

    __tablename__ = "statement_line"
    __table_args__ = (UniqueConstraint("org_id", "fingerprint", name="a_line_counts_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"), index=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    no: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))
    booked_on: Mapped[date]
    fen: Mapped[int] = mapped_column(BigInteger)
    payer: Mapped[str] = mapped_column(String(140))
    text: Mapped[str] = mapped_column(String(500))
    bank_id: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(12))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    note: Mapped[str | None] = mapped_column(String(300))


class InboxEvent(Base):
    """A webhook as it came, once by its event id; worked on afterwards. `state`: new | done | ignored | failed."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("provider", "event", name="an_event_is_taken_once"),
        Index("ix_inbox_event_state", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(10))
    event: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(80))
    account: Mapped[str | None] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(300))


class Reconciliation(Base):
    """How far an account at a provider was compared with the ledger, and what the last look found.

    `upto`: everything the provider made before is known here. `filled` counts what no webhook had told;
    `differences` lists what one side has and the other has not, each {kind, id, fen, why}.
    """

    __tablename__ = "payment_reconciliation"
    __table_args__ = (UniqueConstraint("provider", "account", name="an_account_is_reconciled_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(10))
    account: Mapped[str] = mapped_column(String(120))
    upto: Mapped[datetime]
    ran_at: Mapped[datetime]
    looked: Mapped[int]
    filled: Mapped[int]
    differences: Mapped[list[Any]]


class Invoice(Base):
    """An invoice (发票) the firm gave the owner, recorded with its file. `tax_fen` is part of `fen`."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("code", "number", name="an_invoice_is_recorded_once"),
        CheckConstraint("fen > 0 and tax_fen >= 0 and tax_fen < fen", name="tax_is_part_of_an_invoice"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    kind: Mapped[str] = mapped_column(String(12))
    code: Mapped[str] = mapped_column(String(12))
    number: Mapped[str] = mapped_column(String(20))
    issued_on: Mapped[date]
    fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
