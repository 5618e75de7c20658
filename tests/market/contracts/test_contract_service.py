"""A contract from its opening to its end, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from market.contracts import service as contracts
from market.contracts.models import ChangeOrder, Contract, Milestone
from market.db import Database
from market.errors import Refused
from market.identity.queries import platform_key
from market.notices.models import Notice
from market.payments.models import Payment
from market.payments.service import settle
from tests.makers import T0
from tests.makers_contracts import HALVES, Deal, make_contract, open_deal

DAY = timedelta(days=1)


def _accept(s: Session, deal: Deal, no: int, at: timedelta) -> None:
    given = contracts.deliver(s, deal.id, no, None, "已交付", deal.firm, T0 + at)
    contracts.judge(s, given.id, True, "", deal.owner, T0 + at + DAY)


def _code(no: pytest.ExceptionInfo[Refused]) -> str:
    return no.value.refusals[0].code


def test_a_contract_is_in_force_once_both_sides_have_confirmed(db: Database) -> None:
    with db.write() as s:
        deal = open_deal(s)
        secret = platform_key(s, "receipt").secret
        contracts.confirm(s, deal.id, deal.firm, T0, secret)
        assert deal.contract.state == "opened"
        with pytest.raises(Refused) as twice:
            contracts.confirm(s, deal.id, deal.firm, T0, secret)
        assert _code(twice) == "contract.confirmed"
        contracts.confirm(s, deal.id, deal.owner, T0 + DAY, secret)

        assert deal.contract.state == "active" and deal.contract.signed_at == T0 + DAY
        assert deal.contract.digest in (deal.contract.attested or "") and len(deal.contract.signature or b"") == 64


def test_other_milestones_undo_a_confirmation(db: Database) -> None:
    with db.write() as s:
        deal = open_deal(s)
        before = deal.contract.digest
        contracts.confirm(s, deal.id, deal.firm, T0, platform_key(s, "receipt").secret)
        contracts.set_milestones(s, deal.id, HALVES, deal.owner, T0)

        assert deal.contract.firm_confirmed_at is None and deal.contract.digest != before
        assert [m.fen for m in s.scalars(select(Milestone).order_by(Milestone.no))] == [3_200_000, 4_800_000]


def test_each_accepted_milestone_is_owed_and_the_last_one_ends_the_days(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        _accept(s, deal, 1, 4 * DAY)
        assert [p.fen for p in s.scalars(select(Payment))] == [3_200_000]
        _accept(s, deal, 2, 10 * DAY)

        done = s.get_one(Contract, deal.id)
        assert done.state == "accepted" and done.delivered_at == T0 + 10 * DAY
        assert done.days_used == 8  # 2–11 June 2026, without a weekend
        assert contracts.complete_next(s, T0 + 12 * DAY) is None
        for payment in s.scalars(select(Payment)).all():
            settle(s, payment.id, "transfer", f"x{payment.id}", payment.fen, T0.date(), "reference", "", T0 + 12 * DAY)
        closed = contracts.complete_next(s, T0 + 12 * DAY)
        assert closed is not None and closed.state == "completed"


def test_acceptance_from_two_tabs_counts_once(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        given = contracts.deliver(s, deal.id, 1, None, "初稿", deal.firm, T0 + DAY)
        contracts.judge(s, given.id, True, "", deal.owner, T0 + DAY)
        with pytest.raises(Refused) as again:
            contracts.judge(s, given.id, True, "", deal.owner, T0 + DAY)

        assert _code(again) == "deliverable.judged"
        assert len(s.scalars(select(Payment)).all()) == 1


def test_a_return_needs_a_reason_and_leads_to_a_new_version(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        first = contracts.deliver(s, deal.id, 1, None, "初稿", deal.firm, T0 + DAY)
        with pytest.raises(Refused) as bare:
            contracts.judge(s, first.id, False, " ", deal.owner, T0 + DAY)
        contracts.judge(s, first.id, False, "缺少噪声监测数据", deal.owner, T0 + DAY)
        second = contracts.deliver(s, deal.id, 1, None, "修改稿", deal.firm, T0 + 2 * DAY)

        assert _code(bare) == "deliverable.reason" and second.version == 2


def test_only_a_pause_the_other_side_agreed_to_moves_the_due_day(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        due = deal.contract.due_at
        pause = contracts.propose_pause(
            s, deal.id, "owner", "等待业主补充红线图", T0 + DAY, T0 + 4 * DAY, deal.firm, T0 + 4 * DAY
        )
        assert deal.contract.due_at == due
        with pytest.raises(Refused) as own:
            contracts.answer_pause(s, pause.id, True, deal.firm, T0 + 4 * DAY)
        contracts.answer_pause(s, pause.id, True, deal.owner, T0 + 4 * DAY)

        assert _code(own) == "pause.own"
        assert due is not None and deal.contract.due_at is not None and deal.contract.due_at > due


def test_a_pause_beyond_the_calendar_is_refused_and_nothing_moves(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        due = deal.contract.due_at
        with pytest.raises(Refused) as far:
            contracts.propose_pause(s, deal.id, "owner", "等待资料到齐", T0, T0 + 9_000 * DAY, deal.firm, T0)
        to_the_end = T0.replace(year=2030, month=12, day=30)
        pause = contracts.propose_pause(s, deal.id, "owner", "等待资料到齐", T0, to_the_end, deal.firm, T0)
        with pytest.raises(Refused) as agreed, s.begin_nested():
            contracts.answer_pause(s, pause.id, True, deal.owner, T0)

        assert _code(far) == _code(agreed) == "contract.beyond_calendar"
        assert deal.contract.due_at == due


def test_a_warning_is_not_repeated_when_the_due_day_has_not_moved(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        due = deal.contract.due_at
        assert due is not None and contracts.warn_late_next(s, due + DAY) is not None
        contracts.propose_change(s, deal.id, 8_100_000, 20, "", "增加监测点位", None, deal.firm, due + DAY)
        contracts.answer_change(s, s.scalars(select(ChangeOrder.id)).one(), True, "", deal.owner, due + DAY)

        assert deal.contract.due_at == due and contracts.warn_late_next(s, due + 2 * DAY) is None


def test_a_change_within_the_limit_follows_into_open_milestones(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s, funding="fiscal")
        _accept(s, deal, 1, 2 * DAY)
        with pytest.raises(Refused) as much:
            contracts.propose_change(s, deal.id, 8_800_001, 20, "", "增加监测点位", None, deal.firm, T0 + 4 * DAY)
        change = contracts.propose_change(s, deal.id, 8_800_000, 22, "", "增加监测点位", None, deal.firm, T0 + 4 * DAY)
        contracts.answer_change(s, change.id, True, "同意", deal.owner, T0 + 5 * DAY)

        assert _code(much) == "change.amount"
        fens = [m.fen for m in s.scalars(select(Milestone).order_by(Milestone.no))]
        assert fens == [3_200_000, 5_600_000] and deal.contract.amount_now == 8_800_000
        assert s.get_one(ChangeOrder, change.id).state == "agreed"


def test_strangers_are_not_told_that_a_contract_exists(db: Database) -> None:
    with db.write() as s:
        deal, strange = make_contract(s), make_contract(s)
        for act in (
            lambda: contracts.complete_inputs(s, deal.id, strange.firm, T0),
            lambda: contracts.terminate(s, deal.id, "不想做了", strange.owner, T0),
            lambda: contracts.deliver(s, deal.id, 1, None, "假的", strange.firm, T0),
        ):
            with pytest.raises(Refused) as no:
                act()
            assert no.value.status == 404 and _code(no) == "contract.unknown"


def test_each_warning_goes_out_once(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        due = deal.contract.due_at
        assert due is not None
        told = []
        for days in (-10, -2, -2, -1, 0, 0, 1, 2):
            while contracts.warn_late_next(s, due + days * DAY) is not None:
                told.append(days)

        kinds = set(s.scalars(select(Notice.kind).where(Notice.kind.like("contract.deliver_%"))))
        assert len(told) == 3 and kinds == {"contract.deliver_before", "contract.deliver_on", "contract.deliver_after"}


def test_each_milestone_is_warned_of_once_a_step_and_the_last_by_the_contract(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        first, last = s.scalars(select(Milestone).order_by(Milestone.no))
        due = first.due_at
        assert due is not None and last.due_at == deal.contract.due_at and due < last.due_at
        told = []
        for days in (-10, -1, -1, 0, 0, 1, 2):
            while (warned := contracts.warn_milestone_next(s, due + days * DAY)) is not None:
                told.append((days, warned.no, warned.warned))

        assert told == [(-1, 1, "before"), (0, 1, "on"), (1, 1, "after")]
        kinds = [f"contract.milestone_{step}" for step in ("before", "on", "after")]
        sent = s.scalars(select(Notice).where(Notice.kind.in_(kinds))).all()
        assert {n.kind for n in sent} == set(kinds) and {n.org_id for n in sent} == {
            deal.owner.org_id,
            deal.firm.org_id,
        }
        assert {n.values["no"] for n in sent} == {1}


def test_a_delivered_milestone_is_not_warned_of_and_a_moved_one_anew(db: Database) -> None:
    with db.write() as s:
        deal = make_contract(s)
        first = s.scalars(select(Milestone).order_by(Milestone.no)).first()
        assert first is not None and first.due_at is not None
        due = first.due_at
        assert contracts.warn_milestone_next(s, due) is not None
        pause = contracts.propose_pause(s, deal.id, "owner", "场地未腾空", T0, T0 + 5 * DAY, deal.owner, T0 + 6 * DAY)
        contracts.answer_pause(s, pause.id, True, deal.firm, T0 + 6 * DAY)
        assert first.due_at > due and first.warned is None
        contracts.deliver(s, deal.id, 1, None, "第一版", deal.firm, T0 + 7 * DAY)
        assert contracts.warn_milestone_next(s, first.due_at + DAY) is None


def test_a_contract_that_was_never_signed_can_be_given_up(db: Database) -> None:
    with db.write() as s:
        deal = open_deal(s)
        with pytest.raises(Refused) as early:
            contracts.end_unsigned(s, deal.id, "中介机构没有回应", deal.owner, T0)
        contracts.end_unsigned(s, deal.id, "人手不足，无法承接", deal.firm, T0)

        assert _code(early) == "contract.sign_by" and deal.contract.state == "refused"
