"""What the reviews ask of a party: the ones it may still give, with the end of the blind days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.catalogue import queries as catalogue
from market.contracts.models import Contract
from ratings.reviews.models import Review
from ratings.reviews.rules import blind_until


@dataclass(frozen=True, slots=True)
class Due:
    """A review a party may still give, before `until`."""

    code: str
    title: str
    until: datetime


def to_review(s: Session, org_id: int, now: datetime) -> list[Due]:
    """Accepted contracts that the organisation has not reviewed and still may, the nearest end first."""
    days = int(catalogue.city_rules_on(s, now)["review_blind_days"])
    given = select(Review.id).where(Review.contract_id == Contract.id, Review.author_id == org_id)
    found: Any = (
        select(Contract.code, Contract.title, Contract.accepted_at)
        .where(
            (Contract.owner_id == org_id) | (Contract.firm_id == org_id),
            Contract.accepted_at > now - timedelta(days=days),
            Contract.accepted_at <= now,
            ~given.exists(),
        )
        .order_by(Contract.accepted_at, Contract.id)
    )
    rows = [Due(code, title, blind_until(accepted, days)) for code, title, accepted in s.execute(found)]
    return [due for due in rows if now < due.until]
