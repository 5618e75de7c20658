"""Reading jobs for pages: one job, an owner's drafts, what waits for review. Nothing here tells who bids.

Lists with facets are in `listing.py`, what the full-text index holds in `entries.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from market.admission.models import Document, FirmProfile
from market.catalogue.models import Service
from market.errors import Refusal
from market.identity.models import Organisation, Person
from market.jobs.models import Invitation, Job, Question, Recusal
from market.jobs.rules import EDITABLE, UNDO, State

PUBLIC = (State.PUBLISHED.value, State.CANCELLED.value)
"""States of a job that everybody may see."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A job with its owner and the catalogue entry it was posted under."""

    job: Job
    owner: Organisation
    service: Service | None


def _whole() -> Select[Job, Organisation, Service]:
    return (
        select(Job, Organisation, Service)
        .join(Organisation, Organisation.id == Job.owner_id)
        .outerjoin(Service, Service.id == Job.service_id)
    )


def job_by_code(s: Session, code: str) -> Whole | None:
    """A job everybody may see, by its code; None for others, drafts and jobs in review included."""
    row = s.execute(_whole().where(Job.code == code, Job.state.in_(PUBLIC))).first()
    return None if row is None else Whole(row[0], row[1], row[2])


def job_by_id(s: Session, job_id: int) -> Whole | None:
    """A job in any state, for its owner and the operator; the door checks whose it is."""
    row = s.execute(_whole().where(Job.id == job_id)).first()
    return None if row is None else Whole(row[0], row[1], row[2])


def draft(s: Session, job_id: int, owner_id: int) -> Job | None:
    """An owner's own job that is not deleted, in any state; None for anybody else's."""
    found = select(Job).where(Job.id == job_id, Job.owner_id == owner_id)
    job = s.scalars(found).first()
    return None if job is None or (job.state in EDITABLE and job.ended_at is not None) else job


def drafts_of(s: Session, owner_id: int) -> list[Job]:
    """What an owner has not sent or has got back, last saved first."""
    found = select(Job).where(Job.owner_id == owner_id, Job.state.in_([*EDITABLE]), Job.ended_at.is_(None))
    return list(s.scalars(found.order_by(Job.saved_at.desc(), Job.id.desc())))


def deleted_of(s: Session, owner_id: int, now: datetime) -> list[Job]:
    """Drafts deleted within the last 30 days, which can be taken back."""
    found = select(Job).where(Job.owner_id == owner_id, Job.state.in_([*EDITABLE]), Job.ended_at > now - UNDO)
    return list(s.scalars(found.order_by(Job.ended_at.desc())))


def jobs_of(s: Session, owner_id: int, limit: int = 50) -> list[Job]:
    """An owner's jobs that were sent, newest first."""
    found = select(Job).where(Job.owner_id == owner_id, Job.state.not_in([*EDITABLE]))
    return list(s.scalars(found.order_by(Job.submitted_at.desc(), Job.id.desc()).limit(limit)))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the operator's list."""

    id: int
    code: str
    title: str
    owner: str
    category: str
    ceiling_fen: int
    submitted_at: datetime
    closes_at: datetime


