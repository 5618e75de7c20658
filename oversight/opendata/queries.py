"""Published jobs for open data: read in sets, a page of jobs in a fixed number of statements.

Nothing is told that the pages do not tell a stranger: bids only of a round with a result, names as closing.queries
gives them to nobody in particular, no person, no account, no payment.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from bidding.auctions import models as auctions
from bidding.auctions.rules import State
from bidding.awards import models as awards
from bidding.closing.queries import PUBLIC_FUNDING, Viewer, sees_names
from market.contracts import models as deals
from market.identity.models import Organisation
from market.jobs.models import Job
from market.moments import BEIJING
from oversight.opendata.ocds import (
    Amendment,
    Award,
    Bid,
    Bids,
    Change,
    Contract,
    Firm,
    Part,
    Process,
    newest,
)  # fmt: skip

PAGE = 200
"""Jobs that are read at once for a file."""
STRANGER = Viewer()


@dataclass(frozen=True, slots=True)
class Month:
    """A bulk file: the jobs published in a month of Beijing time, `yyyy-mm`."""

    name: str
    jobs: int


def _published() -> Select[Job]:
    return select(Job).where(Job.published_at.is_not(None), Job.code.is_not(None))


def process(s: Session, code: str) -> Process | None:
    """One published job, or None."""
    return next(iter(processes(s, s.scalars(_published().where(Job.code == code)).all())), None)


def recent(s: Session, limit: int) -> list[Job]:
    """The jobs published last, newest first."""
    return list(s.scalars(_published().order_by(Job.published_at.desc(), Job.id.desc()).limit(limit)))


def page_of(s: Session, month: str, after: int) -> tuple[list[Process], int | None]:
    """Up to PAGE jobs of a month beyond a row number, and the number to go on from; None at the end."""
    begins, ends = bounds(month)
    found = _published().where(Job.published_at >= begins, Job.published_at < ends, Job.id > after)
    jobs = s.scalars(found.order_by(Job.id).limit(PAGE)).all()
    return processes(s, jobs), jobs[-1].id if len(jobs) == PAGE else None


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first instant of a month `yyyy-mm` of Beijing time, and of the next."""
    year, number = int(month[:4]), int(month[5:])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=BEIJING), datetime(*following, 1, tzinfo=BEIJING)


def months(s: Session) -> list[Month]:
    """Every month in which a job was published, newest first."""
    known = (Job.published_at.is_not(None), Job.code.is_not(None))
    first, last = s.execute(select(func.min(Job.published_at), func.max(Job.published_at)).where(*known)).one()
    names = list(_names(first, last)) if first is not None and last is not None else []
    if not names:
        return []
    place = case(*((Job.published_at < bounds(name)[1], n) for n, name in enumerate(names)), else_=len(names))
    counts = select(place.label("place"), func.count()).where(*known).group_by("place")
    found = {int(n): int(jobs) for n, jobs in s.execute(counts)}
    return [Month(name, found[n]) for n, name in reversed(list(enumerate(names))) if n in found]


def _names(first: datetime, last: datetime) -> Iterator[str]:
    begins, ends = first.astimezone(BEIJING), last.astimezone(BEIJING)
    for n in range(begins.year * 12 + begins.month - 1, ends.year * 12 + ends.month):
        yield f"{n // 12:04d}-{n % 12 + 1:02d}"


def last_change(s: Session) -> datetime | None:
    """When a published job, a result, an award or a contract changed last."""
    said = (
        Job.published_at, Job.ended_at, auctions.Amendment.at, auctions.Auction.decided_at, awards.Award.proposed_at,
        awards.Award.stands_at, awards.Award.ended_at, *(getattr(deals.Contract, name) for name in _CONTRACT),
        deals.Milestone.accepted_at, deals.ChangeOrder.answered_at,
    )  # fmt: skip
    found = s.execute(select(*(select(func.max(one)).scalar_subquery() for one in said))).one()
    return max((at for at in found if at is not None), default=None)


_CONTRACT = ("opened_at", "signed_at", "inputs_at", "accepted_at", "ended_at")


# ── sets ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Around:
    """What belongs to a page of jobs, by job, auction and contract."""

    rounds: dict[int, list[auctions.Auction]]
    amendments: dict[str, list[auctions.Amendment]]
    awards: dict[str, list[awards.Award]]
    contracts: dict[int, list[deals.Contract]]
    parts: dict[int, list[deals.Milestone]]
    changes: dict[int, list[deals.ChangeOrder]]


def processes(s: Session, jobs: Sequence[Job]) -> list[Process]:
    """What is told of published jobs, in the order given."""
    if not jobs:
        return []
    around = _around(s, [job.id for job in jobs])
    firms = _firms(s, jobs, around)
    return [_process(job, around, firms) for job in jobs if around.rounds[job.id]]


def _around(s: Session, jobs: Sequence[int]) -> _Around:
    rounds = s.scalars(
        select(auctions.Auction).where(auctions.Auction.job_id.in_(jobs)).order_by(auctions.Auction.round)
    ).all()
    signed = s.scalars(select(deals.Contract).where(deals.Contract.job_id.in_(jobs)).order_by(deals.Contract.id)).all()
    amended, proposed = auctions.Amendment, awards.Award
    part, change = deals.Milestone, deals.ChangeOrder
    names, rows = [a.id for a in rounds], [c.id for c in signed]
    agreed = select(change).where(change.contract_id.in_(rows), change.state == "agreed")
    return _Around(
        _by(rounds, "job_id"),
        _by(s.scalars(select(amended).where(amended.auction_id.in_(names)).order_by(amended.id)), "auction_id"),
        _by(s.scalars(select(proposed).where(proposed.auction_id.in_(names)).order_by(proposed.id)), "auction_id"),
        _by(signed, "job_id"),
        _by(s.scalars(select(part).where(part.contract_id.in_(rows)).order_by(part.no)), "contract_id"),
        _by(s.scalars(agreed.order_by(change.no)), "contract_id"),
    )


