"""Questions and answers: both public to all at once, the asker never shown (ux O5, I5)."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.admission.models import FirmProfile
from market.audit.rules import NEVER, Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refused, refuse
from market.identity.rules import User
from market.jobs.models import Job, Question
from market.jobs.rules import ANSWER, QUESTION, State, check_text, question_cutoff
from market.jobs.service.basis import own_job
from market.notices.service import notify

MOST_WAITING = 10
"""Unanswered questions of one firm on one job; more would be a nuisance, not a need."""


def ask_question(s: Session, job_id: int, text: str, by: User, now: datetime) -> Question:
    """An admitted firm asks in public, up to the cut-off (17:00:00, inclusive).

    Raises Refused: `question.text`, `question.late` (409), `question.closed` (409), `question.firm` (403),
    `question.many` (429).
    """
    no = check_text("question.text", "text", text, QUESTION)
    if no is not None:
        raise Refused(no)
    job = s.get(Job, job_id, with_for_update={"read": True})
    if job is None or job.state != State.PUBLISHED or job.closes_at is None:
        raise refuse("job.unknown", status=404)
    if s.get(FirmProfile, by.org_id) is None or by.org_id == job.owner_id:
        raise refuse("question.firm", status=403)
    if job.stage != "open":
        raise refuse("question.closed", status=409)
    cutoff = question_cutoff(job.closes_at, catalogue.city_rules_on(s, now), catalogue.calendar(s))
    if now > cutoff:
        raise refuse("question.late", "text", status=409, cutoff=cutoff)
    waiting = select(func.count(Question.id)).where(
        Question.job_id == job.id, Question.org_id == by.org_id, Question.answered_at.is_(None)
    )
    if (s.scalar(waiting) or 0) >= MOST_WAITING:
        raise refuse("question.many", "text", status=429, max=MOST_WAITING)
    question = Question(job_id=job.id, org_id=by.org_id, text=text.strip(), asked_at=now)
    s.add(question)
    s.flush()
    # The public record names no asker; who it was stands under a veil that never lifts.
    record(s, Deed.QUESTION_ASKED, now, "asker", job.code, question=question.id, text=_digest(question.text))
    record(s, Deed.QUESTION_ASKED, now, by.actor, veil=NEVER, blinded={"question": question.id})
    notify(s, now, "job.question", org=job.owner_id, link=f"/jobs/{job.code}", title=job.title, question=question.text)
    return question


def answer_question(s: Session, question_id: int, text: str, by: User, now: datetime) -> Question:
    """The owner answers in public, once, until T. The asker is told.

    Raises Refused: `question.answer`, `question.answered` (409), `question.closed` (409), 404 for another's job.
    """
    no = check_text("question.answer", "answer", text, ANSWER)
    if no is not None:
        raise Refused(no)
    question = s.get(Question, question_id, with_for_update=True)
    if question is None:
        raise refuse("job.unknown", status=404)
    job = own_job(s, question.job_id, by.org_id)
    if question.answered_at is not None:
        raise refuse("question.answered", status=409)
    if job.stage != "open" or job.closes_at is None or now >= job.closes_at:
        raise refuse("question.closed", status=409)
    question.answer, question.answered_at = text.strip(), now
    s.flush()
    record(s, Deed.QUESTION_ANSWERED, now, by.actor, job.code, question=question.id, text=_digest(question.answer))
    notify(s, now, "job.answered", org=question.org_id, link=f"/jobs/{job.code}", title=job.title, answer=text.strip())
    return question


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
