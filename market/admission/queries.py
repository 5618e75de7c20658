"""Who is admitted, qualified and in good standing; applications and firms for pages. Statement counts are constant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Date,
    Integer,
    Select,
    String,
    bindparam,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from market.admission.models import (
    Application,
    Document,
    FirmCategory,
    FirmPrice,
    FirmProfile,
    Practitioner,
    Qualification,
    Suspension,
)
from market.admission.rules import EDITABLE, OPEN, Certificate, Span, Standing, State, Stop
from market.catalogue import queries as catalogue
from market.catalogue.models import Category
from market.db import UTCTime
from market.identity import queries as identity
from market.identity.models import Organisation
from market.moments import beijing_day

PAGE = 20
THIN = 3
"""Fewer independent groups than this cannot compete (design.md, rules of fairness 1)."""


def facts(s: Session, org_ids: Sequence[int], category: str, qualification: str) -> dict[int, Standing]:
    """What `rules.why_not` judges, for any number of firms, in one statement. Firms never admitted are there too."""
    firms = [int(i) for i in org_ids]
    asked = {"category": category, "qualification": qualification, "firms": firms}
    return standings(s.execute(_facts(), asked).all(), firms, category)


@cache
def _facts() -> CompoundSelect[Any]:
    return facts_of(bindparam("firms", expanding=True), bindparam("category"), bindparam("qualification"))


def facts_of(firms: Any, category: Any, qualification: Any) -> CompoundSelect[Any]:
    """The statement of `facts`, to be built once; its rows go through `standings`.

    `firms`: what IN takes; `category` and `qualification`: parameters or subqueries.
    """
    when, day = cast(null(), UTCTime()), cast(null(), Date())
    text = cast(null(), String())
    named = select(
        cast(null(), Integer).label("org"), literal("name").label("what"), when.label("a"), when.label("b"),
        day.label("c"), day.label("d"), Category.name_zh.label("zh"), Category.name_en.label("en"),
    ).where(Category.code == category)  # fmt: skip
    admitted = select(
        FirmCategory.org_id, literal("span"), FirmCategory.admitted_at, FirmCategory.ended_at, day, day, text, text
    ).where(FirmCategory.category_code == category, FirmCategory.org_id.in_(firms))
    certificates = select(
        Qualification.org_id, literal("paper"), Qualification.verified_at, Qualification.revoked_at,
        Qualification.issued_on, Qualification.expires_on, Qualification.name, Qualification.number,
    ).where(Qualification.name == qualification, Qualification.org_id.in_(firms))  # fmt: skip
    stops = select(
        Suspension.org_id, literal("stop"), Suspension.from_at,
        func.coalesce(Suspension.lifted_at, Suspension.until_at), day, day, Suspension.reason, text,
    ).where(Suspension.org_id.in_(firms))  # fmt: skip
    return union_all(named, admitted, certificates, stops)


def standings(rows: Sequence[Any], firms: Sequence[int], category: str) -> dict[int, Standing]:
    """What the rows of `facts_of` say of each firm."""
    zh, en = next(((r.zh, r.en) for r in rows if r.what == "name"), (category, category))
    found = {firm: Standing(firm, zh, en) for firm in firms}
    for org, what, a, b, c, d, t, u in rows:
        if what == "span":
            found[org] = replace(found[org], admitted=(*found[org].admitted, Span(a, b)))
        elif what == "paper":
            found[org] = replace(found[org], certificates=(*found[org].certificates, Certificate(t, u, c, d, a, b)))
        elif what == "stop":
            found[org] = replace(found[org], stops=(*found[org].stops, Stop(t, a, b)))
    return found


def suspended_at(at: datetime) -> Any:
    """SQL: the firm of the enclosing statement (`FirmCategory.org_id`) is suspended at `at`."""
    return exists().where(
        Suspension.org_id == FirmCategory.org_id,
        Suspension.from_at <= at,
        func.coalesce(Suspension.lifted_at, Suspension.until_at) > at,
    )


def _eligible(category: str, qualification: str, at: datetime) -> Select[int]:
    day = beijing_day(at)
    found = select(FirmCategory.org_id).where(
        FirmCategory.category_code == category,
        FirmCategory.admitted_at <= at,
        or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at),
        ~suspended_at(at),
    )
    if qualification:
        found = found.where(
            exists().where(
                Qualification.org_id == FirmCategory.org_id,
                Qualification.name == qualification,
                Qualification.verified_at <= at,
                or_(Qualification.revoked_at.is_(None), Qualification.revoked_at > at),
                Qualification.issued_on <= day,
                Qualification.expires_on >= day,
            )
        )
    return found.distinct()


def eligible(s: Session, category: str, qualification: str, at: datetime) -> list[int]:
    """Firms for which `rules.why_not` is empty at `at`, by id, in one statement."""
    return list(s.scalars(_eligible(category, qualification, at).order_by(FirmCategory.org_id)))


def eligible_among(s: Session, orgs: Sequence[int], category: str, qualification: str, at: datetime) -> list[int]:
    """Those of `orgs` that may bid at `at`, by id, in one statement."""
    mine = _eligible(category, qualification, at).where(FirmCategory.org_id.in_(list(orgs)))
    return list(s.scalars(mine.order_by(FirmCategory.org_id)))


def eligible_count(s: Session, category: str, qualification: str, at: datetime, without: Sequence[int] = ()) -> int:
    """How many firms may bid at `at`, those in `without` (recused, the owner itself) left out."""
    inner = _eligible(category, qualification, at).where(FirmCategory.org_id.not_in(list(without))).subquery()
    return s.scalar(select(func.count()).select_from(inner)) or 0


def eligible_counts(s: Session, asked: Sequence[tuple[str, str]], at: datetime) -> dict[tuple[str, str], int]:
    """How many firms may bid at `at`, for each (category, qualification), in one statement."""
    wanted = sorted(set(asked))
    parts = [
        select(literal(n).label("n"), func.count().label("firms")).select_from(_eligible(*pair, at).subquery())
        for n, pair in enumerate(wanted)
    ]
    if not parts:
        return {}
    return {wanted[row.n]: row.firms for row in s.execute(union_all(*parts))}


def standing_today(s: Session, org_id: int, at: datetime) -> list[Suspension]:
    """The suspensions of a firm in force at `at`."""
    return list(
        s.scalars(
            select(Suspension).where(
                Suspension.org_id == org_id,
                Suspension.from_at <= at,
                func.coalesce(Suspension.lifted_at, Suspension.until_at) > at,
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Cover:
    """How well a category is served: independent groups with a firm that may bid today, and the firms in them."""

    category: str
    groups: int
    firms: int

    @property
    def thin(self) -> bool:
        """Whether three independent competitors cannot be found."""
        return self.groups < THIN


def coverage(s: Session, at: datetime) -> list[Cover]:
    """Every category with its affiliation groups of at least one eligible firm, by code: seven statements.

    A firm is eligible in a category if it may bid on one of its services at `at`: admitted, in good standing, and
    holding the certificate of that service where the law asks for one.
    """
    held = certificates_at(s, at)
    asked: dict[str, set[str]] = {}
    for service in catalogue.services_on(s, at):
        asked.setdefault(service.category_code, set()).add(service.qualification)
    able: dict[str, list[int]] = {
        code: [firm for firm in admitted if _may(asked.get(code, {""}), held.get(firm, set()))]
        for code, admitted in _active(s, at).items()
    }
    root = identity.groups(s, {firm for firms in able.values() for firm in firms}, at)
    return [
        Cover(code, len({root[firm] for firm in able.get(code, ())}), len(able.get(code, ())))
        for code in catalogue.category_codes(s)
    ]


def _may(asked: set[str], held: set[str]) -> bool:
    return "" in asked or not asked.isdisjoint(held)


def _active(s: Session, at: datetime) -> dict[str, list[int]]:
    found = select(FirmCategory.category_code, FirmCategory.org_id).where(
        FirmCategory.admitted_at <= at,
        or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at),
        ~suspended_at(at),
    )
    by_category: dict[str, list[int]] = {}
    for code, org in s.execute(found.distinct().order_by(FirmCategory.category_code, FirmCategory.org_id)):
        by_category.setdefault(code, []).append(org)
    return by_category


def certificates_at(s: Session, at: datetime) -> dict[int, set[str]]:
    """Names of the certificates that hold at `at`, by firm, in one statement."""
    day = beijing_day(at)
    found = select(Qualification.org_id, Qualification.name).where(
        Qualification.verified_at <= at,
        or_(Qualification.revoked_at.is_(None), Qualification.revoked_at > at),
        Qualification.issued_on <= day,
        Qualification.expires_on >= day,
    )
    by_firm: dict[int, set[str]] = {}
    for org, name in s.execute(found.distinct()):
        by_firm.setdefault(org, set()).add(name)
    return by_firm


def categories_of(s: Session, org_id: int, at: datetime) -> list[str]:
    """Codes of the categories a firm is admitted to at `at`, its main one first."""
    found = select(FirmCategory.category_code).where(
        FirmCategory.org_id == org_id,
        FirmCategory.admitted_at <= at,
        or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at),
    )
    return list(s.scalars(found.order_by(FirmCategory.main.desc(), FirmCategory.category_code)))


def practitioners_of(s: Session, org_id: int, at: datetime) -> list[Practitioner]:
    """The professionals of a firm at `at`, by name: those who may lead a job."""
    found = select(Practitioner).where(
        Practitioner.org_id == org_id,
        Practitioner.recorded_at <= at,
        or_(Practitioner.removed_at.is_(None), Practitioner.removed_at > at),
    )
    return list(s.scalars(found.order_by(Practitioner.name, Practitioner.id)))


def _of(model: Any, org_id: int) -> Any:
    return select(model).where(model.org_id == org_id)


def certificates(s: Session, org_id: int) -> list[Qualification]:
    """A firm's certificates that are not revoked, the longest first in each name."""
    found = _of(Qualification, org_id).where(Qualification.revoked_at.is_(None))
    return list(s.scalars(found.order_by(Qualification.name, Qualification.expires_on.desc(), Qualification.id)))


