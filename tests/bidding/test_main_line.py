"""The thin line of the market: published, three sealed bids, claimed, opened, proposed, stands; on both databases."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bidding.auctions.models import Auction
from bidding.auctions.queries import sealed_auctions
from bidding.awards.models import Award
from bidding.awards.service import settle_next, stand_next
from bidding.closing.service import claim_next, decide_next, rerun_next
from bidding.sealing.backup import Wanted, gaps, make_backup, restore, write_backup
from bidding.sealing.client import KeeperPort
from bidding.sealing.keeper import Keeper
from market.audit.models import AuditEntry, AuditLeaf
from market.audit.queries import feed
from market.audit.sequencer import place
from market.clock import FixedClock
from market.db import Database
from market.jobs.models import Job
from tests.makers import T0, bid, keeper_in, make_auction, make_firm

PAST_DRAIN = timedelta(seconds=10)


@pytest.fixture
def keeper(tmp_path: Path, clock: FixedClock) -> KeeperPort:
    return keeper_in(tmp_path, clock)


def test_three_sealed_bids_become_an_award_that_stands(db: Database, keeper: KeeperPort, clock: FixedClock) -> None:
    with db.write() as s:
        auction = make_auction(s, keeper)
        firms = [make_firm(s) for _ in range(3)]
        closes_at = auction.closes_at
    for firm, amount in zip(firms, (9_200_000, 8_800_000, 8_950_000), strict=True):
        with db.write() as s:
            assert not bid(s, auction, firm, amount).again

    clock.at = closes_at + PAST_DRAIN
    with db.write() as s:
        assert claim_next(s, closes_at + PAST_DRAIN - timedelta(microseconds=1)) is None
        claimed = claim_next(s, clock.now())
        assert claimed is not None and claimed.state == "closing"
    with db.write() as s:
        settled = settle_next(s, clock.now(), keeper)
        assert settled is not None and settled.state == "decided"

    with db.read() as r:
        award = r.scalars(select(Award)).one()
        assert (award.org_id, award.amount, award.state) == (firms[1].org.id, 8_800_000, "proposed")
        assert award.standstill_ends is not None
        ends = award.standstill_ends
    with db.write() as s:
        assert stand_next(s, ends) is None
        stood = stand_next(s, ends + timedelta(microseconds=1))
        assert stood is not None and stood.state == "standing"
    with db.read() as r:
        assert r.scalars(select(Job.stage)).one() == "standing"


def test_two_competitors_fail_sealed_and_are_run_once_more(db: Database, keeper: KeeperPort, clock: FixedClock) -> None:
    with db.write() as s:
        auction = make_auction(s, keeper)
        for amount in (9_000_000, 8_000_000):
            bid(s, auction, make_firm(s), amount)

    clock.at = auction.closes_at + PAST_DRAIN
    with db.write() as s:
        failed = claim_next(s, clock.now())
        assert failed is not None and (failed.state, failed.reason) == ("failed", "too_few_competitors")
        assert decide_next(s, clock.now(), keeper) is None
    with db.write() as s:
        again = rerun_next(s, clock.now(), keeper)
        assert again is not None and again.round == 2 and again.public_key != auction.public_key
    with db.write() as s:
        assert rerun_next(s, clock.now(), keeper) is None

    clock.at = again.closes_at + PAST_DRAIN
    with db.write() as s:
        failed = claim_next(s, clock.now())
        assert failed is not None and (failed.state, failed.reason) == ("failed", "no_bids")
    with db.write() as s:
        assert rerun_next(s, clock.now(), keeper) is None
        assert s.scalars(select(Job.stage)).one() == "failed"
        assert len(s.scalars(select(Auction)).all()) == 2


def test_before_the_deadline_the_log_tells_of_a_bid_only_that_a_place_is_taken(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    with db.write() as s:
        auction = make_auction(s, keeper)
        bid(s, auction, make_firm(s), 9_000_000)
    with db.write() as s:
        place(s, pad=2)

    with db.read() as r:
        entries = r.scalars(select(AuditEntry)).all()
        leaves = r.scalars(select(AuditLeaf).order_by(AuditLeaf.seq)).all()
        assert [leaf.seq for leaf in leaves] == list(range(len(entries) + 2))
        sealed = next(e for e in entries if e.deed == "bid.sealed")
        before = {record.seq: record for record in feed(r, auction.closes_at - timedelta(microseconds=1), limit=500)}
        after = {record.seq: record for record in feed(r, auction.closes_at, limit=500)}
        seq = next(leaf.seq for leaf in leaves if leaf.entry == sealed.id)
    assert before[seq].opaque and before[seq].at is None
    assert after[seq].deed == "bid.sealed" and after[seq].blinded is not None
    assert sum(record.opaque for record in before.values()) == 3 and auction.closes_at > T0


def test_an_auction_closes_with_the_keeper_that_two_custodians_restored(
    db: Database, tmp_path: Path, clock: FixedClock
) -> None:
    first = Keeper(tmp_path / "keeper", clock)
    folders = tmp_path / "usb-1", tmp_path / "usb-2"
    with db.write() as s:
        auction = make_auction(s, first)
        firms = [make_firm(s) for _ in range(3)]
    first.close()
    write_backup(make_backup(tmp_path / "keeper", clock), folders)
    for firm, amount in zip(firms, (9_200_000, 8_800_000, 8_950_000), strict=True):
        with db.write() as s:
            bid(s, auction, firm, amount)
    shutil.rmtree(tmp_path / "keeper")

    restore(folders, tmp_path / "again", clock)
    with db.read() as r:
        wanted = [Wanted(*row) for row in sealed_auctions(r, clock.now())]
    assert gaps(tmp_path / "again", wanted, clock) == [] and [one.auction for one in wanted] == [auction.id]
    again = Keeper(tmp_path / "again", clock)
    clock.at = auction.closes_at + PAST_DRAIN
    with db.write() as s:
        assert claim_next(s, clock.now()) is not None
    with db.write() as s:
        settled = settle_next(s, clock.now(), again)
        assert settled is not None and settled.state == "decided"
    again.close()
    with db.read() as r:
        assert r.scalars(select(Award.amount)).one() == 8_800_000
        assert sealed_auctions(r, clock.now()) == []
