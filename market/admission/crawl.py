"""Admitted firms one after another, for programs: by code, behind a key, never at an offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from market.admission.models import FirmCategory, FirmProfile, Suspension
from market.identity.models import Organisation


@dataclass(frozen=True, slots=True)
class Line:
    """A firm in the list; the key of the place is its code."""

    uscc: str
    name: str
    district: str
    staff: int
    founded: date
    suspended: bool
    categories: tuple[str, ...]


def firms_after(
    s: Session, at: datetime, category: str, district: str, behind: str | None, limit: int
) -> Sequence[Line]:
    """At most `limit` firms admitted at `at` whose code comes after `behind`, in two statements; empty: no filter."""
    rows = s.execute(_found(at, category, district, behind).limit(limit)).all()
    codes: dict[int, tuple[str, ...]] = {}
    held = select(FirmCategory.org_id, FirmCategory.category_code).where(
        FirmCategory.org_id.in_([row.id for row in rows]), _in_force(at)
    )
    for org, code in s.execute(held.order_by(FirmCategory.main.desc(), FirmCategory.category_code)):
        codes[org] = (*codes.get(org, ()), code)
    return [Line(r.uscc, r.name, r.district, r.staff, r.founded, r.stopped, codes.get(r.id, ())) for r in rows]


def _in_force(at: datetime) -> ColumnElement[bool]:
    return and_(FirmCategory.admitted_at <= at, or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at))


def _found(at: datetime, category: str, district: str, behind: str | None) -> Any:
    stopped = exists().where(
        Suspension.org_id == Organisation.id,
        Suspension.from_at <= at,
        func.coalesce(Suspension.lifted_at, Suspension.until_at) > at,
    )
    found = (
        select(
            Organisation.id, Organisation.uscc, Organisation.name, Organisation.district, FirmProfile.staff,
            FirmProfile.founded, stopped.label("stopped"),
        )
        .join(FirmProfile, FirmProfile.org_id == Organisation.id)
        .where(FirmProfile.admitted_at <= at)
        .order_by(Organisation.uscc)
    )  # fmt: skip
    if category:
        admitted = exists().where(
            FirmCategory.org_id == Organisation.id, FirmCategory.category_code == category, _in_force(at)
        )
        found = found.where(admitted)
    if district:
        found = found.where(Organisation.district == district)
    return found if behind is None else found.where(Organisation.uscc > behind)
