"""The rollup on both databases: after any changes in any order it is what a recomputation gives, cell by cell."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.awards.service import settle_next, stand_next
from bidding.closing.service import claim_next
from bidding.sealing.client import KeeperPort
from market.audit.rules import Deed
from market.audit.sequencer import place
from market.audit.service import record
from market.clock import FixedClock
from market.contracts import service as contracts
from market.contracts.models import Contract, Milestone
from market.db import Database
from market.identity.models import Organisation, Person
from market.identity.queries import platform_key, signed_in
from market.identity.rules import User
from market.jobs.models import Job
from market.payments.models import Payment
from oversight.metrics import queries
from oversight.metrics.gathering import COLUMNS
from oversight.metrics.models import FigureCell, FigureRow
from oversight.metrics.queries import Filters
from oversight.metrics.rules import Cell, median_of
from oversight.metrics.service import rebuild, refresh
from tests.makers import FOUNDED, T0, bid, keeper_in, make_auction, make_firm, make_job, make_owner

ALL = Filters()


def follow(db: Database) -> None:
    """The sequencer places what was done, and the rollup reads it."""
    with db.write() as s:
        place(s, 0)
    while True:
        with db.write() as s:
            if refresh(s, T0) == 0:
                return


def held(s: Session) -> tuple[list[Any], list[Any]]:
    """All rows and cells, in order."""
    cells = list(FigureCell.__table__.columns)
    return (
        [tuple(row) for row in s.execute(select(*FigureRow.__table__.columns).order_by(FigureRow.job_id))],
        sorted(s.execute(select(*cells)).all(), key=lambda row: tuple(map(str, row[:7]))),
    )


def same_as_anew(db: Database) -> int:
    """Incremental and recomputed agree; how many rows there are."""
    with db.read() as s:
        before = held(s)
    with db.write() as s:
        n = rebuild(s, T0)
    with db.read() as s:
        after = held(s)
    assert before[0] == after[0]
    assert [tuple(row) for row in before[1]] == [tuple(row) for row in after[1]]
    return n


# ── any history ─────────────────────────────────────────────────────────────────────────────────────────────────


class Town:
    """Jobs whose results change by chance; every change leaves a record under the job's or the contract's code."""

    def __init__(self, s: Session, luck: random.Random) -> None:
        self.luck, self.n = luck, 0
        self.owner, self.firms = make_owner(s), [make_firm(s, district=d) for d in ("339901", "339902")]

    def end_one(self, s: Session) -> None:
        """A job that ends: in an award that stands, or failed."""
        luck, n = self.luck, self.n
        self.n += 1
        fee = luck.choice([None, 1_000_000, 3_000_000])
        job = make_job(
            s, self.owner, FOUNDED, code=f"ZJ-2023-{n:05d}", state="published", baseline_fen=fee,
            baseline={"fee": fee, "kind": luck.choice(["official", "ceiling"])}, baseline_days=luck.choice([None, 20]),
            district=luck.choice(["339901", "339902", None]), funding=luck.choice(["fiscal", "private"]),
        )  # fmt: skip
        at = FOUNDED + timedelta(days=luck.randrange(1, 400))
        failed = luck.random() < 0.2
        job.stage, job.ended_at = ("failed", at) if failed else ("standing", None)
        auction = Auction(
            id=f"{job.code}-1", job_id=job.id, round=1, state="failed" if failed else "decided", opens_at=FOUNDED,
            closes_at=at, decided_at=at, terms={"method": luck.choice(["lowest_price", "direct"])}, posted={},
            terms_digest="0" * 64, public_key=b"k" * 32, blind_key=b"b" * 32, opened=[],
            outcome={"competitors": {"valid": None if failed else luck.randrange(3, 7), "sealed": 2}},
        )  # fmt: skip
        s.add(auction)
        s.flush()
        if not failed:
            self.award(s, job, 1, at)
        self.noted(s, job.code)

    def award(self, s: Session, job: Job, rank: int, at: Any) -> None:
        firm = self.luck.choice(self.firms)
        award = Award(
            auction_id=f"{job.code}-1", org_id=firm.org.id, bidder="b" * 16, rank=rank, days=15, state="standing",
            amount=self.luck.randrange(500_000, 1_500_000), proposed_at=at, stands_at=at,
        )  # fmt: skip
        s.add(award)
        s.flush()

    def noted(self, s: Session, subject: str | None) -> None:
        record(s, Deed.QUESTION_ASKED, T0, "asker", subject=subject)

    def change_one(self, s: Session) -> None:
        """One step of one job: signed, raised, terminated, completed and paid, struck with the next in order."""
        awards = s.scalars(select(Award).where(Award.state == "standing").order_by(Award.id)).all()
        if not awards:
            return
        award = self.luck.choice(awards)
        job = s.scalars(select(Job).join(Auction).where(Auction.id == award.auction_id)).one()
        contract = s.scalars(select(Contract).where(Contract.award_id == award.id)).first()
        if contract is None and self.luck.random() < 0.3:
            award.state = "struck"
            self.award(s, job, award.rank + 1, T0)
            self.noted(s, job.code)
        elif contract is None:
            self._sign(s, job, award)
        else:
            self._go_on(s, contract)

    def _sign(self, s: Session, job: Job, award: Award) -> None:
        s.add(
            Contract(
                code=f"HT-2023-{award.id:05d}", job_id=job.id, job_code=job.code, auction_id=award.auction_id,
                award_id=award.id, owner_id=job.owner_id, firm_id=award.org_id, title=job.title, state="active",
                funding=job.funding, tax="included", amount=award.amount, amount_now=award.amount, days=15, days_now=15,
                terms={}, digest="0" * 64, opened_at=T0, sign_by=T0, signed_at=T0,
            )
        )  # fmt: skip
        s.flush()
        self.noted(s, f"HT-2023-{award.id:05d}")

    def _go_on(self, s: Session, contract: Contract) -> None:
        step = self.luck.randrange(4)
        if step == 0:
            contract.amount_now += 50_000
        elif step == 1:
            contract.state, contract.days_used = "accepted", self.luck.randrange(30)
        elif step == 2:
            contract.state = "terminated"
        else:
            contract.state = "completed"
        self.noted(s, contract.code)


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_in_any_order_it_is_what_a_recomputation_gives(db: Database, seed: int) -> None:
    luck = random.Random(seed)
    with db.write() as s:
        town = Town(s, luck)
    for _ in range(6):
        for _ in range(luck.randrange(1, 8)):
            with db.write() as s:
                town.end_one(s) if luck.random() < 0.6 else town.change_one(s)
        if luck.random() < 0.3:
            with db.write() as s:
                org = s.get_one(Organisation, luck.choice(town.firms).org.id)
                org.district = luck.choice(["339901", "339902"])
                town.noted(s, f"org:{org.id}")
        follow(db)
        same_as_anew(db)

    assert same_as_anew(db) > 5


def test_what_commits_late_is_not_skipped_and_nothing_is_read_twice(db: Database) -> None:
    with db.write() as s:
        town = Town(s, random.Random(9))
    follow(db)
    with db.write() as s:
        for _ in range(4):
            town.end_one(s)
    with db.write() as s:
        assert refresh(s, T0) == 0  # recorded, but without a place yet
    follow(db)
    with db.write() as s:
        assert refresh(s, T0) == 0
    with db.read() as s:
        assert queries.cell(s, "bids", "-", ALL).n == 4 and queries.as_of(s) == T0


# ── the real services ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def keeper(tmp_path: Path, clock: FixedClock) -> Iterator[KeeperPort]:
    yield keeper_in(tmp_path, clock)


def person_of(s: Session, org_id: int) -> User:
    person = s.scalars(select(Person).where(Person.org_id == org_id).order_by(Person.id)).first()
    assert person is not None
    found = signed_in(s, person.id, person.epoch)
    assert found is not None
    return found


def stand(db: Database, keeper: KeeperPort, clock: FixedClock, *amounts: int) -> Contract:
    """An auction with these bids, closed; the lowest stands."""
    with db.write() as s:
        auction = make_auction(s, keeper, now=clock.now())
        firms = [make_firm(s) for _ in amounts]
    for firm, amount in zip(firms, amounts, strict=True):
        with db.write() as s:
            bid(s, auction, firm, amount, received_at=clock.now())
    clock.at = auction.closes_at + timedelta(seconds=10)
    with db.write() as s:
        assert claim_next(s, clock.now()) is not None
    with db.write() as s:
        assert settle_next(s, clock.now(), keeper) is not None
    with db.write() as s:
        clock.at = s.scalars(select(Award.standstill_ends).where(Award.state == "proposed")).one() + timedelta(
            seconds=1
        )
        assert stand_next(s, clock.now()) is not None
    with db.read() as s:
        return s.scalars(select(Contract).order_by(Contract.id.desc()).limit(1)).one()


def test_a_change_order_that_raises_the_price_lowers_the_saving_shown(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    opened = stand(db, keeper, clock, 9_200_000, 9_000_000, 9_600_000)
    follow(db)
    with db.read() as s:
        assert queries.cell(s, "awarded", "official", ALL).histogram == {250: 1}  # 90,000 of 120,000 yuan
        assert queries.cell(s, "contracted", "official", ALL).n == 0
    with db.write() as s:
        owner, firm = person_of(s, opened.owner_id), person_of(s, opened.firm_id)
        secret = platform_key(s, "receipt").secret
        contracts.confirm(s, opened.id, owner, clock.now(), secret)
        contracts.confirm(s, opened.id, firm, clock.now(), secret)
        contracts.complete_inputs(s, opened.id, firm, clock.now())
    follow(db)
    with db.read() as s:
        assert queries.cell(s, "contracted", "official", ALL).weighted == 250
    with db.write() as s:
        order = contracts.propose_change(
            s, opened.id, 9_300_000, opened.days, "增加一个点位", "业主增加监测点位。", None, firm, clock.now()
        )
        contracts.answer_change(s, order.id, True, "同意", owner, clock.now())
    follow(db)

    with db.read() as s:
        assert queries.cell(s, "awarded", "official", ALL).weighted == 250
        assert queries.cell(s, "contracted", "official", ALL).weighted == 225
        (row,) = queries.rows(s, ALL, None, 10, "contracted", "official")
        assert (row.job_code, row.contract_code, row.cut_contracted) == (opened.job_code, opened.code, 225)
        assert queries.rows(s, Filters(district="339902"), None, 10) == []
    assert same_as_anew(db) == 1


def test_filters_splits_and_rows_agree(db: Database) -> None:
    with db.write() as s:
        town = Town(s, random.Random(4))
        for _ in range(40):
            town.end_one(s)
    follow(db)
    with db.read() as s:
        whole = queries.cell(s, "bids", "-", ALL)
        assert whole.n == 40 == len(queries.rows(s, ALL, None, 100))
        for by in queries.DIMENSIONS:
            parts = queries.split(s, "bids", "-", by, ALL)
            total = Cell()
            for value, part in parts:
                total.merge(part)
                chosen = {"since": value, "until": value} if by == "month" else {by: value}
                at = Filters(**chosen)
                assert queries.cell(s, "bids", "-", at) == part
                assert len(queries.rows(s, at, None, 100)) == part.n
            assert total == whole
        spring = Filters(since=202403, until=202408, funding="private")
        assert queries.cell(s, "awarded", "official", spring).n == len(
            queries.rows(s, spring, None, 100, "awarded", "official")
        )
        assert (
            sum(one.n for one in queries.grid(s, "bids", "-", spring).values())
            == queries.cell(s, "bids", "-", spring).n
        )
        seen, after = [], None
        while page := queries.rows(s, ALL, after, 7):
            seen += [row.job_id for row in page]
            after = queries.place_of(page[-1], None, False)
        assert len(seen) == len(set(seen)) == 40
        assert queries.months(s) == sorted({row.month for row in queries.rows(s, ALL, None, 100)})
        assert median_of(queries.cell(s, "awarded", "official", Filters(category="99"))) is None


def test_what_is_settled_counts_once_everything_is_paid(db: Database) -> None:
    with db.write() as s:
        town = Town(s, random.Random(2))
        while not s.scalars(select(Award.id)).all():
            town.end_one(s)
        award = s.scalars(select(Award)).first()
        assert award is not None
        job = s.scalars(select(Job).join(Auction).where(Auction.id == award.auction_id)).one()
        job.baseline_fen, job.baseline = 1_000_000, {"fee": 1_000_000, "kind": "official"}
        town._sign(s, job, award)
        contract = s.scalars(select(Contract)).one()
        for no, fen in enumerate((300_000, 350_000), 1):
            part = Milestone(
                contract_id=contract.id, no=no, name="阶段", share=5_000, fen=fen, due_days=10, state="accepted"
            )
            s.add(part)
            s.flush()
            s.add(
                Payment(
                    contract_id=contract.id, milestone_id=part.id, contract_code=contract.code, milestone_no=no,
                    owner_id=contract.owner_id, firm_id=contract.firm_id, reference=f"R{no}", fen=fen, settled=fen,
                    state="paid", due_at=T0, opened_at=T0,
                )
            )  # fmt: skip
    follow(db)
    with db.read() as s:
        assert queries.cell(s, "settled", "official", ALL).n == 0
    with db.write() as s:
        s.scalars(select(Contract)).one().state = "completed"
        town.noted(s, contract.code)
    follow(db)
    with db.read() as s:
        assert queries.cell(s, "settled", "official", ALL).histogram == {350: 1}


def test_every_column_of_a_row_is_gathered(db: Database) -> None:
    with db.write() as s:
        town = Town(s, random.Random(1))
        town.end_one(s)
    follow(db)
    with db.read() as s:
        assert len(held(s)[0][0]) == len(COLUMNS)


def test_a_baseline_above_every_ceiling_counts_as_none(db: Database) -> None:
    with db.write() as s:
        town = Town(s, random.Random(5))
        while town.n < 12:
            town.end_one(s)
        for job in s.scalars(select(Job)):
            job.baseline_fen = 2_719_999_999_999_999_997
            job.baseline = {"fee": job.baseline_fen, "kind": "official"}

    follow(db)
    with db.read() as s:
        kept = held(s)
        assert {(row.baseline, row.kind) for row in s.scalars(select(FigureRow))} == {(None, "none")}
    with db.write() as s:
        rebuild(s, T0)
    with db.read() as s:
        assert held(s) == kept
