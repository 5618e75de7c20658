"""Contracts that are done, and what was said of them: rows written directly, for tests of ratings."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from market.contracts import service as contracts
from market.contracts.models import Contract
from ratings.reviews.models import Review
from ratings.reviews.rules import Scores, blind_until
from tests.makers import FOUNDED, T0, Party, make_job
from tests.makers_contracts import make_contract
from tests.makers_contracts import user_of as user_of

_numbers = count(1)
FIVES = Scores(5, 5, 5, 5, 5)


def make_done(s: Session, owner: Party, firm: Party, accepted_at: datetime | None = T0, **but: Any) -> Contract:
    """A contract of 80,000 yuan and 20 days, delivered in 18, accepted at T0 unless said."""
    n = next(_numbers)
    job = make_job(s, owner, FOUNDED, state="published", stage="contracted", code=f"ZJ-2025-{n:05d}")
    at = accepted_at or T0
    row = {
        "code": f"HT-2025-{n:05d}", "state": "active" if accepted_at is None else "accepted", "amount": 8_000_000,
        "amount_now": 8_000_000, "days": 20, "days_now": 20, "days_used": None if accepted_at is None else 18,
        "delivered_at": None if accepted_at is None else at - timedelta(days=1),
    }  # fmt: skip
    made = Contract(
        job_id=job.id, job_code=job.code, auction_id=f"{job.code}-1", award_id=900_000 + n, owner_id=owner.org.id,
        firm_id=firm.org.id, lead_id=firm.lead or None, title=job.title, funding=job.funding, tax="included", terms={},
        digest="0" * 64, opened_at=at - timedelta(days=60), sign_by=at - timedelta(days=55), accepted_at=accepted_at,
        signed_at=at - timedelta(days=58), inputs_at=at - timedelta(days=57), **{**row, **but},
    )  # fmt: skip
    s.add(made)
    s.flush()
    return made


def make_accepted(s: Session, owner: Party, firm: Party, start: datetime, accepted: datetime) -> Contract:
    """A contract of 20 working days through the services: in force from `start`, both milestones accepted at once."""
    deal = make_contract(s, owner, firm, start)
    for no in (1, 2):
        given = contracts.deliver(s, deal.id, no, None, "成果", deal.firm, accepted)
        contracts.judge(s, given.id, True, "", deal.owner, accepted)
    return deal.contract


def make_review(s: Session, contract: Contract, author: Party, scores: Scores = FIVES, **but: Any) -> Review:
    """A review as it stands in the table: shown an hour after acceptance unless said."""
    assert contract.accepted_at is not None
    owner = author.org.id == contract.owner_id
    row: dict[str, Any] = {"shown_at": contract.accepted_at + timedelta(hours=1), "comment": None}
    made = Review(
        contract_id=contract.id, side="owner" if owner else "firm", author_id=author.org.id, person_id=author.person.id,
        about_id=contract.firm_id if owner else contract.owner_id, given_at=contract.accepted_at,
        blind_until=blind_until(contract.accepted_at, 14), quality=scores.quality, timeliness=scores.timeliness,
        attitude=scores.attitude, fees=scores.fees, conduct=scores.conduct, **{**row, **but},
    )  # fmt: skip
    s.add(made)
    s.flush()
    return made


def day(text: str) -> date:
    """2026-06-01."""
    return date.fromisoformat(text)
