"""A firm's credit with its arithmetic, and the reviews of it that show."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from market.admission import firms as admitted
from market.errors import refuse
from market.ids import UsccError, normal_uscc
from portal import web
from portal.access import PUBLIC
from portal.api import cursors
from portal.api.doors import Reply, door
from portal.api.fields import After, Day, Limit, Model
from ratings.credit import record
from ratings.credit.rules import credit_document, end_of_day
from ratings.reviews import queries
from ratings.reviews.rules import DIMENSIONS

Hundredths = Annotated[int, Field(description="Hundredths of a point: 9421 is 94.21 of 100")]


class CreditQuery(Model):
    """The day asked for; left out: now."""

    on: Day | None = None


class FactShare(Model):
    """A fact's share of a score: mass = weight × decay; `effect`: what the score would lose without the fact."""

    key: str
    points: Hundredths
    weight: int
    quarters: int
    decay: Annotated[int, Field(description="Thousandths")]
    mass: int
    effect: Hundredths


class CreditResult(Model):
    """value = numerator ÷ denominator, rounded down. `score` is null under the floor of evidence (floor × 1000)."""

    score: Hundredths | None
    value: Hundredths
    evidence: int
    floor: int
    numerator: int
    denominator: int
    parts: list[FactShare]


class CreditFact(Model):
    """A dated fact. It counts from `recorded_at` until it expires or ends; its age runs from `happened_at`."""

    key: str
    kind: str
    happened_at: datetime
    recorded_at: datetime
    value: Annotated[int, Field(description="A review's sum, days late, basis points raised, or severity")]
    subject: str
    source: str
    expires_at: Annotated[datetime | None, Field(description="null: by the days of its kind in `weights`")]
    ended_at: datetime | None


class CreditFile(Model):
    """Facts, weights and result: enough to compute the score again without us."""

    v: int
    firm: str
    as_of: datetime
    weights: dict[str, Any]
    weights_digest: str
    facts: list[CreditFact]
    result: CreditResult


class FiveScores(Model):
    """Five scores of 1 to 5."""

    quality: int
    timeliness: int
    attitude: int
    fees: int
    conduct: int


class FirmReview(Model):
    """An owner's review of the firm. `comment` is null where there is none or a regulator hid it, and says why."""

    id: int
    contract: str
    author: str
    scores: FiveScores
    comment: str | None
    shown_at: datetime
    reply: str | None
    replied_at: datetime | None
    hidden_reason: str | None


class ReviewsQuery(Model):
    """A page of reviews."""

    after: After | None = None
    limit: Annotated[Limit, Field(description="Items of a page")] = 20


class ReviewPage(Model):
    """Reviews by number; blind ones are not there."""

    items: list[FirmReview]
    next: str | None


def _firm(s: Any, uscc: str) -> admitted.Firm:
    try:
        found = admitted.firm(s, normal_uscc(uscc), web.now())
    except UsccError:
        found = None
    if found is None:
        raise refuse("api.firm", status=404)
    return found


@door("GET", "/firms/<uscc>/credit", out=CreditFile, may=PUBLIC, query=CreditQuery)
def firm_credit(uscc: str, query: CreditQuery) -> CreditFile:
    """The credit of a firm at the end of a day, at the latest now."""
    at = web.now() if query.on is None else end_of_day(query.on, web.now())
    with web.db().read() as s:
        found = _firm(s, uscc)
        told = record.record_of(s, found.org.id, at)
    document = credit_document(found.org.uscc, told.facts, told.weights, told.credit)
    return CreditFile.model_validate_json(json.dumps(document))


@door("GET", "/firms/<uscc>/reviews", out=ReviewPage, may=PUBLIC, query=ReviewsQuery)
def firm_reviews(uscc: str, query: ReviewsQuery) -> Reply:
    """What owners say of a firm."""
    key = cursors.read(query.after, int)
    with web.db().read() as s:
        found = _firm(s, uscc)
        rows = queries.after(s, found.org.id, web.now(), key[0] if key else None, query.limit + 1)
    shown = rows[: query.limit]
    after = cursors.write(shown[-1].id) if len(rows) > query.limit else None
    items = [
        FirmReview(
            id=r.id, contract=r.code, author=r.author,
            scores=FiveScores(**{name: getattr(r.scores, name) for name in DIMENSIONS}), comment=r.comment,
            shown_at=r.shown_at, reply=r.reply, replied_at=r.replied_at, hidden_reason=r.hidden_reason,
        )
        for r in shown
    ]  # fmt: skip
    return Reply(ReviewPage(items=items, next=after), headers=cursors.link(after))
