"""Sign-in, registration, resets, tokens: through the pages, on both databases."""

import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from market.clock import FixedClock
from market.db import Database
from market.identity.models import Organisation, Person
from market.identity.passwords import WEAK
from market.identity.rules import LIMITS
from market.notices.deliver import deliver_due
from portal.mailer import Mailer
from portal.web import City
from tests.makers import make_org, make_person, uscc

PHRASE = "seven lamps at sea"


def member(db: Database, email: str = "ann@example.com", **but: Any) -> Person:
    with db.write() as s:
        return make_person(s, make_org(s), email=email, password=WEAK.hash(PHRASE), **but)


def enter(client: FlaskClient, email: str, password: str, **more: str) -> TestResponse:
    return client.post("/login", data={"email": email, "password": password, **more})


def registration(n: int = 1, **but: Any) -> dict[str, object]:
    row: dict[str, object] = {
        "uscc": uscc(8100 + n), "name": "澄浦新业主有限公司", "kind": "private", "roles": ["owner"],
        "district": "339901", "person": "周某某", "email": "new@example.com", "password": PHRASE, "agree": "y",
    }  # fmt: skip
    return {**row, **but}


def mails(city: City, folder: Path) -> list[tuple[str, str]]:
    """Deliver what waits; kind and text of each mail in the folder, oldest first."""
    deliver_due(city.db, city.clock.now(), {"mail": Mailer(city.settings, city.db, city.clock)})
    found = [message_from_bytes(f.read_bytes(), policy=policy.default) for f in sorted(folder.glob("*.eml"))]
    return [(m["X-Taozhongjie-Kind"], m.get_content()) for m in found]


def link_in(text: str) -> str:
    found = re.search(r"http://city\.test(/\S+)", text)
    assert found is not None
    return urlsplit(found[1]).path


def words(response: TestResponse) -> str:
    """A page without what differs each time: tokens and the time at the foot."""
    text = response.get_data(as_text=True)
    return re.sub(r'value="[^"]*"|<footer.*</footer>', "", text, flags=re.S)


def test_signing_in_goes_on_to_where_one_wanted_to_go(client: FlaskClient, db: Database) -> None:
    member(db)
    wanted = client.get("/account")
    assert wanted.status_code == 303
    assert wanted.headers["Location"] == "/login?next=/account"

    done = enter(client, " Ann@Example.com ", PHRASE, next="/account")

    assert (done.status_code, done.headers["Location"]) == (303, "/account")
    assert "ann@example.com" in client.get("/account").get_data(as_text=True)


@pytest.mark.parametrize("wanted", ["//evil.example/x", "https://evil.example", "/\\evil.example", "\\\\evil"])
def test_signing_in_leads_to_no_other_site(client: FlaskClient, db: Database, wanted: str) -> None:
    member(db)

    done = enter(client, "ann@example.com", PHRASE, next=wanted)

    assert "evil" not in done.headers["Location"]


def test_unknown_wrong_and_disabled_get_the_same_page(client: FlaskClient, db: Database, clock: FixedClock) -> None:
    member(db)
    member(db, "gone@example.com", disabled_at=clock.now())

    unknown = enter(client, "nobody@example.com", PHRASE)
    wrong = enter(client, "ann@example.com", "not the phrase")
    gone = enter(client, "gone@example.com", PHRASE)

    assert {unknown.status_code, wrong.status_code, gone.status_code} == {422}
    assert words(unknown) == words(wrong) == words(gone)
    assert "邮箱或密码不对" in words(unknown)


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_guessing_ends_with_a_time_for_known_and_unknown_alike(
    client: FlaskClient, db: Database, clock: FixedClock, email: str
) -> None:
    member(db)
    for _ in range(LIMITS["signin.email"]):
        assert enter(client, email, "wrong").status_code == 422

    stopped = enter(client, email, PHRASE)

    assert stopped.status_code == 429
    assert "请在 2026年6月1日（周一）10:15 之后再试" in stopped.get_data(as_text=True)
    assert enter(client, "other@example.com", "wrong").status_code == 422


def test_a_session_planted_before_sign_in_is_not_kept(client: FlaskClient, db: Database) -> None:
    member(db)
    with client.session_transaction() as session:
        session["planted"] = "x"

    enter(client, "ann@example.com", PHRASE)

    with client.session_transaction() as session:
        assert "planted" not in session


def test_signing_out_everywhere_ends_the_other_browser_too(client: FlaskClient, db: Database) -> None:
    member(db)
    other = client.application.test_client()
    for browser in (client, other):
        enter(browser, "ann@example.com", PHRASE)

    client.post("/account/everywhere")

    assert other.get("/account").status_code == 303


def test_registering_sends_a_link_whose_button_opens_the_account(client: FlaskClient, city: City, db: Database) -> None:
    done = client.post("/register", data=registration())
    assert (done.status_code, done.headers["Location"]) == (303, "/sent/register")
    assert enter(client, "new@example.com", PHRASE).status_code == 403  # not yet confirmed

    ((kind, text),) = mails(city, city.settings.mail)
    path = link_in(text)
    assert kind == "account.confirm"
    assert "澄浦新业主有限公司" in client.get(path).get_data(as_text=True)
    assert enter(client, "new@example.com", PHRASE).status_code == 403  # a look alone confirms nothing
    assert client.post(path).status_code == 303

    assert enter(client, "new@example.com", PHRASE).status_code == 303
    assert client.post(path).status_code == 410


