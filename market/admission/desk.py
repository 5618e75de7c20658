"""What waits for the operator and the regulator: applications, certificates, appeals; and each of them by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from market.admission.models import Application, Practitioner, Qualification, Suspension
from market.admission.queries import PAGE
from market.identity.models import Organisation


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application in the operator's list."""

    id: int
    org_name: str
    uscc: str
    state: str
    submitted_at: datetime | None
    decided_at: datetime | None


def applications(s: Session, state: str, page: int = 1) -> tuple[list[Waiting], int]:
    """Applications in a state, the longest waiting first, 20 a page, and how many there are."""
    where = Application.state == state
    total = s.scalar(select(func.count()).select_from(Application).where(where)) or 0
    found = (
        select(
            Application.id, Organisation.name, Organisation.uscc, Application.state, Application.submitted_at,
            Application.decided_at,
        )
        .join(Organisation, Organisation.id == Application.org_id)
        .where(where)
        .order_by(Application.submitted_at, Application.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )  # fmt: skip
    return [Waiting(*row) for row in s.execute(found)], total


def application(s: Session, id: int) -> tuple[Application, Organisation] | None:
    """An application with its firm."""
    row = s.execute(
        select(Application, Organisation)
        .join(Organisation, Organisation.id == Application.org_id)
        .where(Application.id == id)
    ).first()
    return None if row is None else (row[0], row[1])


def unverified(s: Session, page: int = 1) -> tuple[list[tuple[Qualification, Organisation]], int]:
    """Certificates of admitted firms that wait for an operator, oldest first, 20 a page, and how many there are."""
    where = and_(Qualification.verified_at.is_(None), Qualification.revoked_at.is_(None))
    total = s.scalar(select(func.count()).select_from(Qualification).where(where)) or 0
    found = (
        select(Qualification, Organisation)
        .join(Organisation, Organisation.id == Qualification.org_id)
        .where(where)
        .order_by(Qualification.recorded_at, Qualification.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return [(row[0], row[1]) for row in s.execute(found)], total


def people_elsewhere(
    s: Session, certificates: Sequence[str], org_id: int, at: datetime
) -> list[tuple[Practitioner, Organisation]]:
    """Professionals of other firms with one of these certificate numbers: the operator asks which is right."""
    found = (
        select(Practitioner, Organisation)
        .join(Organisation, Organisation.id == Practitioner.org_id)
        .where(
            Practitioner.certificate.in_(list(certificates)),
            Practitioner.org_id != org_id,
            or_(Practitioner.removed_at.is_(None), Practitioner.removed_at > at),
        )
        .order_by(Practitioner.id)
        .limit(50)
    )
    return [(row[0], row[1]) for row in s.execute(found)]


def qualification(s: Session, id: int) -> tuple[Qualification, Organisation] | None:
    """A certificate with its firm."""
    row = s.execute(
        select(Qualification, Organisation)
        .join(Organisation, Organisation.id == Qualification.org_id)
        .where(Qualification.id == id)
    ).first()
    return None if row is None else (row[0], row[1])


def appeals(s: Session) -> list[tuple[Suspension, Organisation]]:
    """Suspension appeals that wait for a regulator, oldest first."""
    found = (
        select(Suspension, Organisation)
        .join(Organisation, Organisation.id == Suspension.org_id)
        .where(Suspension.appealed_at.is_not(None), Suspension.answered_at.is_(None))
        .order_by(Suspension.appealed_at)
        .limit(100)
    )
    return [(row[0], row[1]) for row in s.execute(found)]


def suspension(s: Session, id: int) -> tuple[Suspension, Organisation] | None:
    """A suspension with its firm."""
    row = s.execute(
        select(Suspension, Organisation)
        .join(Organisation, Organisation.id == Suspension.org_id)
        .where(Suspension.id == id)
    ).first()
    return None if row is None else (row[0], row[1])
