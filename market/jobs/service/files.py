"""Files of a job: added and taken back while it is a draft; what went out stays as it went out."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.admission.documents import keep_document, remove_document
from market.admission.models import Document
from market.errors import refuse
from market.identity.rules import User
from market.jobs.service.basis import own_draft

MOST = 20


def add_document(s: Session, folder: Path, job_id: int, name: str, data: bytes, by: User, now: datetime) -> Document:
    """Keep a file with a draft; it becomes public when the job does.

    Raises Refused `job.documents` beyond 20, and what `keep_document` refuses (type, size, name, broken).
    """
    job = own_draft(s, job_id, by.org_id)
    held = select(func.count(Document.id)).where(Document.job_id == job.id, Document.removed_at.is_(None))
    if (s.scalar(held) or 0) >= MOST:
        raise refuse("job.documents", "document", max=MOST)
    job.saved_at = now
    return keep_document(s, folder, by.org_id, job.id, name, data, now, by.actor)


def take_back_document(s: Session, job_id: int, document_id: int, by: User, now: datetime) -> None:
    """Take a file out of a draft."""
    job = own_draft(s, job_id, by.org_id)
    row = s.get(Document, document_id)
    if row is None or row.job_id != job.id:
        raise refuse("job.unknown", status=404)
    remove_document(s, by.org_id, document_id, now, by.actor)
