"""From an award that stands to its contract: opened with it, confirmed with it, or refused and passed on."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.awards.models import Award
from bidding.awards.service import (
    cancel_award,
    confirm_contract,
    refuse_award,
    refuse_contract,
    settle_next,
    stand_next,
)
from bidding.closing.service import claim_next
from bidding.sealing.client import KeeperPort
from market.clock import FixedClock
from market.contracts.models import Contract
from market.db import Database
from market.errors import Refused
from market.identity.models import Organisation, Person
from market.identity.queries import platform_key, signed_in
from market.identity.rules import User
from market.jobs.models import Job
from ratings.credit.models import CreditFact
from tests.makers import bid, keeper_in, make_auction, make_firm

LITTLE = timedelta(microseconds=1)


@pytest.fixture
def keeper(tmp_path: Path, clock: FixedClock) -> KeeperPort:
    return keeper_in(tmp_path, clock)


def _person(s: Session, org_id: int) -> User:
    person = s.scalars(select(Person).where(Person.org_id == org_id).order_by(Person.id)).first()
    assert person is not None
    found = signed_in(s, person.id, person.epoch)
    assert found is not None
    return found


def _stand(db: Database, keeper: KeeperPort, clock: FixedClock) -> Contract:
    """An award at 88,000 yuan that has come to stand; two more firms wait behind it."""
    with db.write() as s:
        auction = make_auction(s, keeper)
        closes_at = auction.closes_at
        firms = [make_firm(s) for _ in range(3)]
    for firm, amount in zip(firms, (9_200_000, 8_800_000, 8_950_000), strict=True):
        with db.write() as s:
            bid(s, auction, firm, amount)
    clock.at = closes_at + timedelta(seconds=10)
    with db.write() as s:
        assert claim_next(s, clock.now()) is not None
    with db.write() as s:
        assert settle_next(s, clock.now(), keeper) is not None
    return _stands(db, clock)


def _stands(db: Database, clock: FixedClock) -> Contract:
    with db.write() as s:
        ends = s.scalars(select(Award.standstill_ends).where(Award.state == "proposed")).one()
        assert ends is not None
        clock.at = ends + LITTLE
        assert stand_next(s, clock.now()) is not None
    with db.read() as r:
        return r.scalars(select(Contract).order_by(Contract.id.desc()).limit(1)).one()


def _facts(s: Session) -> list[tuple[int, str]]:
    return [
        (f.org_id, f.values["how"]) for f in s.scalars(select(CreditFact).where(CreditFact.kind == "refused_award"))
    ]


def test_an_award_that_stands_opens_its_contract_and_two_confirmations_end_it(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    opened = _stand(db, keeper, clock)

    assert (opened.state, opened.amount, opened.funding) == ("opened", 8_800_000, "private")
    assert opened.sign_by > clock.now() and opened.lead_id is not None
    with db.write() as s:
        secret = platform_key(s, "receipt").secret
        confirm_contract(s, opened.id, _person(s, opened.firm_id), clock.now(), secret)
        assert s.get_one(Award, opened.award_id).state == "standing"
        confirm_contract(s, opened.id, _person(s, opened.owner_id), clock.now(), secret)

        assert s.get_one(Award, opened.award_id).state == "contracted"
        assert s.scalars(select(Job.stage)).one() == "contracted"
        assert s.get_one(Contract, opened.id).state == "active" and not _facts(s)


def test_a_firm_that_will_not_sign_is_struck_and_the_next_follows(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    opened = _stand(db, keeper, clock)
    with db.write() as s:
        with pytest.raises(Refused) as old_way:
            refuse_award(s, opened.award_id, opened.firm_id, "不签", "person:1", clock.now())
        assert old_way.value.refusals[0].code == "award.sign_or_refuse"
    with db.write() as s:
        after = refuse_contract(s, opened.id, "人手不足，无法承接", _person(s, opened.firm_id), clock.now())
        struck = s.get_one(Award, opened.award_id)

        assert after is not None and (after.amount, after.state) == (8_950_000, "proposed")
        assert (struck.state, struck.strike) == ("struck", "contract_refused")
        assert s.get_one(Contract, opened.id).state == "refused"
        assert _facts(s) == [(opened.firm_id, "contract_refused")]
    assert _stands(db, clock).amount == 8_950_000


def test_an_owner_gives_up_on_a_silent_firm_only_after_the_day_to_sign(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    opened = _stand(db, keeper, clock)
    with db.write() as s, pytest.raises(Refused) as early:
        refuse_contract(s, opened.id, "中介机构没有回应", _person(s, opened.owner_id), opened.sign_by)
    assert early.value.refusals[0].code == "contract.sign_by"
    with db.write() as s:
        refuse_contract(s, opened.id, "中介机构没有回应", _person(s, opened.owner_id), opened.sign_by + LITTLE)

        assert s.get_one(Award, opened.award_id).state == "struck"
        assert _facts(s) == [(opened.firm_id, "contract_refused")]


def test_a_firm_that_confirmed_in_time_may_leave_a_silent_owner_unmarked(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    opened = _stand(db, keeper, clock)
    late = opened.sign_by + LITTLE
    with db.write() as s:
        confirm_contract(s, opened.id, _person(s, opened.firm_id), clock.now(), platform_key(s, "receipt").secret)
    with db.write() as s, pytest.raises(Refused):  # not the firm's fault: the owner cannot pass on to another rank
        refuse_contract(s, opened.id, "想换一家", _person(s, opened.owner_id), late)
    with db.write() as s:
        refuse_contract(s, opened.id, "业主逾期未签", _person(s, opened.firm_id), late)

        assert s.get_one(Award, opened.award_id).state == "struck" and not _facts(s)


def test_a_stranger_and_a_signed_contract_are_refused(db: Database, keeper: KeeperPort, clock: FixedClock) -> None:
    opened = _stand(db, keeper, clock)
    with db.write() as s:
        stranger = s.scalars(
            select(Organisation.id).where(Organisation.id.not_in((opened.owner_id, opened.firm_id)))
            .join(Person, Person.org_id == Organisation.id)
        ).first()  # fmt: skip
        assert stranger is not None
        secret = platform_key(s, "receipt").secret
        for act in (
            lambda: refuse_contract(s, opened.id, "无关的人", _person(s, stranger), clock.now()),
            lambda: confirm_contract(s, opened.id, _person(s, stranger), clock.now(), secret),
            lambda: confirm_contract(s, 10**6, _person(s, stranger), clock.now(), secret),
        ):
            with pytest.raises(Refused) as no:
                act()
            assert no.value.status == 404
        for side in (opened.owner_id, opened.firm_id):
            confirm_contract(s, opened.id, _person(s, side), clock.now(), secret)
        with pytest.raises(Refused) as signed:
            refuse_contract(s, opened.id, "太晚了，已签", _person(s, opened.firm_id), clock.now())
        assert signed.value.refusals[0].code == "contract.signed"


def test_an_owner_that_gives_up_the_result_ends_the_contract_with_it(
    db: Database, keeper: KeeperPort, clock: FixedClock
) -> None:
    opened = _stand(db, keeper, clock)
    with db.write() as s:
        cancel_award(s, opened.award_id, opened.owner_id, "项目停建", "person:1", clock.now())

        assert s.get_one(Contract, opened.id).state == "refused"
        assert s.get_one(Award, opened.award_id).state == "cancelled" and not _facts(s)
