"""Figures on pages, in files and by API: numbers that open to their rows, filters that stand in the address."""

import csv
import io
import random
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from market.identity.models import Person
from market.jobs.models import Job
from oversight.metrics import queries
from oversight.metrics.models import FigureRow
from oversight.metrics.queries import Filters
from portal.web import City
from tests.makers import make_org, make_person
from tests.oversight.test_metrics import Town, follow
from tests.portal.conftest import SignIn


@pytest.fixture
def town(city: City) -> Iterator[Town]:
    """Eighty jobs that have ended, all in the rollup."""
    with city.db.write() as s:
        made = Town(s, random.Random(7))
        for _ in range(80):
            made.end_one(s)
        for _ in range(60):
            made.change_one(s)
    follow(city.db)
    yield made


def text(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def table(client: FlaskClient, path: str) -> list[dict[str, str]]:
    body = client.get(path).get_data()
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body[3:].decode())))


def test_a_city_without_results_says_so(client: FlaskClient) -> None:
    assert "这些条件下还没有结果" in text(client, "/figures")
    assert "这些条件下没有明细" in text(client, "/figures/rows")
    assert table(client, "/figures.csv") == [] and table(client, "/figures/rows.csv") == []


def test_every_figure_is_shown_in_both_languages_and_opens_to_as_many_rows(
    client: FlaskClient, town: Town, city: City
) -> None:
    page = text(client, "/figures")
    assert "费用降幅按类别" in page and "类别 × 区域" in page and "有效报价" in page
    assert "Fee cut by Category" in text(client, "/en/figures")
    with city.db.read() as s:
        n = queries.cell(s, "awarded", "official", Filters()).n
    assert n and f"n = {n}" in page
    links = set(re.findall(r'href="(/figures/rows[^"]*)"', page.replace("&amp;", "&")))
    assert len(links) > 10
    for link in sorted(links):
        rows = text(client, link)
        said = int(re.search(r"<h1>[^<]*?([\d,]+) 项", rows)[1].replace(",", ""))  # type: ignore[index]
        shown = rows.count('role="rowheader"')
        assert shown == min(said, 50), link


def test_filters_stand_in_the_address_and_can_be_taken_away(client: FlaskClient, town: Town) -> None:
    page = text(client, "/figures?district=339901&funding=fiscal&from=2024-03&to=2024-09&fee=contracted&by=month")
    assert '<option value="339901" selected>' in page and '<option value="2024-03" selected>' in page
    assert 'href="/figures?funding=fiscal&amp;from=2024-03&amp;to=2024-09&amp;fee=contracted&amp;by=month"' in page
    bad = "?category=%27&from=202413&by=firm&fee=x&kind=none&funding=&method=%F0%9F%98%80"
    for odd in (bad, "/rows?after=x&sort=y", "/rows?after=9.99999999999&measure=x"):
        assert text(client, f"/figures{odd}")


def test_rows_go_on_page_by_page_smallest_cut_first(client: FlaskClient, town: Town, city: City) -> None:
    seen: list[str] = []
    path: str | None = "/figures/rows?measure=bids"
    while path:
        page = text(client, path)
        seen += re.findall(r"<small>(ZJ-2023-\d{5})", page)
        more = re.search(r'href="([^"]*)" rel="next"', page)
        path = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == 80
    cuts = re.findall(r"<strong>(−?[\d.]+)%</strong>", text(client, "/figures/rows?measure=awarded&sort=cut"))
    values = [float(c.replace("−", "-")) for c in cuts]
    assert values == sorted(values) and len(values) > 5


def test_files_hold_what_the_page_shows_and_no_formula(client: FlaskClient, town: Town, city: City) -> None:
    with city.db.write() as s:
        row = s.query(FigureRow).first()
        assert row is not None
        row.title = "=HYPERLINK(1)"
        assert s.get_one(Job, row.job_id).code == row.job_code
    rows = table(client, "/figures/rows.csv?measure=bids")
    assert len(rows) == 80 and "'=HYPERLINK(1)" in {r["名称"] for r in rows}
    with city.db.read() as s:
        whole = queries.split(s, "awarded", "official", "funding", Filters())
    lines = [r for r in table(client, "/figures.csv") if r["维度"] == "资金" and r["指标"] == "中选价"]
    assert [int(r["项数"]) for r in lines] == [cell.n for _value, cell in whole]
    book = load_workbook(io.BytesIO(client.get("/figures/rows.xlsx?measure=bids").get_data()))
    assert [sheet.title for sheet in book] == ["数据", "口径"] and book["数据"].max_row == 81
    assert load_workbook(io.BytesIO(client.get("/en/figures.xlsx").get_data())).sheetnames == ["Numbers", "Definitions"]


def test_a_private_job_names_no_loser_and_nothing_of_an_account(client: FlaskClient, town: Town) -> None:
    heads = set(table(client, "/figures/rows.csv?measure=bids&funding=private")[0])
    assert not heads & {"投标人", "账号", "项目负责人"}


def test_the_api_tells_the_same(client: FlaskClient, town: Town, city: City) -> None:
    told = client.get("/api/v1/figures?by=funding&kind=official").get_json()
    with city.db.read() as s:
        whole, parts = (
            queries.cell(s, "awarded", "official", Filters()),
            queries.split(s, "awarded", "official", "funding", Filters()),
        )
    assert told["whole"]["n"] == whole.n and told["whole"]["weighted"] == whole.weighted
    assert [(p["value"], p["n"]) for p in told["parts"]] == [(value, cell.n) for value, cell in parts]
    seen, after = [], ""
    while True:
        page = client.get(f"/api/v1/figures/rows?limit=30{after}").get_json()
        seen += [item["job"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 80
    wrong = client.get("/api/v1/figures?since=2024-13")
    assert wrong.status_code == 422 and wrong.get_json()["errors"][0]["field"] == "since"


def test_a_regulator_is_led_on_to_the_records_and_a_stranger_to_what_is_public(
    client: FlaskClient, town: Town, city: City, sign_in: SignIn
) -> None:
    assert "/audit" not in text(client, "/figures/rows?measure=bids")
    with city.db.write() as s:
        who: Person = make_person(s, make_org(s, kind="authority", is_owner=False), office="regulator")
    sign_in(client, who)
    assert "/audit?subject=ZJ-2023-" in text(client, "/figures/rows?measure=bids")


def test_the_definitions_stand_on_a_page_and_in_english_too(client: FlaskClient) -> None:
    assert "四舍五入" in text(client, "/figures/method") and "half up" in text(client, "/en/figures/method")
