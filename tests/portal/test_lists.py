"""Lists as files and feeds: what the page shows under the same conditions, safe for a spreadsheet, valid Atom."""

import csv
import io
from datetime import timedelta

import pytest
from defusedxml.ElementTree import fromstring
from flask.testing import FlaskClient

from market.clock import FixedClock
from market.jobs.models import Job
from portal.feeds import NAMESPACE
from portal.web import City
from tests.makers import T0, make_auction
from tests.portal.staging import Staged, staged

ATOM = f"{{{NAMESPACE}}}"


@pytest.fixture
def stage(city: City, clock: FixedClock) -> Staged:
    """Two open jobs, an hour after their publication; one has a title that a spreadsheet would compute."""
    made = staged(city, title="望浦区再生水厂二期环境影响报告表编制")
    with city.db.write() as s:
        make_auction(s, city.keeper, title="=1+1 <b>报告</b>")
    clock.advance(timedelta(hours=1))
    return made


def table(client: FlaskClient, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    body = answer.get_data()
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body[3:].decode())))


def test_the_list_of_jobs_is_a_file_under_the_same_conditions(client: FlaskClient, stage: Staged) -> None:
    heads, *rows = table(client, "/jobs.csv?scope=open")
    assert heads[0] == "项目编号" and len(rows) == 2 and {len(row) for row in rows} == {len(heads)}
    assert any(row[1] == "'=1+1 <b>报告</b>" for row in rows)
    assert [row[0] for row in table(client, "/jobs.csv?scope=open&q=再生水厂")[1:]] == [stage.code]
    assert table(client, "/jobs.csv?district=339906")[1:] == []
    assert table(client, "/en/jobs.csv?scope=open")[0][0] == "Job"


def test_it_is_read_page_by_page_to_its_end(
    client: FlaskClient, city: City, stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.jobs.ROWS", 1)
    assert len({row[0] for row in table(client, "/jobs.csv?scope=open")[1:]}) == 2


def test_the_newest_jobs_are_an_atom_feed(client: FlaskClient, city: City, stage: Staged) -> None:
    answer = client.get("/jobs.atom?scope=open")
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    feed = fromstring(answer.get_data())
    assert feed.tag == f"{ATOM}feed" and feed.findtext(f"{ATOM}id") == "http://city.test/jobs.atom?scope=open"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 2 and {e.findtext(f"{ATOM}title") for e in entries} >= {"=1+1 <b>报告</b>"}
    assert f"http://city.test/jobs/{stage.code}" in {e.findtext(f"{ATOM}id") for e in entries}
    assert all(e.findtext(f"{ATOM}updated") == f"{T0:%Y-%m-%dT%H:%M:%SZ}" for e in entries)
    empty = fromstring(client.get("/jobs.atom?district=339906").get_data())
    assert empty.findall(f"{ATOM}entry") == [] and empty.findtext(f"{ATOM}updated")


def test_the_page_leads_to_both(client: FlaskClient, stage: Staged) -> None:
    page = client.get("/jobs?category=01").text
    assert 'href="/jobs.csv?category=01&amp;scope=open"' in page
    assert 'type="application/atom+xml"' in page and 'href="/jobs.atom?category=01&amp;scope=open"' in page


def test_a_draft_is_in_neither(client: FlaskClient, city: City, stage: Staged) -> None:
    with city.db.write() as s:
        one = s.query(Job).filter(Job.code == stage.code).one()
        one.state = "submitted"
    assert stage.code not in client.get("/jobs.csv?scope=all").text + client.get("/jobs.atom?scope=all").text
