"""A firm's credit record for its pages: the score, its history by quarter, every fact with what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.contracts.models import Contract
from market.identity.models import Organisation
from market.jobs.models import Job
from market.moments import beijing_day
from ratings.credit.facts import facts_of
from ratings.credit.findings import KINDS
from ratings.credit.models import CreditFact, Repair
from ratings.credit.rules import Credit, Fact, Part, Quarter, Weights, credit, expiry, history
from ratings.credit.weights import versions, weights_on

_SHOWS = func.coalesce(CreditFact.shows_at, CreditFact.recorded_at)


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact, its share of the score if it counts now, and the newest request to repair it.

    `row` has document, article, text and reply of a stated fact. `state`: counts | expired | ended.
    """

    fact: Fact
    part: Part | None
    expires_at: datetime
    state: str
    row: CreditFact | None
    repair: Repair | None

    @property
    def last_day(self) -> date:
        """The last day it counts by itself."""
        return beijing_day(self.expires_at - timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class Record:
    """Everything the credit pages of a firm show, as of one instant; entries the newest first."""

    credit: Credit
    weights: Weights
    facts: tuple[Fact, ...]
    quarters: tuple[Quarter, ...]
    entries: tuple[Entry, ...]

    @property
    def counting(self) -> list[Entry]:
        """What counts now."""
        return [e for e in self.entries if e.part is not None]

    @property
    def past(self) -> list[Entry]:
        """What counts no more: expired, withdrawn or repaired."""
        return [e for e in self.entries if e.part is None]


def record_of(s: Session, org_id: int, at: datetime) -> Record:
    """The record of a firm at an instant, in eight statements."""
    known = facts_of(s, [org_id], at)[org_id]
    weights = weights_on(at)
    found = credit(known, weights, at)
    parts = {p.fact.key: p for p in found.parts}
    rows = {f"fact-{r.id}": r for r in s.scalars(select(CreditFact).where(CreditFact.org_id == org_id))}
    asked = select(Repair).where(Repair.org_id == org_id, Repair.filed_at <= at).order_by(Repair.id)
    repairs = {r.fact_key: r for r in s.scalars(asked)}
    ordered = sorted(known, key=lambda f: (f.recorded_at, f.key), reverse=True)
    entries = tuple(_entry(f, parts.get(f.key), weights, rows.get(f.key), repairs.get(f.key)) for f in ordered)
    return Record(found, weights, tuple(known), tuple(history(known, versions(), at)), entries)


def _entry(fact: Fact, part: Part | None, weights: Weights, row: CreditFact | None, repair: Repair | None) -> Entry:
    ends = expiry(fact, weights)
    ended = fact.ended_at is not None and fact.ended_at < ends
    return Entry(fact, part, ends, "counts" if part else "ended" if ended else "expired", row, repair)


@dataclass(frozen=True, slots=True)
class Done:
    """What a firm has delivered: `n` accepted contracts; medians as exact fractions, None without any.

    `fee`: price ÷ baseline − 1, of the contracts with a baseline (`with_fee`). `days`: working days used less those
    agreed (`with_days`).
    """

    n: int
    fee: Fraction | None
    with_fee: int
    days: Fraction | None
    with_days: int


def done(s: Session, org_id: int, at: datetime) -> Done:
    """Accepted contracts of a firm in one statement."""
    found: Any = (
        select(Contract.amount_now, Job.baseline_fen, Contract.days_used, Contract.days_now)
        .join(Job, Job.id == Contract.job_id)
        .where(Contract.firm_id == org_id, Contract.accepted_at <= at)
    )
    rows = s.execute(found).all()
    fees = [Fraction(amount, baseline) - 1 for amount, baseline, _, _ in rows if baseline]
    days = [Fraction(used - agreed) for _, _, used, agreed in rows if used is not None]
    return Done(len(rows), median(fees), len(fees), median(days), len(days))


def median(values: Sequence[Fraction]) -> Fraction | None:
    """The middle value, or the mean of the two middle ones."""
    if not values:
        return None
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


# ── findings and requests, for offices and the public ───────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its firm. `state`: replying | shown | expired | ended."""

    row: CreditFact
    firm: str
    uscc: str
    state: str

    @property
    def severity(self) -> int:
        """1 to 3; 0 an inspection that was passed."""
        return int(self.row.values.get("severity", 0))

    @property
    def last_day(self) -> date | None:
        """The last day it counts."""
        return None if self.row.expires_at is None else beijing_day(self.row.expires_at - timedelta(microseconds=1))

    @property
    def suspend_until(self) -> date | None:
        """Where a suspension is proposed, the first day after it."""
        text = self.row.values.get("suspend_until")
        return None if text is None else date.fromisoformat(text)


def _found(row: CreditFact, firm: str, uscc: str, at: datetime) -> Found:
    state = "shown"
    if row.ended_at is not None and row.ended_at <= at:
        state = "ended"
    elif row.expires_at is not None and row.expires_at <= at:
        state = "expired"
    elif row.shows_at is not None and row.shows_at > at:
        state = "replying"
    return Found(row, firm, uscc, state)


def _findings() -> Any:
    return (
        select(CreditFact, Organisation.name, Organisation.uscc)
        .join(Organisation, Organisation.id == CreditFact.org_id)
        .where(CreditFact.kind.in_(KINDS))
    )


def findings(s: Session, at: datetime, number: int, size: int, public: bool) -> tuple[list[Found], int]:
    """Findings, the newest first, and how many. In public only those that show or have shown."""
    found = _findings()
    if public:
        never = (CreditFact.ended_at.is_not(None)) & (CreditFact.ended_at <= _SHOWS)
        found = found.where(at >= _SHOWS, ~func.coalesce(never, False))
    total = s.scalar(select(func.count()).select_from(found.subquery())) or 0
    rows = found.order_by(CreditFact.recorded_at.desc(), CreditFact.id.desc()).limit(size).offset((number - 1) * size)
    return [_found(row[0], row[1], row[2], at) for row in s.execute(rows)], int(total)


def finding(s: Session, fact_id: int, at: datetime, org_id: int | None = None) -> Found | None:
    """One finding; of one firm only, where `org_id` says which."""
    wanted = _findings().where(CreditFact.id == fact_id)
    if org_id is not None:
        wanted = wanted.where(CreditFact.org_id == org_id)
    row = s.execute(wanted).first()
    return _found(row[0], row[1], row[2], at) if row else None


def to_reply(s: Session, org_id: int, at: datetime) -> list[CreditFact]:
    """Findings about a firm that it may still reply to, the nearest end first."""
    found = select(CreditFact).where(
        CreditFact.org_id == org_id, CreditFact.kind.in_(KINDS), CreditFact.shows_at >= at,
        CreditFact.replied_at.is_(None), CreditFact.ended_at.is_(None),
    )  # fmt: skip
    return list(s.scalars(found.order_by(CreditFact.shows_at, CreditFact.id)))


@dataclass(frozen=True, slots=True)
class Request:
    """A request for repair with its firm."""

    row: Repair
    firm: str
    uscc: str


def repairs(s: Session, open_only: bool, limit: int = 200) -> list[Request]:
    """Requests for repair: those that wait by their clock, else the newest decisions."""
    found = select(Repair, Organisation.name, Organisation.uscc).join(Organisation, Organisation.id == Repair.org_id)
    if open_only:
        found = found.where(Repair.decided_at.is_(None)).order_by(Repair.due_at, Repair.id)
    else:
        found = found.where(Repair.decided_at.is_not(None)).order_by(Repair.decided_at.desc(), Repair.id.desc())
    return [Request(*row) for row in s.execute(found.limit(limit))]


def repair(s: Session, repair_id: int) -> Request | None:
    """One request."""
    found = select(Repair, Organisation.name, Organisation.uscc).join(Organisation, Organisation.id == Repair.org_id)
    row = s.execute(found.where(Repair.id == repair_id)).first()
    return Request(*row) if row else None


def last_repair(s: Session, org_id: int, key: str) -> Repair | None:
    """The newest request of a firm about one fact."""
    found = select(Repair).where(Repair.org_id == org_id, Repair.fact_key == key).order_by(Repair.id.desc())
    return s.scalars(found.limit(1)).first()