def prices(s: Session, org_id: int) -> list[FirmPrice]:
    """A firm's price list and promises in force, by service."""
    found = _of(FirmPrice, org_id).where(FirmPrice.ended_at.is_(None))
    return list(s.scalars(found.order_by(FirmPrice.service_code, FirmPrice.id)))


def index_text(s: Session, ids: Sequence[int], at: datetime) -> dict[int, tuple[str, str]]:
    """Title and text of admitted firms for the full-text index, by id, in three statements; others are absent."""
    known = s.execute(
        select(Organisation.id, Organisation.name, Organisation.uscc, FirmProfile.address)
        .join(FirmProfile, FirmProfile.org_id == Organisation.id)
        .where(Organisation.id.in_(list(ids)))
    ).all()
    words: dict[int, list[str]] = {row.id: [row.uscc, row.address] for row in known}
    named = (
        select(FirmCategory.org_id, Category.name_zh, Category.name_en)
        .join(Category, Category.code == FirmCategory.category_code)
        .where(FirmCategory.org_id.in_(list(words)), or_(FirmCategory.ended_at.is_(None), FirmCategory.ended_at > at))
    )
    for org, zh, en in s.execute(named.order_by(FirmCategory.category_code)):
        words[org] += [zh, en]
    held = select(Qualification.org_id, Qualification.name).where(
        Qualification.org_id.in_(list(words)),
        Qualification.verified_at.is_not(None),
        Qualification.revoked_at.is_(None),
    )
    for org, name in s.execute(held.distinct().order_by(Qualification.name)):
        words[org].append(name)
    return {row.id: (row.name, " ".join(words[row.id])) for row in known}


# Applications


def profile_of(s: Session, org_id: int) -> FirmProfile | None:
    """What an admitted firm says of itself; None before its admission."""
    return s.get(FirmProfile, org_id)


def open_application(s: Session, org_id: int) -> Application | None:
    """The firm's application that is not yet decided."""
    found = _of(Application, org_id).where(Application.state.in_([str(x) for x in OPEN]))
    row: Application | None = s.scalars(found.order_by(Application.id.desc()).limit(1)).first()
    return row


def latest_application(s: Session, org_id: int) -> Application | None:
    """The firm's newest application, whatever became of it."""
    row: Application | None = s.scalars(_of(Application, org_id).order_by(Application.id.desc()).limit(1)).first()
    return row


def editable(application: Application) -> bool:
    """Whether the firm may write in it."""
    return State(application.state) in EDITABLE


def documents_of(s: Session, org_id: int) -> list[Document]:
    """A firm's own documents that are not removed."""
    found = _of(Document, org_id).where(Document.job_id.is_(None), Document.removed_at.is_(None))
    return list(s.scalars(found.order_by(Document.id)))
