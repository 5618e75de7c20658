"""The list of jobs by facets, always in the same number of statements (Jobs page, API).

A facet's counts keep every other choice, so that each number says what a click would show. Text goes to the index;
without one the database looks for each word itself (LIKE), which finds fewer but never fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from market.admission import queries as admission
from market.admission.models import FirmProfile, Qualification
from market.catalogue.models import Service
from market.identity.models import Organisation
from market.jobs.models import Job, Recusal
from market.jobs.queries import PUBLIC
from market.moments import BEIJING, beijing_day

PAGE: Final = 20
WAN: Final = 1_000_000
"""10,000 yuan in fen."""

BANDS: Final[Mapping[str, tuple[int, int | None]]] = {
    "to2": (0, 2 * WAN),
    "2to10": (2 * WAN, 10 * WAN),
    "from10": (10 * WAN, None),
}
"""Bands of the ceiling, [from, to) in fen: under 20,000 yuan, up to 100,000, above."""

STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("open",),
    "deciding": ("closing", "decided", "explaining", "proposed", "contested"),
    "awarded": ("standing", "contracted"),
    "failed": ("failed", "struck"),
    "cancelled": ("cancelled",),
}
"""What a visitor tells apart, and the stages of a job behind each."""

WINDOWS: Final[Mapping[str, int]] = {"today": 0, "3": 3, "7": 7}
"""Deadline windows: T falls on today or within so many days after it (Beijing days)."""

FUNDINGS: Final = ("fiscal", "state", "private")
SORTS: Final = ("closing", "published", "ceiling", "district")
FACETS: Final = ("category", "district", "stage", "window", "band", "funding")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. `scope`: fit (a firm's own), open (T lies ahead), all. Empty: no condition."""

    scope: str = "open"
    category: tuple[str, ...] = ()
    district: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    window: tuple[str, ...] = ()
    band: tuple[str, ...] = ()
    funding: tuple[str, ...] = ()
    service: str = ""
    owner: str = ""
    words: str = ""
    sort: str = "closing"
    descending: bool = False

    def chosen(self) -> list[tuple[str, str]]:
        """Every choice of a facet, as (facet, value)."""
        return [(facet, value) for facet in FACETS for value in getattr(self, facet)]

    def without(self, facet: str, value: str | None = None) -> "Filters":
        """The same with one choice dropped, or a whole facet (value None; also `words`, `service` and `owner`)."""
        kept: Any = ""
        if facet in FACETS:
            kept = tuple(v for v in getattr(self, facet) if value is not None and v != value)
        return replace(self, **{facet: kept})


@dataclass(frozen=True, slots=True)
class Fit:
    """What makes a job fit a firm: its categories, certificates and districts; a suspended one fits nothing."""

    org_id: int
    categories: tuple[str, ...]
    certificates: tuple[str, ...]
    districts: tuple[str, ...]
    suspended: bool


