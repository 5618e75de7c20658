"""Saved searches of a person (订阅): kept, changed, and told of once for each new job, at once or daily."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from bidding.matching.models import SavedSearch
from bidding.matching.rules import digest_slot, fit_search
from market.catalogue import queries as catalogue
from market.errors import Refused, refuse
from market.identity.models import Person
from market.identity.rules import User
from market.jobs.listing import FACETS, Filters, fit_of, published_between
from market.jobs.models import Job
from market.jobs.queries import PUBLIC
from market.notices.service import mail_person, notify
from market.workdays import Calendar, CalendarError

Find = Callable[[str], list[int] | None]
"""Ids of jobs for words, from the index; None when the index is down."""

SETTLE = timedelta(seconds=5)
"""A job is looked for so long after its publication, when the transaction that published it is surely over."""
NAMED, MOST = 5, 100
"""Jobs that a notice names; jobs that it counts."""
LINK_MAX = 200
"""What the link of a notice may hold."""
_PLAIN = {"scope": "scope", "q": "words", "service": "service", "owner": "owner"}


def kept(filters: Filters) -> dict[str, Any]:
    """Filters as they are stored: what is chosen, without an order."""
    facets = {facet: list(getattr(filters, facet)) for facet in FACETS}
    plain = {name: getattr(filters, name) for name in _PLAIN.values()}
    return {name: value for name, value in {**plain, **facets}.items() if value}


def filters_of(query: Mapping[str, Any]) -> Filters:
    """The stored query as filters again."""
    stored: dict[str, Any] = {name: tuple(value) if name in FACETS else value for name, value in query.items()}
    return Filters(**stored)


def arguments(query: Mapping[str, Any]) -> str:
    """The stored query as the arguments of the list's address."""
    asked = {arg: query[name] for arg, name in _PLAIN.items() if name in query}
    return urlencode({**asked, **{facet: query[facet] for facet in FACETS if facet in query}}, doseq=True)


def searches_of(s: Session, person_id: int) -> list[SavedSearch]:
    """A person's saved searches by name."""
    found = select(SavedSearch).where(SavedSearch.person_id == person_id)
    return list(s.scalars(found.order_by(SavedSearch.name, SavedSearch.id)))


def search_of(s: Session, search_id: int, person_id: int) -> SavedSearch | None:
    """One of a person's own; None for anybody else's."""
    found = select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.person_id == person_id)
    return s.scalars(found).one_or_none()


def save_search(s: Session, name: str, filters: Filters, digest: str, by: User, now: datetime) -> SavedSearch:
    """Keep a query under a name; jobs published from now on count. Raises Refused `search.*`."""
    _fits(s, name, digest, by, None)
    row = SavedSearch(
        person_id=by.id, org_id=by.org_id, name=name, query=kept(filters), digest=digest, made_at=now, told_at=now,
        seen_at=now,
    )  # fmt: skip
    s.add(row)
    s.flush()
    return row


def change_search(s: Session, search_id: int, name: str, digest: str, by: User, now: datetime) -> None:
    """Another name or rhythm. One that was off begins anew, so that nothing old is told. Raises Refused."""
    _fits(s, name, digest, by, search_id)
    row = _own(s, search_id, by)
    if row.digest == "off":
        row.seen_at = row.told_at = now
    row.name, row.digest = name, digest
    s.flush()


def drop_search(s: Session, search_id: int, by: User) -> None:
    """Forget a search. Raises Refused `search.none`."""
    s.delete(_own(s, search_id, by))
    s.flush()


def _own(s: Session, search_id: int, by: User) -> SavedSearch:
    found = select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.person_id == by.id)
    row = s.scalars(found.with_for_update()).one_or_none()
    if row is None:
        raise refuse("search.none", status=404)
    return row


def _fits(s: Session, name: str, digest: str, by: User, but: int | None) -> None:
    """Asks the rule with the person's row held: two tabs do not give one name twice."""
    s.execute(select(Person.id).where(Person.id == by.id).with_for_update())
    others = [row.name for row in searches_of(s, by.id) if row.id != but]
    if (unfit := fit_search(name, digest, others)) is not None:
        raise Refused(unfit)


def tell_next(s: Session, now: datetime, find: Find) -> SavedSearch | None:
    """Look through one search that is due and tell its person of new jobs; None when none is due.

    Any number of schedulers may call it: the row is held, and what was looked through is not due again.
    """
    upto = now - SETTLE
    fresh = exists().where(Job.published_at > SavedSearch.seen_at, Job.published_at <= upto, Job.state.in_(PUBLIC))
    at_once = and_(SavedSearch.digest == "instant", fresh)
    daily = and_(SavedSearch.digest == "daily", SavedSearch.told_at < digest_slot(now, _worked(s)))
    due = (
        select(SavedSearch)
        .join(Person, Person.id == SavedSearch.person_id)
        .where(Person.disabled_at.is_(None), or_(at_once, daily))
        .order_by(SavedSearch.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=SavedSearch)
    )
    row = s.scalars(due).first()
    if row is None:
        return None
    filters = filters_of(row.query)
    fit = fit_of(s, row.org_id, now) if filters.scope == "fit" else None
    ids = find(filters.words) if filters.words else None
    jobs = published_between(s, filters, row.seen_at, upto, now, ids, fit, MOST)
    if jobs:
        _tell(s, row, jobs, now)
    row.seen_at, row.told_at = max(row.seen_at, upto), now
    s.flush()
    return row


def _tell(s: Session, row: SavedSearch, jobs: list[tuple[str, str]], now: datetime) -> None:
    """One notice in the firm's inbox, one mail to the person."""
    named = "；".join(f"{title}（{code}）" for code, title in jobs[:NAMED])
    n = f"{MOST}+" if len(jobs) == MOST else str(len(jobs))
    values = {"search": row.name, "n": n, "jobs": named + ("……" if len(jobs) > NAMED else "")}
    link = f"/jobs?{arguments(row.query)}&sort=-published"
    link = link if len(link) <= LINK_MAX else "/jobs"
    once = f"search.found:{row.id}:{jobs[-1][0]}"
    notify(s, now, "search.found", row.org_id, link=link, once=once, mail=False, **values)
    mail_person(s, now, "search.found", row.person_id, values, link)


def _worked(s: Session) -> Callable[[date], bool]:
    """Whether a day is worked; from Monday to Friday where the calendar does not reach."""
    calendar: Calendar = catalogue.calendar(s)

    def worked(day: date) -> bool:
        try:
            return calendar.is_workday(day)
        except CalendarError:
            return day.weekday() < 5

    return worked
