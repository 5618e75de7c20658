"""Every way an API request may end badly: problem+json with field, code, why and mend in the language asked for."""

from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from market.db import DatabaseDown
from market.identity.models import ApiToken, Person
from market.identity.queries import signed_in
from market.identity.rules import LIMITS
from market.identity.signin import revoke_api_token
from tests.makers import T0
from tests.portal.api.conftest import Market, Program

ASKED = [("zh", "zh-CN", False), ("en-GB,en;q=0.9", "en", True), ("fr", "zh-CN", False), ("", "zh-CN", False)]


def problem(answer: TestResponse, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The body of a problem, after what all of them have in common."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    assert set(body) == {"type", "title", "status", "detail", "error_id", "errors"}
    assert body["status"] == status and body["type"] == f"urn:taozhongjie:{body['errors'][0]['code']}"
    for fault in body["errors"]:
        assert set(fault) == {"field", "code", "why", "do"} and fault["why"] and fault["do"]
    assert (field, code) in [(fault["field"], fault["code"]) for fault in body["errors"]], body["errors"]
    assert "Set-Cookie" not in answer.headers
    return body


def test_an_unknown_address_is_a_404_for_programs(small_market: Market) -> None:
    for path in ("/nothing", "/jobs/ZJ-2026-00001/nothing", "/"):
        problem(small_market.program().get(path), 404, "http.404")
    problem(small_market.program().client.get("/api/v2/jobs"), 404, "http.404")


def test_a_wrong_method_names_those_that_are_allowed(small_market: Market) -> None:
    client = small_market.app.test_client()
    for method, path, allowed in (
        ("DELETE", "/jobs", {"GET", "HEAD", "OPTIONS"}),
        ("GET", f"/jobs/{small_market.code}/bids", {"POST", "OPTIONS"}),
        ("PUT", "/baseline", {"POST", "OPTIONS"}),
    ):
        answer = client.open(f"/api/v1{path}", method=method)
        problem(answer, 405, "http.405")
        assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_body_over_the_limit_is_a_413(small_market: Market) -> None:
    body = b'{"standard": "' + b"x" * (256 * 1024) + b'"}'
    problem(small_market.program().post("/baseline", body), 413, "http.413")


def test_a_body_of_another_type_is_a_415(small_market: Market) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
        client = small_market.app.test_client()
        problem(client.post("/api/v1/baseline", data=b"{}", content_type=kind), 415, "http.415")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nope", b'{"scale": 1,}', b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 100_000, b"\x00"]
)
def test_a_body_that_is_no_json_is_a_400(small_market: Market, body: bytes) -> None:
    problem(small_market.program().post("/baseline", body), 400, "api.json", "body")


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true", b"NaN"])
def test_json_that_is_no_object_is_a_422(small_market: Market, body: bytes) -> None:
    problem(small_market.program().post("/baseline", body), 422, "api.object", "body")


def test_a_stranger_gets_a_401_that_says_how_to_come_in(small_market: Market) -> None:
    answer = small_market.program().get("/practitioners")

    problem(answer, 401, "http.401")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="taozhongjie"'


def test_a_role_without_the_permission_gets_a_403(small_market: Market) -> None:
    from tests.makers import make_owner
    from tests.portal.api.conftest import token_of

    with small_market.db.write() as s:
        owner = make_owner(s)
    program = small_market.program(token_of(small_market.db, owner))
    problem(program.get("/practitioners"), 403, "http.403")
    problem(program.post(f"/jobs/{small_market.code}/bids", small_market.offer(), "k"), 403, "http.403")


@pytest.mark.parametrize(
    "given", ["Bearer wrong", "Bearer", "Basic YTpi", "Bearer tzj_" + "x" * 43, "", "tzj", "Bearer a b", "Bearer 令牌"]
)
def test_a_token_that_is_not_valid_is_refused_even_where_none_is_needed(small_market: Market, given: str) -> None:
    answer = small_market.program().get("/jobs", Authorization=given.encode().decode("latin-1"))

    problem(answer, 401, "api.token", "Authorization")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_revoked_token_and_one_of_a_disabled_person_open_nothing(market: Market) -> None:
    program = market.firms_program
    assert program.get("/practitioners").status_code == 200
    with market.db.write() as s:
        s.execute(update(Person).where(Person.id == market.firm.person.id).values(disabled_at=T0))
    problem(program.get("/practitioners"), 401, "api.token", "Authorization")
    with market.db.write() as s:
        s.execute(update(Person).where(Person.id == market.firm.person.id).values(disabled_at=None))
        who = signed_in(s, market.firm.person.id, 0)
        assert who is not None
        revoke_api_token(s, who, s.scalars(select(ApiToken.id)).one(), T0)
    problem(program.get("/practitioners"), 401, "api.token", "Authorization")


def test_who_guesses_tokens_is_stopped_until_the_window_ends_and_right_ones_still_pass(market: Market) -> None:
    for _ in range(LIMITS["token.address"]):
        problem(market.program("x" * 47).get("/jobs"), 401, "api.token", "Authorization")

    for _ in range(3):
        answer = market.program("x" * 47).get("/jobs")
        problem(answer, 429, "limit.reached")
        assert int(answer.headers["Retry-After"]) == 900
    assert market.firms_program.get("/practitioners").status_code == 200

    from datetime import timedelta

    market.clock.advance(timedelta(minutes=15))
    problem(market.program("x" * 47).get("/jobs"), 401, "api.token", "Authorization")


