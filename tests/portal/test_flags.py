"""The regulator's desk, the list of flags and one flag, as a regulator meets them."""

import pytest
from flask.testing import FlaskClient

from market.identity.models import Person
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
