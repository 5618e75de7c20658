"""Published jobs one after another, for programs: newest first, behind a key, never at an offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from market.identity.models import Organisation
from market.jobs.models import Job
from market.jobs.queries import PUBLIC
from market.moments import BEIJING


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; empty is no condition. The days are Beijing days of T, both included."""

    category: str = ""
    district: str = ""
    stage: str = ""
    deadline_from: date | None = None
    deadline_to: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A job in the list. Money in fen; the key of the place is (published_at, id)."""

    id: int
    code: str
    title: str
    owner: str
    category: str
    service: str
    district: str
    funding: str
    stage: str
    baseline_fen: int | None
    ceiling_fen: int | None
    days_max: int
    published_at: datetime
    closes_at: datetime
    urgent: bool


_LINE: tuple[Any, ...] = (
    Job.id, Job.code, Job.title, Organisation.name, Job.category_code, Job.service_code, Job.district, Job.funding,
    Job.stage, Job.baseline_fen, Job.ceiling_fen, Job.days_max, Job.published_at, Job.closes_at,
    Job.urgency.is_not(None),
)  # fmt: skip


def published_before(s: Session, wanted: Wanted, behind: tuple[datetime, int] | None, limit: int) -> Sequence[Line]:
    """At most `limit` jobs that come after the key `behind`, newest publication first, in one statement.

    A job keeps its key for ever, so a reader that follows the keys sees each job that was there when it began.
    """
    found = select(*_LINE).join(Organisation, Organisation.id == Job.owner_id).where(*_conditions(wanted))
    if behind is not None:
        at, job = behind
        found = found.where(or_(Job.published_at < at, and_(Job.published_at == at, Job.id < job)))
    ordered = found.order_by(Job.published_at.desc(), Job.id.desc()).limit(limit)
    return [Line(*row) for row in s.execute(ordered)]


def _conditions(wanted: Wanted) -> list[Any]:
    found: list[Any] = [Job.state.in_(PUBLIC), Job.published_at.is_not(None)]
    for column, value in (
        (Job.category_code, wanted.category),
        (Job.district, wanted.district),
        (Job.stage, wanted.stage),
    ):
        if value:
            found.append(column == value)
    if wanted.deadline_from is not None:
        found.append(Job.closes_at >= _midnight(wanted.deadline_from))
    if wanted.deadline_to is not None:
        found.append(Job.closes_at < _midnight(wanted.deadline_to) + timedelta(days=1))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BEIJING)