def test_our_own_fault_is_a_500_that_tells_nothing(small_market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret 8800000")

    small_market.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("market.catalogue.queries.categories", fall)
    body = problem(small_market.program().get("/categories"), 500, "http.500")
    assert "8800000" not in str(body) and len(body["error_id"]) == 8


def test_a_database_that_is_down_is_a_503_to_try_again(small_market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*_: object, **__: object) -> None:
        raise DatabaseDown("pool")

    monkeypatch.setattr("market.catalogue.queries.categories", fall)
    answer = small_market.program().get("/categories")
    problem(answer, 503, "http.503")
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize(("accept", "language", "english"), ASKED)
def test_the_words_are_in_the_language_asked_for(
    small_market: Market, accept: str, language: str, english: bool
) -> None:
    answer = small_market.program().get("/jobs?limit=0", **{"Accept-Language": accept})
    body = problem(answer, 422, "api.range", "limit")

    assert answer.headers["Content-Language"] == language and "Accept-Language" in answer.headers["Vary"]
    assert ("Give a whole number" in body["errors"][0]["do"]) == english == body["detail"].isascii()


def test_under_en_the_words_are_english_whatever_is_asked(small_market: Market) -> None:
    answer = small_market.app.test_client().get("/en/api/v1/jobs?x=1", headers={"Accept-Language": "zh"})
    body = problem(answer, 422, "api.unknown", "x")

    assert body["errors"][0]["why"] == "There is no such field."


def test_every_fault_of_a_request_is_told_at_once(small_market: Market) -> None:
    body = problem(small_market.program().get("/jobs?limit=1000&state=asleep&foo=1&after=!"), 422, "api.range", "limit")

    assert {f["field"] for f in body["errors"]} == {"limit", "state", "foo", "after"}
    problem(small_market.program().get("/jobs?limit=1&limit=2"), 422, "api.repeated", "limit")


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("limit=0", "api.range", "limit"),
        ("limit=101", "api.range", "limit"),
        ("limit=-1", "api.range", "limit"),
        ("limit=" + "9" * 5000, "api.range", "limit"),
        ("limit=1.0", "api.whole", "limit"),
        ("limit=%F0%9F%98%80", "api.whole", "limit"),
        ("limit=", "api.whole", "limit"),
        ("category=%00", "api.text.control", "category"),
        ("category=" + "x" * 13, "api.text.too_long", "category"),
        ("district=", "api.text.empty", "district"),
        ("district=%E2%80%AE", "api.text.control", "district"),
        ("state=draft", "api.choice", "state"),
        ("deadline_from=2026-02-30", "api.day", "deadline_from"),
        ("deadline_to=tomorrow", "api.day", "deadline_to"),
        ("deadline_to=20260601", "api.day", "deadline_to"),
        ("after=WzEsMl0x", "api.cursor", "after"),
        ("after=W10", "api.cursor", "after"),
        ("after=WyJhIiwiYiJd", "api.cursor", "after"),
        ("after=Wy0xLDFd", "api.cursor", "after"),
        ("offset=20", "api.unknown", "offset"),
        ("%00=1", "api.unknown", "\x00"),
    ],
)
def test_a_bad_query_names_the_field(small_market: Market, query: str, code: str, field: str) -> None:
    problem(small_market.program().get(f"/jobs?{query}"), 422, code, field)


def test_full_width_digits_are_taken_in_a_query(small_market: Market) -> None:
    program = small_market.program()
    assert program.get("/jobs?limit=１０&deadline_to=２０２６-０６-３０").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/ZJ-2026-99999", "/jobs/x", "/jobs/%00", "/jobs/ZJ-2026-00001%00", "/jobs/ZJ-2026-99999/protocol",
        "/bids/R-0000-0000", "/bids/x", "/bids/%00", "/firms/x", "/firms/91339901DEM000014G", "/firms/%00",
        "/items/S999", "/items/%00", "/items/" + "x" * 500, "/jobs/" + "9" * 5000,
        "/jobs/%F0%9F%98%80", "/items/%F0%9F%98%80", "/firms/%ED%A0%80",
    ],
)  # fmt: skip
def test_an_unknown_thing_is_a_404(market: Market, path: str) -> None:
    answer = market.firms_program.get(path)
    assert answer.status_code == 404 and answer.content_type == "application/problem+json"
    assert answer.get_json()["errors"][0]["do"]


def test_a_session_cookie_alone_opens_no_door(small_market: Market) -> None:
    client = small_market.app.test_client()
    with client.session_transaction() as session:
        session["person"], session["epoch"] = small_market.firm.person.id, small_market.firm.person.epoch

    cookie_only = Program(client)
    problem(cookie_only.get("/practitioners"), 401, "http.401")
    for path in ("bids", "withdrawal", "confirmation"):
        body = small_market.offer() if path == "bids" else None
        problem(cookie_only.post(f"/jobs/{small_market.code}/{path}", body, "k"), 401, "http.401")
    forged = client.post(
        f"/api/v1/jobs/{small_market.code}/bids", data={"amount": "1"}, headers={"Origin": "https://evil.example"}
    )
    problem(forged, 401, "http.401")