def waiting(s: Session, limit: int = 200) -> list[Waiting]:
    """Jobs that wait for review, the one whose T comes first on top."""
    columns: list[Any] = [
        Job.id, Job.code, Job.title, Organisation.name, Job.category_code, Job.ceiling_fen, Job.submitted_at,
        Job.closes_at,
    ]  # fmt: skip
    found = (
        select(*columns)
        .join(Organisation, Organisation.id == Job.owner_id)
        .where(Job.state == State.SUBMITTED)
        .order_by(Job.closes_at, Job.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in s.execute(found)]


def waiting_count(s: Session) -> int:
    """How many jobs wait for review."""
    return s.scalar(select(func.count()).select_from(Job).where(Job.state == State.SUBMITTED)) or 0


# What is said around a job


@dataclass(frozen=True, slots=True)
class Recused:
    """A firm kept out of a job, and why."""

    org_id: int
    uscc: str
    name: str
    reason: str
    recorded_at: datetime


def recusals_of(s: Session, job_id: int) -> list[Recused]:
    """Who is recused from a job, in the order it was said."""
    found = (
        select(Recusal.org_id, Organisation.uscc, Organisation.name, Recusal.reason, Recusal.recorded_at)
        .join(Organisation, Organisation.id == Recusal.org_id)
        .where(Recusal.job_id == job_id)
        .order_by(Recusal.id)
    )
    return [Recused(*row) for row in s.execute(found)]


def invited_of(s: Session, job_id: int) -> list[Organisation]:
    """The firms an owner told of a job; for the owner alone."""
    found = select(Organisation).join(Invitation, Invitation.org_id == Organisation.id)
    return list(s.scalars(found.where(Invitation.job_id == job_id).order_by(Invitation.id)))


def invited_and_read(s: Session, job_id: int) -> tuple[int, int]:
    """How many firms were invited and how many of them opened the job: all the owner learns before T."""
    counts = select(func.count(Invitation.id), func.count(Invitation.read_at)).where(Invitation.job_id == job_id)
    invited, read = s.execute(counts).one()
    return invited, read


def questions_of(s: Session, job_id: int) -> list[Question]:
    """Questions and answers of a job, first to last. `org_id` is for the log, never for a page."""
    return list(s.scalars(select(Question).where(Question.job_id == job_id).order_by(Question.asked_at, Question.id)))


def unanswered(s: Session, owner_id: int) -> list[tuple[Job, int, datetime]]:
    """An owner's open jobs with questions that wait: job, how many, since when."""
    found = (
        select(Job, func.count(Question.id), func.min(Question.asked_at))
        .join(Question, Question.job_id == Job.id)
        .where(Job.owner_id == owner_id, Job.stage == "open", Question.answered_at.is_(None))
        .group_by(Job.id)
        .order_by(Job.closes_at)
    )
    return [(job, n, since) for job, n, since in s.execute(found)]


def documents_of(s: Session, job_id: int) -> list[Document]:
    """The files of a job that were not taken back, in the order they came."""
    found = select(Document).where(Document.job_id == job_id, Document.removed_at.is_(None))
    return list(s.scalars(found.order_by(Document.id)))


def created_by(s: Session, job: Job) -> str:
    """The name of the person who began a job."""
    return s.scalar(select(Person.name).where(Person.id == job.created_by)) or ""


def firms_named(s: Session, words: str, limit: int = 8) -> Sequence[Organisation]:
    """Admitted firms whose code is `words` or whose name holds it: to recuse or invite, shortest name first.

    Who has only registered is not public, so a piece of its name must not bring up the whole.
    """
    plain = words.strip()
    admitted = select(Organisation).join(FirmProfile, FirmProfile.org_id == Organisation.id)
    found = admitted.where((Organisation.uscc == plain.upper()) | Organisation.name.contains(plain, autoescape=True))
    return s.scalars(found.order_by(func.length(Organisation.name), Organisation.id).limit(limit)).all()


def one_firm(s: Session, typed: str, unknown: str = "recusal.firm") -> int | Refusal:
    """The one firm a name or code means, or why it means none or several (with the candidates)."""
    words = typed.strip()
    found = firms_named(s, words) if words else []
    exact = [org for org in found if words.upper() in (org.uscc, org.name.upper())]
    fit = exact or list(found)
    if len(fit) > 1:
        names = "、".join(org.name for org in fit)
        return Refusal("recusal.which", "firm", {"words": words, "n": len(fit), "names": names})
    return fit[0].id if fit else Refusal(unknown, "firm")


def unread_invitation(s: Session, job_id: int, org_id: int) -> bool:
    """Whether a firm was invited to a job and has not opened it yet."""
    mine = select(Invitation.id).where(Invitation.job_id == job_id, Invitation.org_id == org_id)
    return s.scalar(mine.where(Invitation.read_at.is_(None))) is not None
