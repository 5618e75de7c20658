"""What the first page says of the market: few numbers, each from one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Float, Subquery, and_, case, cast, func, literal, select, union_all
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
    """The first page's figures. Money in fen; gaps to the baseline in tenths of a percent, negative is below.

    `cut` is the median over awards whose baseline is of kind `official` (`cut_n` of them); `months` the same by
    Beijing month of the award, oldest first, months without an award left out. `enough` of `closed` auctions had
    three independent bids.
    """

    awarded: int
    sum_fen: int
    since: datetime | None
    cut: int | None
    cut_n: int
    months: tuple[int, ...]
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


def home_figures(s: Session, now: datetime) -> Figures:
    """The figures as of now, in two statements: totals, then medians of the fee against the baseline."""
    t = s.execute(_totals()).one()
    medians = {key: (gap, n) for key, gap, n in s.execute(_medians(now))}
    cut, n = medians.get(0, (None, 0))
    return Figures(
        awarded=t.awarded,
        sum_fen=int(t.sum_fen or 0),
        since=t.since,
        cut=None if cut is None else tenths(cut),
        cut_n=n,
        months=tuple(tenths(medians[m][0]) for m in range(1, MONTHS + 1) if m in medians),
        firms=t.firms,
        categories=t.categories,
        categories_enough=t.categories_enough,
        closed=t.closed,
        enough=t.enough,
        open=t.open,
    )


def tenths(share: float) -> int:
    """A share of the baseline paid (0.688) as the gap in tenths of a percent (−312)."""
    return round((float(share) - 1) * 1000)


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


def _medians(now: datetime) -> Any:
    """Rows (0 for all time or 1…12 for a month, median share, number). Neither engine shares a median function."""
    share = cast(Award.amount, Float) / Job.baseline_fen
    month = case(*[(Award.proposed_at >= begin, MONTHS - i) for i, begin in enumerate(month_starts(now))], else_=0)
    rows = (
        select(share.label("share"), month.label("month"))
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .where(Award.state.in_(DONE), Job.baseline_fen > 0, Job.baseline["kind"].as_string() == "official")
        .subquery()
    )
    whole = _ranked(rows, None)
    by_month = _ranked(rows, rows.c.month)
    middle = select(literal(0), func.avg(whole.c.share), func.max(whole.c.n)).where(_in_middle(whole))
    monthly = select(by_month.c.month, func.avg(by_month.c.share), func.max(by_month.c.n))
    monthly = monthly.where(_in_middle(by_month), by_month.c.month > 0).group_by(by_month.c.month)
    return union_all(middle, monthly)


def _ranked(rows: Subquery, by: ColumnElement[Any] | None) -> Subquery:
    place = func.row_number().over(partition_by=by, order_by=rows.c.share).label("place")
    return select(rows.c.share, rows.c.month, place, func.count().over(partition_by=by).label("n")).subquery()


def _in_middle(ranked: Subquery) -> ColumnElement[bool]:
    """The one middle row of an odd number, the two of an even one."""
    return and_(ranked.c.place * 2 >= ranked.c.n, ranked.c.place * 2 <= ranked.c.n + 2)


def month_starts(now: datetime) -> list[datetime]:
    """The first instants of this Beijing month and the eleven before, newest first."""
    first = now.astimezone(BEIJING).date().replace(day=1)
    found: list[datetime] = []
    for _ in range(MONTHS):
        found.append(_midnight(first))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


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
