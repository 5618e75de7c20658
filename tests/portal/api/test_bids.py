"""Bids by program: the receipt, what is refused and where, keys that come again, and what a stranger learns."""

import base64
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bidding.auctions.models import Bid, BidVersion
from bidding.auctions.service import Changes, amend_auction, cancel_auction, examine
from bidding.awards.service import settle_next
from bidding.closing.service import claim_next
from bidding.sealing.receipt import verify
from market.audit.models import AuditEntry
from market.jobs.models import Job
from market.notices.models import Notice
from tests.counting import round_trips
from tests.makers import T0, closing, make_firm, make_owner
from tests.portal.api.conftest import Market, token_of
from tests.portal.api.test_errors import problem


def bids_in(market: Market) -> tuple[int, int]:
    with market.db.read() as s:
        return s.scalar(select(func.count(Bid.id))) or 0, s.scalar(select(func.count(BidVersion.id))) or 0


def bid(market: Market, key: str = "key-1", **but: Any) -> Any:
    return market.firms_program.post(f"/jobs/{market.code}/bids", market.offer(**but), key)


def test_a_bid_gets_a_signed_receipt_that_anyone_can_check(market: Market) -> None:
    answer = bid(market)

    assert answer.status_code == 201 and answer.content_type == "application/json"
    receipt = answer.get_json()
    assert receipt["again"] is False and answer.headers["Location"] == f"/api/v1/bids/{receipt['number']}"
    key = market.program().get("/rules").get_json()["receipt_key"]
    stated = verify(bytes.fromhex(key["public"]), receipt["text"], base64.b64decode(receipt["signature"]))
    assert stated is not None and key["id"] == receipt["key"]
    assert (stated.number, stated.received_at) == (receipt["number"], T0 + timedelta(hours=1))
    assert "8800000" not in answer.text and bids_in(market) == (1, 1)


def test_a_key_that_comes_again_gives_the_first_receipt_and_keeps_nothing(market: Market) -> None:
    first = bid(market)
    again = bid(market, amount=9_000_000)
    other = bid(market, key="key-2")

    assert (again.status_code, again.get_json()["again"]) == (200, True)
    assert {**again.get_json(), "again": False} == first.get_json()
    assert other.status_code == 201 and other.get_json()["facts"]["version"] == 2
    assert bids_in(market) == (1, 2)


def test_a_key_that_comes_again_after_the_deadline_still_gives_its_receipt(market: Market) -> None:
    first = bid(market)
    market.clock.advance(timedelta(days=30))

    assert bid(market).get_json()["number"] == first.get_json()["number"]
    problem(bid(market, key="key-2"), 409, "bid.late")


def test_one_key_for_two_kinds_of_act_is_refused(market: Market) -> None:
    bid(market)
    problem(
        market.firms_program.post(f"/jobs/{market.code}/withdrawal", key="key-1"),
        422,
        "api.key_used",
        "Idempotency-Key",
    )
    assert bids_in(market) == (1, 1)