def test_registering_a_known_address_reads_like_a_new_one(client: FlaskClient, city: City, db: Database) -> None:
    member(db)

    known = client.post("/register", data=registration(email="ann@example.com"))
    fresh = client.post("/register", data=registration(2, email="fresh@example.com"))

    assert (known.status_code, known.headers["Location"]) == (fresh.status_code, fresh.headers["Location"])
    assert sorted(kind for kind, _ in mails(city, city.settings.mail)) == ["account.confirm", "account.known"]
    with db.read() as s:
        assert s.scalar(select(Organisation).where(Organisation.uscc == uscc(8101))) is None


def test_a_registered_code_is_told_at_its_field_with_the_mend(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        taken = make_org(s)
        make_person(s, taken)

    no = client.post("/register", data=registration(uscc=taken.uscc))

    assert no.status_code == 409
    assert "请联系本单位的首位用户，由其把您加入" in no.get_data(as_text=True)
    assert "new@example.com" in no.get_data(as_text=True)  # what was typed stays


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uscc", "91339901DEM000014X"), ("uscc", ""), ("uscc", "😀" * 18), ("name", ""), ("name", "名" * 101),
        ("name", "a\x00b"), ("kind", "authority"), ("kind", ""), ("roles", []), ("roles", ["operator"]),
        ("district", "000000"), ("person", ""), ("email", "nobody"), ("email", "a@b"), ("email", "x" * 300 + "@a.cn"),
        ("password", "short"), ("password", ""), ("password", "1234567890"), ("password", "x" * 2000), ("agree", ""),
    ],
)  # fmt: skip
def test_an_unfit_registration_is_refused_at_its_field(
    client: FlaskClient, db: Database, field: str, value: object
) -> None:
    no = client.post("/register", data=registration(1, **{field: value}))

    assert no.status_code == 422
    assert "有 1 处需要改" in no.get_data(as_text=True)
    with db.read() as s:
        assert s.scalars(select(Person)).all() == []


def test_full_width_digits_of_a_code_are_taken(client: FlaskClient, db: Database) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in uscc(8101))

    assert client.post("/register", data=registration(uscc=wide)).status_code == 303


def test_asking_for_a_reset_reads_alike_for_known_and_unknown(client: FlaskClient, city: City, db: Database) -> None:
    member(db)

    known = client.post("/forgot", data={"email": "ann@example.com"})
    unknown = client.post("/forgot", data={"email": "nobody@example.com"})

    assert (known.status_code, known.headers["Location"], known.get_data()) == (
        unknown.status_code, unknown.headers["Location"], unknown.get_data(),
    )  # fmt: skip
    assert [kind for kind, _ in mails(city, city.settings.mail)] == ["account.reset"]


def test_a_reset_by_mail_sets_the_password_once_and_ends_sessions(
    client: FlaskClient, city: City, db: Database
) -> None:
    member(db)
    enter(client, "ann@example.com", PHRASE)
    client.application.test_client().post("/forgot", data={"email": "ann@example.com"})
    ((_, text),) = mails(city, city.settings.mail)
    path = link_in(text)

    assert client.post(path, data={"password": "short"}).status_code == 422
    assert client.post(path, data={"password": "nine clouds over the bay"}).status_code == 303

    assert client.get("/account").status_code == 303
    assert client.post(path, data={"password": "another long phrase"}).status_code == 410
    assert enter(client, "ann@example.com", PHRASE).status_code == 422
    assert enter(client, "ann@example.com", "nine clouds over the bay").status_code == 303


@pytest.mark.parametrize("path", ["/reset/nonsense", "/invite/nonsense", "/confirm/nonsense", "/reset/😀"])
def test_a_link_that_is_none_says_so(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 410
    assert client.post(path, data={"password": "nine clouds over the bay"}).status_code == 410


def test_changing_the_password_needs_the_present_one_and_keeps_this_session(client: FlaskClient, db: Database) -> None:
    member(db)
    other = client.application.test_client()
    for browser in (client, other):
        enter(browser, "ann@example.com", PHRASE)

    wrong = client.post("/account/password", data={"current": "no", "password": "nine clouds over the bay"})
    done = client.post("/account/password", data={"current": PHRASE, "password": "nine clouds over the bay"})

    assert (wrong.status_code, done.status_code) == (422, 303)
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_a_token_is_shown_once_and_revoked_by_its_holder_only(client: FlaskClient, db: Database) -> None:
    member(db)
    member(db, "eve@example.com")
    enter(client, "ann@example.com", PHRASE)

    made = client.post("/account/tokens", data={"name": "报价脚本"})

    shown = re.search(r"tzj_[\w-]{43}", made.get_data(as_text=True))
    assert made.status_code == 201
    assert shown is not None
    listed = client.get("/account").get_data(as_text=True)
    assert "报价脚本" in listed
    assert shown[0] not in listed
    path = re.search(r"/account/tokens/\d+/revoke", listed)
    assert path is not None
    eve = client.application.test_client()
    enter(eve, "eve@example.com", PHRASE)
    assert eve.post(path[0]).status_code == 404
    assert client.post(path[0]).status_code == 303


@pytest.mark.parametrize("path", ["/login", "/register", "/forgot", "/sent/register", "/sent/reset"])
def test_the_public_pages_stand_in_both_languages(client: FlaskClient, path: str) -> None:
    zh, en = client.get(path), client.get(f"/en{path}")

    assert (zh.status_code, en.status_code) == (200, 200)
    main = re.search(r"<main.*</main>", en.get_data(as_text=True), re.S)
    assert main is not None
    assert not re.search(r"[\u4e00-\u9fff]", main[0].replace("中介服务", ""))


def test_password_managers_are_told_what_is_what(client: FlaskClient) -> None:
    page = client.get("/login").get_data(as_text=True)

    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert 'autocomplete="new-password"' in client.get("/register").get_data(as_text=True)
