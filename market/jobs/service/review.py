"""From the owner's hand to the operator's: send in, return with a reason, and what must hold at publication."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused, refuse
from market.identity.models import Organisation
from market.identity.rules import User
from market.ids import canonical_json, digest, job_code
from market.jobs.models import Job, JobNumber
from market.jobs.rules import (
    FUNDING,
    Event,
    Posting,
    after,
    check_nod,
    check_posting,
    check_text,
    closing_refusal,
    shortened,
)
from market.jobs.service.basis import measure, own_draft, service_in_force, standards_in_force
from market.jobs.service.drafts import start_draft
from market.moments import BEIJING
from market.notices.service import notify

REASON = (4, 1000)


def post_job(s: Session, posting: Posting, by: User, now: datetime) -> Job:
    """Write a job down and send it in at once (API, sample city). Raises Refused with everything that is wrong."""
    return submit(s, start_draft(s, by, now).id, posting, by, now)


def submit(s: Session, job_id: int, posting: Posting, by: User, now: datetime) -> Job:
    """Send a draft to review: the columns are fixed from `posting`, the baseline is calculated, the code is given.

    Raises Refused with every refusal at once, so that the check page can show them all.
    """
    job = own_draft(s, job_id, by.org_id)
    state = _moved(job, Event.SUBMIT)
    service = service_in_force(s, posting.service, now)
    kind = s.get_one(Organisation, job.owner_id).kind
    unfit = check_posting(posting, kind, catalogue.city_rules_on(s, now), catalogue.calendar(s), now)
    baseline, wrong = measure(s, service, now, posting.scale, posting.coefficients, posting.evidence, posting.inputs)
    if unfit or wrong:
        raise Refused(*unfit, *wrong)
    job.service_id, job.service_code, job.category_code = service.id, service.code, service.category_code
    job.title, job.summary = posting.title.strip(), posting.summary.strip()
    job.district, job.project_code, job.funding = posting.district, posting.project_code, FUNDING[kind]
    job.scale, job.coefficients = baseline["scale"], baseline["coefficients"]
    job.baseline, job.baseline_fen, job.baseline_days = baseline, baseline["fee"], baseline["days"]
    job.ceiling_fen, job.days_max, job.tax = posting.ceiling, posting.days_max, posting.tax
    job.closes_at, job.submitted_at, job.reason = posting.closes_at, now, None
    job.urgency = posting.urgency.strip() or None
    job.state = job.stage = state
    if job.code is None:
        job.code = _next_code(s, now)
    s.flush()
    record(s, Deed.JOB_SUBMITTED, now, by.actor, job.code, job=job.code, baseline=digest(canonical_json(baseline)))
    notify(
        s, now, "job.submitted", office="operator", link=f"/operator/jobs/{job.id}", title=job.title,
        job=job.code, closes_at=posting.closes_at.isoformat(),
    )  # fmt: skip
    return job


def return_job(s: Session, job_id: int, reason: str, by: User, now: datetime) -> Job:
    """Give a job back to its owner with a reason; the draft is as it was sent."""
    no = check_text("job.return_reason", "reason", reason, REASON)
    if no is not None:
        raise Refused(no)
    job = _any_job(s, job_id)
    job.state = job.stage = _moved(job, Event.RETURN)
    job.reason, job.saved_at = reason.strip(), now
    s.flush()
    record(s, Deed.JOB_RETURNED, now, by.actor, job.code, job=job.code)
    notify(
        s, now, "job.returned", org=job.owner_id, link=f"/drafts/{job.id}/check", title=job.title, job=job.code,
        reason=job.reason,
    )  # fmt: skip
    return job


def approve_coefficients(s: Session, job_id: int, by: User, now: datetime) -> Job:
    """The reviewer's nod to coefficients that raise the baseline, kept with it (design, oversight 1)."""
    job = _any_job(s, job_id)
    _moved(job, Event.PUBLISH)
    job.baseline = {**(job.baseline or {}), "nod": {"by": by.actor, "at": now.isoformat()}}
    s.flush()
    return job


def recheck(s: Session, job: Job, now: datetime) -> None:
    """What must hold when a job goes out: T counted from today, the same price document, the nod. Raises Refused.

    The baseline is fixed at publication; if the fee standards changed since it was sent, the owner must see the new
    figure first, so it is returned. A reason of urgency that is not needed is dropped: no job is called urgent whose
    firms have the usual time.
    """
    if job.closes_at is None or job.baseline is None or job.service_code is None:
        raise refuse("job.unready", status=409)
    city, calendar = catalogue.city_rules_on(s, now), catalogue.calendar(s)
    no = [
        closing_refusal(job.closes_at, now, city, calendar, urgency=job.urgency),
        check_nod(job.baseline),
    ]
    if _moved_baseline(s, job, job.baseline, now):
        no.append(Refusal("job.baseline_moved"))
    found = [refusal for refusal in no if refusal is not None]
    if found:
        raise Refused(*found)
    if not shortened(job.closes_at, now, city, calendar):
        job.urgency = None


def _moved_baseline(s: Session, job: Job, known: dict[str, Any], now: datetime) -> bool:
    """Whether the price document in force gives another figure than the one that was sent."""
    if not known.get("digest") or known["digest"] == standards_in_force(s, now).digest:
        return False
    service = service_in_force(s, job.service_code or "", now)
    fresh, _ = measure(s, service, now, job.scale, job.coefficients or {}, known["evidence"], known["inputs"])
    return any(fresh[name] != known[name] for name in ("fee", "kind", "standard"))


def _any_job(s: Session, job_id: int) -> Job:
    job = s.get(Job, job_id, with_for_update=True)
    if job is None:
        raise refuse("job.unknown", status=404)
    return job


def _moved(job: Job, event: Event) -> str:
    state = after(job.state, event)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    return state


def _next_code(s: Session, now: datetime) -> str:
    """The next code of the year; its row stays locked until the commit, so no number is given twice or left out."""
    year = now.astimezone(BEIJING).year
    taken = update(JobNumber).where(JobNumber.year == year).values(last=JobNumber.last + 1).returning(JobNumber.last)
    number = s.scalar(taken)
    if number is None:
        try:
            with s.begin_nested():
                s.add(JobNumber(year=year, last=1))
                s.flush()
            number = 1
        except IntegrityError:  # another transaction began the year a moment ago
            number = s.scalars(taken).one()
    return job_code(year, number)
