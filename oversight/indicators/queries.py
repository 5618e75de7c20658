"""What the indicators read: decided rounds with their opened bids, awards and contracts; only after T. And flags."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from market.catalogue.queries import calendar
from market.contracts.models import Contract
from market.identity.models import Organisation, Person
from market.jobs.models import Job
from market.moments import beijing_day
from market.workdays import Calendar
from oversight.indicators.models import CaseNote, Flag, FlagFirm, FlagJob
from oversight.indicators.rules import Offered, State, Tender

_REFUSED = ("contract_refused", "withdrew")
_DECIDED = (State.FOUNDED, State.UNFOUNDED)
_PRICED = ("lowest_price", "multi_criteria", "discount_rate")
"""Methods in which firms compete by a price of their own: elsewhere equal prices say nothing."""


def tenders(s: Session) -> list[Tender]:
    """Every decided round, by auction. Rounds that are still sealed are not read."""
    rows = s.execute(
        select(Auction, Job)
        .join(Job, Job.id == Auction.job_id)
        .where(Auction.decided_at.is_not(None))
        .order_by(Auction.id)
    ).all()
    awards: dict[str, list[Award]] = defaultdict(list)
    for award in s.scalars(select(Award).order_by(Award.auction_id, Award.rank)):
        awards[award.auction_id].append(award)
    contracts = {c.award_id: c for c in s.scalars(select(Contract).where(Contract.state != "refused"))}
    days = calendar(s)
    return [_tender(auction, job, awards[auction.id], contracts, days) for auction, job in rows]


def _tender(
    auction: Auction, job: Job, awards: list[Award], contracts: Mapping[int, Contract], days: Calendar
) -> Tender:
    outcome = auction.outcome or {}
    orgs = {b["bidder"]: b["org"] for b in auction.opened or []}
    kin = (orgs[e["bidder"]] for e in outcome.get("exclusions", ()) if e["code"] == "affiliated")
    stands = next((a for a in awards if a.state in ("standing", "contracted")), None)
    contract = contracts.get(stands.id) if stands else None
    since, until = beijing_day(auction.opens_at), beijing_day(auction.closes_at)
    priced = auction.terms["method"] in _PRICED
    return Tender(
        job=job.id,
        code=job.code or "",
        round=auction.round,
        decided_at=auction.decided_at or auction.closes_at,
        owner=job.owner_id,
        category=job.category_code or "",
        district=job.district or "",
        failed=outcome.get("status") == "failed",
        minimum=auction.terms.get("min_competitors", 3),
        valid=tuple(Offered(orgs[r["bidder"]], r["amount"], r["days"]) for r in outcome["ranking"]) if priced else (),
        bidders=tuple(sorted(orgs.values())),
        kin=tuple(sorted(kin)),
        winner=stands.org_id if stands else None,
        awarded=stands.amount if stands else None,
        price_now=contract.amount_now if contract else None,
        baseline_days=job.baseline_days,
        days_used=contract.days_used if contract else None,
        bid_days=days.count_workdays(since, until),
        off_days=longest_rest(days, since, until),
        urgency=job.urgency,
        refused=tuple((a.org_id, a.ended_at or a.proposed_at) for a in awards if a.strike in _REFUSED),
    )


def longest_rest(days: Calendar, since: date, until: date) -> int:
    """The longest run of days off between two days."""
    longest = run = 0
    day = since
    while day <= until:
        run = 0 if days.is_workday(day) else run + 1
        longest = max(longest, run)
        day += timedelta(days=1)
    return longest


# ── flags ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Raised:
    """A flag with what it names: jobs (code, title), firms (id, USCC, name), notes and their writers, the owner."""

    flag: Flag
    jobs: list[tuple[str, str]]
    firms: list[tuple[int, str, str]]
    notes: list[tuple[CaseNote, str]]
    owner: str | None


def scope_of(s: Session, org_id: int) -> str | None:
    """The district an authority looks after; None for the whole city."""
    return s.scalar(select(Organisation.district).where(Organisation.id == org_id)) or None


def in_scope(flag: Flag, scope: str | None) -> bool:
    """Whether a flag is of the district; what spans districts is the city's."""
    return scope is None or flag.district == scope


def flags(
    s: Session, scope: str | None, indicators: Sequence[str], decided: bool, page: int, size: int
) -> tuple[list[Flag], int]:
    """Flags of a scope, the oldest open one first, or the decided ones, newest first; and how many there are."""
    found = select(Flag).where(Flag.state.in_(_DECIDED) if decided else Flag.state.not_in(_DECIDED))
    if scope is not None:
        found = found.where(Flag.district == scope)
    if indicators:
        found = found.where(Flag.indicator.in_(indicators))
    total = s.scalar(select(func.count()).select_from(found.subquery())) or 0
    order = (Flag.decided_at.desc(), Flag.id) if decided else (Flag.raised_at, Flag.id)
    return list(s.scalars(found.order_by(*order).limit(size).offset((page - 1) * size))), total


def open_counts(s: Session, scope: str | None) -> dict[str, int]:
    """Undecided flags by indicator."""
    found = select(Flag.indicator, func.count()).where(Flag.state.not_in(_DECIDED)).group_by(Flag.indicator)
    if scope is not None:
        found = found.where(Flag.district == scope)
    return {row[0]: row[1] for row in s.execute(found)}


def state_counts(s: Session, scope: str | None, indicator: str) -> dict[str, int]:
    """Flags of one indicator by state, every state of them."""
    found = select(Flag.state, func.count()).where(Flag.indicator == indicator).group_by(Flag.state)
    if scope is not None:
        found = found.where(Flag.district == scope)
    return dict.fromkeys((str(state) for state in State), 0) | {row[0]: row[1] for row in s.execute(found)}


def jobs_of(s: Session, flag_ids: Sequence[int]) -> dict[int, list[str]]:
    """The codes of the jobs that each flag rests on, in order."""
    found: dict[int, list[str]] = defaultdict(list)
    for flag_id, code in s.execute(
        select(FlagJob.flag_id, Job.code)
        .join(Job, Job.id == FlagJob.job_id)
        .where(FlagJob.flag_id.in_(flag_ids), Job.code.is_not(None))
        .order_by(FlagJob.flag_id, Job.code)
    ):
        found[flag_id].append(code or "")
    return found


def flag(s: Session, flag_id: int, scope: str | None) -> Raised | None:
    """One flag; None where there is none in the scope."""
    row = s.get(Flag, flag_id)
    if row is None or not in_scope(row, scope):
        return None
    jobs = s.execute(
        select(Job.code, Job.title).join(FlagJob, FlagJob.job_id == Job.id).where(FlagJob.flag_id == row.id)
    )
    firms = s.execute(
        select(Organisation.id, Organisation.uscc, Organisation.name)
        .join(FlagFirm, FlagFirm.org_id == Organisation.id)
        .where(FlagFirm.flag_id == row.id)
        .order_by(Organisation.id)
    )
    notes = s.execute(
        select(CaseNote, Person.name)
        .join(Person, Person.id == CaseNote.by)
        .where(CaseNote.flag_id == row.id)
        .order_by(CaseNote.id)
    )
    owner = s.scalar(select(Organisation.name).where(Organisation.id == row.owner_id)) if row.owner_id else None
    return Raised(
        row,
        sorted((code or "", title) for code, title in jobs),
        [(id, uscc, name) for id, uscc, name in firms],
        [(note, name) for note, name in notes],
        owner,
    )
