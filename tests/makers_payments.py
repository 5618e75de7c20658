"""Contracts with something to pay: rows written directly, for tests of payments."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.contracts.models import Contract, Milestone
from market.identity.queries import signed_in
from market.identity.rules import User
from market.payments.models import Payment
from market.payments.service import open_payment
from tests.makers import FOUNDED, T0, Party, make_firm, make_job, make_owner

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Deal:
    """A contract under way with its parties; `milestones` in order."""

    contract: Contract
    owner: Party
    firm: Party
    milestones: tuple[Milestone, ...]

    @property
    def code(self) -> str:
        return self.contract.code


def user_of(s: Session, party: Party) -> User:
    """A party's person as signed in."""
    found = signed_in(s, party.person.id, party.person.epoch)
    assert found is not None
    return found


def make_deal(
    s: Session, *fens: int, owner: Party | None = None, firm: Party | None = None, now: datetime = T0, **but: Any
) -> Deal:
    """An active contract with one milestone a sum (10,000 yuan alone unless said), each accepted."""
    fens, n = fens or (1_000_000,), next(_numbers)
    owner, firm = owner or make_owner(s), firm or make_firm(s)
    job = make_job(s, owner, FOUNDED, state="published", stage="contracted", code=f"ZJ-2024-{n:05d}")
    row = {
        "code": f"HT-2024-{n:05d}", "state": "active", "amount": sum(fens), "amount_now": sum(fens), "days": 20,
        "days_now": 20,
    }  # fmt: skip
    contract = Contract(
        job_id=job.id, job_code=job.code, auction_id=f"{job.code}-1", award_id=800_000 + n, owner_id=owner.org.id,
        firm_id=firm.org.id, lead_id=firm.lead or None, title=job.title, funding=job.funding, tax="included", terms={},
        digest="0" * 64, opened_at=now - timedelta(days=30), sign_by=now - timedelta(days=20),
        signed_at=now - timedelta(days=25), inputs_at=now - timedelta(days=25), **{**row, **but},
    )  # fmt: skip
    s.add(contract)
    s.flush()
    made = tuple(
        Milestone(
            contract_id=contract.id, no=no, name=f"阶段{no}", share=10_000 // len(fens), fen=fen, due_days=20,
            state="accepted", accepted_at=now,
        )
        for no, fen in enumerate(fens, 1)
    )  # fmt: skip
    s.add_all(made)
    s.flush()
    return Deal(contract, owner, firm, made)


def make_payment(s: Session, deal: Deal, no: int = 1, now: datetime = T0, **but: Any) -> Payment:
    """What is due for a milestone of a deal, within ten days."""
    milestone = deal.milestones[no - 1]
    row = {"fen": milestone.fen, "due_at": now + timedelta(days=10)}
    return open_payment(
        s, deal.contract.id, milestone.id, deal.owner.org.id, deal.firm.org.id, contract_code=deal.code, no=no,
        now=now, **{**row, **but},
    )  # fmt: skip


def the_payment(s: Session, id: int) -> Payment:
    """A payment as it stands in the database."""
    return s.scalars(select(Payment).where(Payment.id == id).execution_options(populate_existing=True)).one()
