"""Real processes while PostgreSQL and the keeper die and come back: nothing lost, nothing twice, nobody helps them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bidding.auctions.models import Auction, Bid
from bidding.awards.models import Award
from market.audit.models import AuditEntry
from tests.conftest import _found
from tests.makers import Party, bid
from tests.postgres import Server
from tests.race.city import RaceCity, pause
from tests.race.site import Answer, Site

pytestmark = pytest.mark.race


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A PostgreSQL that writes through to the disk, for this test alone."""
    server = Server(durable=True)
    yield server
    server.stop()


def test_a_city_goes_on_by_itself_after_its_database_was_killed(own_server: Server) -> None:
    url = own_server.fresh()
    _found(url)
    with RaceCity(url) as city:
        auctions, firms = city.auctions(6, 3)
        _bids(city, auctions, firms)
        city.start("scheduler")
        with Site(city, threads=8) as site:
            assert site.get("/jobs").status == 200
            own_server.kill()
            city.set_clock(auctions[0].closes_at + timedelta(seconds=10))  # T comes while the database is away
            for path in ("/jobs", "/en/jobs"):
                down = site.get(path)
                assert down.status == 503 and "Traceback" not in down.text and down.headers["retry-after"]
            program = site.get("/api/v1/jobs")
            assert program.status == 503 and "problem+json" in program.headers["content-type"]
            pause(4)

            own_server.restart()
            city._until(lambda: _answers(site.get("/jobs")), 30)
        city._until(lambda: _decided(city) == len(auctions), 90)

        def said(words: str) -> bool:
            return words in (city.home / "scheduler.log").read_text("utf-8")

        assert said("closing waits: DatabaseDown")
        city._until(lambda: said("closing goes on"), 30)  # said when the turn that decided them has ended
        assert "Traceback" not in (city.home / "web.log").read_text("utf-8")
        _once(city, [a.id for a in auctions])


@pytest.mark.parametrize("which", ["sqlite_city", "postgres_city"])
def test_auctions_that_close_without_a_keeper_are_decided_when_it_is_back(
    request: pytest.FixtureRequest, which: str
) -> None:
    with RaceCity(str(request.getfixturevalue(which))) as city:
        auctions, firms = city.auctions(3, 3)
        city.keeper_process.kill()
        city.keeper_process.wait()
        _bids(city, auctions, firms)  # sealing needs the public key of the auction only
        city.set_clock(auctions[0].closes_at + timedelta(seconds=10))
        city.start("scheduler")
        city._until(lambda: "closing waits: KeeperDown" in city.logs(), 60)
        with city.db.read() as r:
            assert set(r.scalars(select(Auction.state))) == {"closing"}

        city.start("keeper")
        city._until(lambda: _decided(city) == len(auctions), 90)
        _once(city, [a.id for a in auctions])


def _bids(city: RaceCity, auctions: list[Auction], firms: list[Party]) -> None:
    for auction in auctions:
        with city.db.write() as s:
            for n, firm in enumerate(firms):
                bid(s, auction, firm, 8_000_000 + n)


def _answers(answer: Answer) -> bool:
    return answer.status == 200


def _decided(city: RaceCity) -> int:
    with city.db.read() as r:
        return r.scalar(select(func.count()).where(Auction.state == "decided")) or 0


def _once(city: RaceCity, auctions: list[str]) -> None:
    """Every receipt's bid is there, and each auction has one award, one claim and one decision."""
    with city.db.read() as r:
        assert sorted(r.scalars(select(Award.auction_id))) == sorted(auctions)
        assert r.scalar(select(func.count()).select_from(Bid)) == 3 * len(auctions)
        for deed in ("auction.claimed", "auction.decided", "award.proposed"):
            found = [e.facts["auction"] for e in r.scalars(select(AuditEntry).where(AuditEntry.deed == deed))]
            assert sorted(found) == sorted(auctions)
