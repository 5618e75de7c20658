"""Who may bid on a job, as of an instant, and every reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Connection, Engine, Select, bindparam, select
from sqlalchemy.orm import Session

from market.admission import queries as admission
from market.admission.rules import Standing, why_not
from market.catalogue.models import Service
from market.db import UTCTime
from market.errors import Refusal
from market.identity import queries as identity
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


# On the bid path all is asked at once, in the round trip in which the person is found. Built once.


@dataclass(frozen=True, slots=True)
class Fixed:
    """What no act changes of a job once it is published, so that a process asks it once and not for each bid."""

    job_id: int
    owner_id: int
    published_at: datetime
    category: str
    qualification: str


_FIXED: Final[WeakKeyDictionary[Engine | Connection, dict[str, Fixed]]] = WeakKeyDictionary()
_KEPT = 4096
"""Jobs that a process keeps in mind; each is a few hundred bytes, and the oldest gives way."""


def fixed(s: Session, code: str) -> Fixed | None:
    """What is fixed of a published job, asked once; None for one that is not published, or unknown."""
    known = _FIXED.setdefault(s.get_bind(), {})
    found = known.get(code) or _fixed(s, code)
    if found is not None and code not in known:
        while len(known) >= _KEPT:
            known.pop(next(iter(known)), None)
        known[code] = found
    return found


def _fixed(s: Session, code: str) -> Fixed | None:
    asked = select(Job.id, Job.owner_id, Job.published_at, Service.category_code, Service.qualification)
    row = s.execute(asked.join(Service, Service.id == Job.service_id).where(Job.code == code)).first()
    if row is None or row.published_at is None:
        return None
    return Fixed(row.id, row.owner_id, row.published_at, row.category_code, row.qualification)


@cache
def facts_for_bid() -> CompoundSelect[Any]:
    """What `unfit` needs of the firm `:org`, for a job of `:category` and `:qualification`."""
    return admission.facts_of([bindparam("org")], bindparam("category"), bindparam("qualification"))


@cache
def ties_for_bid() -> Select[Any]:
    """What `unfit` needs of the firm `:org` and the owner `:owner`: their ties at any instant of `:since` to `:at`."""
    since, at = bindparam("since", type_=UTCTime()), bindparam("at", type_=UTCTime())
    return identity.ties_of_all([bindparam("org"), bindparam("owner")], since, at)


def unfit(
    s: Session, job: Fixed, recusal: str | None, org_id: int, at: datetime, facts: Sequence[Any], ties: Sequence[Any]
) -> list[Refusal]:
    """The same answer as `may_bid`, from the rows of `facts_for_bid` and `ties_for_bid`."""
    asked = Asked(job.job_id, job.owner_id, job.published_at, job.category, job.qualification, recusal)
    known = admission.standings(facts, [org_id], asked.category)[org_id]
    tokens = identity.tokens_of(s, ties, job.published_at, at)
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
