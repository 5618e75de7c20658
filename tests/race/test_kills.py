"""Schedulers killed with -9 at random points, between opening and commit too: each result exactly once."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.methods import decide
from market.audit.models import AuditEntry, AuditLeaf
from market.db import Database
from market.notices.models import Notice
from tests.makers import bid
from tests.race.city import RaceCity, pause

pytestmark = pytest.mark.race


@pytest.mark.parametrize(("which", "schedulers"), [("sqlite_city", 1), ("postgres_city", 2)])
def test_schedulers_that_are_killed_close_every_auction_exactly_once(
    request: pytest.FixtureRequest, which: str, schedulers: int
) -> None:
    url = str(request.getfixturevalue(which))
    luck = random.Random(7)
    with RaceCity(url) as city:
        auctions, firms = city.auctions(200, 5)
        for i, auction in enumerate(auctions):
            with city.db.write() as s:
                for firm in firms[: 2 if i % 10 == 0 else 4]:  # every tenth has too few and is run once more
                    bid(s, auction, firm, 5_000_000 + luck.randrange(4_000_000))
        city.set_clock(auctions[0].closes_at + timedelta(seconds=10))
        kills = 0
        alive = [city.start("scheduler") for _ in range(schedulers)]
        while _waiting(city.db):
            pause(luck.uniform(0.1, 1.2))
            victim = luck.randrange(schedulers)
            if _begun(city.db) and kills < 25:
                alive[victim].kill()
                alive[victim].wait()
                kills += 1
            if alive[victim].poll() is not None:
                alive[victim] = city.start("scheduler")
        while _unplaced(city.db):
            pause(0.3)

        assert kills >= 3, "no scheduler was killed while it worked"
        _each_exactly_once(city.db, len(auctions))


def _waiting(db: Database) -> int:
    """Auctions not ended, and failed ones not yet run again."""
    with db.read() as r:
        open_ones = r.scalar(select(func.count()).where(Auction.round == 1, Auction.state.in_(["open", "closing"])))
        failed = r.scalar(select(func.count()).where(Auction.round == 1, Auction.state == "failed"))
        again = r.scalar(select(func.count()).where(Auction.round == 2))
    return (open_ones or 0) + (failed or 0) - (again or 0)


def _begun(db: Database) -> bool:
    with db.read() as r:
        return r.scalar(select(Auction.id).where(Auction.state != "open").limit(1)) is not None


def _unplaced(db: Database) -> bool:
    with db.read() as r:
        entries = r.scalar(select(func.count()).select_from(AuditEntry))
        placed = r.scalar(select(func.count()).where(AuditLeaf.entry.is_not(None)))
    return entries != placed


def _each_exactly_once(db: Database, n: int) -> None:
    with db.read() as r:
        auctions = r.scalars(select(Auction).where(Auction.round == 1)).all()
        awards = Counter(r.scalars(select(Award.auction_id)))
        deeds = Counter(
            (e.deed, e.facts["auction"])
            for e in r.scalars(select(AuditEntry))
            if e.deed in ("auction.claimed", "auction.decided", "auction.failed", "award.proposed", "award.explaining")
        )
        told = Counter(r.execute(select(Notice.kind, Notice.org_id, Notice.once)).all())
        seqs = list(r.scalars(select(AuditLeaf.seq).order_by(AuditLeaf.seq)))
    assert len(auctions) == n and {a.state for a in auctions} == {"decided", "failed"}
    for auction in auctions:
        won = auction.state == "decided"
        assert awards[auction.id] == (1 if won else 0)
        assert deeds["auction.claimed", auction.id] == 1
        assert deeds["auction.decided", auction.id] == (1 if won else 0)
        assert deeds["auction.failed", auction.id] == (0 if won else 1)
        assert deeds["award.proposed", auction.id] + deeds["award.explaining", auction.id] == (1 if won else 0)
        if won:
            bids = [{k: b[k] for k in ("bidder", "offer", "links", "void")} for b in auction.opened or []]
            assert auction.outcome == decide(auction.terms, bids, {"hex": auction.seed})
    assert max(n for (_, _, once), n in told.items() if once) == 1
    assert seqs == list(range(len(seqs)))
