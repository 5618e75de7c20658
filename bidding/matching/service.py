"""An invited firm's answer. Writing it tells nobody: its record stays under the auction's veil until T."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.matching.rules import fit_answer, may_answer
from market.audit.rules import Deed
from market.audit.service import record
from market.errors import Refused, refuse
from market.identity.rules import User
from market.jobs.models import Invitation, Job


def answer_invitation(
    s: Session, job_id: int, accept: bool, reason: str, note: str, by: User, now: datetime, veil: str
) -> Invitation:
    """Accept or decline; the last answer before T holds. `veil`: the auction's, which hides who answered until T.

    Raises Refused: `invitation.none` (not invited), `invitation.closed` (T has come), `invitation.reason`.
    """
    found = select(Invitation).where(Invitation.job_id == job_id, Invitation.org_id == by.org_id)
    row = s.scalars(found.with_for_update()).first()
    if row is None:
        raise refuse("invitation.none", status=404)
    job = s.get_one(Job, job_id)
    if (closed := may_answer(job.stage, job.closes_at, now)) is not None:
        raise Refused(closed, status=409)
    if (unfit := fit_answer(accept, reason)) is not None:
        raise Refused(unfit)
    row.answer = "accepted" if accept else "declined"
    row.answer_reason = None if accept else f"{reason} {note}".strip()
    row.answered_at = now
    row.read_at = row.read_at or now
    record(s, Deed.INVITATION_ANSWERED, now, by.actor, job.code, veil=veil, job=job.code, answer=row.answer)
    s.flush()
    return row
