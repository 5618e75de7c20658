"""Statements held against payments: dry run, load, and what waits for a person. Both databases."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from market.db import Database
from market.errors import Refused
from market.payments import transfer
from market.payments.ledger import reconcile_ledger
from market.payments.models import LedgerEntry, Settlement, Statement, StatementLine
from market.payments.rules import shown
from market.payments.service import settle
from tests.makers import T0, make_firm, make_owner
from tests.makers_payments import Deal, make_deal, make_payment, the_payment, user_of

HEAD = "交易日期,贷方发生额,对方户名,摘要,流水号\n"
DAY = date(2026, 6, 1)


def csv(*rows: tuple[str, str, str, str]) -> bytes:
    """Amount, payer, text, id of each line, all of 1 June."""
    return (HEAD + "".join(f'20260601,"{a}",{p},{t},{i}\n' for a, p, t, i in rows)).encode()


def count(s: object, model: type) -> int:
    return int(s.scalar(select(func.count()).select_from(model)) or 0)  # type: ignore[attr-defined]


def code_of(no: pytest.ExceptionInfo[Refused]) -> str:
    return no.value.refusals[0].code


def load(db: Database, deal: Deal, data: bytes, name: str = "一.csv") -> None:
    with db.write() as s:
        transfer.load(s, deal.firm.org.id, name, data, user_of(s, deal.firm), T0)


def states(db: Database) -> list[str]:
    with db.read() as s:
        return list(s.scalars(select(StatementLine.state).order_by(StatementLine.no)))


def test_the_dry_run_tells_each_line_and_writes_nothing(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s, 1_000_000, 500_000, 300_000, 700_000)
        bills = [make_payment(s, deal, n) for n in (1, 2, 3, 4)]
        spoiled = bills[3].reference[:-1] + ("2" if bills[3].reference[-1] != "2" else "3")
        data = csv(
            ("10,000.00", "某某", f"付 {shown(bills[0].reference)}", "a"),
            ("2,000.00", "某某", bills[1].reference.lower(), "b"),
            ("3,000.01", "某某", bills[2].reference, "c"),
            ("7,000.00", "某某", spoiled, "d"),
            ("8.00", deal.owner.org.name, "工程款", "e"),
            ("9.00", "路人", "捐款", "f"),
            ("-9.00", "银行", "手续费", "g"),
        )
        entries = count(s, LedgerEntry)

        report = transfer.dry_run(s, deal.firm.org.id, data, T0)

        assert [r.fate for r in report.lines] == [
            "matched", "partial", "over", "near", "unmatched", "unmatched", "debit"
        ]  # fmt: skip
        assert (report.ok, report.booked) == (True, 1_500_001)
        assert report.lines[0].reference == shown(bills[0].reference)
        assert (count(s, LedgerEntry), count(s, StatementLine), count(s, Settlement)) == (entries, 0, 0)


def test_what_is_loaded_is_what_the_dry_run_told(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s, 1_000_000, 500_000)
        one, two = make_payment(s, deal, 1), make_payment(s, deal, 2)
    data = csv(
        ("10,000.00", "甲", one.reference, "a"), ("10,000.00", "甲", one.reference, "b"), ("1.00", "甲", "", "c")
    )
    with db.read() as s:
        told = [r.fate for r in transfer.dry_run(s, deal.firm.org.id, data, T0).lines]

    load(db, deal, data)

    assert states(db) == told == ["matched", "over", "unmatched"]
    with db.read() as s:
        assert (the_payment(s, one.id).state, the_payment(s, two.id).state) == ("over", "due")
        assert reconcile_ledger(s) == []


def test_the_same_file_is_loaded_once(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
    data = csv(("10,000.00", "甲", due.reference, "a"))
    load(db, deal, data)

    with pytest.raises(Refused) as no:
        load(db, deal, data)

    assert (code_of(no), no.value.status) == ("statement.known", 409)
    with db.read() as s:
        assert the_payment(s, due.id).settled == 1_000_000
        assert transfer.dry_run(s, deal.firm.org.id, data, T0).known == T0


@pytest.mark.parametrize("ids", [("a", "b"), ("", "")])
def test_a_line_of_two_statements_counts_once(db: Database, ids: tuple[str, str]) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
    line, more = ("4,000.00", "甲", due.reference, ids[0]), ("6,000.00", "甲", due.reference, ids[1])
    load(db, deal, csv(line))
    load(db, deal, csv(line, more), "二.csv")

    with db.read() as s:
        assert the_payment(s, due.id).state == "paid"
        assert count(s, StatementLine) == 2
        assert count(s, Statement) == 2


def test_equal_lines_without_an_id_are_two_payments(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
    line = ("5,000.00", "甲", due.reference, "")
    load(db, deal, csv(line, line))

    with db.read() as s:
        assert the_payment(s, due.id).state == "paid"


def test_a_line_that_may_stand_in_another_format_waits_for_a_person(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
    load(db, deal, csv(("10,000.00", "甲", due.reference, "")))
    load(db, deal, csv(("10,000.00", "甲", due.reference, "B-1")), "二.csv")

    with db.read() as s:
        assert the_payment(s, due.id).state == "paid"
        assert s.scalars(select(StatementLine.note).where(StatementLine.state == "unmatched")).all() == ["twin"]


def test_a_file_with_one_bad_line_is_not_loaded_at_all(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
    data = csv(("10,000.00", "甲", due.reference, "a"), ("viel", "甲", "", "b"))

    with pytest.raises(Refused) as no:
        load(db, deal, data)

    assert code_of(no) == "statement.faults"
    with db.read() as s:
        assert (count(s, Statement), the_payment(s, due.id).settled) == (0, 0)


def test_a_reference_of_another_firm_is_not_this_firms_money(db: Database) -> None:
    with db.write() as s:
        deal, other = make_deal(s), make_deal(s)
        foreign = make_payment(s, other)
        make_payment(s, deal)
    load(db, deal, csv(("10,000.00", "甲", foreign.reference, "a")))

    assert states(db) == ["unmatched"]
    with db.read() as s:
        assert the_payment(s, foreign.id).settled == 0


def near_line(db: Database) -> tuple[Deal, int, int]:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
    load(db, deal, csv(("10,000.00", deal.owner.org.name, "工程款", "a")))
    with db.read() as s:
        return deal, due.id, s.scalars(select(StatementLine.id).where(StatementLine.state == "near")).one()


def test_a_nod_books_a_near_line_and_a_second_one_is_refused(db: Database) -> None:
    deal, due, line = near_line(db)
    with db.write() as s:
        assert the_payment(s, due).settled == 0
        transfer.nod(s, line, True, user_of(s, deal.firm), T0)
    with pytest.raises(Refused) as no, db.write() as s:
        transfer.nod(s, line, True, user_of(s, deal.firm), T0)

    assert code_of(no) == "statement.line_done"
    with db.read() as s:
        assert (the_payment(s, due).state, s.scalars(select(Settlement.how)).all()) == ("paid", ["near"])


def test_a_rejected_line_can_be_set_aside_and_still_be_assigned(db: Database) -> None:
    deal, due, line = near_line(db)
    with db.write() as s:
        transfer.nod(s, line, False, user_of(s, deal.firm), T0)
        assert the_payment(s, due).settled == 0
        transfer.ignore(s, line, "利息", user_of(s, deal.firm), T0)
        transfer.assign(s, line, due, user_of(s, deal.firm), T0)
        assert the_payment(s, due).state == "paid"
    assert states(db) == ["matched"]


def test_a_line_is_assigned_only_by_its_firm_to_its_own_payment(db: Database) -> None:
    deal, _due, line = near_line(db)
    with db.write() as s:
        other = make_deal(s)
        foreign = make_payment(s, other)
    with pytest.raises(Refused) as no, db.write() as s:
        transfer.assign(s, line, foreign.id, user_of(s, deal.firm), T0)
    assert (code_of(no), no.value.status) == ("payment.unknown", 404)
    with pytest.raises(Refused) as no, db.write() as s:
        transfer.nod(s, line, True, user_of(s, other.firm), T0)
    assert (code_of(no), no.value.status) == ("statement.line_unknown", 404)


def test_an_excess_is_given_back_once_and_never_more(db: Database) -> None:
    with db.write() as s:
        deal = make_deal(s)
        due = make_payment(s, deal)
        firm = user_of(s, deal.firm)
        settle(s, due.id, "transfer", "x", 1_200_000, DAY, "reference", "", T0)
        with pytest.raises(Refused) as no:
            transfer.give_back(s, due.id, 200_001, DAY, "B1", firm, T0)
        assert code_of(no) == "payment.refund_above"
        transfer.give_back(s, due.id, 200_000, DAY, "B1", firm, T0)
        transfer.give_back(s, due.id, 200_000, DAY, "B1", firm, T0)
        assert (the_payment(s, due.id).state, the_payment(s, due.id).settled) == ("paid", 1_000_000)
        with pytest.raises(Refused):
            transfer.give_back(s, due.id, 1, DAY, "B2", firm, T0)
        with pytest.raises(Refused) as no:
            transfer.give_back(s, due.id, 1, DAY + timedelta(days=9), "B2", firm, T0)
        assert code_of(no) == "payment.future"
        assert reconcile_ledger(s) == []


def test_an_owner_with_two_open_payments_of_one_sum_is_for_a_person(db: Database) -> None:
    with db.write() as s:
        owner, firm = make_owner(s), make_firm(s)
        first, second = make_deal(s, owner=owner, firm=firm), make_deal(s, owner=owner, firm=firm)
        make_payment(s, first)
        make_payment(s, second)
    load(db, first, csv(("10,000.00", owner.org.name, "工程款", "a")))

    assert states(db) == ["unmatched"]
