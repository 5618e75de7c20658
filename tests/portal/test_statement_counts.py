"""A page sends as many statements for 200 jobs as for 20: nothing is read row by row."""

from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from market.identity.models import Person
from market.jobs.entries import sources
from market.search.index import rebuild
from portal.web import City
from portal.words import DISTRICTS
from tests.counting import counted
from tests.makers import make_auction, make_firm, make_org, make_owner, make_person
from tests.portal.conftest import SignIn
from tests.town import more_jobs

SEARCH = f"/jobs?scope=all&q={quote('环境影响')}"
PAGES = {
    "stranger": (
        "/", "/jobs", "/jobs?scope=all", SEARCH, "/protocols", "/firms", "/items", "/figures", "/figures/rows",
    ),
    "firm": ("/jobs", "/jobs?scope=all&sort=new", "/my", "/notifications"),
    "owner": ("/jobs", "/my", "/my/drafts"),
    "operator": ("/operator", "/operator/jobs", "/audit"),
    "regulator": ("/regulator", "/regulator/complaints", "/audit"),
}  # fmt: skip
NAMES = {code: names[0] for code, names in DISTRICTS.items()}
API = ("/api/v1/jobs", "/api/v1/firms", "/api/v1/items")


@pytest.fixture
def pattern(city: City) -> tuple[Auction, dict[str, Person]]:
    """A published job to copy, and somebody of each role."""
    with city.db.write() as s:
        owner = make_owner(s)
        office = make_org(s, kind="authority", is_owner=False)
        people = {
            "firm": make_firm(s).person,
            "owner": owner.person,
            "operator": make_person(s, office, office="operator"),
            "regulator": make_person(s, office, office="regulator"),
        }
        return make_auction(s, city.keeper, owner), people


def count(site: Flask, city: City, people: dict[str, Person], sign_in: SignIn, code: str) -> dict[tuple[str, str], int]:
    """How many statements each page sends to each role, reading what a process reads once beforehand."""
    found = {}
    for role, paths in PAGES.items():
        client = site.test_client()
        if role in people:
            sign_in(client, people[role])
        for path in (*paths, f"/jobs/{code}", *(API if role == "stranger" else ())):
            client.get(path)
            with city.db.read() as r, counted(r) as reads, counted(Session(city.db.engine)) as writes:
                answer = client.get(path)
            assert answer.status_code == 200, (role, path, answer.status_code)
            found[role, path] = len(reads) + len(writes)
    return found


def test_pages_send_as_many_statements_for_two_hundred_jobs_as_for_twenty(
    site: Flask, city: City, pattern: tuple[Auction, dict[str, Person]], sign_in: SignIn
) -> None:
    auction, people = pattern
    code = auction.id.rpartition("-")[0]
    more_jobs(city.db, auction, 0, 19)
    _index(city)
    few = count(site, city, people, sign_in, code)
    more_jobs(city.db, auction, 19, 199)
    _index(city)
    many = count(site, city, people, sign_in, code)

    assert many == few
    assert max(many.values()) <= 25, max(many, key=lambda where: many[where])


def _index(city: City) -> None:
    rebuild(city.db, city.search, sources(NAMES, city.clock.now()))
