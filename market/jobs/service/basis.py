"""What jobs rest on as it stands on a day: fee standards, the service, districts; and a job's row under lock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from market.catalogue import queries as catalogue
from market.catalogue.models import Service
from market.catalogue.rules import Standards
from market.errors import Refused, refuse
from market.jobs.models import Job
from market.jobs.rules import EDITABLE, Measure, baseline_of


def standards_in_force(s: Session, now: datetime) -> Standards:
    """The fee standards of the day; none before a file was loaded, and then no job has a baseline."""
    try:
        return catalogue.standards_on(s, now)
    except Refused:
        return Standards({}, "")


def service_in_force(s: Session, code: str, now: datetime) -> Service:
    """A service of the catalogue of the day. Raises Refused `job.service` for an unknown one."""
    found = catalogue.service_on(s, code, now)
    if found is None:
        raise refuse("job.service", "service", service=code)
    return found


def measure(
    s: Session,
    service: Service,
    now: datetime,
    scale: int | None,
    coefficients: Mapping[str, Any],
    evidence: str = "",
    inputs: Mapping[str, int] | None = None,
) -> tuple[dict[str, Any], list[Any]]:
    """The baseline a job would get at `now`, as stored, and what is wrong with scale and coefficients."""
    m = Measure(
        service.code, service.standard, service.days, service.days_source, scale, coefficients, inputs or {}, evidence
    )
    return baseline_of(standards_in_force(s, now), m)


def own_job(s: Session, job_id: int, owner_id: int) -> Job:
    """An owner's own job under lock; anybody else's is as unknown as one that is not there (404)."""
    job = s.get(Job, job_id, with_for_update=True)
    if job is None or job.owner_id != owner_id or (job.state in EDITABLE and job.ended_at is not None):
        raise refuse("job.unknown", status=404)
    return job


def own_draft(s: Session, job_id: int, owner_id: int) -> Job:
    """An owner's own job that may still be written, under lock. Raises Refused `job.locked` (409) once it is sent."""
    job = own_job(s, job_id, owner_id)
    if job.state not in EDITABLE:
        raise refuse("job.locked", status=409, state=job.state)
    return job
