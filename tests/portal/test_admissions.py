"""The operator decides, verifies and suspends; the regulator answers appeals; nobody else may."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market.admission.models import Application, FirmCategory, Qualification, Suspension
from market.db import Database
from market.identity.models import Person
from portal.web import City
from tests.makers import Party, make_firm, make_org, make_person
from tests.makers_admission import apply, make_applicant
from tests.portal.conftest import SignIn


def office(db: Database, office: str = "operator") -> Person:
    with db.write() as s:
        return make_person(s, make_org(s, kind="authority", is_owner=False), office=office)


@pytest.fixture
def waiting(db: Database, city: City) -> tuple[Party, int]:
    """An application for surveying and impact assessment that waits."""
    with db.write() as s:
        firm = make_applicant(s)
        row = apply(s, firm, city.settings.documents, ("01", "05"), ("测绘资质",), city.clock.now())
        return firm, row.id


def test_an_application_is_admitted_in_part_with_a_reason(
    client: FlaskClient, db: Database, waiting: tuple[Party, int], sign_in: SignIn
) -> None:
    firm, id = waiting
    sign_in(client, office(db))
    assert firm.org.name in client.get("/operator/admissions").text
    html = client.get(f"/operator/admissions/{id}").text
    assert "营业执照.pdf" in html and "校验位正确" in html
    form = {"outcome": "admit", "categories": ["05"], "certificates": ["1"]}
    late = client.post(f"/operator/admissions/{id}", data=form)
    assert late.status_code == 422 and "没有写理由" in late.text
    assert client.post(f"/operator/admissions/{id}", data=form | {"reason": "没有环评人员"}).status_code == 303
    again = client.post(f"/operator/admissions/{id}", data=form | {"reason": "x"})
    assert again.status_code == 409
    with db.read() as s:
        assert list(s.scalars(select(FirmCategory.category_code))) == ["05"]
        assert s.scalars(select(Qualification)).one().verified_at is not None
    assert client.get(f"/firms/{firm.org.uscc}").status_code == 200
    assert client.get("/operator/admissions?state=admitted").text.count(firm.org.name) >= 1


@pytest.mark.parametrize(
    "form",
    [
        {}, {"outcome": "nothing"}, {"outcome": "refuse"}, {"outcome": "return", "reason": "x"},
        {"outcome": "admit", "reason": "x"}, {"outcome": "admit", "categories": ["09"], "reason": "x"},
        {"outcome": "admit", "categories": ["01"], "certificates": ["99"], "reason": "x"},
        {"outcome": "return", "mend": ["nonsense"], "reason": "x"}, {"outcome": "refuse", "reason": "x" * 1001},
        {"outcome": "refuse", "reason": "a\x00"},
    ],
)  # fmt: skip
def test_a_decision_that_is_none_is_refused_and_nothing_is_written(
    client: FlaskClient, db: Database, waiting: tuple[Party, int], sign_in: SignIn, form: dict[str, object]
) -> None:
    sign_in(client, office(db))
    assert client.post(f"/operator/admissions/{waiting[1]}", data=form).status_code == 422
    with db.read() as s:
        assert s.scalars(select(Application.state)).one() == "submitted"


def test_an_application_is_returned_and_refused(
    client: FlaskClient, db: Database, waiting: tuple[Party, int], sign_in: SignIn
) -> None:
    sign_in(client, office(db))
    form = {"outcome": "return", "mend": ["people", "documents"], "reason": "执照不清晰"}
    assert client.post(f"/operator/admissions/{waiting[1]}", data=form).status_code == 303
    sign_in(client, waiting[0].person)
    assert "执照不清晰" in client.get("/join").text


def test_who_may_look_and_who_may_decide(
    client: FlaskClient, db: Database, waiting: tuple[Party, int], sign_in: SignIn
) -> None:
    id = waiting[1]
    assert client.get(f"/operator/admissions/{id}").status_code in (302, 303, 401)
    sign_in(client, waiting[0].person)
    assert client.get(f"/operator/admissions/{id}").status_code == 403
    sign_in(client, office(db, "regulator"))
    assert client.get(f"/operator/admissions/{id}").status_code == 200
    assert client.post(f"/operator/admissions/{id}", data={"outcome": "refuse", "reason": "x"}).status_code == 403
    sign_in(client, office(db))
    assert client.get("/operator/admissions/99999").status_code == 404
    assert client.post("/operator/admissions/99999").status_code == 404


def test_a_draft_is_not_shown_to_the_operator(client: FlaskClient, db: Database, city: City, sign_in: SignIn) -> None:
    with db.write() as s:
        row = apply(s, make_applicant(s), city.settings.documents, now=city.clock.now(), submit=False)
    sign_in(client, office(db))
    assert client.get(f"/operator/admissions/{row.id}").status_code == 404


def test_a_certificate_is_verified_or_not_accepted(
    client: FlaskClient, db: Database, city: City, sign_in: SignIn
) -> None:
    with db.write() as s:
        make_firm(s, "05", "测绘资质")
        row = s.scalars(select(Qualification)).one()
        row.verified_at = None
    sign_in(client, office(db))
    assert f"/operator/certificates/{row.id}" in client.get("/operator/admissions").text
    assert client.get(f"/operator/certificates/{row.id}").status_code == 200
    assert client.post(f"/operator/certificates/{row.id}/verify").status_code == 303
    assert client.post(f"/operator/certificates/{row.id}/verify").status_code == 409
    assert client.post(f"/operator/certificates/{row.id}/refuse", data={"reason": ""}).status_code == 422
    assert client.post(f"/operator/certificates/{row.id}/refuse", data={"reason": "已撤销"}).status_code == 303
    assert client.get("/operator/certificates/9999").status_code == 404


def test_a_suspension_is_made_appealed_answered_and_public(
    client: FlaskClient, db: Database, city: City, sign_in: SignIn
) -> None:
    with db.write() as s:
        firm, other = make_firm(s), make_firm(s)
    last = (city.clock.now() + timedelta(days=30)).date().isoformat()
    path = f"/operator/firms/{firm.org.uscc}/suspend"
    sign_in(client, office(db))
    assert client.get(path).status_code == 200 and client.get("/operator/firms/X/suspend").status_code == 404
    for bad in (
        {"reason": "", "until": last},
        {"reason": "x", "until": "2020-01-01"},
        {"reason": "x", "until": "9999-12-31"},
    ):
        assert client.post(path, data=bad).status_code == 422
    assert client.post(path, data={"reason": "逾期未交付", "until": last}).status_code == 303
    assert client.post(path, data={"reason": "再次", "until": last}).status_code == 409
    with db.read() as s:
        row = s.scalars(select(Suspension)).one()
    page = f"/suspensions/{row.id}"
    sign_in(client, other.person)
    assert client.post(f"{page}/appeal", data={"text": "x"}).status_code == 404
    sign_in(client, firm.person)
    assert "向监管部门申诉" in client.get(page).text
    assert client.post(f"{page}/appeal", data={"text": ""}).status_code == 422
    assert client.post(f"{page}/appeal", data={"text": "交付已完成"}).status_code == 303
    assert client.post(f"{page}/appeal", data={"text": "再申诉"}).status_code == 409
    sign_in(client, office(db))
    assert client.post(f"{page}/answer", data={"granted": "yes", "answer": "x"}).status_code == 403
    sign_in(client, office(db, "regulator"))
    assert firm.org.name in client.get("/regulator/appeals").text
    assert client.post(f"{page}/answer", data={"granted": "maybe", "answer": "x"}).status_code == 422
    assert client.post(f"{page}/answer", data={"granted": "yes", "answer": "材料属实"}).status_code == 303
    stranger = client.application.test_client()
    html = stranger.get(page).text
    assert "材料属实" in html and "逾期未交付" in html and "交付已完成" not in html
    assert "提前解除" in stranger.get(f"/firms/{firm.org.uscc}").text
    assert stranger.get("/suspensions/9999").status_code == 404


def test_the_operator_lifts_a_suspension(client: FlaskClient, db: Database, city: City, sign_in: SignIn) -> None:
    with db.write() as s:
        firm = make_firm(s)
    sign_in(client, office(db))
    last = (city.clock.now() + timedelta(days=30)).date().isoformat()
    done = client.post(f"/operator/firms/{firm.org.uscc}/suspend", data={"reason": "x", "until": last})
    page = done.headers["Location"]
    assert client.post(f"{page}/lift", data={"reason": ""}).status_code == 422
    assert client.post(f"{page}/lift", data={"reason": "已整改"}).status_code == 303
    assert client.post(f"{page}/lift", data={"reason": "再"}).status_code == 409
