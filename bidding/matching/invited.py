"""Firms that match a job in their order, and what became of invitations. Nothing here tells who bids."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from bidding.matching.queries import fitting
from bidding.matching.ranking import Candidate, Ranked, Weights, rank
from market.admission.models import Practitioner
from market.contracts.models import Contract
from market.identity.models import Organisation
from market.jobs.models import Invitation, Job
from ratings.credit.queries import credits_as_of

_MONTH = timedelta(days=30)


@cache
def weights() -> Weights:
    """The weights in force, shipped as package data."""
    return Weights(**json.loads(files("bidding.matching").joinpath("weights.json").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Match:
    """A ranked firm with its name, and when it was invited (None: not yet)."""

    ranked: Ranked
    name: str
    sent_at: datetime | None


def matches(s: Session, job: Job, now: datetime) -> list[Match]:
    """Firms that may bid on a job now, ranked by what was known at its publication."""
    able, at = fitting(s, job, now), job.published_at or now
    found = candidates(s, able, job.category_code or "", at)
    ranked = rank(job.code or "", found, weights())
    named = select(Organisation.id, Organisation.name).where(Organisation.id.in_(able))
    names = {row.id: row.name for row in s.execute(named)}
    sent = select(Invitation.org_id, Invitation.sent_at).where(Invitation.job_id == job.id)
    asked = {row.org_id: row.sent_at for row in s.execute(sent)}
    return [Match(r, names[r.firm.org_id], asked.get(r.firm.org_id)) for r in ranked]


def candidates(s: Session, orgs: Sequence[int], category: str, at: datetime) -> list[Candidate]:
    """What counts of each of `orgs` in a category, as known at `at`."""
    credits = credits_as_of(s, orgs, at)
    since = at - weights().months * _MONTH
    done = (Contract.accepted_at > since) & (Contract.accepted_at <= at)
    kept = done & (Contract.days_used <= Contract.days_now)
    over = func.coalesce(Contract.accepted_at, Contract.ended_at)
    running = over.is_(None) | (over > at)
    tallied = (
        select(
            Contract.firm_id, _count(done), _count(kept), _count(done & (Job.category_code == category)),
            _count(running),
        )
        .join(Job, Job.id == Contract.job_id)
        .where(Contract.firm_id.in_(orgs), Contract.opened_at <= at)
        .group_by(Contract.firm_id)
    )  # fmt: skip
    counts = {row[0]: tuple(row[1:]) for row in s.execute(tallied)}
    staffed = (
        select(Practitioner.org_id, func.count())
        .where(Practitioner.org_id.in_(orgs), Practitioner.recorded_at <= at)
        .where(Practitioner.removed_at.is_(None) | (Practitioner.removed_at > at))
        .group_by(Practitioner.org_id)
    )
    people = {row[0]: row[1] for row in s.execute(staffed)}
    found = []
    for org, uscc in s.execute(select(Organisation.id, Organisation.uscc).where(Organisation.id.in_(orgs))):
        finished, on_time, in_category, under_way = counts.get(org, (0, 0, 0, 0))
        known = credits[org]
        found.append(
            Candidate(
                org, uscc, known.value, known.score is not None, finished, on_time, in_category, people.get(org, 0),
                under_way,
            )
        )  # fmt: skip
    return found


def _count(holds: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((holds, 1), else_=0)), 0)


# ── what became of invitations ──────────────────────────────────────────────────────────────────────────────────


def invitation(s: Session, code: str, org_id: int) -> tuple[Job, Invitation] | None:
    """A firm's own invitation to a published job; None when it was not invited."""
    found = (
        select(Job, Invitation)
        .join(Invitation, Invitation.job_id == Job.id)
        .where(Job.code == code, Job.state.in_(("published", "cancelled")), Invitation.org_id == org_id)
    )
    row = s.execute(found).first()
    return None if row is None else (row[0], row[1])


def to_answer(s: Session, org_id: int, now: datetime) -> list[Job]:
    """Open jobs a firm was invited to and has not answered, the one whose T comes first on top."""
    found = (
        select(Job)
        .join(Invitation, Invitation.job_id == Job.id)
        .where(Invitation.org_id == org_id, Invitation.answer.is_(None))
        .where(Job.state == "published", Job.stage == "open", Job.closes_at > now)
    )
    return list(s.scalars(found.order_by(Job.closes_at, Job.id)))


@dataclass(frozen=True, slots=True)
class Answered:
    """An invitation after T: `reason` is a code of rules.DECLINES, with words of the firm's own in `note`."""

    uscc: str
    name: str
    sent_at: datetime
    answer: str | None
    reason: str
    note: str


def answers(s: Session, job: Job, now: datetime) -> list[Answered]:
    """What the invited firms answered, for the owner; nothing before T, since an answer hints at who bids."""
    if job.closes_at is None or now < job.closes_at:
        return []
    found = (
        select(Organisation.uscc, Organisation.name, Invitation)
        .join(Invitation, Invitation.org_id == Organisation.id)
        .where(Invitation.job_id == job.id)
        .order_by(Invitation.id)
    )
    rows = []
    for uscc, name, row in s.execute(found):
        reason, _, note = (row.answer_reason or "").partition(" ")
        rows.append(Answered(uscc, name, row.sent_at, row.answer, reason, note))
    return rows