def test_requests_with_one_key_that_run_at_once_are_kept_once(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(8)
    answers: list[Any] = []

    def examine_all_before_any_is_kept(*arguments: Any) -> Any:
        ready = examine(*arguments)
        together.wait(timeout=30)
        return ready

    monkeypatch.setattr("bidding.auctions.service.examine", examine_all_before_any_is_kept)

    def send() -> None:
        answers.append(market.firms_program.post(f"/jobs/{market.code}/bids", market.offer(), "the-same"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert (
        len({a.get_json()["number"] for a in answers}) == 1 and len({a.get_json()["signature"] for a in answers}) == 1
    )
    assert sum(a.get_json()["again"] for a in answers) == 7 and bids_in(market) == (1, 1)


def test_bids_of_one_firm_that_run_at_once_are_versions_of_one_bid(market: Market) -> None:
    together = threading.Barrier(6)
    answers: list[Any] = []

    def send(n: int) -> None:
        program = market.firms_program
        together.wait()
        answers.append(program.post(f"/jobs/{market.code}/bids", market.offer(), f"key-{n}"))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [a.status_code for a in answers] == [201] * 6
    assert sorted(a.get_json()["facts"]["version"] for a in answers) == [1, 2, 3, 4, 5, 6] and bids_in(market) == (1, 6)


@pytest.mark.parametrize("key", [None, "", "with blank", "x" * 81, "键", "a\tb", "k;DROP"])
def test_an_act_without_a_proper_key_is_a_400(small_market: Market, key: str | None) -> None:
    sent = key.encode().decode("latin-1") if key else key
    code = "api.key_missing" if key is None else "api.key_form"
    for path in ("bids", "withdrawal", "confirmation"):
        body = small_market.offer() if path == "bids" else None
        answer = small_market.firms_program.post(f"/jobs/{small_market.code}/{path}", body, sent)
        problem(answer, 400, code, "Idempotency-Key")
    assert bids_in(small_market) == (0, 0)


NUMBERS = [
    ("88", "api.whole"), ("８８", "api.whole"), (1.5, "api.whole"), (True, "api.whole"), (None, "api.whole"),
    ([], "api.whole"), ({}, "api.whole"), ("😀", "api.whole"), ("<b>1</b>", "api.whole"), ("\x00", "api.whole"),
    (0, "api.small"), (-1, "api.small"), (-(10**30), "api.small"), (10**30, "api.large"), (2**63, "api.large"),
    (1e300, "api.whole"), (9007199254740994.0, "api.whole"),
]  # fmt: skip


@pytest.mark.parametrize("field", ["amount", "days", "lead"])
@pytest.mark.parametrize(("value", "code"), NUMBERS, ids=repr)
def test_a_bad_number_names_its_field(small_market: Market, field: str, value: Any, code: str) -> None:
    problem(bid(small_market, **{field: value}), 422, code, field)
    assert bids_in(small_market) == (0, 0)


@pytest.mark.parametrize(
    "literal", ["1" * 5000, "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400 + ".0", "0x10", "01", "8800000.5"]
)
def test_a_number_no_machine_holds_is_refused(small_market: Market, literal: str) -> None:
    body = f'{{"amount": {literal}, "days": 20, "lead": {small_market.firm.lead}, "declaration": true}}'
    answer = small_market.firms_program.post(f"/jobs/{small_market.code}/bids", body, "k")
    assert answer.status_code in (400, 422) and answer.get_json()["errors"][0]["field"] in ("amount", "body")
    assert bids_in(small_market) == (0, 0)


@pytest.mark.parametrize("value", [False, "true", 1, None, [], "😀"])
def test_a_declaration_is_made_or_the_bid_is_refused(small_market: Market, value: Any) -> None:
    code = "bid.undeclared" if value is False else "api.boolean"
    problem(bid(small_market, declaration=value), 422, code, "declaration")


def test_missing_and_unknown_fields_are_all_named(small_market: Market) -> None:
    answer = small_market.firms_program.post(f"/jobs/{small_market.code}/bids", {"price": 1, "\x00": 2}, "k")

    found = {(f["field"], f["code"]) for f in answer.get_json()["errors"]}
    missing = {(name, "api.missing") for name in ("amount", "days", "lead", "declaration")}
    assert found == missing | {("price", "api.unknown"), ("\x00", "api.unknown")}


def test_a_whole_float_is_an_integer_of_json_schema(small_market: Market) -> None:
    assert bid(small_market, amount=8_800_000.0, days=20.0).status_code == 201


def test_what_the_rules_refuse_has_the_words_of_the_rules(market: Market) -> None:
    with market.db.write() as s:
        other = make_firm(s)
    both = problem(bid(market, amount=10_000_001, days=31), 422, "bid.bounds", "amount")
    assert ("days", "bid.days") in [(f["field"], f["code"]) for f in both["errors"]]
    problem(bid(market, lead=other.lead), 422, "bid.lead", "lead")
    problem(bid(market, lead=2**31 - 1), 422, "bid.lead", "lead")
    assert bids_in(market) == (0, 0)


def test_a_firm_of_another_trade_is_refused_with_every_reason(market: Market) -> None:
    with market.db.write() as s:
        other = make_firm(s, category="05")
    program = market.program(token_of(market.db, other))
    answer = program.post(f"/jobs/{market.code}/bids", market.offer(lead=other.lead), "k")
    problem(answer, 422, "bid.notadmitted")

    fit = program.get(f"/jobs/{market.code}/eligibility").get_json()
    assert fit["eligible"] is False
    assert [c["code"] for c in fit["checks"] if not c["ok"]] == ["bid.notadmitted"]
    assert market.firms_program.get(f"/jobs/{market.code}/eligibility").get_json()["eligible"] is True


def test_the_stroke_of_the_deadline_is_late(market: Market) -> None:
    with market.db.read() as s:
        closes_at = s.scalars(select(Job.closes_at).where(Job.code == market.code)).one()
    assert closes_at is not None
    market.clock.at = closes_at - timedelta(microseconds=1)
    assert bid(market).status_code == 201
    market.clock.at = closes_at
    problem(bid(market, key="key-2"), 409, "bid.late")
    assert bids_in(market) == (1, 1)


def test_a_bid_is_withdrawn_once_and_its_receipts_stay(market: Market) -> None:
    program = market.firms_program
    problem(program.post(f"/jobs/{market.code}/withdrawal", key="w0"), 409, "bid.none")
    sealed = bid(market).get_json()
    gone = program.post(f"/jobs/{market.code}/withdrawal", key="w1")

    assert (gone.status_code, gone.get_json()["facts"]["kind"], gone.get_json()["facts"]["version"]) == (
        201,
        "withdrawn",
        2,
    )
    assert program.post(f"/jobs/{market.code}/withdrawal", key="w1").get_json()["again"] is True
    problem(program.post(f"/jobs/{market.code}/withdrawal", key="w2"), 409, "bid.none")
    assert program.get(f"/bids/{sealed['number']}").get_json()["facts"]["kind"] == "sealed"
    acts = program.get(f"/jobs/{market.code}/eligibility").get_json()["acts"]
    assert [a["kind"] for a in acts] == ["withdrawn", "sealed"]


def test_an_amended_job_is_confirmed_by_its_bidders(market: Market) -> None:
    bid(market)
    program = market.firms_program
    problem(program.post(f"/jobs/{market.code}/confirmation", key="c0"), 409, "bid.confirmed_already")
    with market.db.write() as s:
        job = s.scalars(select(Job).where(Job.code == market.code)).one()
        changes = Changes("补充资料", closing(T0, 12), summary="编制环境影响报告表，含公众参与说明，并通过技术评估。")
        amend_auction(s, job.id, job.owner_id, changes, "person:0", market.clock.now(), market.city.keeper)

    assert program.get(f"/jobs/{market.code}/eligibility").get_json()["must_confirm"] is True
    done = program.post(f"/jobs/{market.code}/confirmation", key="c1")
    assert (done.status_code, done.get_json()["facts"]["kind"]) == (201, "confirmed")
    assert program.get(f"/jobs/{market.code}/eligibility").get_json()["must_confirm"] is False


def test_a_cancelled_job_takes_no_bid(market: Market) -> None:
    with market.db.write() as s:
        job = s.scalars(select(Job).where(Job.code == market.code)).one()
        cancel_auction(s, job.id, job.owner_id, "项目停止", "person:0", market.clock.now())
    problem(bid(market), 409, "bid.cancelled")
    assert market.program().get(f"/jobs/{market.code}").get_json()["state"] == "cancelled"


def test_an_act_without_body_takes_none(small_market: Market) -> None:
    answer = small_market.firms_program.post(f"/jobs/{small_market.code}/withdrawal", {"reason": "x"}, "w")
    problem(answer, 422, "api.no_body", "body")


def test_a_job_that_is_not_public_or_not_there_is_a_404_for_every_act(market: Market) -> None:
    for code in ("ZJ-2026-99999", "x", "%F0%9F%98%80", market.auction):
        for path in ("bids", "withdrawal", "confirmation"):
            body = market.offer() if path == "bids" else None
            answer = market.firms_program.post(f"/jobs/{code}/{path}", body, "k")
            problem(answer, 404, "job.unknown")


def test_before_the_deadline_a_stranger_with_the_number_learns_two_things(market: Market) -> None:
    number = bid(market).get_json()["number"]
    with market.db.write() as s:
        people = [make_owner(s), make_firm(s), make_owner(s)]
    readers = [market.program(), *(market.program(token_of(market.db, p)) for p in people)]
    for reader in readers:
        seen = reader.get(f"/bids/{number.lower().replace('-', '')}").get_json()
        told = {name for name, value in seen.items() if value is not None}
        assert told == {"number", "signature_valid", "closes_at", "key"} and seen["signature_valid"] is True
    assert market.firms_program.get(f"/bids/{number}").get_json()["facts"]["version"] == 1

    market.clock.advance(timedelta(days=30))
    assert market.program().get(f"/bids/{number}").get_json()["facts"]["kind"] == "sealed"


def test_before_the_deadline_no_answer_tells_that_somebody_bid(market: Market) -> None:
    public = ["/jobs", f"/jobs/{market.code}", "/firms", f"/firms/{market.firm.org.uscc}", "/events", "/rules"]
    before = [market.program().get(path).text for path in public]
    number = bid(market).get_json()["number"]
    after = [market.program().get(path).text for path in public]

    assert before == after and not any(number in text for text in after)


def test_the_protocol_names_losers_of_a_private_job_to_its_parties_alone(market: Market) -> None:
    bid(market)
    with market.db.write() as s:
        rivals = [make_firm(s) for _ in range(2)]
        job = s.scalars(select(Job).where(Job.code == market.code)).one()
        assert job.funding == "private" and job.closes_at is not None
        closes_at = job.closes_at
    for n, rival in enumerate(rivals):
        program = market.program(token_of(market.db, rival))
        offer = market.offer(amount=9_000_000 + n, lead=rival.lead)
        assert program.post(f"/jobs/{market.code}/bids", offer, "k").status_code == 201
    problem(market.program().get(f"/jobs/{market.code}/protocol"), 404, "api.no_result")
    market.clock.at = closes_at + timedelta(seconds=10)
    with market.db.write() as s:
        assert claim_next(s, market.clock.now()) is not None
    problem(market.program().get(f"/jobs/{market.code}/protocol"), 404, "api.no_result")
    with market.db.write() as s:
        assert settle_next(s, market.clock.now(), market.city.keeper) is not None

    stranger = market.program().get(f"/jobs/{market.code}/protocol").get_json()
    assert [b["amount"] for b in stranger["bids"]] == [8_800_000, 9_000_000, 9_000_001]
    assert [b["name"] for b in stranger["bids"]] == [market.firm.org.name, None, None]
    assert all(b["intact"] for b in stranger["bids"]) and stranger["awards"][0]["firm"] == market.firm.org.name
    assert stranger["case"]["outcome"]["ranking"][0]["bidder"] == stranger["bids"][0]["bidder"]
    party = market.firms_program.get(f"/jobs/{market.code}/protocol").get_json()
    assert all(b["name"] for b in party["bids"])
    assert market.program().get(f"/jobs/{market.code}").get_json()["state"] == "proposed"


def test_a_bid_costs_few_statements_and_one_write_transaction(market: Market) -> None:
    bid(market, key="warm")
    seen: list[str] = []
    begun: list[object] = []
    engines = (market.db.engine, market.db._read)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", lambda _c, _k, sql, *_: seen.append(sql))
    event.listen(market.db.engine, "begin", begun.append)

    with round_trips() as sent:
        assert bid(market, key="counted").status_code == 201
    if not market.db.sqlite:
        assert [sql.count("json_agg") for sql in sent] == [0, 3, 0]  # the token, the questions, the bid
    seen += sent
    plain = [re.sub(r"\s+", " ", sql) for sql in seen if not sql.startswith(("BEGIN", "SELECT 1"))]
    writing = [sql for sql in plain if not sql.startswith("SELECT")]
    assert len(begun) == (1 if market.db.sqlite else 0)  # on PostgreSQL the one statement is a transaction
    assert len(writing) <= (4 if market.db.sqlite else 2), writing
    assert len(plain) <= 16, plain
    assert sum("api_token" in sql for sql in plain) == 1


def test_what_is_refused_leaves_no_row_anywhere(market: Market) -> None:
    with market.db.read() as s:
        before = [s.scalar(select(func.count()).select_from(t)) for t in (AuditEntry, Notice, Bid)]
    for body in (market.offer(amount=10**14), market.offer(days=31), market.offer(lead=1 + market.firm.lead)):
        assert market.firms_program.post(f"/jobs/{market.code}/bids", body, "k").status_code == 422
    with market.db.read() as s:
        assert before == [s.scalar(select(func.count()).select_from(t)) for t in (AuditEntry, Notice, Bid)]
