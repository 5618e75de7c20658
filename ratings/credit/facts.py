"""The facts that credit rests on, read from the tables that state them, for any number of firms at once.

Every query takes `at` and gives only what was known then: a review that shows later, a contract accepted later or a
finding still under the right of reply is not there, whoever asks. What a table states never changes afterwards, so
the same `at` gives the same facts for good.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.models import FirmCategory, Qualification
from market.admission.rules import good_until
from market.contracts.models import Contract
from market.moments import beijing_day
from ratings.credit.models import CreditFact, Repair
from ratings.credit.rules import Fact, Kind
from ratings.reviews.models import Review
from ratings.reviews.queries import shown_by
from ratings.reviews.rules import Side

SIZE = 2_000
"""Firms of one statement: PostgreSQL and SQLite both take so many parameters."""

Found = Iterator[tuple[int, Fact]]
"""Firm and fact."""


def facts_of(s: Session, org_ids: Iterable[int], at: datetime) -> dict[int, list[Fact]]:
    """Everything known of each firm at `at`, in six statements for 2,000 firms."""
    found: dict[int, list[Fact]] = {}
    wanted = list(dict.fromkeys(org_ids))
    for start in range(0, len(wanted), SIZE):
        found |= _some(s, wanted[start : start + SIZE], at)
    return found


def _some(s: Session, firms: Sequence[int], at: datetime) -> dict[int, list[Fact]]:
    ended = _repaired(s, firms, at)
    found: dict[int, list[Fact]] = {firm: [] for firm in firms}
    sources: tuple[Callable[[Session, Sequence[int], datetime], Found], ...] = (_contracts, _reviews, _papers, _stated)
    for source in sources:
        for firm, fact in source(s, firms, at):
            end = ended.get((firm, fact.key)) if ended else None
            if end is not None and (fact.ended_at is None or end < fact.ended_at):
                fact = replace(fact, ended_at=end)
            found[firm].append(fact)
    return found


def _repaired(s: Session, firms: Sequence[int], at: datetime) -> dict[tuple[int, str], datetime]:
    """A repair that was granted ends its fact from the decision on."""
    found: Any = select(Repair.org_id, Repair.fact_key, Repair.decided_at).where(
        Repair.org_id.in_(firms), Repair.granted.is_(True), Repair.decided_at <= at
    )
    return {(org, key): when for org, key, when in s.execute(found)}


def _contracts(s: Session, firms: Sequence[int], at: datetime) -> Found:
    """Two facts of each accepted contract: the days against those agreed, the price against the award.

    Days and price that both sides changed by order are as agreed; a price above the award is said all the same.
    """
    found: Any = select(
        Contract.firm_id, Contract.id, Contract.code, Contract.accepted_at, Contract.delivered_at, Contract.days_used,
        Contract.days_now, Contract.amount, Contract.amount_now,
    ).where(Contract.firm_id.in_(firms), Contract.accepted_at <= at)  # fmt: skip
    for firm, id, code, accepted, delivered, used, agreed, awarded, amount in s.execute(found):
        if used is not None:
            late = max(used - agreed, 0)
            kind = Kind.LATE if late else Kind.ON_TIME
            yield firm, Fact(f"days-{id}", kind, delivered or accepted, accepted, late, code, code)
        raised = max(amount - awarded, 0) * 10_000 // awarded
        kind = Kind.PRICE_RAISED if amount > awarded else Kind.PRICE_KEPT
        yield firm, Fact(f"price-{id}", kind, accepted, accepted, raised, code, code)


def _reviews(s: Session, firms: Sequence[int], at: datetime) -> Found:
    """What owners said, once it shows. Hidden words leave the scores as they are."""
    total = Review.quality + Review.timeliness + Review.attitude + Review.fees + Review.conduct
    found = (
        select(Review.about_id, Review.id, Contract.code, Review.given_at, Review.shown_at, Review.blind_until, total)
        .join(Contract, Contract.id == Review.contract_id)
        .where(Review.about_id.in_(firms), Review.side == Side.OWNER, shown_by(at))
    )
    for firm, id, code, given, shown, until, sum_ in s.execute(found):
        yield firm, Fact(f"review-{id}", Kind.REVIEW, given, shown or until, sum_, code, code)


class _Paper(NamedTuple):
    org: int
    id: int
    name: str
    number: str
    issued: date
    expires: date
    verified: datetime
    revoked: datetime | None

    def good_at(self, when: datetime) -> bool:
        """Whether it was verified and not revoked by then."""
        return self.verified <= when and (self.revoked is None or self.revoked > when)


def _papers(s: Session, firms: Sequence[int], at: datetime) -> Found:
    """Certificates that ran out while the firm was admitted, and that no other of the same name followed in time."""
    columns: Any = (
        Qualification.org_id, Qualification.id, Qualification.name, Qualification.number, Qualification.issued_on,
        Qualification.expires_on, Qualification.verified_at, Qualification.revoked_at,
    )  # fmt: skip
    known = select(*columns).where(Qualification.org_id.in_(firms), Qualification.verified_at <= at)
    named: defaultdict[tuple[int, str], list[_Paper]] = defaultdict(list)
    for row in s.execute(known):
        named[row.org_id, row.name].append(_Paper(*row))
    today = beijing_day(at)
    gone = [p for papers in named.values() for p in papers if p.expires < today and _unfollowed(p, papers)]
    spans = _spans(s, {p.org for p in gone})
    for paper in gone:
        end = good_until(paper.expires)
        if any(begin <= end and (stop is None or stop > end) for begin, stop in spans[paper.org]):
            yield paper.org, Fact(f"paper-{paper.id}", Kind.PAPER_LAPSED, end, end, 0, paper.name, paper.number)


def _unfollowed(paper: _Paper, others: Sequence[_Paper]) -> bool:
    end = good_until(paper.expires)
    next_day = paper.expires + timedelta(days=1)
    followed = any(o.expires > paper.expires and o.issued <= next_day and o.good_at(end) for o in others)
    return paper.good_at(end) and not followed


def _spans(s: Session, firms: set[int]) -> defaultdict[int, list[tuple[datetime, datetime | None]]]:
    found: defaultdict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    if firms:
        wanted = select(FirmCategory.org_id, FirmCategory.admitted_at, FirmCategory.ended_at)
        for org, begin, stop in s.execute(wanted.where(FirmCategory.org_id.in_(firms))):
            found[org].append((begin, stop))
    return found


def _stated(s: Session, firms: Sequence[int], at: datetime) -> Found:
    """What rooms above and authorities left. A finding counts once the right of reply is over, if it still stands."""
    found: Any = select(CreditFact).where(CreditFact.org_id.in_(firms), CreditFact.recorded_at <= at)
    for row in s.scalars(found):
        since = max(row.recorded_at, row.shows_at or row.recorded_at)
        never = row.ended_at is not None and row.ended_at <= since
        if since <= at and not never:
            fact = stated(row)
            known = fact.ended_at is None or fact.ended_at <= at
            yield row.org_id, fact if known else replace(fact, ended_at=None)


def stated(row: CreditFact) -> Fact:
    """A row as a fact, whether it counts yet or not."""
    since = max(row.recorded_at, row.shows_at or row.recorded_at)
    value = int(row.values.get("severity", 0))
    return Fact(
        f"fact-{row.id}", Kind(row.kind), row.happened_at, since, value, row.subject, row.source, row.expires_at,
        row.ended_at,
    )  # fmt: skip
