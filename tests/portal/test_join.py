"""A firm applies in five steps, without script; what it types is kept and what is wrong is told."""

import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market.admission import service
from market.admission.models import Application, Document
from market.admission.rules import Event
from market.db import Database
from portal.web import City
from tests.makers import Party, make_owner
from tests.makers_admission import IDENTITY, PDF, admit, apply, make_applicant
from tests.portal.conftest import SignIn

FIRM = {"firm-founded": "2010-01-04", "firm-staff": "１８", "firm-address": "望浦区 1 号", "firm-phone": "0990-1234567"}


@pytest.fixture
def firm(db: Database, client: FlaskClient, sign_in: SignIn) -> Party:
    """A registered firm, signed in."""
    with db.write() as s:
        party = make_applicant(s)
    sign_in(client, party.person)
    return party


def content(db: Database, firm: Party) -> dict[str, object]:
    with db.read() as s:
        return dict(s.scalars(select(Application).where(Application.org_id == firm.org.id)).one().content)


def test_the_whole_way_by_forms(client: FlaskClient, db: Database, firm: Party) -> None:
    assert client.get("/join").status_code == 200 and client.get("/join/1").status_code == 404
    assert client.post("/join").headers["Location"].endswith("/join/1")
    assert client.post("/join/1", data=FIRM).headers["Location"].endswith("/join/2")
    assert client.post("/join/2", data={"rep-name": "沈某某", "rep-identifier": IDENTITY}).status_code == 303
    scope = {"scope-categories": ["01", "05"], "scope-main": "05", "scope-districts": ["339901"]}
    assert client.post("/join/3", data=scope).headers["Location"].endswith("/join/4")
    assert "测绘资质" in client.get("/join/4").text
    paper = {
        "certificate-name": "测绘资质", "certificate-number": "甲测1", "certificate-issued_on": "2024年1月1日",
        "certificate-expires_on": "2028/12/31", "certificate-document": (io.BytesIO(PDF), "证书.pdf"),
    }  # fmt: skip
    assert client.post("/join/4/certificate", data=paper).status_code == 303
    assert client.post("/join/4/person", data={"person-name": "陆某某", "person-certificate": "Z1"}).status_code == 303
    account = {"payer-party_name": "某银行", "payer-identifier": "6222 0000 1234 5678"}
    assert client.post("/join/5/payer", data=account).status_code == 303
    control = {"control-party_kind": "state", "control-party_name": "某市国资委", "control-identifier": ""}
    assert client.post("/join/5/control", data=control).status_code == 303
    price = {"price-service": "S042", "price-price": "8 折", "price-days": "10"}
    assert client.post("/join/5/price", data=price).status_code == 303
    licence = {"document-document": (io.BytesIO(PDF + b"\n"), "执照.pdf")}
    assert client.post("/join/5/document", data=licence).status_code == 303
    check = client.get("/join/check").text
    assert "执照.pdf" in check and "尾号 5678" in check and IDENTITY not in check
    assert client.post("/join/check", data={}).status_code == 422
    done = client.post("/join/check", data={"declared": "y"})
    assert done.status_code == 303
    assert "正在核对" in client.get("/join").text
    assert client.post("/join/1", data=FIRM).status_code == 409
    for n in range(1, 6):
        assert client.get(f"/join/{n}").status_code == 200 and client.get(f"/en/join/{n}").status_code == 200


def test_what_is_missing_is_listed_at_the_end(client: FlaskClient, firm: Party) -> None:
    client.post("/join")
    found = client.post("/join/check", data={"declared": "y"})
    assert found.status_code == 422 and found.text.count("还缺一部分") == 6 and "收款账户" in found.text


@pytest.mark.parametrize(
    "bad",
    [
        {"firm-staff": "-1"}, {"firm-staff": "9" * 60}, {"firm-staff": "many"}, {"firm-founded": "2010-02-30"},
        {"firm-founded": "2199-01-01"}, {"firm-address": "x" * 5000}, {"firm-address": "a\x07b"}, {"firm-phone": ""},
    ],
)  # fmt: skip
def test_bad_input_is_told_at_its_field_kept_and_not_saved(
    client: FlaskClient, db: Database, firm: Party, bad: dict[str, str]
) -> None:
    client.post("/join")
    found = client.post("/join/1", data=FIRM | bad)
    assert found.status_code == 422 and 'role="alert"' in found.text
    assert "望浦区 1 号" in found.text or "firm-address" in bad
    assert content(db, firm) == {}


