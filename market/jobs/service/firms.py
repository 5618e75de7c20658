"""Which firms an owner keeps out (回避, with a published reason) and whom it tells of a job (an invitation)."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from market.admission.models import FirmProfile
from market.audit.rules import Deed
from market.audit.service import record
from market.errors import Refused, refuse
from market.identity.rules import User
from market.jobs.models import Invitation, Job, Recusal
from market.jobs.rules import EDITABLE, State, check_recusal, recusal_text
from market.jobs.service.basis import own_draft, own_job
from market.notices.service import notify

MOST_INVITED = 200


def recuse(s: Session, job_id: int, org_id: int, reason: str, note: str, by: User, now: datetime) -> Recusal:
    """Keep a firm out of a job, for a reason of the list. In a draft, or while bidding is open (taken as of T).

    Raises Refused: `recusal.reason`, `recusal.note`, `recusal.firm` (not admitted), `recusal.twice`.
    """
    job = _writable(own_job(s, job_id, by.org_id), now)
    no = check_recusal(reason, note)
    if no is not None:
        raise Refused(no)
    if s.get(FirmProfile, org_id) is None or org_id == job.owner_id:
        raise refuse("recusal.firm", "firm")
    if s.scalar(select(Recusal.id).where(Recusal.job_id == job.id, Recusal.org_id == org_id)) is not None:
        raise refuse("recusal.twice", "firm")
    row = Recusal(job_id=job.id, org_id=org_id, reason=recusal_text(reason, note), recorded_at=now)
    s.add(row)
    invited = s.scalars(select(Invitation).where(Invitation.job_id == job.id, Invitation.org_id == org_id)).first()
    if invited is not None:
        s.delete(invited)
    s.flush()
    record(s, Deed.RECUSAL_RECORDED, now, by.actor, job.code or f"draft:{job.id}", firm=org_id, reason=reason)
    if job.state == State.PUBLISHED:
        notify(
            s, now, "job.recused", org=org_id, link=f"/jobs/{job.code}", once=f"recused:{job.id}:{org_id}",
            title=job.title, reason=row.reason,
        )  # fmt: skip
    return row


def take_back_recusal(s: Session, job_id: int, org_id: int, by: User, now: datetime) -> None:
    """Let a firm in again, while the job is still a draft: afterwards a recusal stands in public."""
    job = own_draft(s, job_id, by.org_id)
    row = s.scalars(select(Recusal).where(Recusal.job_id == job.id, Recusal.org_id == org_id)).first()
    if row is None:
        raise refuse("recusal.none", status=404)
    s.delete(row)
    s.flush()
    record(s, Deed.RECUSAL_RECORDED, now, by.actor, job.code or f"draft:{job.id}", firm=org_id, reason="taken_back")


def invite(s: Session, job_id: int, org_id: int, by: User, now: datetime) -> Invitation:
    """Tell a firm of a job: at publication, or at once if it is out. It gives no advantage.

    Raises Refused: `invitation.firm` (not admitted), `invitation.recused`, `invitation.many`. Twice is once.
    """
    job = _writable(own_job(s, job_id, by.org_id), now)
    if s.get(FirmProfile, org_id) is None or org_id == job.owner_id:
        raise refuse("invitation.firm", "firm")
    if s.scalar(select(Recusal.id).where(Recusal.job_id == job.id, Recusal.org_id == org_id)) is not None:
        raise refuse("invitation.recused", "firm")
    known = s.scalars(select(Invitation).where(Invitation.job_id == job.id, Invitation.org_id == org_id)).first()
    if known is not None:
        return known
    if len(s.scalars(select(Invitation.id).where(Invitation.job_id == job.id)).all()) >= MOST_INVITED:
        raise refuse("invitation.many", "firm", max=MOST_INVITED)
    row = Invitation(job_id=job.id, org_id=org_id, sent_at=now)
    s.add(row)
    s.flush()
    if job.state == State.PUBLISHED and job.closes_at is not None:
        record(s, Deed.INVITATION_SENT, now, by.actor, job.code, job=job.code)
        notify(
            s, now, "job.invited", org=org_id, link=f"/jobs/{job.code}", once=f"invited:{job.id}:{org_id}",
            title=job.title, closes_at=job.closes_at.isoformat(),
        )  # fmt: skip
    return row


def take_back_invitation(s: Session, job_id: int, org_id: int, by: User, now: datetime) -> None:
    """Strike a firm from the list of a draft."""
    job = own_draft(s, job_id, by.org_id)
    row = s.scalars(select(Invitation).where(Invitation.job_id == job.id, Invitation.org_id == org_id)).first()
    if row is None:
        raise refuse("recusal.none", status=404)
    s.delete(row)
    job.saved_at = now
    s.flush()


def mark_read(s: Session, job_id: int, org_id: int, now: datetime) -> None:
    """An invited firm opened the job: the first time counts."""
    mine = update(Invitation).where(Invitation.job_id == job_id, Invitation.org_id == org_id)
    s.execute(mine.where(Invitation.read_at.is_(None)).values(read_at=now))


def _writable(job: Job, now: datetime) -> Job:
    running = job.state == State.PUBLISHED and job.stage == "open" and job.closes_at is not None and now < job.closes_at
    if job.state not in EDITABLE and not running:
        raise refuse("job.locked", status=409, state=job.state)
    return job
