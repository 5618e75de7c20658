"""A contract and what happens under it. Amounts in fen, shares in basis points, days in working days."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Contract(Base):
    """One contract (合同), opened by an award that stands. States: contracts.rules.

    `terms` is what both sides confirm: parties, job, price, days, tax, milestones, as opened or last agreed before
    signing; `digest` the SHA-256 of its canonical JSON, `signature` the platform's Ed25519 over the record of both
    confirmations (`attested`): it attests the record and is not the parties' seal. `award_id` and `auction_id` belong
    to rooms above, which open contracts: they are plain values here. `amount` and `days` are as awarded, `amount_now`
    and `days_now` with every change agreed since. Days run from the later of `signed_at` and `inputs_at` (complete
    inputs) to `delivered_at` (the delivery that was accepted), less pauses.
    """

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("amount > 0 and amount_now > 0", name="a_contract_has_a_price"),
        CheckConstraint("days > 0 and days_now > 0", name="a_contract_has_days"),
        CheckConstraint("owner_id <> firm_id", name="nobody_contracts_with_itself"),
        Index("ix_contract_state_due", "state", "due_at"),
        Index("ix_contract_firm", "firm_id", "state"),
        Index("ix_contract_owner", "owner_id", "state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    job_code: Mapped[str] = mapped_column(String(20))
    auction_id: Mapped[str] = mapped_column(String(24))
    award_id: Mapped[int] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    firm_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))
    title: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(12))
    funding: Mapped[str] = mapped_column(String(10))
    tax: Mapped[str] = mapped_column(String(12))
    amount: Mapped[int] = mapped_column(BigInteger)
    amount_now: Mapped[int] = mapped_column(BigInteger)
    days: Mapped[int]
    days_now: Mapped[int]
    terms: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    sign_by: Mapped[datetime]
    owner_confirmed_at: Mapped[datetime | None]
    owner_confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    firm_confirmed_at: Mapped[datetime | None]
    firm_confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[datetime | None]
    attested: Mapped[str | None] = mapped_column(String(1000))
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    original_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    inputs_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    days_used: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(1000))
    warned: Mapped[str | None] = mapped_column(String(10))


class ContractNumber(Base):
    """The last contract number given in a year; its row is locked while a code is made."""

    __tablename__ = "contract_number"
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class Milestone(Base):
    """A part of the work (里程碑) with its share of the price and the working day it is due, counted from the start.

    State: contracts.rules. `fen` follows the share of `amount_now`; the last milestone takes the rounding.
    """

    __tablename__ = "milestone"
    __table_args__ = (
        UniqueConstraint("contract_id", "no", name="a_milestone_is_numbered_once"),
        CheckConstraint("share between 0 and 10000", name="a_share_is_at_most_the_whole"),
        CheckConstraint("fen >= 0", name="a_milestone_costs_nothing_less"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    no: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    share: Mapped[int]
    fen: Mapped[int] = mapped_column(BigInteger)
    due_days: Mapped[int]
    due_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(12))
    delivered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    warned: Mapped[str | None] = mapped_column(String(10))


class Deliverable(Base):
    """One version of what was delivered for a milestone: a stored document by digest, and what the owner said of it.

    `verdict`: None (waits) | accepted | returned, with `reason` where returned.
    """

    __tablename__ = "deliverable"
    __table_args__ = (UniqueConstraint("milestone_id", "version", name="a_deliverable_is_numbered_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"))
    version: Mapped[int]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    note: Mapped[str] = mapped_column(String(1000))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    delivered_at: Mapped[datetime]
    verdict: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(1000))
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Pause(Base):
    """A time that does not count, and whose it is: owner | authority | firm. A firm's own pause does count.

    Proposed by one side, agreed by the other; `until_at` None while it lasts. Only agreed ones are subtracted.
    """

    __tablename__ = "pause"
    __table_args__ = (CheckConstraint("whose in ('owner','authority','firm')", name="a_pause_is_somebodys"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    whose: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(500))
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    proposed_by: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    proposed_at: Mapped[datetime]
    agreed_at: Mapped[datetime | None]
    agreed_by: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    refused_at: Mapped[datetime | None]


class ChangeOrder(Base):
    """A change of price, days or scope (变更): reason, both sides' consent, within the limits of contracts.rules.

    `amount` and `days` are the new totals. State: proposed | agreed | refused | withdrawn.
    """

    __tablename__ = "change_order"
    __table_args__ = (UniqueConstraint("contract_id", "no", name="a_change_is_numbered_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    no: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    days: Mapped[int]
    amount_before: Mapped[int] = mapped_column(BigInteger)
    days_before: Mapped[int]
    scope: Mapped[str] = mapped_column(String(1000))
    reason: Mapped[str] = mapped_column(String(1000))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    state: Mapped[str] = mapped_column(String(12))
    proposed_by: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(1000))