@pytest.mark.parametrize(
    "bad", [{"scope-categories": ["99"]}, {"scope-categories": []}, {"scope-main": "02"}, {"scope-districts": ["1"]}]
)
def test_unknown_categories_and_districts_are_refused(
    client: FlaskClient, db: Database, firm: Party, bad: dict[str, object]
) -> None:
    client.post("/join")
    good = {"scope-categories": ["01"], "scope-main": "01", "scope-districts": ["339901"]}
    assert client.post("/join/3", data={**good, **bad}).status_code == 422
    assert content(db, firm) == {}


@pytest.mark.parametrize(("name", "data"), [("a.exe", b"MZ\x90"), ("a.pdf", b"%PDF-1"), ("a.png", PDF), ("a.pdf", b"")])
def test_an_unfit_file_is_refused_with_words(
    client: FlaskClient, db: Database, city: City, firm: Party, name: str, data: bytes
) -> None:
    client.post("/join")
    found = client.post("/join/5/document", data={"document-document": (io.BytesIO(data), name)})
    assert found.status_code == 422 and 'class="why"' in found.text
    with db.read() as s:
        assert s.query(Document).count() == 0
    assert not city.settings.documents.exists()


def test_an_identity_number_that_is_none_is_refused(client: FlaskClient, firm: Party) -> None:
    client.post("/join")
    found = client.post("/join/2", data={"rep-name": "沈某某", "rep-identifier": "110105194912310021"})
    assert found.status_code == 422 and 'role="alert"' in found.text


def test_only_returned_parts_can_be_changed(client: FlaskClient, db: Database, city: City, sign_in: SignIn) -> None:
    with db.write() as s:
        firm = make_applicant(s)
        row = apply(s, firm, city.settings.documents, now=city.clock.now())
        by = make_owner(s).person.id
        admit(s, row, by, city.clock.now(), outcome=Event.RETURN, reason="请补正人员", mend={"people": "请补正人员"})
    sign_in(client, firm.person)
    assert "请补正人员" in client.get("/join").text
    assert client.post("/join").headers["Location"].endswith("/join/4")
    assert client.post("/join/1", data=FIRM).status_code == 409
    assert client.post("/join/people/1/drop").status_code == 303
    assert client.post("/join/people/7/drop").status_code == 404
    assert client.post("/join/prices/1/drop").status_code == 409
    assert client.post("/join/withdraw").status_code == 303
    assert client.post("/join/withdraw").status_code == 404


def test_strangers_are_led_to_register_and_owners_told(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    assert "登记单位" in client.get("/join").text
    assert client.post("/join").status_code in (302, 303, 401)
    with db.write() as s:
        owner = make_owner(s)
    sign_in(client, owner.person)
    assert "没有选择“中介机构”身份" in client.get("/join").text
    assert client.post("/join").status_code == 403


def test_a_document_is_served_to_whom_it_concerns_as_an_attachment(
    client: FlaskClient, db: Database, city: City, sign_in: SignIn
) -> None:
    with db.write() as s:
        firm, other = make_applicant(s), make_applicant(s)
        apply(s, firm, city.settings.documents, now=city.clock.now())
        service.start(s, other.org.id, city.clock.now())
        id = s.scalars(select(Document.id)).one()
    assert client.get(f"/documents/{id}").status_code == 404
    sign_in(client, other.person)
    assert client.get(f"/documents/{id}").status_code == 404
    sign_in(client, firm.person)
    found = client.get(f"/documents/{id}")
    assert found.status_code == 200 and found.data.startswith(b"%PDF-")
    assert found.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E8%90%A5")
    assert (
        found.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in found.headers["Content-Security-Policy"]
    )
    assert client.get("/documents/999999").status_code == 404
