"""What the first page says of the market: few numbers, each from one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.auctions.rules import State as AuctionState
from bidding.awards.models import Award
from bidding.awards.rules import State
from market.admission.models import FirmCategory
from market.catalogue.models import Category
from market.clock import BEIJING
from market.jobs.models import Job

DONE = (State.STANDING, State.CONTRACTED)
"""An award that counts as made (成交)."""
GONE = (State.STRUCK, State.CANCELLED)
ENOUGH = 3
"""Independent competitors that every job needs."""
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Figures:
    """Totals of the first page. Money in fen; `enough` of `closed` auctions had three independent bids."""

    awarded: int
    sum_fen: int
    since: datetime | None
    firms: int
    categories: int
    categories_enough: int
    closed: int
    enough: int
    open: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A job whose bidding ends soon."""

    code: str
    title: str
    category: str | None
    district: str | None
    baseline: int | None
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class ClosingList:
    """The first of `total` jobs, soonest first."""

    rows: tuple[Closing, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Opened:
    """An auction just closed: `amount` and `competitors` where it was awarded, else how many valid bids there were."""

    code: str
    title: str
    at: datetime
    failed: bool
    amount: int | None
    baseline: int | None
    bids: int | None


def home_figures(s: Session) -> Figures:
    """The totals as of now, in one statement."""
    t = s.execute(_totals()).one()
    return Figures(
        awarded=t.awarded,
        sum_fen=int(t.sum_fen or 0),
        since=t.since,
        firms=t.firms,
        categories=t.categories,
        categories_enough=t.categories_enough,
        closed=t.closed,
        enough=t.enough,
        open=t.open,
    )


def _totals() -> Any:
    done = Award.state.in_(DONE)
    crowd = (
        select(FirmCategory.category_code)
        .where(FirmCategory.ended_at.is_(None))
        .group_by(FirmCategory.category_code)
        .having(func.count(FirmCategory.org_id.distinct()) >= ENOUGH)
        .subquery()
    )
    return select(
        _count(Award.id, done).label("awarded"),
        select(func.sum(Award.amount)).where(done).scalar_subquery().label("sum_fen"),
        select(func.min(Award.proposed_at)).where(done).scalar_subquery().label("since"),
        _count(FirmCategory.org_id.distinct(), FirmCategory.ended_at.is_(None)).label("firms"),
        _count(Category.code).label("categories"),
        select(func.count()).select_from(crowd).scalar_subquery().label("categories_enough"),
        _count(Auction.id, Auction.state.in_((AuctionState.DECIDED, AuctionState.FAILED))).label("closed"),
        _count(Auction.id, Auction.state == AuctionState.DECIDED).label("enough"),
        _count(Auction.id, Auction.state == AuctionState.OPEN).label("open"),
    )


def _count(what: Any, *where: ColumnElement[bool]) -> Any:
    return select(func.count(what)).where(*where).scalar_subquery()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def closing_today(s: Session, now: datetime, most: int = 6) -> ClosingList:
    """Jobs that close later on this Beijing day."""
    return _closing(s, now, _midnight(now.astimezone(BEIJING).date() + timedelta(days=1)), most)


def closing_next(s: Session, now: datetime, most: int = 6) -> ClosingList:
    """Jobs that close next, on whatever day."""
    return _closing(s, now, None, most)


def _closing(s: Session, now: datetime, until: datetime | None, most: int) -> ClosingList:
    open_now = [Auction.state == AuctionState.OPEN, Auction.closes_at > now]
    if until is not None:
        open_now.append(Auction.closes_at < until)
    found = s.execute(
        select(
            Job.code,
            Job.title,
            Job.category_code,
            Job.district,
            Job.baseline_fen,
            Auction.closes_at,
            func.count().over(),
        )
        .join(Auction, Auction.job_id == Job.id)
        .where(*open_now)
        .order_by(Auction.closes_at, Job.id)
        .limit(most)
    ).all()
    rows = tuple(Closing(code or "", title, cat, dist, base, at) for code, title, cat, dist, base, at, _ in found)
    return ClosingList(rows, found[0][-1] if found else 0)


def just_opened(s: Session, now: datetime, most: int = 4) -> Sequence[Opened]:
    """The auctions decided or failed last, newest first."""
    at = func.coalesce(Auction.decided_at, Auction.claimed_at)
    current = and_(Award.auction_id == Auction.id, Award.state.not_in(GONE))
    found = s.execute(
        select(Job.code, Job.title, at, Auction.state, Award.amount, Job.baseline_fen, Auction.opened)
        .join(Auction, Auction.job_id == Job.id)
        .outerjoin(Award, current)
        .where(Auction.state.in_((AuctionState.DECIDED, AuctionState.FAILED)), at <= now)
        .order_by(at.desc(), Job.id.desc())
        .limit(most)
    ).all()
    return [
        Opened(code or "", title, when, state == AuctionState.FAILED, amount, base, len(rows) if rows else None)
        for code, title, when, state, amount, base, rows in found
    ]
