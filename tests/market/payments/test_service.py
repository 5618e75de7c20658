"""What is owed and settled, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.moments import beijing_day
from market.notices.models import Notice
from market.payments import service
from market.payments.ledger import balances, ledger_sum, reconcile_ledger
from market.payments.models import LedgerEntry, Payment, Settlement
from market.payments.rules import is_reference
from tests.makers import T0
from tests.makers_payments import make_deal, make_payment, the_payment

DAY = beijing_day(T0)


def code_of(no: pytest.ExceptionInfo[Refused]) -> str:
    return no.value.refusals[0].code


def test_a_milestone_is_owed_once_however_often_it_is_opened(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        first = make_payment(s, deal)
        again = make_payment(s, deal)

        assert again.id == first.id
        assert is_reference(first.reference)
        assert balances(s, deal.contract.id) == {
            f"owed:{deal.contract.id}": 1_000_000,
            f"earned:{deal.contract.id}": -1_000_000,
        }
        assert s.scalar(select(func.count()).select_from(LedgerEntry)) == 1
        assert s.scalar(select(func.count()).select_from(Notice).where(Notice.kind == "payment.due")) == 1


def test_a_payment_in_full_is_paid_and_told_to_both(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
        service.settle(s, due.id, "transfer", "a", 1_000_000, DAY, "reference", "", T0)

        paid = the_payment(s, due.id)
        assert (paid.state, paid.settled, paid.paid_at) == ("paid", 1_000_000, T0)
        assert balances(s, deal.contract.id)[f"owed:{deal.contract.id}"] == 0
        told = s.scalars(select(Notice.org_id).where(Notice.kind == "payment.paid")).all()
        assert set(told) == {deal.owner.org.id, deal.firm.org.id}
        facts = s.scalars(select(AuditEntry.facts).where(AuditEntry.deed == "payment.settled")).one()
        assert facts["fen"] == 1_000_000


def test_the_same_movement_told_twice_counts_once(db: Database) -> None:
    with db.write() as s:
        due = make_payment(s, make_deal(s))
        first = service.settle(s, due.id, "stripe", "pi_1", 400_000, DAY, "stripe", "", T0)
        again = service.settle(s, due.id, "stripe", "pi_1", 400_000, DAY, "stripe", "", T0 + timedelta(days=1))

        assert again.id == first.id
        assert the_payment(s, due.id).settled == 400_000
        assert the_payment(s, due.id).state == "partly"


def test_the_same_id_with_another_sum_is_refused(db: Database) -> None:
    with db.write() as s:
        due = make_payment(s, make_deal(s))
        service.settle(s, due.id, "stripe", "pi_1", 400_000, DAY, "stripe", "", T0)
        with pytest.raises(Refused) as no:
            service.settle(s, due.id, "stripe", "pi_1", 400_001, DAY, "stripe", "", T0)
        assert code_of(no) == "payment.differs"


def test_what_is_beyond_the_debt_is_owed_back(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
        service.settle(s, due.id, "transfer", "a", 1_000_000, DAY, "reference", "", T0)
        service.settle(s, due.id, "transfer", "b", 1_000_000, DAY, "reference", "", T0)

        assert the_payment(s, due.id).state == "over"
        assert balances(s, deal.contract.id)[f"excess:{deal.contract.id}"] == -1_000_000
        service.refund(s, "transfer", "c", due.id, 1_000_000, DAY, "", T0)
        assert the_payment(s, due.id).state == "paid"
        assert balances(s, deal.contract.id)[f"excess:{deal.contract.id}"] == 0


def test_a_refund_above_what_came_the_same_way_is_refused(db: Database) -> None:
    with db.write() as s:
        due = make_payment(s, make_deal(s))
        service.settle(s, due.id, "transfer", "a", 600_000, DAY, "reference", "", T0)
        service.settle(s, due.id, "stripe", "pi_1", 400_000, DAY, "stripe", "", T0)
        with pytest.raises(Refused) as no:
            service.refund(s, "stripe", "re_1", due.id, 400_001, DAY, "", T0)
        assert code_of(no) == "payment.refund_above"
        assert no.value.refusals[0].values["most"] == 400_000


def test_a_refund_is_owed_again_and_a_dispute_won_comes_back(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
        service.settle(s, due.id, "stripe", "pi_1", 1_000_000, DAY, "stripe", "", T0)
        service.dispute(s, "stripe", "du_1", due.id, 1_000_000, DAY, "", T0)
        assert (the_payment(s, due.id).state, the_payment(s, due.id).paid_at) == ("disputed", None)
        service.restore(s, "stripe", "du_1:back", due.id, 1_000_000, DAY, "", T0)
        assert the_payment(s, due.id).state == "paid"
        service.refund(s, "stripe", "re_1", due.id, 1_000_000, DAY, "", T0)
        assert the_payment(s, due.id).state == "refunded"
        assert balances(s, deal.contract.id)[f"owed:{deal.contract.id}"] == 1_000_000
        assert reconcile_ledger(s) == []
        assert ledger_sum(s) == 0


def test_money_that_belongs_to_nothing_is_kept_and_booked_later(db: Database) -> None:
    with db.write() as s:
        due = make_payment(s, make_deal(s))
        stray = service.settle(s, None, "transfer", "x", 1_000_000, DAY, "hand", "", T0)
        again = service.settle(s, None, "transfer", "x", 1_000_000, DAY, "hand", "", T0)
        assert (again.id, stray.payment_id, the_payment(s, due.id).settled) == (stray.id, None, 0)

        service.settle(s, due.id, "transfer", "x", 1_000_000, DAY, "hand", "", T0)
        service.settle(s, due.id, "transfer", "x", 1_000_000, DAY, "hand", "", T0)
        assert the_payment(s, due.id).state == "paid"
        assert s.scalar(select(func.count()).select_from(Settlement)) == 1


@pytest.mark.parametrize("fen", [0, -1, 10**15])
def test_a_sum_that_is_none_is_refused(db: Database, fen: int) -> None:
    with pytest.raises(Refused) as no, db.write() as s:
        make_payment(s, make_deal(s), fen=fen)
    assert code_of(no) == "payment.amount"


@pytest.mark.parametrize("sql", ["update ledger_entry set fen = fen + 1", "delete from ledger_entry"])
def test_a_ledger_entry_cannot_be_changed_or_deleted(db: Database, sql: str) -> None:
    with db.write() as s:
        make_payment(s, make_deal(s))
    with pytest.raises(DatabaseError, match="never changed or deleted"), db.write() as s:
        s.execute(text(sql))
    with db.read() as s:
        assert s.scalar(select(LedgerEntry.fen)) == 1_000_000


def test_the_database_itself_tells_that_the_ledger_is_zero(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        service.settle(s, make_payment(s, deal).id, "transfer", "a", 1_500_000, DAY, "reference", "", T0)
    with db.read() as s:
        assert s.scalar(text("select fen from ledger_sum")) == 0
        rows = s.execute(text("select account, fen from ledger_balance where fen <> 0")).all()
        assert {name: int(fen) for name, fen in rows} == {
            f"earned:{deal.contract.id}": -1_000_000,
            f"excess:{deal.contract.id}": -500_000,
            f"paid:{deal.contract.id}:transfer": 1_500_000,
        }


def test_a_payment_changed_by_hand_is_named(db: Database) -> None:
    with db.write() as s:
        due = make_payment(s, make_deal(s))
        service.settle(s, due.id, "transfer", "a", 400_000, DAY, "reference", "", T0)
        s.execute(text("update payment set settled = 500000"))
        s.expire_all()
        found = {(d.what, d.ledger, d.payment) for d in reconcile_ledger(s)}
    assert found == {("owed", 600_000, 500_000), ("paid", 400_000, 500_000), ("settlements", 400_000, 500_000)}
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(Payment)) == 1
