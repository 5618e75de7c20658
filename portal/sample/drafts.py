"""What an owner types into the wizard, and the posting it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from market.jobs.rules import Posting
from market.moments import BEIJING
from portal.sample import texts
from portal.sample.jobs import Job
from portal.sample.luck import luck
from portal.sample.measuring import AREAS, Measured, measure
from portal.sample.projects import Project
from portal.sample.services import Service, services

DRAFTS = 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of the owner that signs in: the fields of the steps it has come to."""

    title: str
    steps: Mapping[int, Mapping[str, Any]]


def posting(job: Job) -> Posting:
    """A job as the services take it."""
    m = job.measured
    return Posting(
        service=job.service.code, title=job.title, summary=job.summary, district=job.project.district,
        ceiling=m.ceiling, days_max=job.service.days, tax=job.tax, closes_at=job.slot.closes_at, scale=m.scale,
        coefficients=m.coefficients, inputs=m.inputs, evidence=m.evidence, project_code=job.project.code,
        urgency=job.urgency,
    )  # fmt: skip


def fields_of(job: Job) -> dict[int, dict[str, Any]]:
    """The steps of the wizard as they were typed."""
    steps = _steps(job.project, job.service, job.measured, job.title, job.summary)
    third = _price(job.measured, job.service, job.tax, job.slot.closes_at)
    return {**steps, 3: {**third, "urgency": job.urgency} if job.urgency else third}


def make_drafts(seed: int, projects: Sequence[Project], jobs: Sequence[Job]) -> list[Draft]:
    """Three drafts on projects of one owner, each come one step further than the one before."""
    rng = luck(seed, "drafts")
    used = {(job.project.n, job.service.code) for job in jobs}
    free = [(p, x) for p in projects for x in services() if x.fits(p.type) and (p.n, x.code) not in used]
    found = []
    for n, (project, service) in enumerate(rng.sample(free, min(DRAFTS, len(free)))):
        measured = measure(rng, project, service)
        title = f"{project.title}{service.name}"
        steps = _steps(project, service, measured, title, texts.summary(rng, project, service))
        found.append(Draft(title, {k: v for k, v in steps.items() if k <= n + 1}))
    return found


def _steps(project: Project, service: Service, m: Measured, title: str, summary: str) -> dict[int, dict[str, Any]]:
    second: dict[str, Any] = {
        "title": title, "summary": summary, "district": project.district, "project_code": project.code or "",
        **{f"coef_{name}": key for name, key in m.coefficients.items()},
    }  # fmt: skip
    if m.inputs:
        second |= {name: yuan(fen) for name, fen in m.inputs.items()}
    elif m.scale is not None:
        second["scale"] = str(m.scale // 100) if service.standard in AREAS else yuan(m.scale)
    if m.evidence:
        second["evidence"] = m.evidence
    return {1: {"service": service.code}, 2: second}


def _price(m: Measured, service: Service, tax: str, closes_at: datetime) -> dict[str, Any]:
    here = closes_at.astimezone(BEIJING)
    return {
        "ceiling": yuan(m.ceiling), "closing_day": here.date().isoformat(), "closing_time": here.strftime("%H:%M"),
        "days_max": str(service.days), "tax": tax,
    }  # fmt: skip


def yuan(fen: int) -> str:
    """An amount as people type it."""
    return f"{fen // 100}.{fen % 100:02d}" if fen % 100 else str(fen // 100)
