"""Give, show, answer and moderate a review. Nothing of a review is ever rewritten."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import hang_veil, record
from market.catalogue import queries as catalogue
from market.contracts.models import Contract
from market.errors import Refused, refuse
from market.identity.rules import User
from market.notices.service import notify
from ratings.reviews.models import Review
from ratings.reviews.queries import scores_of
from ratings.reviews.rules import (
    COMMENT_MAX,
    DIMENSIONS,
    REASON_MAX,
    REPLY_MAX,
    Scores,
    Side,
    blind_until,
    may_hide,
    may_reply,
    may_review,
    score_faults,
    shows_at,
)


def give_review(s: Session, contract_id: int, scores: Scores, comment: str, by: User, now: datetime) -> Review:
    """A party reviews the other, once, after acceptance and before the blind days are over.

    The second review shows both at once. Raises Refused: 404 no contract of this organisation, 409 not accepted yet,
    reviewed already or too late, 422 a score beyond 1 to 5 or a comment over 1,000 characters.
    """
    # The contract's row is locked, so that of two parties at once the second sees the first one's review.
    contract = s.get(Contract, contract_id, with_for_update=True)
    if contract is None or by.org_id not in (contract.owner_id, contract.firm_id):
        raise refuse("review.stranger", status=404)
    side = Side.OWNER if by.org_id == contract.owner_id else Side.FIRM
    there = {Side(r.side): r for r in s.scalars(select(Review).where(Review.contract_id == contract_id))}
    until = end_of_blindness(s, contract)
    no = may_review(contract.accepted_at, until, side in there, now)
    if no is not None or until is None:
        raise Refused(*([no] if no else []), status=409)
    words = comment.strip()
    faults = score_faults(scores)
    if faults or len(words) > COMMENT_MAX:
        raise Refused(*faults) if faults else refuse("review.comment", "comment", most=COMMENT_MAX)
    row = Review(
        contract_id=contract.id, side=side, author_id=by.org_id, person_id=by.id, comment=words or None, given_at=now,
        about_id=contract.firm_id if side is Side.OWNER else contract.owner_id, blind_until=until,
        **{name: getattr(scores, name) for name in DIMENSIONS},
    )  # fmt: skip
    s.add(row)
    s.flush()
    # That there is a review is blind too: its record is a bare leaf until the veil lifts, and never tells the scores.
    hang_veil(s, _veil(contract.id), until)
    record(s, Deed.REVIEW_GIVEN, now, by.actor, contract.code, _veil(contract.id), contract=contract.id, side=side)
    if side.other in there:
        hang_veil(s, _veil(contract.id), now)
        _show(s, contract, now, now)
    return row


def end_of_blindness(s: Session, contract: Contract) -> datetime | None:
    """When the blind days of a contract end; None before acceptance. The number of days is the city's at acceptance."""
    if contract.accepted_at is None:
        return None
    days = int(catalogue.city_rules_on(s, contract.accepted_at)["review_blind_days"])
    return blind_until(contract.accepted_at, days)


def _veil(contract_id: int) -> str:
    return f"review:{contract_id}"


def show_due_next(s: Session, now: datetime) -> Review | None:
    """Record and announce one contract's reviews whose blind days are over; None when none is left.

    What shows is decided by time alone (`rules.shows_at`): `shown_at` is the end of the blind days, however late this
    runs. On PostgreSQL any number of processes may call it at once.
    """
    due = (
        select(Review)
        .where(Review.shown_at.is_(None), Review.blind_until <= now)
        .order_by(Review.blind_until, Review.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    first = s.scalars(due).first()
    if first is None:
        return None
    contract = s.get_one(Contract, first.contract_id)
    _show(s, contract, first.blind_until, now)
    return first


def _show(s: Session, contract: Contract, at: datetime, now: datetime) -> None:
    """Tell the blind reviews of a contract: from here on they count and are public."""
    blind = select(Review).where(Review.contract_id == contract.id, Review.shown_at.is_(None)).order_by(Review.id)
    for row in s.scalars(blind):
        row.shown_at = at
        scores = [getattr(row, name) for name in DIMENSIONS]
        record(
            s, Deed.REVIEW_SHOWN, now, "system", contract.code, review=row.id, side=row.side, scores=scores,
            about=row.about_id, shown=at.isoformat(), by=row.person_id,
        )  # fmt: skip
        notify(
            s, now, "review.shown", org=row.about_id, link=f"/contracts/{contract.code}/evaluate",
            once=f"review.shown:{row.id}", code=contract.code, title=contract.title, total=scores_of(row).total,
        )  # fmt: skip
    s.flush()


def reply(s: Session, review_id: int, text: str, by: User, now: datetime) -> None:
    """The reviewed side replies, once, after the review shows.

    Raises Refused: 404 no review about this organisation, 409 still blind or replied already, 422 no or long text.
    """
    row = s.get(Review, review_id, with_for_update=True)
    if row is None or row.about_id != by.org_id:
        raise refuse("review.unknown", status=404)
    no = may_reply(shows_at(row.shown_at, row.blind_until) <= now, row.replied_at is not None)
    if no is not None:
        # A blind review is nobody's business: the reviewed side learns nothing of it, not even that it is there.
        raise refuse("review.unknown", status=404) if no.code == "review.blind" else Refused(no, status=409)
    words = text.strip()
    if not 1 <= len(words) <= REPLY_MAX:
        raise refuse("review.reply", "text", most=REPLY_MAX)
    row.reply, row.replied_at = words, now
    contract = s.get_one(Contract, row.contract_id)
    record(s, Deed.REVIEW_REPLIED, now, by.actor, contract.code, review=row.id)
    link = f"/contracts/{contract.code}/evaluate"
    notify(s, now, "review.replied", org=row.author_id, link=link, code=contract.code, title=contract.title)


def hide(s: Session, review_id: int, reason: str, by: User, now: datetime) -> None:
    """A regulator hides the words of a review, with a reason that is published in their place; the scores stay.

    Raises Refused: 404 unknown or still blind, 409 no words or hidden already, 422 no reason.
    """
    row = s.get(Review, review_id, with_for_update=True)
    if row is None:
        raise refuse("review.unknown", status=404)
    no = may_hide(shows_at(row.shown_at, row.blind_until) <= now, row.comment, row.hidden_at is not None)
    if no is not None:
        raise refuse("review.unknown", status=404) if no.code == "review.blind" else Refused(no, status=409)
    words = reason.strip()
    if not 1 <= len(words) <= REASON_MAX:
        raise refuse("review.reason", "reason", most=REASON_MAX)
    row.hidden_at, row.hidden_reason, row.hidden_by = now, words, by.id
    contract = s.get_one(Contract, row.contract_id)
    record(s, Deed.REVIEW_HIDDEN, now, by.actor, contract.code, review=row.id)
    link = f"/contracts/{contract.code}/evaluate"
    for org in (row.author_id, row.about_id):
        notify(s, now, "review.hidden", org=org, link=link, code=contract.code, title=contract.title, reason=words)
