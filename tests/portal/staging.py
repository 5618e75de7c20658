"""An auction on the stage of a page test: owner, firms, sealed bids, and the closing run by hand."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.awards.service import settle_next
from bidding.closing.service import claim_next
from market.audit.sequencer import place
from market.clock import FixedClock
from market.jobs.models import Job
from portal.web import City
from tests.makers import Party, bid, make_auction, make_firm, make_org, make_owner, make_person


@dataclass
class Staged:
    """A published job and who is around it. `code` is the job's."""

    city: City
    owner: Party
    firms: list[Party]
    code: str
    auction: str
    office: dict[str, Any] = field(default_factory=dict)

    def bids(self, *amounts: int, days: int = 20) -> list[str]:
        """Sealed bids of the firms in order, in fen; their receipt numbers."""
        with self.city.db.write() as s:
            auction = s.get_one(Auction, self.auction)
            pairs = zip(self.firms, amounts, strict=False)
            return [bid(s, auction, firm, amount, days).number for firm, amount in pairs]

    def close(self) -> None:
        """Move the clock past T and its drain, claim, open, decide and propose, and place the records."""
        db, clock = self.city.db, self.city.clock
        assert isinstance(clock, FixedClock)
        with db.read() as s:
            clock.at = s.get_one(Auction, self.auction).closes_at + timedelta(seconds=30)
        with db.write() as s:
            claim_next(s, clock.now())
        with db.write() as s:
            settle_next(s, clock.now(), self.city.keeper)
        self.log()

    def log(self) -> None:
        """Give the records their places."""
        with self.city.db.write() as s:
            place(s)

    def award(self) -> Award:
        """The newest award."""
        with self.city.db.read() as s:
            found = select(Award).where(Award.auction_id == self.auction).order_by(Award.id.desc()).limit(1)
            return s.scalars(found).one()

    def job(self) -> Job:
        """The job as it stands."""
        with self.city.db.read() as s:
            return s.scalars(select(Job).where(Job.code == self.code)).one()


def staged(city: City, kind: str = "private", firms: int = 4, **but: Any) -> Staged:
    """An open auction of an owner of a kind, with so many firms that fit, an operator and a regulator."""
    with city.db.write() as s:
        owner = make_owner(s, kind=kind)
        parties = [make_firm(s) for _ in range(firms)]
        authority = make_org(s, kind="authority", is_owner=False)
        office = {o: make_person(s, authority, office=o) for o in ("operator", "regulator")}
        auction = make_auction(s, city.keeper, owner, **but)
        code = s.scalars(select(Job.code).where(Job.id == auction.job_id)).one()
        return Staged(city, owner, parties, code or "", auction.id, office)
