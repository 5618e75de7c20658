"""From an award that stands to its contract: opened at once, confirmed by both sides, or refused (实施条例 55)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.awards.models import Award
from bidding.awards.rules import Event
from bidding.awards.service.propose import locked, move, strike
from market.catalogue import queries as catalogue
from market.contracts import service as contracts
from market.contracts.models import Contract
from market.errors import refuse
from market.identity.rules import User
from market.jobs.models import Job
from market.notices.service import index_later
from ratings.credit.service import record_fact


def open_for(s: Session, row: Award, job: Job, now: datetime) -> Contract:
    """The contract of an award that has come to stand, to be signed within the city's days (sign_after_standing_wd)."""
    rules = catalogue.city_rules_on(s, now)
    return contracts.open_contract(
        s,
        contracts.OpenContract(
            job_id=job.id,
            job_code=job.code or "",
            auction_id=row.auction_id,
            award_id=row.id,
            owner_id=job.owner_id,
            firm_id=row.org_id,
            lead_id=_lead(s, row),
            title=job.title,
            funding=job.funding or "private",
            tax=job.tax or "included",
            amount=row.amount,
            days=row.days,
            sign_by=catalogue.calendar(s).end_of_period(now, rules["sign_after_standing_wd"]),
        ),
        now,
    )


def _lead(s: Session, row: Award) -> int | None:
    """The professional the winning bid names: of its newest sealed version."""
    sealed = (
        select(BidVersion.lead_id)
        .join(Bid, Bid.id == BidVersion.bid_id)
        .where(Bid.auction_id == row.auction_id, Bid.org_id == row.org_id, BidVersion.kind == "sealed")
    )
    return s.scalar(sealed.order_by(BidVersion.version.desc()).limit(1))


def confirm_contract(s: Session, contract_id: int, by: User, now: datetime, secret: bytes) -> Contract:
    """One side confirms; once both have, the award is contracted. Locks the award first, as every act on it does."""
    row, job = _of(s, contract_id)
    contract = contracts.confirm(s, contract_id, by, now, secret)
    if contract.signed_at is not None:
        row.state = job.stage = move(row, Event.CONTRACT)
        row.ended_at = now
        s.flush()
        index_later(s, now, "job", job.id)
    return contract


def refuse_contract(s: Session, contract_id: int, reason: str, by: User, now: datetime) -> Award | None:
    """The firm will not sign, or the owner gives up on a firm that has not signed in time: the next in order follows.

    招标投标法实施条例 55: who gives up the award or does not sign loses it, and the next candidate takes its place.
    A firm that had confirmed, and leaves after the day to sign because the owner never did, carries no fact for it.
    Gives the new award, None when nobody is left.
    """
    row, job = _of(s, contract_id)
    ended = contracts.end_unsigned(s, contract_id, reason, by, now)
    if ended.firm_confirmed_at is None or now <= ended.sign_by:
        note_refusal(s, row, job, "contract_refused", reason, now)
    return strike(s, row, job, "contract_refused", reason, by.actor, now)


def _of(s: Session, contract_id: int) -> tuple[Award, Job]:
    award = s.scalar(select(Contract.award_id).where(Contract.id == contract_id))
    if award is None:
        raise refuse("contract.unknown", status=404)
    return locked(s, award)


def note_refusal(s: Session, row: Award, job: Job, how: str, reason: str, now: datetime) -> None:
    """A fact for the firm's credit: it won and would not do it."""
    auction = s.get_one(Auction, row.auction_id)
    record_fact(
        s,
        row.org_id,
        "refused_award",
        job.code or "",
        now,
        f"award {auction.id} rank {row.rank}: {how}",
        now,
        once=f"refused:{row.id}",
        values={"how": how},
        text=reason,
    )
