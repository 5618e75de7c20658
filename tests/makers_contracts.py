"""Contracts made by the services: opened as an award does it, confirmed by both sides, with complete inputs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from market.contracts import service as contracts
from market.contracts.models import Contract
from market.identity.queries import platform_key, signed_in
from market.identity.rules import User
from tests.makers import T0, Party, make_firm, make_job, make_owner

_numbers = count(1)
HALVES = (contracts.Planned("初稿", 4_000, 10), contracts.Planned("报批稿", 6_000, 20))
"""Two milestones of a contract of 20 working days."""


@dataclass(frozen=True, slots=True)
class Deal:
    """A contract and the people who act for its sides."""

    contract: Contract
    owner: User
    firm: User

    @property
    def id(self) -> int:
        return self.contract.id


def user_of(s: Session, party: Party) -> User:
    """A party's person as signed in."""
    found = signed_in(s, party.person.id, party.person.epoch)
    assert found is not None
    return found


def open_deal(
    s: Session, owner: Party | None = None, firm: Party | None = None, now: datetime = T0, **but: Any
) -> Deal:
    """A contract of 80,000 yuan and 20 days that waits for both confirmations."""
    owner, firm, n = owner or make_owner(s), firm or make_firm(s), next(_numbers)
    job = make_job(s, owner, now, state="published", stage="standing", code=f"ZJ-2023-{n:05d}")
    row = {
        "job_id": job.id, "job_code": job.code, "auction_id": f"{job.code}-1", "award_id": 700_000 + n,
        "owner_id": owner.org.id, "firm_id": firm.org.id, "lead_id": firm.lead or None, "title": job.title,
        "funding": "private", "tax": "included", "amount": 8_000_000, "days": 20, "sign_by": now + timedelta(days=7),
    }  # fmt: skip
    made = contracts.open_contract(s, contracts.OpenContract(**{**row, **but}), now)
    return Deal(made, user_of(s, owner), user_of(s, firm))


def make_contract(
    s: Session,
    owner: Party | None = None,
    firm: Party | None = None,
    now: datetime = T0,
    milestones: tuple[contracts.Planned, ...] = HALVES,
    **but: Any,
) -> Deal:
    """A contract in force since `now`, inputs complete, with two milestones unless said."""
    deal = open_deal(s, owner, firm, now, **but)
    contracts.set_milestones(s, deal.id, milestones, deal.owner, now)
    secret = platform_key(s, "receipt").secret
    contracts.confirm(s, deal.id, deal.owner, now, secret)
    contracts.confirm(s, deal.id, deal.firm, now, secret)
    contracts.complete_inputs(s, deal.id, deal.firm, now)
    return deal