def fit_of(s: Session, org_id: int, now: datetime) -> Fit | None:
    """A firm's own view at `now`, in four statements; None where the firm is not admitted at all."""
    profile = s.get(FirmProfile, org_id)
    if profile is None:
        return None
    day = beijing_day(now)
    held = select(Qualification.name).where(
        Qualification.org_id == org_id,
        Qualification.verified_at <= now,
        or_(Qualification.revoked_at.is_(None), Qualification.revoked_at > now),
        Qualification.issued_on <= day,
        Qualification.expires_on >= day,
    )
    return Fit(
        org_id,
        tuple(admission.categories_of(s, org_id, now)),
        tuple(s.scalars(held.distinct().order_by(Qualification.name))),
        tuple(str(d) for d in profile.districts),
        bool(admission.standing_today(s, org_id, now)),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A job in the list. Money in fen."""

    id: int
    code: str
    title: str
    owner: str
    category: str
    district: str
    funding: str
    stage: str
    baseline_fen: int | None
    ceiling_fen: int
    published_at: datetime | None
    closes_at: datetime
    urgent: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of jobs: rows, how many there are, counts by facet and value, and how many each scope holds."""

    rows: list[Row]
    total: int
    page: int
    pages: int
    facets: Mapping[str, Mapping[str, int]]
    scopes: Mapping[str, int]


_ROW: tuple[Any, ...] = (
    Job.id, Job.code, Job.title, Organisation.name, Job.category_code, Job.district, Job.funding, Job.stage,
    Job.baseline_fen, Job.ceiling_fen, Job.published_at, Job.closes_at, Job.urgency.is_not(None),
)  # fmt: skip


def search_jobs(
    s: Session,
    filters: Filters,
    now: datetime,
    text_ids: Sequence[int] | None = None,
    fit: Fit | None = None,
    page: int = 1,
    per_page: int = PAGE,
) -> Page:
    """A page of published jobs in two statements, whatever is chosen.

    `text_ids`: what the index found for `filters.words`; None with words set: the database looks itself.
    """
    base = [Job.state.in_(PUBLIC), *_said(filters, text_ids)]
    scope = _scope(filters.scope, fit, now)
    chosen = {facet: _chosen(filters, facet, now) for facet in FACETS}
    every = [*base, scope, *chosen.values()]
    facets, totals = _counts(s, base, scope, chosen, fit, now)
    total = totals.pop("total")
    pages = max(1, -(-total // per_page))
    page = min(max(1, page), pages)
    found = (
        select(*_ROW)
        .join(Organisation, Organisation.id == Job.owner_id)
        .where(*every)
        .order_by(*_order(filters, now))
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    rows = [Row(*row) for row in s.execute(found)]
    return Page(rows, total, page, pages, facets, totals)


def published_between(
    s: Session,
    filters: Filters,
    since: datetime,
    upto: datetime,
    now: datetime,
    text_ids: Sequence[int] | None,
    fit: Fit | None,
    most: int,
) -> list[tuple[str, str]]:
    """Code and title of the jobs published in (since, upto] that a list would show at `now`, oldest first.

    The database looks for the words besides the index, which takes up a job a moment after it was published.
    """
    if filters.scope == "fit" and fit is None:
        return []
    said = and_(Job.state.in_(PUBLIC), *_said(filters, None))
    if text_ids is not None:
        said = or_(said, and_(Job.state.in_(PUBLIC), *_said(filters, text_ids)))
    found = (
        select(Job.code, Job.title)
        .where(Job.published_at > since, Job.published_at <= upto, said, _scope(filters.scope, fit, now))
        .where(*[_chosen(filters, facet, now) for facet in FACETS])
        .order_by(Job.published_at, Job.id)
        .limit(most)
    )
    return [(code or "", title) for code, title in s.execute(found)]


def _said(filters: Filters, text_ids: Sequence[int] | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.service:
        found.append(Job.service_code == filters.service)
    if filters.owner:
        named = select(Organisation.id).where(Organisation.uscc == filters.owner).correlate(None)
        found.append(Job.owner_id.in_(named))
    if text_ids is not None:
        found.append(Job.id.in_(list(text_ids)) if text_ids else false())
    else:
        for word in filters.words.split()[:8]:
            found.append(
                or_(
                    Job.title.contains(word, autoescape=True),
                    Job.summary.contains(word, autoescape=True),
                    func.upper(Job.code).contains(word.upper(), autoescape=True),
                )
            )
    return found


def _scope(scope: str, fit: Fit | None, now: datetime) -> ColumnElement[bool]:
    if scope == "all":
        return Job.state.in_(PUBLIC)
    running = and_(Job.stage == "open", Job.closes_at > now)
    return running if scope == "open" or fit is None else and_(running, _fits(fit))


def _fits(fit: Fit) -> ColumnElement[bool]:
    if fit.suspended or not fit.categories:
        return false()
    qualified = exists().where(
        Service.id == Job.service_id,
        or_(Service.qualification == "", Service.qualification.in_(fit.certificates)),
    )
    recused = exists().where(Recusal.job_id == Job.id, Recusal.org_id == fit.org_id)
    return and_(Job.category_code.in_(fit.categories), Job.owner_id != fit.org_id, qualified, ~recused)


def _chosen(filters: Filters, facet: str, now: datetime) -> ColumnElement[bool]:
    """The condition of a facet; nothing chosen or nothing known: none."""
    values: tuple[str, ...] = getattr(filters, facet)
    tests = [_is(facet, value, now) for value in values]
    known = [test for test in tests if test is not None]
    return or_(*known) if known else Job.state.in_(PUBLIC)


def _is(facet: str, value: str, now: datetime) -> ColumnElement[bool] | None:
    if facet == "stage":
        return Job.stage.in_(STAGES[value]) if value in STAGES else None
    if facet == "window":
        return Job.closes_at < _end(WINDOWS[value], now) if value in WINDOWS else None
    if facet == "band":
        return _in_band(value) if value in BANDS else None
    column = {"category": Job.category_code, "district": Job.district, "funding": Job.funding}[facet]
    return column == value


def _in_band(value: str) -> ColumnElement[bool]:
    low, high = BANDS[value]
    above = Job.ceiling_fen >= low
    return above if high is None else and_(above, Job.ceiling_fen < high)


def _end(days: int, now: datetime) -> datetime:
    """The first instant after today and `days` more days in Beijing."""
    here = now.astimezone(BEIJING)
    return datetime(here.year, here.month, here.day, tzinfo=BEIJING) + timedelta(days=days + 1)


def _counts(
    s: Session,
    base: list[ColumnElement[bool]],
    scope: ColumnElement[bool],
    chosen: Mapping[str, ColumnElement[bool]],
    fit: Fit | None,
    now: datetime,
) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """All numbers of the page in one statement of (facet, value, count)."""

    def counted(facet: str, value: Any) -> Select[Any, Any, Any]:
        others = [test for name, test in chosen.items() if name != facet]
        found = select(literal(facet).label("facet"), value.label("value"), func.count().label("n"))
        return found.select_from(Job).where(*base, scope, *others)

    stage = case(*[(Job.stage.in_(stages), name) for name, stages in STAGES.items()], else_="")
    band = case(*[(_in_band(name), name) for name in BANDS], else_="")
    plain = {
        "category": Job.category_code, "district": Job.district, "funding": Job.funding, "stage": stage, "band": band,
    }  # fmt: skip
    parts = [counted(facet, value).group_by(value) for facet, value in plain.items()]
    for name, days in WINDOWS.items():
        parts.append(counted("window", literal(name)).where(Job.closes_at < _end(days, now)))
    parts.append(counted("total", literal("total")))
    for name in ("open", "all") if fit is None else ("fit", "open", "all"):
        inside: Select[Any, Any, Any] = select(literal("scope"), literal(name), func.count()).select_from(Job)
        parts.append(inside.where(*base, _scope(name, fit, now)))
    found: dict[str, dict[str, int]] = {facet: {} for facet in (*FACETS, "total", "scope")}
    for facet, value, n in s.execute(union_all(*parts)):
        found[facet][value or ""] = n
    return {facet: found[facet] for facet in FACETS}, {**found["scope"], "total": found["total"]["total"]}


def _order(filters: Filters, now: datetime) -> list[Any]:
    """Closing soonest first, but what is over comes after what is not, the last over first."""
    if filters.sort == "closing" and filters.scope == "all":
        ahead = case((Job.closes_at > now, 0), else_=1)
        soon = case((Job.closes_at > now, Job.closes_at), else_=None)
        return [ahead, soon, Job.closes_at.desc(), Job.id]
    column = {"published": Job.published_at, "ceiling": Job.ceiling_fen, "district": Job.district}
    first: Any = column.get(filters.sort, Job.closes_at)
    return [first.desc() if filters.descending else first, Job.closes_at, Job.id]


@dataclass(frozen=True, slots=True)
class Drop:
    """A way out of an empty list: leave out one condition and so many jobs are there."""

    facet: str
    value: str
    total: int
    filters: Filters = field(repr=False)


def ways_out(
    s: Session, filters: Filters, now: datetime, text_ids: Sequence[int] | None, fit: Fit | None
) -> list[Drop]:
    """For an empty list: what dropping each one condition would show, most first; only those that show something.

    One statement, made for the page that found nothing.
    """
    choices = [*filters.chosen(), *[(name, "") for name in ("words", "service", "owner") if getattr(filters, name)]]
    tries = [(f, v, filters.without(f, v or None)) for f, v in choices]
    if filters.scope == "fit":
        tries.append(("scope", "fit", replace(filters, scope="open")))
    if filters.scope == "open":
        tries.append(("scope", "open", replace(filters, scope="all")))
    if not tries:
        return []
    parts: list[Select[Any, Any]] = []
    for n, (facet, _, other) in enumerate(tries):
        ids = None if facet == "words" else text_ids
        tests = [_chosen(other, name, now) for name in FACETS]
        inside = select(literal(n), func.count()).select_from(Job)
        parts.append(inside.where(Job.state.in_(PUBLIC), *_said(other, ids), _scope(other.scope, fit, now), *tests))
    totals = {row[0]: row[1] for row in s.execute(union_all(*parts))}
    found = [Drop(facet, value, totals[n], other) for n, (facet, value, other) in enumerate(tries) if totals[n]]
    return sorted(found, key=lambda drop: -drop.total)
