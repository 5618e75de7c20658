"""Approval items, versions, coverage and the operator's catalogue, through the pages."""

import io
from datetime import date
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from market.catalogue.queries import service_on
from market.catalogue.shipped import shipped
from market.db import Database
from market.identity.models import Person
from market.moments import beijing_day
from portal.web import City
from tests.counting import counted
from tests.makers import make_firm, make_org, make_person
from tests.portal.conftest import SignIn

HIDDEN = 'name="{}" value="'


def office(db: Database, office: str = "operator") -> Person:
    with db.write() as s:
        return make_person(s, make_org(s, kind="authority", is_owner=False), office=office)


def test_a_short_word_finds_the_service_with_its_baseline(client: FlaskClient) -> None:
    html = client.get("/items?q=" + quote("环评")).text
    assert "环境影响报告书编制" in html and "房产测绘" not in html
    assert "没有找到" in client.get("/items?q=zzzz").text
    assert client.get("/items?page=2").status_code == 200


@pytest.mark.parametrize("bad", ["?q=%07", "?q=" + "x" * 200, "?page=0", "?page=-1", "?page=" + "9" * 40, "?page=x"])
def test_odd_addresses_are_refused(client: FlaskClient, bad: str) -> None:
    found = client.get("/items" + bad)
    assert found.status_code == 400 and "地址里的" in found.text
    assert client.get("/firms" + bad).status_code == 400


def test_an_item_tells_who_may_do_it_how_long_and_by_which_table(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        make_firm(s, "05", "测绘资质")
    html = client.get("/items/S042").text
    assert "不动产首次登记" in html and "测绘资质" in html and "国测财字" in html and "今天有 1 家可以报价" in html
    assert "暂无官方基准" in client.get("/items/S009").text
    assert client.get("/items/S999").status_code == 404
    assert "<h1>" in client.get("/en/items/S042").text and "Firms with" in client.get("/en/items/S042").text


def test_the_coverage_board_marks_thin_categories(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        for _ in range(3):
            make_firm(s, "01")
    html = client.get("/coverage").text
    assert "20 个类别今天不足 3 家独立机构" in html and html.count("够 3 家") == 1


def test_every_version_is_public_and_can_be_downloaded(client: FlaskClient) -> None:
    html = client.get("/catalogue").text
    assert "收费标准" in html and "选取方式规则" in html
    found = client.get("/catalogue/6")
    assert found.headers["Content-Disposition"].startswith("attachment") and found.data.startswith(b"\xef\xbb\xbfcode,")
    assert client.get("/catalogue/999").status_code == 404


def upload(client: FlaskClient, data: bytes, city: City, **but: str):  # type: ignore[no-untyped-def]
    day = beijing_day(city.clock.now()).isoformat()
    row = {"kind": "services", "source": "测试文件", "effective_on": day, "act": "check", **but}
    return client.post("/operator/catalogue", data={**row, "file": (io.BytesIO(data), "services.csv")})


def test_the_operator_loads_a_file_after_its_dry_run(
    client: FlaskClient, db: Database, city: City, sign_in: SignIn
) -> None:
    sign_in(client, office(db))
    changed = shipped("approval_items.csv").decode().replace("房产测绘,05,测绘资质,10", "房产测绘,05,测绘资质,12")
    dry = upload(client, changed.encode("gb18030"), city)
    assert dry.status_code == 200 and "GB18030" in dry.text and "baseline_working_days" in dry.text
    with db.read() as s:
        now = service_on(s, "S042", date(2027, 1, 1))
        assert now is not None and now.days == 10
    packed = dry.text.split('name="carried" value="')[1].split('"')[0]
    day = beijing_day(city.clock.now()).isoformat()
    row = {"kind": "services", "source": "测试文件", "effective_on": day, "act": "load", "carried": packed}
    done = client.post("/operator/catalogue", data=row, content_type="multipart/form-data")
    assert done.status_code == 303
    with db.read() as s:
        now = service_on(s, "S042", date(2027, 1, 1))
        assert now is not None and now.days == 12
    assert "完全相同" in upload(client, changed.encode(), city).text


def test_a_faulty_file_is_told_by_line_and_not_loaded(
    client: FlaskClient, db: Database, city: City, sign_in: SignIn
) -> None:
    sign_in(client, office(db))
    wrong = shipped("approval_items.csv").decode().replace("房产测绘,05,测绘资质,10", "房产测绘,99,测绘资质,-10")
    found = upload(client, wrong.encode(), city)
    assert found.status_code == 422 and "不是 1 至 999 的整数工作日" in found.text and "不在类别表里" in found.text
    assert 'name="carried"' not in found.text
    english = client.post(
        "/en/operator/catalogue",
        data={"kind": "services", "source": "x", "effective_on": "2027-01-01", "file": (io.BytesIO(b"a\x00"), "a.csv")},
    )
    assert english.status_code == 422 and "control character" in english.text


@pytest.mark.parametrize(
    "but",
    [
        {"kind": "nothing"},
        {"source": ""},
        {"effective_on": "yesterday"},
        {"act": "load"},
        {"act": "load", "carried": "AAAA"},
        {"act": "load", "carried": "\x00"},
    ],
)
def test_bad_fields_are_refused(
    client: FlaskClient, db: Database, city: City, sign_in: SignIn, but: dict[str, str]
) -> None:
    sign_in(client, office(db))
    assert upload(client, b"code\n", city, **but).status_code == 422


def test_only_the_operator_loads(client: FlaskClient, db: Database, city: City, sign_in: SignIn) -> None:
    assert client.get("/operator/catalogue").status_code in (303, 302, 401)
    sign_in(client, office(db, "regulator"))
    assert client.get("/operator/catalogue").status_code == 403
    assert upload(client, b"x", city).status_code == 403


def test_pages_cost_the_same_for_few_and_many_firms(client: FlaskClient, db: Database) -> None:
    def cost() -> list[int]:
        sizes = []
        for path in ("/items", "/items/S042", "/coverage", "/firms", "/catalogue"):
            with db.read() as s, counted(s) as seen:
                assert client.get(path).status_code == 200
            sizes.append(len(seen))
        return sizes

    cost()
    with db.write() as s:
        make_firm(s)
    one = cost()
    with db.write() as s:
        for _ in range(25):
            make_firm(s)
    assert cost() == one and max(one) <= 12
