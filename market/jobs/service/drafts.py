"""Drafts: every step is kept as it was typed, unfinished and wrong input too, so that nothing is ever lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from market.audit.rules import NEVER, Deed
from market.audit.service import record
from market.errors import refuse
from market.identity.rules import User
from market.jobs.models import Job
from market.jobs.rules import EDITABLE, UNDO, State
from market.jobs.service.basis import own_draft

STEPS: Final = (1, 2, 3, 4)
_FIELDS, _LONGEST, _LIST = 60, 5000, 30


def start_draft(s: Session, by: User, now: datetime) -> Job:
    """An empty draft of the person's organisation. Raises Refused `job.owner_only` (403) for who posts no jobs."""
    if not by.has("owner"):
        raise refuse("job.owner_only", status=403)
    job = Job(
        owner_id=by.org_id, created_by=by.id, state=State.DRAFT, stage=State.DRAFT, draft={"step": 1}, title="",
        summary="", created_at=now, saved_at=now,
    )  # fmt: skip
    s.add(job)
    s.flush()
    _recorded(s, job, by, now)
    return job


def save_step(s: Session, job_id: int, step: int, fields: Mapping[str, Any], by: User, now: datetime) -> Job:
    """Keep what was typed in a step (texts or lists of texts), whatever it is worth; the draft opens there again.

    Raises Refused `job.unknown` (404) for another's draft, `job.locked` (409) once it is sent.
    """
    if step not in STEPS:
        raise refuse("job.unknown", status=404)
    job = own_draft(s, job_id, by.org_id)
    kept = {_plain(name): _kept(value) for name, value in list(fields.items())[:_FIELDS]}
    draft = {**job.draft, "step": step, str(step): kept}
    if draft == job.draft:
        return job
    job.draft, job.saved_at = draft, now
    title = draft.get("2", {}).get("title", "")
    job.title = str(title)[:120]
    _recorded(s, job, by, now)
    return job


def turn_to(s: Session, job_id: int, step: int, by: User) -> Job:
    """Remember that the owner went on to a step, so that the draft opens there on another device."""
    job = own_draft(s, job_id, by.org_id)
    if job.draft.get("step") != step:
        job.draft = {**job.draft, "step": step}  # 5 is the check page
    return job


def delete_draft(s: Session, job_id: int, by: User, now: datetime) -> Job:
    """Put a draft away; for 30 days it can be taken back."""
    job = own_draft(s, job_id, by.org_id)
    job.ended_at = now
    _recorded(s, job, by, now)
    return job


def restore_draft(s: Session, job_id: int, by: User, now: datetime) -> Job:
    """Take a deleted draft back. Raises Refused `job.gone` (409) after 30 days."""
    job = s.get(Job, job_id, with_for_update=True)
    if job is None or job.owner_id != by.org_id or job.state not in EDITABLE or job.ended_at is None:
        raise refuse("job.unknown", status=404)
    if job.ended_at <= now - UNDO:
        raise refuse("job.gone", status=409)
    job.ended_at, job.saved_at = None, now
    _recorded(s, job, by, now)
    return job


def _recorded(s: Session, job: Job, by: User, now: datetime) -> None:
    # Drafts are nobody's business: the log shows an opaque leaf (decisions.md, Until T).
    record(s, Deed.DRAFT_SAVED, now, by.actor, veil=NEVER, blinded={"job": job.id})


def _kept(value: Any) -> str | list[str]:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:_LIST]]
    return _plain(value)


def _plain(value: Any) -> str:
    """Text a JSON column can hold: NUL and half characters are no text, and PostgreSQL refuses them."""
    text = str(value).replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return text[:_LONGEST]
