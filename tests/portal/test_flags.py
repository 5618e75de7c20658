"""The regulator's desk, the list of flags and one flag, as a regulator meets them."""

import csv
import html
import io

import pytest
from flask.testing import FlaskClient

from market.identity.models import Person
from oversight.indicators.rules import INDICATORS
from portal.web import City
from tests.inventory.flags import make_flag
from tests.makers import make_job, make_org, make_owner, make_person
from tests.portal.conftest import SignIn


@pytest.fixture
def regulator(city: City) -> Person:
    """A regulator of the whole city, and three flags."""
    with city.db.write() as s:
        make_job(s, make_owner(s))
        for n, district in enumerate(("339901", "339902", None)):
            make_flag(s, f"job:{n}", district)
        return make_person(s, make_org(s, kind="authority", is_owner=False, district=""), office="regulator")


def test_the_desk_leads_to_a_flag_and_its_rule_with_source_and_limit(
    client: FlaskClient, sign_in: SignIn, regulator: Person
) -> None:
    sign_in(client, regulator)
    desk = client.get("/regulator").get_data(as_text=True)
    assert "待办风险提示 3 条" in desk and "/regulator/flags/1" in desk and "中选后加价 3" in desk
    flag = client.get("/regulator/flags/1").get_data(as_text=True)
    assert "《政府采购法》第四十九条" in flag and "阈值 raise_bp" in flag and "2500" in flag
    assert "Government Procurement Law art. 49" in client.get("/en/regulator/flags/1").get_data(as_text=True)


def test_a_case_is_decided_with_a_reason_only(client: FlaskClient, sign_in: SignIn, regulator: Person) -> None:
    sign_in(client, regulator)
    assert client.post("/regulator/flags/1", data={"act": "assign", "text": "由我核查"}).status_code == 303
    assert client.post("/regulator/flags/1", data={"act": "found", "text": ""}).status_code == 422
    assert client.post("/regulator/flags/1", data={"act": "found", "text": "查实"}).status_code == 303
    assert client.post("/regulator/flags/1", data={"act": "found", "text": "查实"}).status_code == 409
    assert "/regulator/flags/1" not in client.get("/regulator/flags").get_data(as_text=True)
    decided = client.get("/regulator/flags?decided=1&indicator=raised_after").get_data(as_text=True)
    assert "/regulator/flags/1" in decided and "属实" in decided
    assert "/regulator/flags/1" not in client.get("/regulator/flags?decided=1&indicator=too_few").get_data(as_text=True)


def test_each_indicator_has_a_page_with_its_rule_and_what_became_of_its_flags(
    client: FlaskClient, sign_in: SignIn, regulator: Person
) -> None:
    sign_in(client, regulator)
    for one in INDICATORS:
        page = client.get(one.page)
        text = html.unescape(page.get_data(as_text=True))
        assert page.status_code == 200 and one.text[0] in text and one.source[0] in text and one.inputs[0] in text
        assert all(f"阈值 {name}" in text for name in one.limits)
        assert html.unescape(client.get(f"/en{one.page}").get_data(as_text=True)).count(one.text[1]) == 1
    client.post("/regulator/flags/1", data={"act": "assign", "text": "由我核查"})
    client.post("/regulator/flags/1", data={"act": "found", "text": "查实"})
    told = client.get("/regulator/indicators/raised_after").get_data(as_text=True)
    assert "全市：待承办 2 条，核查中 0 条，属实 1 条，不属实 0 条。" in told
    assert "/regulator/flags/2" in told and "/regulator/flags/1" not in told
    assert client.get("/regulator/indicators/unknown").status_code == 404


def test_the_list_of_flags_is_a_file_under_the_same_conditions(
    client: FlaskClient, sign_in: SignIn, regulator: Person
) -> None:
    sign_in(client, regulator)
    client.post("/regulator/flags/1", data={"act": "assign", "text": "由我核查"})
    client.post("/regulator/flags/1", data={"act": "dismiss", "text": "查无此事"})
    sent = client.get("/regulator/flags.csv")
    assert sent.data.startswith("\ufeff编号,".encode()) and sent.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(sent.get_data(as_text=True).lstrip("\ufeff"))))
    assert [row["编号"] for row in rows] == ["2", "3"] and rows[0]["金额（元）"] == "110000.0"
    assert rows[0]["规则代码"] == "raised_after" and rows[0]["地址"].endswith("/regulator/flags/2")
    decided = client.get("/en/regulator/flags.csv?decided=1").get_data(as_text=True).lstrip("\ufeff")
    assert [row["State"] for row in csv.DictReader(io.StringIO(decided))] == ["Unfounded"]
    assert len(client.get("/regulator/flags.csv?indicator=too_few").get_data(as_text=True).splitlines()) == 1


def test_a_district_reads_its_own_flags_only(client: FlaskClient, sign_in: SignIn, city: City) -> None:
    with city.db.write() as s:
        make_job(s, make_owner(s))
        for n, district in enumerate(("339901", "339902", None)):
            make_flag(s, f"job:{n}", district)
        one = make_person(s, make_org(s, kind="authority", is_owner=False, district="339902"), office="regulator")
    sign_in(client, one)
    rows = client.get("/regulator/flags.csv").get_data(as_text=True).splitlines()
    assert len(rows) == 2 and rows[1].startswith("2,")
    assert "待承办 1 条" in client.get("/regulator/indicators/raised_after").get_data(as_text=True)
