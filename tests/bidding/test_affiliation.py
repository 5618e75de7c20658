"""Who is one with whom, and who may not bid, as of T: through closing and decision, on both databases.

Every auction has three independent firms beside those under test, so that what is excluded never fails it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.awards.service import settle_next
from bidding.closing.service import claim_next
from bidding.sealing.client import KeeperPort
from market.admission.models import FirmCategory, Practitioner
from market.admission.standing import lift, suspend
from market.clock import FixedClock
from market.db import Database
from market.errors import Refused
from market.identity.models import Tie
from market.identity.service import record_tie, remove_tie
from market.jobs.models import Job, Recusal
from tests.makers import T0, Party, bid, keeper_in, make_auction, make_firm, make_org, make_owner, make_person
from tests.market.identity.test_rules import identity_number

BEFORE = T0 - timedelta(days=30)
LATER = T0 + timedelta(hours=2)
"""An hour after the bids of these tests."""
MOMENT = timedelta(microseconds=1)

Recorder = Callable[[Session, "Ring", datetime], list[int]]


@dataclass
class Ring:
    """One auction on its way to its decision. `a` and `b` are the firms under test."""

    db: Database
    keeper: KeeperPort
    clock: FixedClock
    owner: Party
    auction: Auction
    a: Party
    b: Party
    names: dict[int, str] = field(default_factory=dict)

    @property
    def closes_at(self) -> datetime:
        """T."""
        return self.auction.closes_at

    def bids(self, *firms: Party, **but: Any) -> None:
        """Sealed bids of the firms, each cheaper than those of the three others."""
        for i, firm in enumerate(firms):
            with self.db.write() as s:
                bid(s, self.auction, firm, 5_000_000 + i, **but)

    def exclusions(self) -> dict[int, dict[str, Any]]:
        """Close and decide: what the outcome excludes, by organisation; partners by organisation too."""
        self.clock.at = self.closes_at + timedelta(seconds=10)
        with self.db.write() as s:
            assert claim_next(s, self.clock.now()) is not None
        with self.db.write() as s:
            settle_next(s, self.clock.now(), self.keeper)
        with self.db.read() as r:
            auction = r.get_one(Auction, self.auction.id)
            assert auction.outcome is not None and auction.opened is not None
            orgs = {b["bidder"]: b["org"] for b in auction.opened}
            found = {}
            for out in auction.outcome["exclusions"]:
                partners = {orgs[p["bidder"]]: p["kinds"] for p in out.get("with", [])}
                found[orgs[out["bidder"]]] = {"code": out["code"], "with": partners}
            assert not any(b.get("offer") for b in auction.opened if b["org"] in found), "excluded ones stay sealed"
            return found


@pytest.fixture
def keeper(tmp_path: Path, clock: FixedClock) -> KeeperPort:
    return keeper_in(tmp_path, clock)


@pytest.fixture
def ring(db: Database, keeper: KeeperPort, clock: FixedClock) -> Ring:
    """An open auction, three independent bids in it, and two firms that have not bid yet."""
    with db.write() as s:
        owner = make_owner(s)
        auction = make_auction(s, keeper, owner)
        for i in range(3):
            bid(s, auction, make_firm(s), 9_000_000 + i)
        return Ring(db, keeper, clock, owner, auction, make_firm(s), make_firm(s))


def affiliated(ring: Ring, *kinds: str) -> dict[int, dict[str, Any]]:
    """What is excluded when `a` and `b` are one by these kinds of tie."""
    a, b = ring.a.org.id, ring.b.org.id
    return {
        a: {"code": "affiliated", "with": {b: list(kinds)}},
        b: {"code": "affiliated", "with": {a: list(kinds)}},
    }


# ── every kind of tie ───────────────────────────────────────────────────────────────────────────────────────────


def same_representative(s: Session, ring: Ring, at: datetime) -> list[int]:
    """One person represents both."""
    return [
        record_tie(s, f.org.id, "legal_rep", identity_number(7), "person", "沈某某", at, "system")
        for f in (ring.a, ring.b)
    ]


def control_chain(s: Session, ring: Ring, at: datetime) -> list[int]:
    """`b` controls a company that controls a company that controls `a`: three links, and the middle never bids."""
    child, parent = (make_org(s, is_owner=False, is_firm=True) for _ in range(2))
    chain = [ring.a.org, child, parent, ring.b.org]
    return [
        record_tie(s, below.id, "control", above.uscc, "company", above.name, at, "system")
        for below, above in pairwise(chain)
    ]


def shared_account(s: Session, ring: Ring, at: datetime) -> list[int]:
    """Both pay from one account."""
    return [
        record_tie(s, f.org.id, "payer", "6222020200099999999", "account", "某某银行", at, "system")
        for f in (ring.a, ring.b)
    ]


TIES = pytest.mark.parametrize(
    ("recorder", "kind"),
    [(same_representative, "legal_rep"), (control_chain, "control"), (shared_account, "payer")],
    ids=["representative", "chain of three", "payer account"],
)


@TIES
def test_tied_firms_are_both_rejected_unopened(ring: Ring, recorder: Recorder, kind: str) -> None:
    with ring.db.write() as s:
        recorder(s, ring, BEFORE)
    ring.bids(ring.a, ring.b)

    assert ring.exclusions() == affiliated(ring, kind)


@TIES
def test_a_tie_recorded_after_the_bid_counts_until_the_deadline_itself(
    ring: Ring, recorder: Recorder, kind: str
) -> None:
    ring.bids(ring.a, ring.b)
    with ring.db.write() as s:
        recorder(s, ring, ring.closes_at)

    assert ring.exclusions() == affiliated(ring, kind)


@TIES
def test_a_tie_recorded_after_the_deadline_does_not_count(ring: Ring, recorder: Recorder, kind: str) -> None:
    ring.bids(ring.a, ring.b)
    with ring.db.write() as s:
        recorder(s, ring, ring.closes_at + MOMENT)

    assert ring.exclusions() == {}


@TIES
def test_a_tie_that_was_removed_after_the_bid_still_counts(ring: Ring, recorder: Recorder, kind: str) -> None:
    with ring.db.write() as s:
        ties = recorder(s, ring, BEFORE)
    ring.bids(ring.a, ring.b)
    with ring.db.write() as s:
        for tie in ties:
            remove_tie(s, s.get_one(Tie, tie).org_id, tie, LATER, "system")

    assert ring.exclusions() == affiliated(ring, kind)


@TIES
def test_a_tie_that_ended_before_publication_does_not_count(ring: Ring, recorder: Recorder, kind: str) -> None:
    with ring.db.write() as s:
        for tie in recorder(s, ring, BEFORE):
            remove_tie(s, s.get_one(Tie, tie).org_id, tie, T0, "system")
    ring.bids(ring.a, ring.b)

    assert ring.exclusions() == {}


@TIES
def test_a_bid_that_was_withdrawn_ties_nobody(ring: Ring, recorder: Recorder, kind: str) -> None:
    with ring.db.write() as s:
        recorder(s, ring, BEFORE)
    ring.bids(ring.a, ring.b)
    ring.bids(ring.b, kind="withdrawn", received_at=LATER)

    assert ring.exclusions() == {ring.b.org.id: {"code": "void.withdrawn", "with": {}}}


def test_firms_of_the_state_are_not_one_for_that(ring: Ring) -> None:
    with ring.db.write() as s:
        for firm in (ring.a, ring.b):
            record_tie(s, firm.org.id, "control", "", "state", "市国资委", BEFORE, "system")
    ring.bids(ring.a, ring.b)

    assert ring.exclusions() == {}


# ── the lead professional stands in the bid ─────────────────────────────────────────────────────────────────────


def share_lead(ring: Ring) -> None:
    """The lead of `b` is the person who leads for `a`: one certificate at two firms."""
    with ring.db.write() as s:
        key = s.get_one(Practitioner, ring.a.lead).key
        s.execute(update(Practitioner).where(Practitioner.id == ring.b.lead).values(key=key))


def test_one_lead_in_two_bids_rejects_both(ring: Ring) -> None:
    share_lead(ring)
    ring.bids(ring.a, ring.b)

    assert ring.exclusions() == affiliated(ring, "lead")


def test_a_lead_that_was_replaced_before_the_deadline_ties_nobody(ring: Ring) -> None:
    share_lead(ring)
    ring.bids(ring.a, ring.b)
    with ring.db.write() as s:
        other = Practitioner(
            org_id=ring.b.org.id, name="陆某某", certificate="C9", key="9" * 64, recorded_at=BEFORE, removed_at=None
        )
        s.add(other)
        s.flush()
        lead = other.id
    ring.bids(ring.b, lead_id=lead, received_at=LATER)

    assert ring.exclusions() == {}


# ── the owner and its recusals ──────────────────────────────────────────────────────────────────────────────────


def owner_control(ring: Ring, at: datetime) -> int:
    """The owner comes under the control of `a`."""
    with ring.db.write() as s:
        a = ring.a.org
        return record_tie(s, ring.owner.org.id, "control", a.uscc, "company", a.name, at, "system")


def test_a_firm_tied_to_the_owner_cannot_bid(ring: Ring) -> None:
    owner_control(ring, BEFORE)

    with pytest.raises(Refused) as no:
        ring.bids(ring.a)
    assert [r.code for r in no.value.refusals] == ["bid.tied"]
    assert ring.exclusions() == {}


def test_a_firm_that_ties_itself_to_the_owner_after_its_bid_is_void(ring: Ring) -> None:
    ring.bids(ring.a)
    tie = owner_control(ring, LATER)
    with ring.db.write() as s:
        remove_tie(s, ring.owner.org.id, tie, LATER + timedelta(hours=1), "system")

    assert ring.exclusions() == {ring.a.org.id: {"code": "void.recused", "with": {}}}


def test_a_recused_firm_cannot_bid_and_a_later_recusal_voids_its_bid(ring: Ring) -> None:
    ring.bids(ring.b)
    with ring.db.write() as s:
        for firm in (ring.a, ring.b):
            s.add(Recusal(job_id=ring.auction.job_id, org_id=firm.org.id, reason="曾代理对方", recorded_at=LATER))

    with pytest.raises(Refused) as no:
        ring.bids(ring.a, received_at=LATER)
    assert [r.code for r in no.value.refusals] == ["bid.recused"]
    assert ring.exclusions() == {ring.b.org.id: {"code": "void.recused", "with": {}}}


def test_an_owner_that_is_also_a_firm_cannot_bid_on_its_own_job(ring: Ring) -> None:
    with ring.db.write() as s:
        s.add(FirmCategory(org_id=ring.owner.org.id, category_code="01", main=True, admitted_at=BEFORE, ended_at=None))
        lead = Practitioner(
            org_id=ring.owner.org.id, name="周某某", certificate="C8", key="8" * 64, recorded_at=BEFORE, removed_at=None
        )
        s.add(lead)
        s.flush()
        owner = Party(ring.owner.org, ring.owner.person, lead.id)

    with pytest.raises(Refused) as no:
        ring.bids(owner)
    assert [r.code for r in no.value.refusals] == ["bid.own"]


# ── standing as of T ────────────────────────────────────────────────────────────────────────────────────────────

NOT_ADMITTED = {"code": "void.not_admitted", "with": {}}
DEADLINE_DAY = date(2026, 6, 8)
"""T of these auctions: five working days after 1 June, 17:00 in Beijing."""


@pytest.mark.parametrize(
    ("last_day", "out"),
    [(DEADLINE_DAY, False), (DEADLINE_DAY - timedelta(days=1), True)],
    ids=["lapses on the day of T", "lapsed the day before"],
)
def test_a_certificate_counts_through_its_last_day(
    db: Database, keeper: KeeperPort, clock: FixedClock, last_day: date, out: bool
) -> None:
    asked: dict[str, Any] = {"category": "04", "qualification": "地质灾害评估资质"}
    with db.write() as s:
        owner = make_owner(s)
        auction = make_auction(s, keeper, owner, service="S001")
        assert auction.closes_at.date() == DEADLINE_DAY
        for i in range(3):
            bid(s, auction, make_firm(s, **asked), 9_000_000 + i)
        firm = make_firm(s, expires_on=last_day, **asked)
        ring = Ring(db, keeper, clock, owner, auction, firm, firm)
    ring.bids(ring.a)

    assert ring.exclusions() == ({ring.a.org.id: NOT_ADMITTED} if out else {})


def suspended(ring: Ring, at: datetime, until: datetime) -> tuple[int, int]:
    """`a` is suspended in [at, until); gives the suspension and who decided it."""
    with ring.db.write() as s:
        operator = make_person(s, make_org(s, kind="authority", is_owner=False), office="operator").id
        return suspend(s, ring.a.org.id, "资料不实", until, operator, at), operator


@pytest.mark.parametrize(
    ("begins", "ends", "out"),
    [
        (timedelta(0), timedelta(days=1), True),
        (-timedelta(hours=1), MOMENT, True),
        (-timedelta(hours=1), timedelta(0), False),
        (MOMENT, timedelta(days=1), False),
    ],
    ids=["begins at T", "ends just after T", "ends at T", "begins just after T"],
)
def test_a_suspension_counts_if_it_runs_at_the_deadline(
    ring: Ring, begins: timedelta, ends: timedelta, out: bool
) -> None:
    ring.bids(ring.a)
    suspended(ring, ring.closes_at + begins, ring.closes_at + ends)

    assert ring.exclusions() == ({ring.a.org.id: NOT_ADMITTED} if out else {})


def test_a_suspension_lifted_before_the_deadline_is_over(ring: Ring) -> None:
    ring.bids(ring.a)
    suspension, operator = suspended(ring, LATER, ring.closes_at + timedelta(days=1))
    with ring.db.write() as s:
        lift(s, suspension, "已更正", operator, ring.closes_at - MOMENT)

    assert ring.exclusions() == {}


def test_a_firm_that_left_the_category_before_the_deadline_does_not_count(ring: Ring) -> None:
    ring.bids(ring.a)
    with ring.db.write() as s:
        s.execute(update(FirmCategory).where(FirmCategory.org_id == ring.a.org.id).values(ended_at=ring.closes_at))

    assert ring.exclusions() == {ring.a.org.id: NOT_ADMITTED}


def test_ties_take_too_many_away_and_the_auction_fails_sealed(ring: Ring) -> None:
    """Three bids of which two are one: a single competitor is left, and no envelope is opened."""
    with ring.db.write() as s:
        auction = make_auction(s, ring.keeper, ring.owner)
        same_representative(s, ring, BEFORE)
        for i, firm in enumerate((ring.a, ring.b, make_firm(s))):
            bid(s, auction, firm, 8_000_000 + i)
        s.execute(update(Job).where(Job.id == ring.auction.job_id).values(stage="cancelled"))
        s.execute(update(Auction).where(Auction.id == ring.auction.id).values(state="cancelled"))
    ring.auction = auction

    assert ring.exclusions() == affiliated(ring, "legal_rep")
    with ring.db.read() as r:
        ended = r.scalars(select(Auction).where(Auction.id == auction.id)).one()
        assert (ended.state, ended.reason) == ("failed", "too_few_competitors")
        assert not any(b.get("offer") for b in ended.opened or [])
