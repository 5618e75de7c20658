"""A contract on the stage of a page test: from sealed bids to an award that stands, signed if wanted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bidding.awards import service as awards
from market.clock import FixedClock
from market.contracts import service as contracts
from market.contracts.models import Contract
from market.identity.queries import platform_key
from market.identity.rules import User
from market.jobs.models import Job
from portal.web import City
from tests.makers import Party
from tests.makers_contracts import HALVES, user_of
from tests.portal.staging import Staged, staged

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@dataclass
class Signed:
    """A contract, its parties, and a stranger who bid and lost."""

    stage: Staged
    code: str
    id: int
    owner: Party
    firm: Party
    loser: Party

    @property
    def city(self) -> City:
        return self.stage.city

    def row(self) -> Contract:
        """The contract as it stands."""
        with self.city.db.read() as s:
            return s.scalars(select(Contract).where(Contract.code == self.code)).one()

    def user(self, party: Party) -> User:
        with self.city.db.read() as s:
            return user_of(s, party)

    def later(self, **delta: float) -> None:
        """Move the clock on."""
        clock = self.city.clock
        assert isinstance(clock, FixedClock)
        clock.at += timedelta(**delta)

    def at(self, path: str = "") -> str:
        """An address of this contract."""
        return f"/contracts/{self.code}{path}"


def opened(city: City, kind: str = "private", **but: Any) -> Signed:
    """The winner of a staged auction (85,000 yuan, 20 days) with a contract that waits for both confirmations."""
    stage = staged(city, kind, **but)
    stage.bids(8_500_000, 9_000_000, 9_100_000)
    stage.close()
    clock = city.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(days=10)
    with city.db.write() as s:
        awards.stand_next(s, clock.now())
    with city.db.read() as s:
        found = select(Contract).join(Job, Job.id == Contract.job_id).where(Job.code == stage.code)
        contract = s.scalars(found).one()
    return Signed(stage, contract.code, contract.id, stage.owner, stage.firms[0], stage.firms[1])


def signed(city: City, kind: str = "private", inputs: bool = True, **but: Any) -> Signed:
    """A contract in force with two milestones (40 % after 10 days, 60 % after 20), inputs complete unless said."""
    deal = opened(city, kind, **but)
    now = city.clock.now()
    owner, firm = deal.user(deal.owner), deal.user(deal.firm)
    with city.db.write() as s:
        secret = platform_key(s, "receipt").secret
        contracts.set_milestones(s, deal.id, HALVES, owner, now)
        awards.confirm_contract(s, deal.id, owner, now, secret)
        awards.confirm_contract(s, deal.id, firm, now, secret)
        if inputs:
            contracts.complete_inputs(s, deal.id, firm, now)
    deal.stage.log()
    return deal
