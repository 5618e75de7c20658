"""Reading lists and things: pages behind keys, filters, the catalogue, baselines, constant statement counts."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from market.audit.checkpoints import seal
from market.audit.sequencer import place
from market.catalogue.rules import baseline
from market.catalogue.shipped import shipped_standards
from market.identity.models import Organisation
from market.identity.queries import log_signer
from market.jobs.models import Job, Question, Recusal
from portal.api.doors import DOORS
from tests.inventory.asking import QUERIES
from tests.makers import T0, make_auction, make_firm, make_job, make_owner
from tests.portal.api.conftest import Market, Program
from tests.portal.api.test_errors import problem


def walk(program: Program, path: str, limit: int) -> list[Any]:
    """Every item, page by page, by the Link header."""
    found: list[Any] = []
    address = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while True:
        answer = program.get(address)
        body = answer.get_json()
        assert len(body["items"]) <= limit
        found += body["items"]
        if body["next"] is None:
            assert "Link" not in answer.headers
            return found
        link = answer.headers["Link"]
        assert link.endswith('>; rel="next"')
        address = link[1 : link.index(">")].removeprefix("/api/v1")


def statements(market: Market, path: str) -> int:
    """How many statements a door sends."""
    seen: list[str] = []

    def note(_c: object, _k: object, sql: str, *_: object) -> None:
        seen.append(sql)

    engines = (market.db.engine, market.db._read)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    assert market.program().get(path).status_code == 200
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_jobs_are_walked_newest_first_without_gap_or_twin_while_others_appear(market: Market) -> None:
    with market.db.write() as s:
        for n in range(6):
            make_auction(s, market.city.keeper, now=T0 + timedelta(minutes=n // 2))  # pairs share their instant
        make_job(s, make_owner(s))
        wanted = list(s.scalars(select(Job.code).where(Job.state == "published").order_by(
            Job.published_at.desc(), Job.id.desc())))  # fmt: skip
    program = market.program()
    first = program.get("/jobs?limit=3").get_json()
    with market.db.write() as s:
        late = make_auction(s, market.city.keeper, now=T0 + timedelta(minutes=30))
        late_code = s.get_one(Job, late.job_id).code

    rest: list[Any] = []
    after = first["next"]
    while after:
        page = program.get(f"/jobs?limit=3&after={after}").get_json()
        rest += page["items"]
        after = page["next"]
    assert [j["code"] for j in [*first["items"], *rest]] == wanted
    assert [j["code"] for j in walk(program, "/jobs", 2)] == [late_code, *wanted]


def test_jobs_are_filtered_by_category_district_state_and_deadline(market: Market) -> None:
    with market.db.write() as s:
        other = make_auction(
            s, market.city.keeper, service="S002", district="339904", closes_at=T0 + timedelta(days=14)
        )
        code = s.get_one(Job, other.job_id).code
        s.execute(update(Job).where(Job.code == market.code).values(stage="proposed"))
    program = market.program()

    def codes(query: str) -> list[str]:
        return [j["code"] for j in program.get(f"/jobs?{query}").get_json()["items"]]

    assert codes("category=01") == [market.code] and codes("category=05") == [code]
    assert codes("district=339904") == [code] and codes("district=nowhere") == []
    assert codes("state=proposed") == [market.code] and codes("state=open&category=01") == []
    assert codes("deadline_to=2026-06-08") == [market.code] and codes("deadline_to=2026-06-07") == []
    assert codes("deadline_from=2026-06-15&deadline_to=2026-06-15") == [code]
    assert codes("category=%27%20OR%201%3D1") == []  # 12 characters at most, and only ever a value


def test_a_job_tells_all_a_bidder_relies_on(market: Market) -> None:
    with market.db.write() as s:
        job = s.scalars(select(Job).where(Job.code == market.code)).one()
        out = make_firm(s)
        s.add(Recusal(job_id=job.id, org_id=out.org.id, reason="曾任本项目前期咨询", recorded_at=T0))
        s.add(Question(job_id=job.id, org_id=out.org.id, text="是否含公众参与？", asked_at=T0, answer=None))
        owner = s.get_one(Organisation, job.owner_id)
    found = market.program().get(f"/jobs/{market.code}").get_json()

    assert (found["state"], found["accepting"], found["closes_at"]) == ("open", True, "2026-06-08T09:00:00Z")
    assert found["owner"] == {"uscc": owner.uscc, "name": owner.name}
    assert len(found["terms_digest"]) == len(found["public_key"]) == 64 and found["terms"]["method"] == "lowest_price"
    from bidding.auctions.rules import posted_digest

    assert posted_digest(found["posted"]) == found["terms_digest"]
    assert found["recusals"][0]["uscc"] == out.org.uscc
    assert found["questions"] == [
        {"text": "是否含公众参与？", "asked_at": "2026-06-01T02:00:00Z", "answer": None, "answered_at": None}
    ]


def test_past_its_deadline_a_job_accepts_nothing_whatever_its_state_says(market: Market) -> None:
    market.clock.advance(timedelta(days=20))
    found = market.program().get(f"/jobs/{market.code}").get_json()
    assert (found["state"], found["accepting"]) == ("open", False)
    assert market.program().get("/jobs").get_json()["items"][0]["accepting"] is False


def test_what_is_not_published_is_not_there(market: Market) -> None:
    with market.db.write() as s:
        job = make_job(s, make_owner(s))
        code = job.code or ""
    for path in ("", "/protocol", "/eligibility"):
        problem(market.firms_program.get(f"/jobs/{code}{path}"), 404, "job.unknown")
    assert code not in market.program().get("/jobs").text


def test_firms_are_walked_by_code_and_filtered(market: Market) -> None:
    with market.db.write() as s:
        for n in range(5):
            make_firm(s, category="05" if n < 2 else "01", district="339906" if n == 0 else "339901")
        make_firm(s, admitted_at=T0 + timedelta(days=300))
        make_owner(s)
    program = market.program()
    everyone = [f["uscc"] for f in walk(program, "/firms", 2)]

    assert len(everyone) == 6 and everyone == sorted(everyone)
    assert len(walk(program, "/firms?category=05", 1)) == 2
    assert len(walk(program, "/firms?category=05&district=339906", 1)) == 1
    assert everyone == [f["uscc"] for f in walk(program, "/firms", 100)]


def test_a_firm_is_found_by_its_code_however_it_is_typed_and_tells_no_names_of_its_people(market: Market) -> None:
    code = market.firm.org.uscc
    answer = market.program().get(f"/firms/{code.lower()}")

    assert answer.status_code == 200 and answer.get_json()["categories"] == ["01"]
    assert answer.get_json()["practitioners"] == 1 and "陆某某" not in answer.text and "C0000" not in answer.text


def test_practitioners_are_ones_own_alone(market: Market) -> None:
    with market.db.write() as s:
        make_firm(s)
    assert [p["id"] for p in market.firms_program.get("/practitioners").get_json()["items"]] == [market.firm.lead]


def test_the_catalogue_is_walked_and_each_item_shows_its_coefficients(market: Market) -> None:
    program = market.program()
    codes = [i["code"] for i in walk(program, "/items", 7)]

    assert codes == sorted(codes) and len(codes) == len(set(codes)) == 45
    assert len(program.get("/categories").get_json()["items"]) == 21
    assert all(i["category"] == "05" for i in walk(program, "/items?category=05", 50))
    fee = program.get("/items/S012", **{"Accept-Language": "en"}).get_json()["fee"]
    assert fee["id"] == "eia_form" and [c["name"] for c in fee["coefficients"]] == [
        "sensitivity",
        "industry",
        "sector_cut",
        "topics",
    ]
    assert {c["key"] for c in fee["coefficients"][0]["choices"]} == {"sensitive", "normal"}
    assert program.get("/items/S001").get_json()["fee"] is None


def test_a_baseline_is_the_one_of_the_rules_and_explains_itself(market: Market) -> None:
    given = {"sensitivity": "sensitive", "industry": "a", "sector_cut": "other", "topics": "1"}
    body = {"standard": "eia_form", "scale": 5_000_000_000, "coefficients": given}
    answer = market.program().post("/baseline", body, **{"Accept-Language": "en"})
    wanted: Any = baseline(shipped_standards(), "eia_form", 5_000_000_000, given)

    assert answer.status_code == 200 and answer.get_json()["fee"] == wanted.fee
    assert answer.get_json()["lines"][0].startswith("Source: 计价格[2002]125号")
    assert market.program().post("/baseline", {**body, "scale": 5e9}).get_json()["fee"] == wanted.fee


CHOSEN = {"sensitivity": "sensitive", "industry": "a", "sector_cut": "other"}
GOOD: dict[str, Any] = {"standard": "eia_form", "scale": 5_000_000_000, "coefficients": CHOSEN}
BAD = [
    ({"standard": "none"}, "baseline.standard", "standard"),
    ({"standard": ""}, "api.text.empty", "standard"),
    ({"standard": "x" * 41}, "api.text.too_long", "standard"),
    ({"standard": "a\x00b"}, "api.text.control", "standard"),
    ({"standard": 1}, "api.string", "standard"),
    ({"scale": 0}, "api.small", "scale"),
    ({"scale": -5}, "api.small", "scale"),
    ({"scale": 10**18}, "api.large", "scale"),
    ({"scale": 10**400}, "api.large", "scale"),
    ({"scale": "１２"}, "api.whole", "scale"),
    ({"scale": 1e18}, "api.whole", "scale"),
    ({"coefficients": []}, "api.object", "coefficients"),
    ({"coefficients": {"sensitivity": "sensitive"}}, "baseline.coefficient.missing", "coefficients.industry"),
    ({"coefficients": {**GOOD["coefficients"], "😀": "1"}}, "baseline.coefficient.unknown", "coefficients.😀"),
    (
        {"coefficients": {**GOOD["coefficients"], "industry": "<b>"}},
        "baseline.coefficient.value",
        "coefficients.industry",
    ),
    ({"coefficients": {"industry": 1.15}}, "api.coefficient", "coefficients.industry"),
    ({"coefficients": {"industry": {"a": 1}}}, "api.coefficient", "coefficients.industry"),
    ({"coefficients": {"industry": "x" * 81}}, "api.coefficient", "coefficients.industry"),
    ({"coefficients": {"industry": [["1"]]}}, "api.coefficient", "coefficients.industry"),
    ({"coefficients": {f"n{n}": "1" for n in range(21)}}, "api.many", "coefficients"),
    ({"surprise": 1}, "api.unknown", "surprise"),
]


@pytest.mark.parametrize(("but", "code", "field"), BAD, ids=lambda part: repr(part)[:40])
def test_a_bad_baseline_names_its_field(small_market: Market, but: dict[str, Any], code: str, field: str) -> None:
    for lang in ("zh", "en"):
        answer = small_market.program().post("/baseline", {**GOOD, **but}, **{"Accept-Language": lang})
        problem(answer, 422, code, field)


def test_time_and_rules_are_those_of_the_server(market: Market) -> None:
    assert market.program().get("/time").get_json() == {"now": "2026-06-01T03:00:00Z", "micros": 1780282800000000}
    rules = market.program().get("/rules").get_json()
    assert rules["city"]["document"]["drain_seconds"] == 10 and len(rules["methods"]["digest"]) == 64


def test_reading_sends_the_same_number_of_statements_however_much_there_is(market: Market) -> None:
    paths = ["/jobs", f"/jobs/{market.code}", "/firms", f"/firms/{market.firm.org.uscc}", "/items", "/events", "/rules"]
    for path in paths:
        market.program().get(path)
    before = {path: statements(market, path) for path in paths}
    with market.db.write() as s:
        for _ in range(8):
            make_auction(s, market.city.keeper)
            make_firm(s)

    assert {path: statements(market, path) for path in paths} == before
    assert before["/jobs"] == 1 and before["/firms"] == 2 and before["/events"] == 1


def test_an_answer_is_what_the_door_promises_for_a_head_too(small_market: Market) -> None:
    client = small_market.app.test_client()
    with small_market.db.write() as s:
        place(s)
        seal(s, T0, log_signer(s))
    for door in DOORS:
        if door.method == "GET" and "<" not in door.rule and door.may is None:
            asked = QUERIES.get(f"api.{door.name}", "")
            assert client.head(f"/api/v1{door.rule}?{asked}").status_code == 200, door.name
            assert "GET" in client.options(f"/api/v1{door.rule}").headers["Allow"]
