"""What waits for an organisation around its auctions and awards, with the day it is due (My work)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.awards.models import Award, Objection
from bidding.awards.rules import State
from market.jobs.models import Job


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. `kind`: judge | answer | sign | explain | confirm | wait. `ref`: the objection's id."""

    kind: str
    code: str
    title: str
    due: datetime | None
    ref: int | None = None


def owner_tasks(s: Session, org_id: int) -> list[Task]:
    """What an owner must do: judge a low price that was explained, answer objections, sign. Two statements."""
    awards = (
        select(Award, Job)
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .where(Job.owner_id == org_id, Award.state.in_((State.EXPLAINING, State.STANDING)))
    )
    found = []
    for award, job in s.execute(awards):
        if award.state == State.STANDING:
            found.append(Task("sign", job.code or "", job.title, award.due_at))
        elif award.explained_at is not None:
            found.append(Task("judge", job.code or "", job.title, award.due_at or award.explanation_due))
    asked = (
        select(Objection, Job)
        .join(Award, Award.id == Objection.award_id)
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .where(Job.owner_id == org_id, Objection.answered_at.is_(None), Award.state == State.CONTESTED)
    )
    return found + [Task("answer", job.code or "", job.title, row.due_at, row.id) for row, job in s.execute(asked)]


def firm_tasks(s: Session, org_id: int, now: datetime) -> list[Task]:
    """What a firm must do: explain a low price, confirm a bid after a change, sign; or wait. Two statements."""
    awards = (
        select(Award, Job)
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .where(
            Award.org_id == org_id,
            Award.state.in_((State.EXPLAINING, State.PROPOSED, State.CONTESTED, State.STANDING)),
        )
    )
    found = []
    for award, job in s.execute(awards):
        if award.state == State.EXPLAINING and award.explained_at is None:
            found.append(Task("explain", job.code or "", job.title, award.explanation_due))
        elif award.state == State.STANDING:
            found.append(Task("sign", job.code or "", job.title, award.due_at))
        else:
            found.append(Task("wait", job.code or "", job.title, award.standstill_ends))
    changed = (
        select(Job.code, Job.title, Auction.closes_at)
        .join(Auction, Auction.job_id == Job.id)
        .join(Bid, Bid.auction_id == Auction.id)
        .join(BidVersion, (BidVersion.bid_id == Bid.id) & (BidVersion.version == Bid.version))
        .where(
            Bid.org_id == org_id,
            Auction.state == "open",
            Auction.closes_at > now,
            BidVersion.kind != "withdrawn",
            BidVersion.terms_digest != Auction.terms_digest,
        )
    )
    return found + [Task("confirm", code or "", title, due) for code, title, due in s.execute(changed)]