def _by(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def _firms(s: Session, jobs: Sequence[Job], around: _Around) -> dict[int, Firm]:
    """The owners, the bidders and the awarded, whoever of them will be named."""
    ids = {job.owner_id for job in jobs}
    for job in jobs:
        for auction in around.rounds[job.id]:
            ids |= {bid["org"] for bid in auction.opened or []} | {a.org_id for a in around.awards[auction.id]}
    known = select(Organisation.id, Organisation.uscc, Organisation.name).where(Organisation.id.in_(ids))
    return {row.id: Firm(row.uscc, row.name) for row in s.execute(known)}


def _process(job: Job, around: _Around, firms: dict[int, Firm]) -> Process:
    rounds = around.rounds[job.id]
    last = rounds[-1]
    given = [a for auction in rounds for a in around.awards[auction.id]]
    bids = _bids(job, last, around.awards[last.id], firms)
    told = {b.bidder for b in (bids.details or ())} if bids is not None else set()
    changes = around.amendments[last.id]
    agreements = [_contract(job, c, around) for c in around.contracts[job.id]]
    return Process(
        code=str(job.code), title=job.title, summary=job.summary, owner=firms[job.owner_id],
        category=job.category_code, service=job.service_code, ceiling=job.ceiling_fen,
        method=str(last.terms.get("method", "")), days_max=job.days_max, status=_status(job, last, given),
        opens_at=last.opens_at, closes_at=last.closes_at, bids=bids,
        changed_at=newest(
            job.published_at, job.ended_at, last.opens_at, last.decided_at, among=_times(given, around, job, last)
        ),
        amendments=[Amendment(str(n), a.at, a.reason) for n, a in enumerate(changes, 1)],
        awards=[_award(a, last, told, firms) for a in given], contracts=agreements,
    )  # fmt: skip


def _times(
    given: Iterable[awards.Award], around: _Around, job: Job, last: auctions.Auction
) -> Iterator[datetime | None]:
    """Every instant at which something of a job that is told here became so."""
    yield from (a.at for a in around.amendments[last.id])
    for a in given:
        yield from (a.proposed_at, a.stands_at, a.ended_at)
    for c in around.contracts[job.id]:
        yield from (getattr(c, name) for name in _CONTRACT)
        yield from (m.accepted_at for m in around.parts[c.id])
        yield from (x.answered_at for x in around.changes[c.id])


def _status(job: Job, last: auctions.Auction, given: Sequence[awards.Award]) -> str:
    """tenderStatus: complete with an award in force or under way, unsuccessful where nobody is left."""
    if job.state == "cancelled" or last.state == State.CANCELLED:
        return "cancelled"
    if last.state == State.FAILED:
        return "unsuccessful"
    if last.state != State.DECIDED:
        return "active"
    here = [a for a in given if a.auction_id == last.id]
    return "unsuccessful" if here and all(a.state in ("struck", "cancelled") for a in here) else "complete"


def _bids(job: Job, auction: auctions.Auction, given: Sequence[awards.Award], firms: dict[int, Firm]) -> Bids | None:
    """What a round with a result came to; a failed one tells how many came, and neither names nor prices."""
    if auction.decided_at is None or auction.state not in (State.DECIDED, State.FAILED):
        return None
    opened = auction.opened or []
    received = sum(b["void"] != "withdrawn" for b in opened)
    if auction.state == State.FAILED:
        return Bids(received, auction.decided_at, None)
    prices = {place["bidder"]: int(place["amount"]) for place in (auction.outcome or {})["ranking"]}
    named, awarded = sees_names(job, auction, STRANGER), {a.bidder for a in given}
    found = []
    for b in opened:
        bidder, withdrawn = b["bidder"], b["void"] == "withdrawn"
        status = "withdrawn" if withdrawn else "valid" if bidder in prices else "disqualified"
        tells = bidder in awarded or (named and not withdrawn)
        found.append(Bid(bidder, status, firms[b["org"]] if tells else None, prices.get(bidder)))
    return Bids(received, auction.decided_at, found)


def _award(a: awards.Award, last: auctions.Auction, told: set[str], firms: dict[int, Firm]) -> Award:
    bid = a.bidder if a.auction_id == last.id and a.bidder in told else None
    return Award(f"{a.auction_id}-{a.rank}", bid, firms[a.org_id], a.state, a.proposed_at, a.amount)


def _contract(job: Job, c: deals.Contract, around: _Around) -> Contract:
    """A contract as its public page has it; the reason of a change is a private job's own."""
    ranks = {a.id: f"{a.auction_id}-{a.rank}" for a in around.awards[c.auction_id]}
    tells = job.funding in PUBLIC_FUNDING
    starts = newest(c.signed_at, c.inputs_at) if c.signed_at and c.inputs_at else None
    changes = [Change(x.no, x.answered_at or x.proposed_at, x.reason if tells else None) for x in around.changes[c.id]]
    return Contract(
        code=c.code, award=ranks[c.award_id], title=c.title, state=c.state, fen=c.amount_now, signed_at=c.signed_at,
        starts_at=starts, due_at=c.due_at,
        parts=[Part(m.no, m.name, m.due_at, m.accepted_at) for m in around.parts[c.id]],
        changes=changes,
    )  # fmt: skip
