"""The feed: opaque places of one size before T, facts after it, and a cursor that never skips."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market.audit.models import AuditEntry
from market.audit.rules import NEVER, Deed
from market.audit.sequencer import place
from market.audit.service import record
from market.clock import FixedClock
from market.db import Database
from tests.makers import T0
from tests.portal.api.conftest import Market, Program, market_of


def read(program: Program, after: int = -1, limit: int = 1000) -> dict[str, Any]:
    answer = program.get(f"/events?after={after}&limit={limit}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def placed(market: Market, pad: int | None = 0) -> None:
    with market.db.write() as s:
        place(s, pad)


def test_places_are_dense_and_the_cursor_stays_at_the_end(market: Market) -> None:
    placed(market, pad=3)
    program = market.program()
    whole = read(program)

    assert [e["seq"] for e in whole["items"]] == list(range(len(whole["items"])))
    assert whole["next"] == len(whole["items"]) - 1
    assert read(program, whole["next"]) == {"items": [], "next": whole["next"]}
    one_by_one: list[Any] = []
    after = -1
    while page := read(program, after, 1)["items"]:
        one_by_one += page
        after = page[-1]["seq"]
    assert one_by_one == whole["items"]


def test_a_full_page_links_to_the_next(market: Market) -> None:
    placed(market)
    answer = market.program().get("/events?limit=2")

    assert answer.headers["Link"] == '</api/v1/events?limit=2&after=1>; rel="next"'
    assert "Link" not in market.program().get("/events?limit=1000").headers


def opaque_texts(text: str) -> list[str]:
    """The bytes of every opaque place of an answer, as they were sent."""
    inner = text.removeprefix('{"items":[').rpartition('],"next":')[0]
    parts = inner.replace("},{", "}\x00{").split("\x00")
    return [part for part in parts if part.count('":') == 2]


def test_before_the_deadline_every_opaque_place_has_the_same_keys_and_length(market: Market) -> None:
    placed(market, pad=9)
    program = market.firms_program
    for n in range(3):
        program.post(f"/jobs/{market.code}/bids", market.offer(amount=8_800_000 + n), f"key-{n}")
    program.post(f"/jobs/{market.code}/withdrawal", key="w")
    with market.db.write() as s:
        record(s, Deed.SIGNED_IN, T0, "person:1", veil=NEVER)
        record(s, Deed.DRAFT_SAVED, T0, "person:123456", veil=NEVER, job=12345)
    placed(market, pad=100)

    answer = market.program().get("/events?limit=1000")
    texts = opaque_texts(answer.text)
    items = [e for e in answer.get_json()["items"] if "deed" not in e]
    assert len(texts) == len(items) >= 9 + 4 + 2 + 100
    assert {len(text.encode()) for text in texts} == {len(texts[0].encode())}
    assert {tuple(e) for e in items} == {("seq", "leaf")} and {len(e["leaf"]) for e in items} == {64}
    assert "bid." not in answer.text and "8800000" not in answer.text


def test_at_the_deadline_the_same_place_tells_the_bid_by_its_opaque_name(market: Market) -> None:
    receipt = market.firms_program.post(f"/jobs/{market.code}/bids", market.offer(), "k").get_json()
    placed(market)
    with market.db.read() as s:
        leaf = s.scalars(select(AuditEntry.leaf).where(AuditEntry.deed == "bid.sealed")).one().hex()
    before = next(e for e in read(market.program())["items"] if e["leaf"] == leaf)
    market.clock.advance(timedelta(days=30))
    after = read(market.program(), before["seq"] - 1, 1)["items"][0]

    assert set(before) == {"seq", "leaf"}
    assert (after["seq"], after["leaf"], after["deed"]) == (before["seq"], leaf, "bid.sealed")
    assert after["actor"] == f"bidder:{receipt['facts']['bidder']}" and after["subject"] == market.code
    assert after["blinded"]["envelope"]["value"] == receipt["facts"]["digest"]


def test_sign_ins_and_drafts_are_never_told(market: Market) -> None:
    with market.db.write() as s:
        record(s, Deed.SIGNED_IN, T0, "person:1", veil=NEVER)
    placed(market)
    market.clock.advance(timedelta(days=3650))
    assert "signed.in" not in market.program().get("/events?limit=1000").text


@pytest.mark.parametrize("after", ["-2", "x", "9007199254740992", "", "1e3", "\x00"])
def test_a_cursor_that_is_no_place_is_refused(small_market: Market, after: str) -> None:
    answer = small_market.app.test_client().get("/api/v1/events", query_string={"after": after})
    assert answer.status_code == 422 and answer.get_json()["errors"][0]["field"] == "after"


def _write_some(db: Database, n: int, stop: threading.Event, wrote: list[str]) -> None:
    """Short and long transactions, some of them thrown away, each with up to three records."""
    luck = random.Random(n)
    for turn in range(40):
        names = [f"w{n}-{turn}-{i}" for i in range(luck.randint(1, 3))]
        try:
            with db.write() as s:
                for name in names:
                    record(s, Deed.QUESTION_ASKED, T0, "person:0", subject=name)
                    stop.wait(luck.random() / 200)
                if luck.random() < 0.2:
                    raise InterruptedError
        except InterruptedError:
            continue
        wrote.extend(names)


def test_a_reader_that_follows_the_cursor_meets_every_record_once_among_concurrent_writers(
    db: Database, clock: FixedClock, tmp_path: Any
) -> None:
    market = market_of(db, clock, tmp_path)
    stop = threading.Event()
    wrote: list[str] = []
    writers = [threading.Thread(target=_write_some, args=(db, n, stop, wrote)) for n in range(4)]
    for writer in writers:
        writer.start()
    client: FlaskClient = market.app.test_client()
    met: list[dict[str, Any]] = []

    def follow() -> None:
        after = met[-1]["seq"] if met else -1
        while page := read(Program(client), after, 7)["items"]:
            met.extend(page)
            after = page[-1]["seq"]

    while any(writer.is_alive() for writer in writers):
        placed(market, pad=None)
        follow()
    for writer in writers:
        writer.join()
    for _ in range(2):  # the horizon of PostgreSQL may lie one transaction behind
        placed(market)
    follow()

    assert [e["seq"] for e in met] == list(range(len(met)))
    subjects = [e["subject"] for e in met if e.get("deed") == "question.asked"]
    assert sorted(subjects) == sorted(wrote) and len(wrote) > 100
