"""Reading the catalogue as it stood on a day: categories, services, fee standards, the city's rules, the calendar."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, defer

from market.batch import ask
from market.catalogue.checking import calendar_of
from market.catalogue.models import CatalogueVersion, Category, Service
from market.catalogue.rules import Standards, parse_standards
from market.errors import refuse
from market.moments import BEIJING
from market.workdays import Calendar

PAGE = 20
KINDS = ("categories", "services", "standards", "calendar", "city_rules", "method_rules")


def day_of(at: date | datetime) -> date:
    """A Beijing day: of an instant, or as it is."""
    return at.astimezone(BEIJING).date() if isinstance(at, datetime) else at


def version_on(s: Session, kind: str, at: date | datetime) -> CatalogueVersion | None:
    """The version of a kind in force on a Beijing day (the newest that has begun), without its document."""
    day = day_of(at)
    found = (
        select(CatalogueVersion)
        .where(CatalogueVersion.kind == kind, CatalogueVersion.effective_on <= day)
        .order_by(CatalogueVersion.effective_on.desc(), CatalogueVersion.id.desc())
        .options(defer(CatalogueVersion.document))
        .limit(1)
    )
    return ask(s, (kind, day), lambda: s.scalars(found).first())


def versions(s: Session, page: int = 1) -> tuple[list[CatalogueVersion], int]:
    """Every version ever loaded, the newest first, 20 a page, and how many there are."""
    total = s.scalar(select(func.count()).select_from(CatalogueVersion)) or 0
    found = (
        select(CatalogueVersion)
        .order_by(CatalogueVersion.id.desc())
        .options(defer(CatalogueVersion.document))
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return list(s.scalars(found)), total


def version_text(s: Session, id: int) -> tuple[CatalogueVersion, str] | None:
    """A version with the text of the file it was loaded from."""
    row = s.get(CatalogueVersion, id)
    return None if row is None else (row, str(row.document["text"]))


# Categories and services


def categories(s: Session) -> list[Category]:
    """Every category, by code."""
    return list(ask(s, ("rows", "categories"), lambda: s.scalars(select(Category).order_by(Category.code)).all()))


def services_on(s: Session, day: date | datetime) -> list[Service]:
    """The services in force on a day, by code: one statement."""
    found = select(Service).where(Service.version_id == _services_version(day)).order_by(Service.code)
    return list(ask(s, ("rows", "services", day_of(day)), lambda: s.scalars(found).all()))


def service_on(s: Session, code: str, day: date | datetime) -> Service | None:
    """One service as it stands on a day."""
    return s.scalars(select(Service).where(Service.version_id == _services_version(day), Service.code == code)).first()


def same_item(s: Session, service: Service) -> list[Service]:
    """The services of the same approval item in the same version, by code."""
    found = select(Service).where(Service.version_id == service.version_id, Service.item == service.item)
    return list(s.scalars(found.order_by(Service.code)))


def suggest(
    s: Session, text: str, day: date | datetime, category: str = "", page: int = 1, size: int = PAGE
) -> tuple[list[Service], int]:
    """Services whose item, name, department, qualification, code or category holds every word; and how many do."""
    found = _services(text, category).where(Service.version_id == _services_version(day))
    total = s.scalar(select(func.count()).select_from(found.subquery())) or 0
    return list(s.scalars(found.order_by(Service.code).limit(size).offset((page - 1) * size))), total


def _services_version(day: date | datetime) -> Any:
    return (
        select(CatalogueVersion.id)
        .where(CatalogueVersion.kind == "services", CatalogueVersion.effective_on <= day_of(day))
        .order_by(CatalogueVersion.effective_on.desc(), CatalogueVersion.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _services(text: str, category: str) -> Select[Service]:
    found = select(Service).join(Category, Category.code == Service.category_code)
    for word in text.split()[:8]:
        sign = f"%{escaped(word)}%"
        places = (Service.item, Service.name, Service.department, Service.qualification, Service.code)
        named = (Category.name_zh, Category.name_en)
        alike = [place.ilike(sign, escape="\\") for place in (*places, *named)]
        if 2 <= len(word) <= 3 and all("\u4e00" <= c <= "\u9fff" for c in word):
            # People say 环评 for 环境影响评价: the signs of a short word may stand apart in a category's name.
            alike.append(Category.name_zh.like(f"%{'%'.join(word)}%"))
        found = found.where(or_(*alike))
    return found.where(Service.category_code == category) if category else found


def escaped(text: str) -> str:
    """Text as it stands literally in a LIKE pattern with the escape sign \\."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# Documents, parsed once a process: a digest names the same bytes for ever


_PARSED: dict[tuple[str, str], Any] = {}


def _parsed(s: Session, version: CatalogueVersion, parse: Callable[[str], Any]) -> Any:
    key = (version.kind, version.digest)
    if key not in _PARSED:
        if len(_PARSED) > 64:
            _PARSED.clear()
        document = s.scalar(select(CatalogueVersion.document).where(CatalogueVersion.id == version.id))
        _PARSED[key] = parse(str(document["text"]) if document else "")
    return _PARSED[key]


def _in_force(s: Session, kind: str, at: date | datetime) -> CatalogueVersion:
    version = version_on(s, kind, at)
    if version is None:
        raise refuse("catalogue.none", status=503, kind=kind)
    return version


def _exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def standards_on(s: Session, at: date | datetime) -> Standards:
    """The fee standards in force on a day, with the digest of the file as it was loaded.

    Raises Refused `catalogue.none` (503) before one was loaded, as all that follow.
    """
    version = _in_force(s, "standards", at)
    found: Standards = _parsed(s, version, parse_standards)
    return replace(found, digest=version.digest)


def standard_ids(s: Session, at: date | datetime) -> frozenset[str]:
    """Ids of the fee standards in force on a day; empty before any was loaded."""
    return frozenset() if version_on(s, "standards", at) is None else frozenset(standards_on(s, at).by_id)


LATER: Final = {"pay_within_wd": 10, "finding_reply_wd": 5, "credit_repair_wd": 10}
"""Working days that hold where a city's file is older than the rule: to pay what was accepted, to reply to an
authority's finding, to decide a request for repair."""


def city_rules_on(s: Session, at: date | datetime) -> dict[str, Any]:
    """The city's numbers in force on a day; a copy, so that a caller changes nobody else's."""
    return {**LATER, **_parsed(s, _in_force(s, "city_rules", at), _exact)}


def method_rules_on(s: Session, at: date | datetime) -> dict[str, Any]:
    """Which methods a job of a funding and amount may use, as of a day; a copy."""
    return dict(_parsed(s, _in_force(s, "method_rules", at), _exact))


def calendar(s: Session) -> Calendar:
    """The working days as loaded last, with the provisional years after them. Raises Refused `catalogue.none`."""
    found = (
        select(CatalogueVersion)
        .where(CatalogueVersion.kind == "calendar")
        .order_by(CatalogueVersion.id.desc())
        .options(defer(CatalogueVersion.document))
        .limit(1)
    )
    version = ask(s, "calendar", lambda: s.scalars(found).first())
    if version is None:
        raise refuse("catalogue.none", status=503, kind="calendar")
    made: Calendar = _parsed(s, version, lambda text: calendar_of(json.loads(text)))
    return made


def category_codes(s: Session) -> Sequence[str]:
    """Codes of every category."""
    return s.scalars(select(Category.code).order_by(Category.code)).all()
