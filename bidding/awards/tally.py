"""How often a firm bid and was chosen, for its public page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.awards.models import Award
from bidding.awards.rules import State
from market.jobs.models import Job

WON = (State.STANDING, State.CONTRACTED)


@dataclass(frozen=True, slots=True)
class Tally:
    """Opened auctions in which the firm bid and did not withdraw, and those it won."""

    bid: int
    won: int


def tally(s: Session, org_id: int, at: datetime) -> Tally:
    """Counts by what is public (decisions.md): on private jobs a loser's name is not, so only a win counts there.

    A withdrawn bid counts nowhere, and nothing counts before its auction was opened.
    """
    won = and_(Award.state.in_(WON), Award.org_id == org_id, Award.stands_at <= at)
    found: Any = (
        select(func.count(func.distinct(Bid.auction_id)), func.count(func.distinct(case((won, Bid.auction_id)))))
        .join(Auction, Auction.id == Bid.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .join(BidVersion, (BidVersion.bid_id == Bid.id) & (BidVersion.version == Bid.version))
        .outerjoin(Award, and_(Award.auction_id == Auction.id, won))
        .where(
            Bid.org_id == org_id,
            Auction.decided_at <= at,
            BidVersion.kind != "withdrawn",
            or_(Job.funding != "private", Award.id.is_not(None)),
        )
    )
    bid, chosen = s.execute(found).one()
    return Tally(int(bid), int(chosen))
