"""Who may bid on a job, as of an instant, and every reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission import queries as admission
from market.admission.rules import why_not
from market.catalogue.models import Service
from market.errors import Refusal
from market.identity import queries as identity
from market.jobs.models import Job, Recusal


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the eligibility box: `key` names what was checked, `refusal` why it fails (None: it holds)."""

    key: str
    refusal: Refusal | None

    @property
    def ok(self) -> bool:
        """Whether this holds."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a job asks of its bidders, and `recusal`: the owner's reason against the firm at hand, if there is one."""

    job_id: int
    owner_id: int
    published_at: datetime | None
    category: str
    qualification: str
    recusal: str | None


def checks(s: Session, job: Job, org_id: int, at: datetime) -> list[Check]:
    """Everything a firm must be to bid on a job at `at`: admitted, qualified, in standing, not recused, not tied."""
    service = s.get_one(Service, job.service_id)
    reason = s.scalar(select(Recusal.reason).where(Recusal.job_id == job.id, Recusal.org_id == org_id))
    asked = Asked(job.id, job.owner_id, job.published_at, service.category_code, service.qualification, reason)
    return _checks(s, asked, org_id, at)


def _checks(s: Session, asked: Asked, org_id: int, at: datetime) -> list[Check]:
    facts = admission.facts(s, [org_id], asked.category, asked.qualification)
    refusals = why_not(facts[org_id], at, asked.category, asked.qualification)
    found = [Check(key, next((r for r in refusals if r.code in codes), None)) for key, codes in _STANDING]
    reason = asked.recusal
    found.append(Check("recusal", Refusal("bid.recused", values={"reason": reason}) if reason else None))
    found.append(Check("owner", _owner(s, asked, org_id, at)))
    return found


_STANDING = (
    ("admitted", ("bid.notadmitted",)),
    ("qualified", ("bid.unqualified", "bid.unverified")),
    ("certificate", ("bid.expired",)),
    ("standing", ("bid.suspended",)),
)
"""What is checked, and the codes of admission.rules.why_not that fail it: together they are all of its codes."""


def _owner(s: Session, asked: Asked, org_id: int, at: datetime) -> Refusal | None:
    if org_id == asked.owner_id:
        return Refusal("bid.own")
    since = asked.published_at or at
    return Refusal("bid.tied") if identity.tied(s, asked.owner_id, [org_id], since, at) else None


def may_bid(s: Session, job: Job, org_id: int, at: datetime) -> list[Refusal]:
    """Every reason why a firm may not bid on a job at `at`; empty when it may."""
    return [check.refusal for check in checks(s, job, org_id, at) if check.refusal is not None]


def unfit(s: Session, asked: Asked, org_id: int, at: datetime) -> list[Refusal]:
    """The same answer as `may_bid` for a caller that has read what the job asks: two statements, on the bid path."""
    return [check.refusal for check in _checks(s, asked, org_id, at) if check.refusal is not None]


def fitting(s: Session, job: Job, at: datetime) -> list[int]:
    """Organisations that may bid on a job at `at`, by id; the same answer as `may_bid`, for all firms at once."""
    service = s.get_one(Service, job.service_id)
    able = admission.eligible(s, service.category_code, service.qualification, at)
    barred = barred_from(s, job, able, at)
    return sorted(org for org in able if org not in barred)


def barred_from(s: Session, job: Job, orgs: Sequence[int], at: datetime) -> set[int]:
    """Those of `orgs` that are recused from a job or tied to its owner at any instant since publication."""
    recused = set(s.scalars(select(Recusal.org_id).where(Recusal.job_id == job.id)))
    tied = identity.tied(s, job.owner_id, list(orgs), job.published_at or at, at)
    return {org for org in orgs if org in recused or org in tied or org == job.owner_id}
