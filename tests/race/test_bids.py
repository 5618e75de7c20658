"""Bids from real processes: one firm many times at once, and many firms around T while schedulers close."""

import json
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context

import pytest
from sqlalchemy import func, select, update

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.awards.models import Award
from bidding.methods import decide
from market.catalogue.models import CatalogueVersion
from market.jobs.models import Job
from tests.race.bidders import bid_around
from tests.race.city import RaceCity, later, pause

pytestmark = pytest.mark.race
SPAWN = get_context("spawn")


@pytest.fixture(params=["sqlite_city", "postgres_city"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_forty_bids_of_one_firm_at_once_leave_one_row_with_forty_versions(url: str) -> None:
    with RaceCity(url) as city:
        (auction,), (firm,) = city.auctions(1, 1)
        with city.db.read() as r:
            code = r.scalars(select(Job.code).where(Job.id == auction.job_id)).one()
        mine = [(str(code), firm.org.id, firm.person.id, firm.lead)] * 10
        start = later(city.clock.now(), 6)
        with ProcessPoolExecutor(4, mp_context=SPAWN) as pool:
            done = [
                pool.submit(bid_around, url, str(city.home / "clock"), str(city.home / f"{i}.jsonl"), mine, start)
                for i in range(4)
            ]
            kept = sum(f.result() for f in done)

        with city.db.read() as r:
            bids = r.scalars(select(Bid)).all()
            versions = sorted(r.scalars(select(BidVersion.version)))
    assert (kept, len(bids), bids[0].version) == (40, 1, 40)
    assert versions == list(range(1, 41))


def test_bids_and_closings_around_the_deadline_agree_with_a_reference_decision(url: str) -> None:
    """Drain zero, the hardest case: whatever got a receipt is counted, whatever came at T or later did not get one."""
    with RaceCity(url) as city:
        _no_drain(city)
        auctions, firms = city.auctions(10, 25)
        closes_at = auctions[0].closes_at
        with city.db.read() as r:
            found = r.execute(select(Job.code, Job.id).where(Job.id.in_([a.job_id for a in auctions])))
            codes = {str(code): int(job) for code, job in found}
        for _ in range(2 if url.startswith("postgresql") else 1):
            city.start("scheduler")
        turns = [
            [(code, f.org.id, f.person.id, f.lead) for _ in range(8) for f in firms[i::4] for code in codes]
            for i in range(4)
        ]
        assert sum(map(len, turns)) >= 2000
        with ProcessPoolExecutor(4, mp_context=SPAWN) as pool:
            work = [
                pool.submit(
                    bid_around, url, str(city.home / "clock"), str(city.home / f"{i}.jsonl"), turn,
                    closes_at - timedelta(seconds=6), "", closes_at + timedelta(seconds=0.5),
                )
                for i, turn in enumerate(turns)
            ]  # fmt: skip
            city._until(lambda: all((city.home / f"{i}.jsonl.ready").exists() for i in range(4)), 120)
            city.set_clock(closes_at - timedelta(seconds=6.5))
            for f in work:
                f.result()
        _wait_closed(city, len(auctions))
        answers = [json.loads(line) for i in range(4) for line in (city.home / f"{i}.jsonl").open()]
        _agree(city, answers, codes, closes_at)


def _no_drain(city: RaceCity) -> None:
    with city.db.write() as s:
        version = s.scalars(select(CatalogueVersion).where(CatalogueVersion.kind == "city_rules")).one()
        text = str(version.document["text"]).replace('"drain_seconds": 10', '"drain_seconds": 0')
        s.execute(
            update(CatalogueVersion)
            .where(CatalogueVersion.id == version.id)
            .values(document={**version.document, "text": text}, digest="0" * 64)
        )


def _wait_closed(city: RaceCity, n: int) -> None:
    for _ in range(1200):
        with city.db.read() as r:
            if r.scalar(select(func.count()).where(Auction.state.in_(["decided", "failed"]))) == n:
                return
        pause(0.1)
    raise AssertionError(city.logs())


def _agree(city: RaceCity, answers: list[dict[str, object]], codes: dict[str, int], closes_at: datetime) -> None:
    receipts = [a for a in answers if "number" in a]
    late = [a for a in answers if a.get("refused") == "bid.late"]
    assert receipts and late, "the race did not run around the deadline"
    assert all(datetime.fromisoformat(str(a["at"])) < closes_at for a in receipts)
    assert all(datetime.fromisoformat(str(a["at"])) >= closes_at for a in late)
    with city.db.read() as r:
        numbers = set(r.scalars(select(BidVersion.number)))
        assert {str(a["number"]) for a in receipts} == numbers, "every receipt is kept, and nothing else"
        for code, job_id in codes.items():
            auction = r.scalars(select(Auction).where(Auction.job_id == job_id, Auction.round == 1)).one()
            newest: dict[int, dict[str, object]] = {}
            for a in sorted((a for a in receipts if a["job"] == code), key=lambda a: int(str(a["version"]))):
                newest[int(str(a["org"]))] = a
            bidders = {b.org_id: b.bidder for b in r.scalars(select(Bid).where(Bid.auction_id == auction.id))}
            bids = [{"bidder": bidders[org], "offer": {"amount": a["amount"], "days": 20}} for org, a in newest.items()]
            seed = {"hex": auction.seed} if auction.seed else None
            assert auction.outcome is not None
            expected = decide(auction.terms, bids, seed)
            for key in ("status", "code", "winner", "price", "days", "ranking"):
                assert auction.outcome[key] == expected[key], (code, key)
            awards = r.scalars(select(Award).where(Award.auction_id == auction.id)).all()
            assert len(awards) == (1 if expected["status"] == "awarded" else 0)
