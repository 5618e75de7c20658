"""Reviews for pages and programs. Whoever asks sees only what shows at `at`; hidden words are not given out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.contracts.models import Contract
from market.identity.models import Organisation
from ratings.reviews.models import Review
from ratings.reviews.rules import DIMENSIONS, Scores, Side


def shown_by(at: datetime) -> Any:
    """SQL: a review is told by `at` (`rules.shows_at`)."""
    return func.coalesce(Review.shown_at, Review.blind_until) <= at


@dataclass(frozen=True, slots=True)
class Told:
    """A review as anybody may see it. `comment` is None where there is none or it is hidden."""

    id: int
    code: str
    title: str
    side: Side
    author: str
    about_id: int
    scores: Scores
    comment: str | None
    given_at: datetime
    shown_at: datetime
    reply: str | None
    replied_at: datetime | None
    hidden_at: datetime | None
    hidden_reason: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The shown reviews of an organisation: how many, and the sum of each score (1 to 5 each, so no rounding yet)."""

    n: int
    sums: Scores


def scores_of(row: Review) -> Scores:
    """The five scores of a row."""
    return Scores(*(getattr(row, name) for name in DIMENSIONS))


def _told(row: Review, code: str, title: str, author: str) -> Told:
    comment = None if row.hidden_at is not None else row.comment
    return Told(
        row.id, code, title, Side(row.side), author, row.about_id, scores_of(row), comment, row.given_at,
        row.shown_at or row.blind_until, row.reply, row.replied_at, row.hidden_at, row.hidden_reason,
    )  # fmt: skip


def _shown(at: datetime) -> Any:
    return (
        select(Review, Contract.code, Contract.title, Organisation.name)
        .join(Contract, Contract.id == Review.contract_id)
        .join(Organisation, Organisation.id == Review.author_id)
        .where(shown_by(at))
    )


def about(
    s: Session, org_id: int, at: datetime, number: int = 1, size: int = 20, side: Side = Side.OWNER
) -> list[Told]:
    """What the other side wrote of an organisation, the newest first. `side` is the author's: owner → of the firm."""
    found = _shown(at).where(Review.about_id == org_id, Review.side == side)
    page = (
        found.order_by(func.coalesce(Review.shown_at, Review.blind_until).desc(), Review.id.desc())
        .limit(size)
        .offset((number - 1) * size)
    )
    return [_told(*row) for row in s.execute(page)]


def after(s: Session, org_id: int, at: datetime, last: int | None, limit: int) -> list[Told]:
    """For programs: reviews of a firm by number, those greater than `last`. A review shown later may have a smaller
    number than one already read; whoever keeps a copy reads again from the start."""
    found = _shown(at).where(Review.about_id == org_id, Review.side == Side.OWNER)
    if last is not None:
        found = found.where(Review.id > last)
    return [_told(*row) for row in s.execute(found.order_by(Review.id).limit(limit))]


def one(s: Session, review_id: int, at: datetime) -> Told | None:
    """One review, if it shows."""
    row = s.execute(_shown(at).where(Review.id == review_id)).first()
    return _told(*row) if row else None


def summary(s: Session, org_id: int, at: datetime, side: Side = Side.OWNER) -> Summary:
    """How many reviews show, and the sums of their scores."""
    sums = (func.coalesce(func.sum(getattr(Review, name)), 0) for name in DIMENSIONS)
    found = select(func.count(), *sums).where(shown_by(at), Review.about_id == org_id, Review.side == side)
    n, *totals = s.execute(found).one()
    return Summary(int(n), Scores(*(int(t) for t in totals)))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a party sees of a contract's reviews: whether its own is in, until when it may write, and what shows.

    Of the other side's review nothing is told before it shows, not even that it is there.
    """

    contract: Contract
    side: Side
    mine: Review | None
    shown: tuple[Told, ...]


def standing(s: Session, code: str, org_id: int, at: datetime) -> Standing | None:
    """The reviews of a contract for one of its parties; None for anybody else."""
    contract = s.scalars(select(Contract).where(Contract.code == code)).first()
    if contract is None or org_id not in (contract.owner_id, contract.firm_id):
        return None
    side = Side.OWNER if org_id == contract.owner_id else Side.FIRM
    mine = s.scalars(select(Review).where(Review.contract_id == contract.id, Review.side == side)).first()
    shown = s.execute(_shown(at).where(Review.contract_id == contract.id).order_by(Review.id))
    return Standing(contract, side, mine, tuple(_told(*row) for row in shown))


def of_contract(s: Session, contract_id: int, at: datetime) -> list[Told]:
    """The reviews of a contract that show."""
    return [_told(*row) for row in s.execute(_shown(at).where(Review.contract_id == contract_id).order_by(Review.id))]
