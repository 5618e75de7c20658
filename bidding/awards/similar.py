"""What the same service went for lately: amounts of awards that stand, beside a price that is being set or bid."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.awards.rules import State
from market.jobs.models import Job

WINDOW: Final = timedelta(days=731)
"""Two years back, leap day included."""
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Similar:
    """An award that stands for the same service. Money in fen, days are working days promised."""

    code: str
    title: str
    amount: int
    days: int
    scale: int | None
    at: datetime | None


def similar_awards(s: Session, service_code: str, now: datetime, scale: int | None = None) -> list[Similar]:
    """Awards of a service that stood within 24 months before `now`, cheapest first, at most 200: one statement.

    With a `scale` only jobs of half to twice that size, so that like is set beside like.
    """
    found = (
        select(Job.code, Job.title, Award.amount, Award.days, Job.scale, Award.stands_at)
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .where(
            Job.service_code == service_code,
            Award.state.in_((State.STANDING, State.CONTRACTED)),
            Award.stands_at > now - WINDOW,
            Award.stands_at <= now,
        )
        .order_by(Award.stands_at.desc())
        .limit(MOST)
    )
    if scale is not None:
        found = found.where(Job.scale >= scale // 2, Job.scale <= scale * 2)
    rows = [
        Similar(code or "", title, amount, days, size, at) for code, title, amount, days, size, at in s.execute(found)
    ]
    return sorted(rows, key=lambda row: (row.amount, row.code))
