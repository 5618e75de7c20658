"""What is measured of jobs, read from the rooms below in a fixed number of statements however many jobs are asked."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.awards.rules import State as AwardState
from market.contracts.models import Contract
from market.contracts.rules import State as ContractState
from market.identity.models import Organisation
from market.jobs.models import Job
from market.moments import beijing_day
from market.payments.models import Payment
from oversight.metrics.models import FigureRow
from oversight.metrics.rules import UNKNOWN, Facts, Place, plausible

IN_FORCE = (AwardState.STANDING, AwardState.CONTRACTED)
SIGNED = (ContractState.ACTIVE, ContractState.ACCEPTED, ContractState.COMPLETED, ContractState.TERMINATED)


def gather(s: Session, jobs: Collection[int]) -> list[dict[str, Any]]:
    """The rows of those of the jobs that ended in an award that stands, or have failed; by column of FigureRow."""
    found = [job for job in s.scalars(select(Job).where(Job.id.in_(jobs)).order_by(Job.id)) if job.code]
    rounds = _last_rounds(s, [job.id for job in found])
    awards = _awards(s, list(rounds.values()))
    contracts = _contracts(s, [a.id for a in awards.values()])
    paid = _paid(s, [c.id for c in contracts.values() if c.state == ContractState.COMPLETED])
    homes = _homes(s, {a.org_id for a in awards.values()})
    rows = []
    for job in found:
        auction = rounds.get(job.id)
        award = awards.get(auction.id) if auction else None
        if auction is None or not (award or failed(job)):
            continue
        contract = contracts.get(award.id) if award else None
        rows.append(_row(job, auction, award, contract, paid, homes))
    return rows


def failed(job: Job) -> bool:
    """Whether a job ended without an award: its last round failed and no other follows."""
    return job.stage == "failed" and job.ended_at is not None


def _last_rounds(s: Session, jobs: Sequence[int]) -> dict[int, Auction]:
    rounds = select(Auction).where(Auction.job_id.in_(jobs), Auction.decided_at.is_not(None)).order_by(Auction.round)
    return {auction.job_id: auction for auction in s.scalars(rounds)}


def _awards(s: Session, rounds: Sequence[Auction]) -> dict[str, Award]:
    named = select(Award).where(Award.auction_id.in_([a.id for a in rounds]), Award.state.in_(IN_FORCE))
    return {award.auction_id: award for award in s.scalars(named.order_by(Award.rank))}


def _contracts(s: Session, awards: Sequence[int]) -> dict[int, Contract]:
    named = select(Contract).where(Contract.award_id.in_(awards), Contract.state.in_(SIGNED))
    return {contract.award_id: contract for contract in s.scalars(named)}


def _paid(s: Session, contracts: Sequence[int]) -> dict[int, int]:
    """What was settled of contracts, less refunds, in fen."""
    sums = select(Payment.contract_id, func.sum(Payment.settled)).where(Payment.contract_id.in_(contracts))
    return {row[0]: int(row[1]) for row in s.execute(sums.group_by(Payment.contract_id))}


def _homes(s: Session, orgs: Collection[int]) -> dict[int, str]:
    named = select(Organisation.id, Organisation.district).where(Organisation.id.in_(orgs))
    return {row.id: row.district for row in s.execute(named)}


def _row(
    job: Job,
    auction: Auction,
    award: Award | None,
    contract: Contract | None,
    paid: dict[int, int],
    homes: dict[int, str],
) -> dict[str, Any]:
    at = award.stands_at if award else job.ended_at
    home = homes.get(award.org_id) if award else None
    fee = plausible(job.baseline_fen)
    row: dict[str, Any] = {
        "job_id": job.id,
        "job_code": job.code,
        "contract_code": contract.code if contract else None,
        "title": job.title,
        "firm_id": award.org_id if award else None,
        "category": job.category_code or UNKNOWN,
        "district": job.district or UNKNOWN,
        "month": _month(at or auction.decided_at),
        "method": str(auction.terms.get("method", UNKNOWN)),
        "funding": job.funding or UNKNOWN,
        "kind": str((job.baseline or {}).get("kind", "none")) if fee else "none",
        "baseline": fee,
        "awarded": award.amount if award else None,
        "contracted": contract.amount_now if contract else None,
        "settled": paid.get(contract.id) if contract else None,
        "baseline_days": job.baseline_days,
        "days_promised": award.days if award else None,
        "days_used": contract.days_used if contract else None,
        "valid_bids": _valid(auction),
        "rounds": auction.round,
        "failed": award is None,
        "outside": home != job.district if home and job.district else None,
    }
    facts = facts_of(row)
    return row | {f"cut_{measure}": facts.cut_of(measure) for measure in ("awarded", "contracted", "settled", "days")}


def _month(at: Any) -> int:
    day = beijing_day(at)
    return int(day.year * 100 + day.month)


def _valid(auction: Auction) -> int:
    """Valid bids as the closing counts them: those sealed where the round failed before any was opened."""
    counted = (auction.outcome or {}).get("competitors") or {}
    valid = counted.get("valid")
    return int((counted.get("sealed") or 0) if valid is None else valid)


def facts_of(row: Mapping[str, Any]) -> Facts:
    """What is counted of a row, given by column."""
    return Facts(**{name: row[name] for name in Facts.__dataclass_fields__})


def place_of(row: Mapping[str, Any]) -> Place:
    """Where a row stands."""
    return Place(row["category"], row["district"], row["month"], row["method"], row["funding"])


COLUMNS = tuple(column.key for column in FigureRow.__table__.columns)
"""All columns of a row: what `gather` fills."""
