"""Saved searches: kept and changed by their person alone; each new job is told of once, at once or in the morning."""

import re
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bidding.matching.models import SavedSearch
from bidding.matching.rules import SAVED_MAX, digest_slot
from bidding.matching.saved import arguments, filters_of, kept, save_search, tell_next
from market.clock import FixedClock
from market.db import Database
from market.errors import Refused
from market.jobs.listing import FACETS, Filters
from market.notices.models import Notice, Outbox
from market.workdays import official_calendar
from portal.forms.searches import asked
from portal.web import City
from tests.makers import T0, Party, make_auction, make_firm, make_owner
from tests.makers_contracts import user_of
from tests.portal.conftest import SignIn

OPEN = "scope=open&funding=fiscal"


@pytest.fixture
def firm(db: Database) -> Party:
    with db.write() as s:
        return make_firm(s)


def enter(site: Any, sign_in: SignIn, party: Party) -> FlaskClient:
    client: FlaskClient = site.test_client()
    sign_in(client, party.person)
    return client


def save(db: Database, firm: Party, filters: Filters, digest: str = "instant", name: str = "订阅") -> int:
    with db.write() as s:
        return save_search(s, name, filters, digest, user_of(s, firm), T0).id


def publish(city: City, at: datetime, **but: Any) -> int:
    with city.db.write() as s:
        return make_auction(s, city.keeper, now=at, **but).job_id


def look(db: Database, at: datetime, ids: Sequence[int] | None = None) -> int:
    """Look through all that is due; how many searches were."""
    n = 0
    while True:
        with db.write() as s:
            if tell_next(s, at, lambda words: None if ids is None else list(ids)) is None:
                return n
        n += 1


def told(db: Database) -> list[dict[str, Any]]:
    with db.read() as s:
        return [n.values for n in s.scalars(select(Notice).where(Notice.kind == "search.found").order_by(Notice.id))]


def mails(db: Database) -> list[dict[str, Any]]:
    with db.read() as s:
        return [o.payload for o in s.scalars(select(Outbox)) if o.payload.get("kind") == "search.found"]


def test_a_new_job_is_told_of_once(db: Database, city: City, firm: Party) -> None:
    save(db, firm, Filters())
    publish(city, T0 + timedelta(minutes=1), title="望浦区再生水厂报告表")
    at = T0 + timedelta(minutes=2)

    assert (look(db, at), look(db, at + timedelta(minutes=1))) == (1, 0)
    assert [v["n"] for v in told(db)] == ["1"]
    assert "望浦区再生水厂报告表" in told(db)[0]["jobs"]
    assert [m["person"] for m in mails(db)] == [firm.person.id]


def test_a_job_that_was_there_or_does_not_match_is_not_told_of(db: Database, city: City, firm: Party) -> None:
    publish(city, T0 - timedelta(minutes=1))
    save(db, firm, Filters(words="污水处理厂"))
    publish(city, T0 + timedelta(minutes=1), title="桥梁检测")

    assert look(db, T0 + timedelta(minutes=2)) == 1
    assert told(db) == []


def test_words_are_looked_for_by_the_index_and_by_the_database(db: Database, city: City, firm: Party) -> None:
    save(db, firm, Filters(words="桥梁"), name="数据库")
    save(db, firm, Filters(words="隧道"), name="索引")
    job = publish(city, T0 + timedelta(minutes=1), title="桥梁检测")

    look(db, T0 + timedelta(minutes=2), [job])

    assert sorted(v["search"] for v in told(db)) == ["数据库", "索引"]


def test_the_digest_comes_on_the_next_working_morning(db: Database, city: City, firm: Party) -> None:
    """T0 is ten o'clock of a Monday in Beijing."""
    save(db, firm, Filters(), "daily")
    for minute in (1, 2):
        publish(city, T0 + timedelta(minutes=minute))

    assert look(db, T0 + timedelta(hours=22, minutes=59)) == 0
    assert look(db, T0 + timedelta(hours=23)) == 1
    assert look(db, T0 + timedelta(hours=24)) == 0
    assert [v["n"] for v in told(db)] == ["2"]


def test_what_was_off_begins_anew(
    db: Database, city: City, site: Any, sign_in: SignIn, clock: FixedClock, firm: Party
) -> None:
    id = save(db, firm, Filters(), "off")
    publish(city, T0 + timedelta(minutes=1))
    assert look(db, T0 + timedelta(minutes=2)) == 0
    clock.advance(timedelta(minutes=3))

    enter(site, sign_in, firm).post(f"/my/searches/{id}", data={"name": "改名", "digest": "instant"})

    assert look(db, T0 + timedelta(minutes=4)) == 0
    publish(city, T0 + timedelta(minutes=5))
    assert look(db, T0 + timedelta(minutes=6)) == 1
    assert [(v["search"], v["n"]) for v in told(db)] == [("改名", "1")]


