"""People, ties, offices, inbox, sent mail: through the pages, on both databases."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market.clock import FixedClock
from market.db import Database
from market.identity.models import Person, Tie
from market.notices.deliver import deliver_due
from market.notices.models import Notice, Outbox
from market.notices.service import mail_person, notify
from portal.mailer import Mailer
from portal.web import City
from tests.makers import T0, make_org, make_person, uscc
from tests.market.identity.test_rules import identity_number
from tests.portal.conftest import SignIn


def member(db: Database, **but: Any) -> Person:
    with db.write() as s:
        return make_person(s, make_org(s), **but)


def operator(db: Database) -> Person:
    with db.write() as s:
        return make_person(s, make_org(s, kind="authority", is_owner=False), office="operator", first=False)


def test_the_first_person_adds_and_disables_a_colleague(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    sign_in(client, member(db))

    assert client.post("/people", data={"name": "吴某某", "email": "bob@example.com"}).status_code == 303

    listed = client.get("/people").get_data(as_text=True)
    assert "等待确认" in listed
    path = re.search(r"/people/\d+/disable", listed)
    assert path is not None
    assert client.post(path[0]).status_code == 303
    assert "已停用" in client.get("/people").get_data(as_text=True)


def test_a_known_address_and_an_unfit_one_are_refused_at_the_field(
    client: FlaskClient, db: Database, sign_in: SignIn
) -> None:
    ann = member(db)
    sign_in(client, ann)

    for email, status in ((ann.email, 409), ("nobody", 422), ("", 422)):
        no = client.post("/people", data={"name": "吴某某", "email": email})
        assert no.status_code == status
        assert "有 1 处需要改" in no.get_data(as_text=True)


def test_a_colleague_may_look_but_not_add_and_a_foreign_person_is_not_found(
    client: FlaskClient, db: Database, sign_in: SignIn
) -> None:
    bob = member(db, first=False)
    sign_in(client, bob)

    assert "发送邀请" not in client.get("/people").get_data(as_text=True)
    assert client.post("/people", data={"name": "吴某某", "email": "x@example.com"}).status_code == 403
    assert client.post(f"/people/{member(db).id}/disable").status_code == 404


def test_ties_are_recorded_and_ended_and_numbers_shown_nowhere(
    client: FlaskClient, db: Database, sign_in: SignIn
) -> None:
    sign_in(client, member(db))
    number = identity_number(3)

    typed = {"legal_rep-party_name": "张三丰", "legal_rep-identifier": number}
    assert client.post("/organisation/ties/legal_rep", data=typed).status_code == 303
    typed = {"control-party_kind": "state", "control-party_name": "市国资委", "control-identifier": ""}
    assert client.post("/organisation/ties/control", data=typed).status_code == 303
    typed = {"payer-party_name": "澄浦银行", "payer-identifier": "6222 0000 1234"}
    assert client.post("/organisation/ties/payer", data=typed).status_code == 303

    page = client.get("/organisation/ties").get_data(as_text=True)
    assert "张**" in page
    assert "尾号 1234" in page
    assert number not in page
    assert "62220000" not in page
    with db.read() as s:
        tie = s.scalars(select(Tie).where(Tie.kind == "payer")).one()
    assert client.post(f"/organisation/ties/{tie.id}/end").status_code == 303
    assert "已结束" in client.get("/organisation/ties").get_data(as_text=True)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("legal_rep", {"party_name": "张三", "identifier": "11010519491231002"}),
        ("legal_rep", {"party_name": "", "identifier": identity_number(1)}),
        ("control", {"party_kind": "company", "party_name": "某", "identifier": ""}),
        ("control", {"party_kind": "account", "party_name": "某", "identifier": "1"}),
        ("control", {"party_kind": "company", "party_name": "某", "identifier": "91339901DEM000014X"}),
        ("payer", {"party_name": "某", "identifier": "😀😀😀😀😀😀"}),
        ("payer", {"party_name": "某", "identifier": "1" * 61}),
    ],
)
def test_an_unfit_tie_is_refused_with_what_was_typed(
    client: FlaskClient, db: Database, sign_in: SignIn, kind: str, typed: dict[str, str]
) -> None:
    sign_in(client, member(db))

    no = client.post(f"/organisation/ties/{kind}", data={f"{kind}-{k}": v for k, v in typed.items()})

    assert no.status_code == 422
    assert "有 1 处需要改" in no.get_data(as_text=True)
    with db.read() as s:
        assert s.scalars(select(Tie)).all() == []


def test_the_tie_of_another_is_not_found(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    sign_in(client, member(db))
    client.post("/organisation/ties/control", data={
        "control-party_kind": "company", "control-party_name": "某", "control-identifier": uscc(8300)})  # fmt: skip
    with db.read() as s:
        tie = s.scalars(select(Tie)).one()

    sign_in(client, member(db))

    assert client.post(f"/organisation/ties/{tie.id}/end").status_code == 404


def test_an_operator_makes_a_regulator_and_sees_everyone(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    sign_in(client, operator(db))

    typed = {"office": "regulator", "name": "李某某", "email": "reg@example.com"}
    assert client.post("/operator/offices", data=typed).status_code == 303

    page = client.get("/operator/offices").get_data(as_text=True)
    assert "reg@example.com" in page
    path = re.findall(r"/operator/offices/\d+/disable", page)
    assert client.post(path[-1]).status_code == 303
    assert client.post("/operator/offices", data=typed | {"office": "owner"}).status_code == 422
    assert client.post("/operator/offices", data=typed).status_code == 409


def test_the_operators_home_counts_what_waits(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    sign_in(client, operator(db))
    with db.write() as s:
        mail_person(s, T0, "account.reset", 1, {})

    page = client.get("/operator").get_data(as_text=True)

    assert re.search(r"排队中的后台工作</a></dt><dd><b>1</b></dd>", page)


@pytest.mark.parametrize("path", ["/operator", "/operator/offices", "/operator/mail", "/operator/mail/1"])
def test_an_owner_does_not_enter_the_operators_pages(
    client: FlaskClient, db: Database, sign_in: SignIn, path: str
) -> None:
    sign_in(client, member(db))

    assert client.get(path).status_code == 403


def test_sent_mail_shows_a_text_in_the_sample_city_but_never_a_link_that_lets_in(
    client: FlaskClient, city: City, db: Database, sign_in: SignIn
) -> None:
    sign_in(client, operator(db))
    with db.write() as s:
        org = make_org(s)
        ann = make_person(s, org, email="ann@example.com")
        notify(s, T0, "account.welcome", org=org.id, name="<b>某</b>")
        mail_person(s, T0, "account.reset", ann.id, {})
    deliver_due(db, city.clock.now(), {"mail": Mailer(city.settings, db, city.clock)})
    with db.read() as s:
        welcome, reset = s.scalars(select(Outbox.id).order_by(Outbox.id))

    page = client.get("/operator/mail").get_data(as_text=True)

    assert "a***@example.com" in page
    assert "ann@example.com" not in page
    text = client.get(f"/operator/mail/{welcome}")
    assert "&lt;b&gt;某&lt;/b&gt; 已登记" in text.get_data(as_text=True)
    assert client.get(f"/operator/mail/{reset}").status_code == 404
    assert client.get("/operator/mail/999999").status_code == 404


def test_a_failed_mail_is_sent_again_by_a_button(
    client: FlaskClient, clock: FixedClock, db: Database, sign_in: SignIn
) -> None:
    sign_in(client, operator(db))
    with db.write() as s:
        mail_person(s, T0, "account.reset", 1, {})

    def breaks(payload: object) -> None:
        raise ConnectionRefusedError

    deliver_due(db, clock.now(), {"mail": breaks})
    page = client.get("/operator/mail").get_data(as_text=True)
    assert "ConnectionRefusedError，已试 1 次" in page
    path = re.search(r"/operator/mail/\d+/again", page)
    assert path is not None

    assert client.post(path[0]).status_code == 303

    with db.read() as s:
        assert s.scalars(select(Outbox)).one().due_at == clock.now()


def test_the_inbox_leads_to_the_act_and_marks_it_read(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    ann = member(db)
    sign_in(client, ann)
    with db.write() as s:
        notify(s, T0, "account.welcome", org=ann.org_id, link="/account", mail=False, name="某单位")
        notify(s, T0, "account.welcome", org=ann.org_id, mail=False, name="另一条")
        notify(s, T0, "account.welcome", org=make_org(s).id, mail=False, name="别人的")
    with db.read() as s:
        one, _, foreign = s.scalars(select(Notice.id).order_by(Notice.id))
    page = client.get("/notifications").get_data(as_text=True)
    assert "共 2 条，未读 2 条" in page
    assert "消息（2）" in page
    assert "别人的" not in page

    went = client.post(f"/en/notifications/{one}/read", data={"go": "1"})

    assert (went.status_code, went.headers["Location"]) == (303, "/en/account")
    assert client.post(f"/notifications/{foreign}/read").status_code == 404
    assert client.post("/notifications/read", data={"upto": "99999"}).status_code == 303
    assert "未读 0 条" in client.get("/notifications").get_data(as_text=True)
    assert client.post("/notifications/read", data={"upto": "9" * 40}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/account", "/people", "/organisation/ties", "/notifications", "/operator", "/operator/offices",
             "/operator/mail"],
)  # fmt: skip
def test_the_pages_stand_in_english_whole(client: FlaskClient, db: Database, sign_in: SignIn, path: str) -> None:
    with db.write() as s:
        org = make_org(s, name="Chengpu Test Ltd", kind="authority" if "operator" in path else "private")
        office = "operator" if "operator" in path else None
        person = make_person(s, org, name="Zhou", office=office)
        notify(s, T0, "account.welcome", org=org.id, name="Test")
    sign_in(client, person)

    page = client.get(f"/en{path}")

    main = re.search(r"<main.*</main>", page.get_data(as_text=True), re.S)
    assert page.status_code == 200
    assert main is not None
    assert not re.search(r"[\u4e00-\u9fff]", main[0])
