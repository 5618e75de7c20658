"""Who may bid on a job, as of an instant, and every reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, ScalarSelect, Select, bindparam, func, select
from sqlalchemy.orm import Session

from market.admission import queries as admission
from market.admission.rules import Standing, why_not
from market.catalogue.models import Service
from market.db import UTCTime
from market.errors import Refusal
from market.identity import queries as identity
from market.identity.models import Person
from market.identity.rules import share
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
    tied = bool(identity.tied(s, asked.owner_id, [org_id], asked.published_at or at, at))
    return _judged(facts[org_id], asked, org_id, at, tied)


def _judged(facts: Standing, asked: Asked, org_id: int, at: datetime, tied: bool) -> list[Check]:
    refusals = why_not(facts, at, asked.category, asked.qualification)
    found = [Check(key, next((r for r in refusals if r.code in codes), None)) for key, codes in _STANDING]
    reason = asked.recusal
    found.append(Check("recusal", Refusal("bid.recused", values={"reason": reason}) if reason else None))
    own = org_id == asked.owner_id
    found.append(Check("owner", Refusal("bid.own") if own else Refusal("bid.tied") if tied else None))
    return found


_STANDING = (
    ("admitted", ("bid.notadmitted",)),
    ("qualified", ("bid.unqualified", "bid.unverified")),
    ("certificate", ("bid.expired",)),
    ("standing", ("bid.suspended",)),
)
"""What is checked, and the codes of admission.rules.why_not that fail it: together they are all of its codes."""


def may_bid(s: Session, job: Job, org_id: int, at: datetime) -> list[Refusal]:
    """Every reason why a firm may not bid on a job at `at`; empty when it may."""
    return [check.refusal for check in checks(s, job, org_id, at) if check.refusal is not None]


# On the bid path the job is known by its code alone and the firm by its person, so that all is asked at once, in the
# round trip in which the person is found. Built once.


def firm_of_person() -> ScalarSelect[int]:
    """SQL: the firm of the person `:person`."""
    return select(Person.org_id).where(Person.id == bindparam("person")).scalar_subquery()


@cache
def facts_for_bid() -> CompoundSelect[Any]:
    """What `unfit` needs of the firm of `:person`, for the job `:job`."""
    asked = select(Service.category_code).join(Job, Job.service_id == Service.id).where(Job.code == bindparam("job"))
    paper = asked.with_only_columns(Service.qualification)
    return admission.facts_of([firm_of_person()], asked.scalar_subquery(), paper.scalar_subquery())


@cache
def ties_for_bid() -> Select[Any]:
    """What `unfit` needs of the ties of the firm of `:person` and the owner of the job `:job`, as of `:at`."""
    job = select(Job.owner_id).where(Job.code == bindparam("job"))
    since = func.coalesce(job.with_only_columns(Job.published_at).scalar_subquery(), bindparam("at", type_=UTCTime()))
    orgs = [firm_of_person(), job.scalar_subquery()]
    return identity.ties_of_all(orgs, since, bindparam("at", type_=UTCTime()))


def unfit(
    s: Session, asked: Asked, org_id: int, at: datetime, facts: Sequence[Any], ties: Sequence[Any]
) -> list[Refusal]:
    """The same answer as `may_bid`, from the rows of `facts_for_bid` and `ties_for_bid`."""
    known = admission.standings(facts, [org_id], asked.category)[org_id]
    tokens = identity.tokens_of(s, ties, asked.published_at or at, at)
    tied = share(tokens[asked.owner_id], tokens[org_id])
    return [c.refusal for c in _judged(known, asked, org_id, at, tied) if c.refusal is not None]


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