def test_a_person_who_left_is_told_nothing(db: Database, city: City, firm: Party) -> None:
    save(db, firm, Filters())
    with db.write() as s:
        s.merge(firm.person).disabled_at = T0
    publish(city, T0 + timedelta(minutes=1))

    assert look(db, T0 + timedelta(minutes=2)) == 0


def test_two_schedulers_tell_once(db: Database, city: City, firm: Party) -> None:
    names = [f"订阅 {n}" for n in range(6)]
    for name in names:
        save(db, firm, Filters(), name=name)
    publish(city, T0 + timedelta(minutes=1))
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        look(db, T0 + timedelta(minutes=2))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    look(db, T0 + timedelta(minutes=2))
    assert sorted(v["search"] for v in told(db)) == names
    assert len(mails(db)) == len(names)


def test_a_list_is_saved_from_its_page(db: Database, site: Any, sign_in: SignIn, firm: Party) -> None:
    client = enter(site, sign_in, firm)
    link = re.search(r'href="(/my/searches\?[^"]+)"', client.get(f"/jobs?{OPEN}").get_data(as_text=True))
    assert link is not None
    page = client.get(link[1].replace("&amp;", "&")).get_data(as_text=True)
    assert "财政资金" in page
    query = re.search(r'name="query" value="([^"]+)"', page)
    assert query is not None

    answer = client.post(
        "/my/searches", data={"query": query[1].replace("&amp;", "&"), "name": "财政", "digest": "daily"}
    )

    assert answer.status_code == 303
    with db.read() as s:
        row = s.scalars(select(SavedSearch)).one()
        assert (row.query, row.digest) == ({"scope": "open", "funding": ["fiscal"]}, "daily")
    assert 'href="/jobs?scope=open&amp;funding=fiscal"' in client.get("/my/searches").get_data(as_text=True)


def test_a_name_stands_once_and_searches_have_a_bound(db: Database, site: Any, sign_in: SignIn, firm: Party) -> None:
    save(db, firm, Filters())
    client = enter(site, sign_in, firm)
    again = client.post("/my/searches", data={"query": OPEN, "name": "订阅", "digest": "daily"})
    assert again.status_code == 422 and "您已有名为“订阅”的订阅" in again.get_data(as_text=True)
    for n in range(SAVED_MAX - 1):
        save(db, firm, Filters(), name=str(n))
    with pytest.raises(Refused, match=r"search\.many"):
        save(db, firm, Filters(), name="多")


def test_nobody_else_sees_or_changes_a_search(db: Database, site: Any, sign_in: SignIn, firm: Party) -> None:
    id = save(db, firm, Filters())
    with db.write() as s:
        other, owner = make_firm(s), make_owner(s)
    stranger = enter(site, sign_in, other)
    assert [stranger.get(f"/my/searches/{id}").status_code, stranger.post(f"/my/searches/{id}/delete").status_code] == [
        404, 404,
    ]  # fmt: skip
    assert enter(site, sign_in, owner).get("/my/searches").status_code == 403

    assert enter(site, sign_in, firm).post(f"/my/searches/{id}/delete").status_code == 303
    with db.read() as s:
        assert s.scalars(select(SavedSearch)).all() == []


def test_a_long_list_still_has_a_link_that_a_notice_holds(db: Database, city: City, firm: Party) -> None:
    save(db, firm, Filters(category=tuple(f"{n:012d}" for n in range(40)), scope="all"))
    save(db, firm, Filters(), name="短")
    publish(city, T0 + timedelta(minutes=1))
    look(db, T0 + timedelta(minutes=2))

    with db.read() as s:
        links = list(s.scalars(select(Notice.link).where(Notice.kind == "search.found")))
    assert links == ["/jobs?scope=open&sort=-published"]


TEXTS = st.text(st.characters(categories=["L", "N"]), max_size=10)


@given(
    st.builds(
        Filters, scope=st.sampled_from(["fit", "open", "all"]), words=TEXTS, service=TEXTS, owner=TEXTS,
        **{facet: st.lists(TEXTS.filter(bool), max_size=3, unique=True).map(tuple) for facet in FACETS},
    )
)  # fmt: skip
def test_filters_are_kept_whole(filters: Filters) -> None:
    assert filters_of(kept(filters)) == filters
    assert asked(arguments(kept(filters))) == filters


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (datetime(2026, 6, 1, 1, 0, tzinfo=UTC), date(2026, 6, 1)),
        (datetime(2026, 6, 1, 0, 59, tzinfo=UTC), date(2026, 5, 29)),
        (datetime(2026, 6, 6, 12, 0, tzinfo=UTC), date(2026, 6, 5)),
        (datetime(2026, 10, 8, 0, 0, tzinfo=UTC), date(2026, 9, 30)),
    ],
)
def test_the_morning_of_a_digest(now: datetime, slot: date) -> None:
    """Nine in Beijing; not on the weekend, nor in the National Day holidays."""
    found = digest_slot(now, official_calendar().is_workday)

    assert found.date() == slot and found.astimezone(UTC).hour == 1 and found <= now
