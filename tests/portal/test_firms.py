"""Firms in public and a firm's own record, through the pages."""

import io
from datetime import date, timedelta

from flask.testing import FlaskClient

from market.admission import service
from market.admission.models import Practitioner, Qualification
from market.admission.queries import index_text
from market.db import Database
from market.search.port import Entry
from portal.web import City
from tests.makers import FOUNDED, make_firm, make_org, make_owner, make_person
from tests.makers_admission import PDF
from tests.portal.conftest import SignIn


def test_firms_are_found_by_facets_and_by_name_when_the_index_is_down(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        make_firm(s, "01", name="澄浦甲环境有限公司", district="339902")
        make_firm(s, "02", name="澄浦乙水利有限公司")
    assert client.get("/firms").text.count("/firms/91339901") == 2
    facet = client.get("/firms?category=01&category=nonsense").text
    assert "甲环境" in facet and "乙水利" not in facet
    assert "甲环境" not in client.get("/firms?district=339901").text
    down = client.get("/firms?q=乙水").text
    assert "全文搜索暂时不可用" in down and "乙水利" in down and "甲环境" not in down


def test_firms_are_found_by_the_index(client: FlaskClient, db: Database, city: City) -> None:
    with db.write() as s:
        firm = make_firm(s, "01", name="澄浦甲环境有限公司")
        make_firm(s, "02", name="澄浦乙水利有限公司")
    with db.read() as s:
        found = index_text(s, [firm.org.id], city.clock.now())
    city.search.put([Entry("firm", id, name, text) for id, (name, text) in found.items()])
    html = client.get("/firms?q=环境影响").text
    assert "甲环境" in html and "乙水利" not in html and "不可用" not in html


def test_the_public_page_shows_what_is_public_and_masks_people(client: FlaskClient, db: Database, city: City) -> None:
    now = city.clock.now()
    with db.write() as s:
        firm = make_firm(s, "05", "测绘资质", expires_on=(now + timedelta(days=20)).date())
        by = make_person(s, make_org(s, kind="authority", is_owner=False), office="operator")
        service.suspend(s, firm.org.id, "逾期未交付 <b>", now + timedelta(days=30), by.id, now)
    html = client.get(f"/firms/{firm.org.uscc}").text
    assert f"沈某某{firm.org.id}" in html and f"陆某某{firm.org.id}" not in html and "陆***" in html
    assert (
        "天后到期" in html
        and "逾期未交付 &lt;b&gt;" in html
        and "<b>" not in html.split("<main")[1].split("逾期")[0][-1:]
    )
    assert f"C{firm.org.id:06d}" not in html, "certificate numbers of people are not public"
    assert client.get("/firms/91339901XXXXXXXXXX").status_code == 404
    assert client.get("/en/firms/" + firm.org.uscc).status_code == 200


def test_an_organisation_that_is_no_admitted_firm_has_no_firm_page(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        owner = make_owner(s)
    assert client.get(f"/firms/{owner.org.uscc}").status_code == 404


def test_a_firm_keeps_its_record(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    with db.write() as s:
        firm = make_firm(s, "05")
    sign_in(client, firm.person)
    assert client.get("/firm").status_code == 200
    paper = {"c-name": "测绘资质", "c-number": "甲测资字1", "c-issued_on": "2026-01-01", "c-expires_on": "2031-01-01"}
    late = client.post("/firm/certificates", data=paper)
    assert late.status_code == 422 and "没有选择证书的扫描件" in late.text and "甲测资字1" in late.text
    done = client.post("/firm/certificates", data=paper | {"c-document": (io.BytesIO(PDF), "证书.pdf")})
    assert done.status_code == 303 and "待核验" in client.get("/firm").text
    assert client.post("/firm/people", data={"p-name": "顾某某", "p-certificate": "Z1"}).status_code == 303
    assert client.post("/firm/people", data={"p-name": "", "p-certificate": "Z2"}).status_code == 422
    price = {"s-service": "S042", "s-price": "8 折", "s-days": "１０"}
    assert client.post("/firm/prices", data=price).status_code == 303
    assert "8 折" in client.get(f"/firms/{firm.org.uscc}").text
    assert client.post("/firm/prices", data=price | {"s-days": "-1"}).status_code == 422
    assert client.post("/firm/prices", data=price | {"s-service": "S999"}).status_code == 422
    assert client.post("/firm/prices/S042/end").status_code == 303
    with db.read() as s:
        assert s.query(Qualification).count() == 1 and s.query(Practitioner).count() == 2


def test_another_firms_rows_are_unknown(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    with db.write() as s:
        firm, other = make_firm(s), make_firm(s)
    sign_in(client, firm.person)
    assert client.post(f"/firm/people/{other.lead}/end").status_code == 404
    assert client.post("/firm/prices/S012/end").status_code == 404


def test_a_firm_not_yet_admitted_is_led_to_its_application(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    with db.write() as s:
        org = make_org(s, is_owner=False, is_firm=True)
        person = make_person(s, org)
    sign_in(client, person)
    assert "申请入驻" in client.get("/firm").text


def test_a_certificate_is_shown_as_expired_from_the_day_after_its_last(
    client: FlaskClient, db: Database, city: City
) -> None:
    today = city.clock.now().date()
    with db.write() as s:
        last = make_firm(s, "05", "测绘资质", expires_on=today, admitted_at=FOUNDED)
        over = make_firm(s, "05", "测绘资质", expires_on=today - timedelta(days=1), admitted_at=FOUNDED)
    assert "已到期" not in client.get(f"/firms/{last.org.uscc}").text
    assert "已到期" in client.get(f"/firms/{over.org.uscc}").text
    assert today > date(2024, 1, 1)
