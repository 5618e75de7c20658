"""Open data: the mapping to OCDS on cases made by hand, what it must never tell, and every package of a sample city."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bidding.auctions.models import Auction
from bidding.auctions.rules import State as AuctionState
from bidding.awards.rules import State as AwardState
from bidding.awards.service import settle_next
from bidding.closing.service import claim_next, rerun_next
from bidding.sealing.keeper import Keeper
from market.clock import FixedClock
from market.contracts.rules import State as ContractState
from market.db import Database
from market.identity.models import Person
from market.jobs.models import Job
from market.search.whoosh import WhooshSearch
from market.settings import read
from oversight.opendata import ocds, queries
from oversight.opendata.ocds import Amendment, Award, Bid, Bids, Change, Contract, Firm, Part, Process, Publisher
from portal.sample import load_sample
from portal.sample.days import instant
from portal.web import City
from portal.words import DISTRICTS
from tests.makers import Party, bid, database, keeper_in, make_auction, make_firm, make_job, make_owner
from tests.oversight.ocds_schema import merged, official

AT = datetime(2026, 6, 1, 2, tzinfo=UTC)
BY = Publisher("ocds-000000", "http://city.test", "澄浦市 淘中介", "https://creativecommons.org/licenses/by/4.0/")
OWNER, WINNER, LOSER = Firm("11A", "甲局"), Firm("91B", "乙公司"), Firm("91C", "丙公司")
TODAY, SMALL = date(2026, 6, 30), 0.1


def process(**but: Any) -> Process:
    """An open job."""
    row: dict[str, Any] = {
        "code": "ZJ-2026-00001", "title": "报告表", "summary": "编制报告表", "owner": OWNER, "category": "01",
        "service": "S012", "ceiling": 10_000_050, "method": "lowest_price", "days_max": 30, "status": "active",
        "opens_at": AT, "closes_at": AT + timedelta(days=7), "changed_at": AT, "bids": None, "amendments": (),
        "awards": (), "contracts": (),
    }  # fmt: skip
    return Process(**{**row, **but})


def settled(**but: Any) -> Process:
    """A job with everything."""
    bids = (
        Bid("b1", "valid", WINNER, 8_500_000),
        Bid("b2", "valid", LOSER, 9_000_001),
        Bid("b3", "withdrawn", None, None),
        Bid("b4", "disqualified", None, None),
    )
    part = Part(1, "初稿", AT + timedelta(days=20), AT + timedelta(days=19))
    contract = Contract(
        "HT-2026-00001", "ZJ-2026-00001-1-1", "报告表", "active", 9_000_000, AT, AT, AT + timedelta(days=40), (part,),
        (Change(1, AT, "增加范围"), Change(2, AT, None)),
    )  # fmt: skip
    row: dict[str, Any] = {
        "status": "complete", "bids": Bids(3, AT, bids), "amendments": (Amendment("1", AT, "多给几天"),),
        "awards": (Award("ZJ-2026-00001-1-1", "b1", WINNER, "contracted", AT, 8_500_000),), "contracts": (contract,),
    }  # fmt: skip
    return process(**{**row, **but})


# ── the mapping ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_open_job_tells_its_terms_and_nothing_of_bids() -> None:
    told = ocds.release(process(), BY)

    assert told["ocid"] == "ocds-000000-ZJ-2026-00001" and told["tag"] == ["tender"]
    assert told["tender"]["value"] == {"amount": 100_000.5, "currency": "CNY"}
    assert told["tender"]["tenderPeriod"] == {"startDate": "2026-06-01T02:00:00Z", "endDate": "2026-06-08T02:00:00Z"}
    assert not {"bids", "awards", "contracts"} & set(told) and "numberOfTenderers" not in told["tender"]


def test_a_settled_job_tells_bids_award_and_contract_that_refer_to_each_other() -> None:
    told = ocds.release(settled(), BY)
    parties = {p["id"]: p["roles"] for p in told["parties"]}

    assert told["tag"] == ["tender", "award", "contract"]
    assert parties == {
        "CN-USCC-11A": ["buyer", "procuringEntity"],
        "CN-USCC-91B": ["tenderer", "supplier"],
        "CN-USCC-91C": ["tenderer"],
    }
    measures = {row["measure"]: row["value"] for row in told["bids"]["statistics"]}
    assert measures == {
        "bids": 3, "validBids": 2, "disqualifiedBids": 1, "lowestValidBidValue": 85_000,
        "highestValidBidValue": 90_000.01,
    }  # fmt: skip
    (award,), (contract,) = told["awards"], told["contracts"]
    assert award["relatedBid"] == "b1" and contract["awardID"] == award["id"]
    assert contract["amendments"] == [
        {"id": "1", "date": "2026-06-01T02:00:00Z", "rationale": "增加范围"},
        {"id": "2", "date": "2026-06-01T02:00:00Z"},
    ]


def test_a_failed_round_counts_and_neither_names_nor_prices() -> None:
    told = ocds.release(process(status="unsuccessful", bids=Bids(2, AT, None)), BY)

    assert [row["measure"] for row in told["bids"]["statistics"]] == ["bids"]
    assert "details" not in told["bids"] and "tenderers" not in told["tender"]


def test_a_release_has_another_id_when_it_says_something_else_and_the_same_bytes_otherwise() -> None:
    one = settled()

    assert ocds.release_package(one, BY) == ocds.release_package(replace(one), BY)
    assert ocds.release(one, BY)["id"] != ocds.release(replace(one, title="报告书"), BY)["id"]


def test_every_state_has_its_word() -> None:
    assert set(ocds.AWARDS) == set(AwardState) and set(ocds.CONTRACTS) == set(ContractState)


@pytest.mark.parametrize("text", ["", "ocds-000000", "ocds-000000-", "ocds-111111-ZJ-2026-00001", "ZJ-2026-00001"])
def test_a_strange_ocid_is_nobodys(text: str) -> None:
    assert ocds.code_of("ocds-000000", text) is None


def test_merge_patch_is_that_of_the_rfc() -> None:
    """The example of RFC 7396, 3."""
    target = {"title": "Goodbye!", "author": {"givenName": "John", "familyName": "Doe"}, "tags": ["a"], "content": "x"}
    patch = {"title": "Hello!", "phoneNumber": "+1", "author": {"familyName": None}, "tags": ["example"]}

    assert merged(target, patch) == {
        "title": "Hello!", "author": {"givenName": "John"}, "tags": ["example"], "content": "x", "phoneNumber": "+1"
    }  # fmt: skip


@pytest.mark.parametrize("one", [process(), settled(), process(bids=Bids(2, AT, None), status="unsuccessful")])
def test_what_is_made_by_hand_is_valid(one: Process) -> None:
    schema = official()

    assert schema.faults("record", ocds.record_package(one, BY)) == []
    assert schema.faults("release", ocds.release_package(one, BY)) == []


def test_the_schema_finds_what_is_wrong() -> None:
    """Guards the tests themselves: extension, formats, code lists and field names are looked at."""
    schema = official()

    def broken(change: Any) -> list[str]:
        package = json.loads(json.dumps(ocds.release_package(settled(), BY)))
        change(package["releases"][0])
        return schema.faults("release", package)

    assert broken(lambda r: r["bids"]["details"][0].update(status="won"))
    assert broken(lambda r: r["bids"]["statistics"][0].pop("measure"))
    assert broken(lambda r: r.update(date="1 June"))
    assert broken(lambda r: r["tender"].update(tendererz=3))
    assert broken(lambda r: r["contracts"][0].pop("awardID"))


# ── what a database tells ───────────────────────────────────────────────────────────────────────────────────────


def stage(db: Database, folder: Path, kind: str, amounts: tuple[int, ...]) -> tuple[str, list[Party], FixedClock]:
    """A job of an owner of a kind with bids in fen, not yet closed: its code, the firms, the clock."""
    clock = FixedClock(AT)
    with db.write() as s:
        owner = make_owner(s, kind=kind)
        firms = [make_firm(s) for _ in amounts]
        auction = make_auction(s, keeper_in(folder / "keeper", clock), owner)
        for firm, amount in zip(firms, amounts, strict=True):
            bid(s, auction, firm, amount)
        code = str(s.get_one(Job, auction.job_id).code)
    return code, firms, clock


def close(db: Database, folder: Path, clock: FixedClock) -> None:
    with db.read() as s:
        clock.at = s.scalars(select(func.max(Auction.closes_at))).one() + timedelta(seconds=30)
    with db.write() as s:
        claim_next(s, clock.now())
    with db.write() as s:
        settle_next(s, clock.now(), keeper_in(folder / "keeper", clock))


def told(db: Database, code: str) -> dict[str, Any]:
    with db.read() as s:
        found = queries.process(s, code)
    assert found is not None
    return ocds.release(found, BY)


def test_nothing_of_a_bid_is_told_before_the_result(db: Database, tmp_path: Path) -> None:
    code, firms, clock = stage(db, tmp_path, "government", (8_500_000, 9_000_000, 9_500_000))
    before = json.dumps(told(db, code), ensure_ascii=False)
    with db.read() as s:
        clock.at = s.scalars(select(Auction.closes_at)).one() + timedelta(seconds=30)
    with db.write() as s:
        claim_next(s, clock.now())

    between = json.dumps(told(db, code), ensure_ascii=False)
    assert "bids" not in json.loads(between) and "numberOfTenderers" not in between
    assert all(f.org.name not in between + before and f.org.uscc not in between + before for f in firms)


@pytest.mark.parametrize(("kind", "named"), [("government", True), ("private", False)])
def test_a_private_job_names_its_winner_and_no_loser(db: Database, tmp_path: Path, kind: str, named: bool) -> None:
    code, firms, clock = stage(db, tmp_path, kind, (8_500_000, 9_000_000, 9_500_000))
    close(db, tmp_path, clock)

    text = json.dumps(told(db, code), ensure_ascii=False)
    assert [f.org.uscc in text for f in firms] == [True, named, named]
    assert [f.org.name in text for f in firms] == [True, named, named]
    prices = sorted(b["value"]["amount"] for b in json.loads(text)["bids"]["details"])
    assert prices == [85_000, 90_000, 95_000]


def test_a_failed_job_names_nobody(db: Database, tmp_path: Path) -> None:
    """Its first round makes way for a second, which tells nothing while it runs; when that fails too, a count."""
    code, firms, clock = stage(db, tmp_path, "government", (8_500_000, 9_000_000))
    close(db, tmp_path, clock)
    assert set(told(db, code)["bids"]) == {"statistics"}
    with db.write() as s:
        rerun_next(s, clock.now(), keeper_in(tmp_path / "keeper", clock))
    with db.write() as s:
        first, again = s.scalars(select(Auction).order_by(Auction.round)).all()
        assert (first.state, again.state) == (AuctionState.FAILED, AuctionState.OPEN)
        bid(s, again, firms[0], 8_600_000, received_at=clock.now())
    assert "bids" not in told(db, code)

    close(db, tmp_path, clock)
    last = told(db, code)
    assert last["tender"]["status"] == "unsuccessful" and set(last["bids"]) == {"statistics"}
    assert [(row["measure"], row["value"]) for row in last["bids"]["statistics"]] == [("bids", 1)]
    text = json.dumps(last, ensure_ascii=False)
    assert all(f.org.name not in text and f.org.uscc not in text for f in firms)
    assert not any(price in text for price in ("85000", "86000", "90000"))


def test_what_is_not_published_is_not_there(db: Database) -> None:
    with db.write() as s:
        code = str(make_job(s, make_owner(s), AT).code)
    with db.read() as s:
        assert queries.process(s, code) is None and queries.months(s) == [] and queries.recent(s, 5) == []


def test_months_are_those_of_beijing(db: Database, tmp_path: Path) -> None:
    code, _, _ = stage(db, tmp_path, "government", (8_500_000,))
    with db.write() as s:
        s.scalars(select(Job).where(Job.code == code)).one().published_at = datetime(2026, 4, 30, 16, tzinfo=UTC)

    with db.read() as s:
        assert [(m.name, m.jobs) for m in queries.months(s)] == [("2026-05", 1)]
        assert [p.code for p in queries.page_of(s, "2026-05", 0)[0]] == [code]
        assert queries.page_of(s, "2026-04", 0)[0] == []


# ── a sample city ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def sample(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A tenth of the sample city."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copy(sqlite_template, folder / "city.db")
    db = database(f"sqlite:///{folder / 'city.db'}")
    settings = read({"TAOZHONGJIE_HOME": str(folder / "home"), "TAOZHONGJIE_URL": "http://city.test"})
    settings.home.mkdir()
    clock = FixedClock(instant(TODAY, 10))
    keeper = Keeper(folder / "unused", clock)
    city = City(settings, db, clock, keeper, WhooshSearch(settings.index), {"districts": DISTRICTS})
    load_sample(city, lambda _: None, SMALL, TODAY)
    yield db
    keeper.close()
    db.close()


def everything(db: Database) -> Iterator[Process]:
    with db.read() as s:
        for month in queries.months(s):
            after: int | None = 0
            while after is not None:
                page, after = queries.page_of(s, month.name, after)
                yield from page


def test_every_package_of_a_sample_city_is_valid(sample: Database) -> None:
    schema, tags = official(), Counter[str]()
    for one in everything(sample):
        record, package = ocds.record_package(one, BY), ocds.release_package(one, BY)
        assert schema.faults("record", record) == [] and schema.faults("release", package) == [], one.code
        tags.update(package["releases"][0]["tag"])

    with sample.read() as s:
        published = s.scalar(select(func.count()).select_from(Job).where(Job.published_at.is_not(None)))
    assert tags["tender"] == published and tags["award"] > 20 and tags["contract"] > 20


def test_a_sample_city_tells_of_no_person_and_refers_only_to_what_it_tells(sample: Database) -> None:
    with sample.read() as s:
        people = set(s.scalars(select(Person.name))) | set(s.scalars(select(Person.email)))
    for one in everything(sample):
        told = ocds.release(one, BY)
        values = set(_texts(told))
        assert not values & people, one.code
        parties = {p["id"] for p in told["parties"]}
        assert {t["id"] for b in told.get("bids", {}).get("details", []) for t in b.get("tenderers", [])} <= parties
        bids = {b["id"] for b in told.get("bids", {}).get("details", [])}
        awards = {a["id"] for a in told.get("awards", [])}
        assert {a["relatedBid"] for a in told.get("awards", []) if "relatedBid" in a} <= bids
        assert {c["awardID"] for c in told.get("contracts", [])} <= awards


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def test_a_page_of_jobs_takes_a_fixed_number_of_statements(sample: Database) -> None:
    counts = []
    for size in (3, 30):
        sent: list[str] = []

        def note(_c: Any, _k: Any, statement: str, *_: Any, to: list[str] = sent) -> None:
            to.append(statement)

        with sample.read() as s:
            engine = s.get_bind()
            event.listen(engine, "before_cursor_execute", note)
            queries.processes(s, queries.recent(s, size))
            event.remove(engine, "before_cursor_execute", note)
        counts.append(len(sent))

    assert counts[0] == counts[1] <= 8
