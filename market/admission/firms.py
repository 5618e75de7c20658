"""Admitted firms as the public sees them: the list with its facets, and one firm's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, exists, false, func, or_, select
from sqlalchemy.orm import Session

from market.admission.models import FirmCategory, FirmPrice, FirmProfile, Practitioner, Qualification, Suspension
from market.admission.queries import PAGE, certificates, practitioners_of, prices
from market.catalogue.queries import escaped
from market.identity.models import Organisation


@dataclass(frozen=True, slots=True)
class FirmRow:
    """A firm in a list."""

    id: int
    uscc: str
    name: str
    district: str
    staff: int
    founded: date
    categories: tuple[str, ...]
    suspended: bool


@dataclass(frozen=True, slots=True)
class FirmPage:
    """One page of firms, how many there are, and the counts beside the facets."""

    rows: list[FirmRow]
    total: int
    by_category: dict[str, int]
    by_district: dict[str, int]


def firms(
    s: Session,
    at: datetime,
    categories: Sequence[str] = (),
    districts: Sequence[str] = (),
    ids: Sequence[int] | None = None,
    like: str = "",
    page: int = 1,
) -> FirmPage:
    """Admitted firms by facets, 20 a page, in five statements. `ids`: what the index found, in its order.

    `like` searches names and codes in the database, for when the index is down. A facet's count keeps the other
    facet's choice, so that each number says what a click would show.
    """
    base = _firm_base(at, ids, like)
    in_category = _in_categories(categories, at)
    in_district = Organisation.district.in_(districts) if districts else None
    whole = base
    for condition in (in_category, in_district):
        whole = whole if condition is None else whole.where(condition)
    total = s.scalar(select(func.count()).select_from(whole.subquery())) or 0
    rows = list(s.execute(_in_order(whole, ids).limit(PAGE).offset((page - 1) * PAGE)))
    codes = _codes_of(s, [r.id for r in rows], at)
    shown = [
        FirmRow(r.id, r.uscc, r.name, r.district, r.staff, r.founded, codes.get(r.id, ()), r.suspended) for r in rows
    ]
    return FirmPage(shown, total, _count_categories(s, base, in_district, at), _count_districts(s, base, in_category))


def _firm_base(at: datetime, ids: Sequence[int] | None, like: str) -> Any:
    stopped = exists().where(
        Suspension.org_id == Organisation.id,
        Suspension.from_at <= at,
        func.coalesce(Suspension.lifted_at, Suspension.until_at) > at,
    )
    found: Any = select(
        Organisation.id, Organisation.uscc, Organisation.name, Organisation.district,
        FirmProfile.staff, FirmProfile.founded, stopped.label("suspended"),
    ).join(FirmProfile, FirmProfile.org_id == Organisation.id)  # fmt: skip
    found = found.where(FirmProfile.admitted_at <= at)
    if ids is not None:
        found = found.where(Organisation.id.in_(list(ids))) if ids else found.where(false())
    if like:
        sign = escaped(like)
        found = found.where(
            or_(Organisation.name.like(f"%{sign}%", escape="\\"), Organisation.uscc.like(f"{sign}%", escape="\\"))
        )
    return found


def _in_order(found: Any, ids: Sequence[int] | None) -> Any:
    """As the index ranks them; else by name."""
    if not ids:
        return found.order_by(Organisation.name, Organisation.id)
    return found.order_by(case({i: n for n, i in enumerate(ids)}, value=Organisation.id), Organisation.id)


def _in_categories(codes: Sequence[str], at: datetime) -> Any:
    if not codes:
        return None
    return exists().where(
        FirmCategory.org_id == Organisation.id,
        FirmCategory.category_code.in_(list(codes)),
        FirmCategory.admitted_at <= at,
        or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at),
    )


def _count_categories(s: Session, base: Any, district: Any, at: datetime) -> dict[str, int]:
    inner = (base if district is None else base.where(district)).subquery()
    found = (
        select(FirmCategory.category_code, func.count(func.distinct(FirmCategory.org_id)))
        .join(inner, inner.c.id == FirmCategory.org_id)
        .where(FirmCategory.admitted_at <= at, or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at))
        .group_by(FirmCategory.category_code)
    )
    return {row[0]: row[1] for row in s.execute(found)}


def _count_districts(s: Session, base: Any, category: Any) -> dict[str, int]:
    inner = (base if category is None else base.where(category)).subquery()
    found = select(inner.c.district, func.count()).group_by(inner.c.district)
    return {row[0]: row[1] for row in s.execute(found)}


def _codes_of(s: Session, ids: list[int], at: datetime) -> dict[int, tuple[str, ...]]:
    found = select(FirmCategory.org_id, FirmCategory.category_code).where(
        FirmCategory.org_id.in_(ids),
        FirmCategory.admitted_at <= at,
        or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at),
    )
    codes: dict[int, tuple[str, ...]] = {}
    for org, code in s.execute(found.order_by(FirmCategory.main.desc(), FirmCategory.category_code)):
        codes[org] = (*codes.get(org, ()), code)
    return codes


@dataclass(frozen=True, slots=True)
class Firm:
    """Everything the public page of a firm shows; the parts in their own statements."""

    org: Organisation
    profile: FirmProfile
    categories: list[FirmCategory]
    certificates: list[Qualification]
    prices: list[FirmPrice]
    people: list[Practitioner]
    suspensions: list[Suspension]


def firm(s: Session, uscc: str, at: datetime) -> Firm | None:
    """An admitted firm by its code, in six statements; None where none is admitted under it."""
    row = s.execute(
        select(Organisation, FirmProfile)
        .join(FirmProfile, FirmProfile.org_id == Organisation.id)
        .where(Organisation.uscc == uscc)
    ).first()
    if row is None:
        return None
    org, profile = row
    running = or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at)
    order = (FirmCategory.main.desc(), FirmCategory.category_code)
    return Firm(
        org,
        profile,
        list(s.scalars(_of(FirmCategory, org.id).where(running).order_by(*order))),
        certificates(s, org.id),
        prices(s, org.id),
        practitioners_of(s, org.id, at),
        list(s.scalars(_of(Suspension, org.id).order_by(Suspension.from_at.desc()))),
    )  # fmt: skip


def _of(model: Any, org_id: int) -> Any:
    return select(model).where(model.org_id == org_id)
