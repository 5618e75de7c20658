"""What the indicators read: decided rounds with their opened bids, awards and contracts; only after T. And flags."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from market.catalogue.queries import calendar
from market.contracts.models import Contract
from market.jobs.models import Job
from market.moments import beijing_day
from market.workdays import Calendar
from oversight.indicators.rules import Offered, Tender

_REFUSED = ("contract_refused", "withdrew")
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
        kin=tuple(sorted(kin)),
        winner=stands.org_id if stands else None,
        awarded=stands.amount if stands else None,
        price_now=contract.amount_now if contract else None,
        baseline_days=job.baseline_days,
        days_used=contract.days_used if contract else None,
        bid_days=days.count_workdays(since, until),
        off_days=longest_rest(days, since, until),
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
