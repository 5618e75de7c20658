"""Credit for pages, matching and programs: as of any instant, for one firm or all."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from ratings.credit.facts import facts_of
from ratings.credit.rules import Credit, Fact, credit
from ratings.credit.weights import weights_on


def facts(s: Session, org_id: int, at: datetime) -> list[Fact]:
    """Everything known of a firm at `at`, counting or not."""
    return facts_of(s, [org_id], at)[org_id]


def credit_as_of(s: Session, org_id: int, at: datetime) -> Credit:
    """The credit of a firm at an instant; the same for good. `score` is None under the floor of evidence.

    Never pass an instant after now from a visitor: it would count reviews that are still blind.
    """
    return credit(facts(s, org_id, at), weights_on(at), at)


def credits_as_of(s: Session, org_ids: Iterable[int], at: datetime) -> dict[int, Credit]:
    """The same for any number of firms, in six statements for 2,000 of them."""
    weights = weights_on(at)
    return {org: credit(known, weights, at) for org, known in facts_of(s, org_ids, at).items()}
