"""The inbox: one's own, unread first; on both databases."""

from datetime import timedelta

from market.db import Database
from market.notices.queries import PAGE, inbox, notice
from market.notices.service import mark_read, notify, read_all
from tests.makers import T0, make_org


def test_an_inbox_shows_ones_own_unread_first_and_by_pages(db: Database) -> None:
    with db.write() as s:
        a, b = make_org(s), make_org(s)
        for n in range(PAGE + 5):
            notify(s, T0 + timedelta(minutes=n), "account.welcome", org=a.id, mail=False, name=str(n))
        notify(s, T0, "account.welcome", org=b.id, mail=False, name="other")
    with db.write() as s:
        newest = inbox(s, a.id, None).rows[0]
        assert newest.values == {"name": str(PAGE + 4)}
        assert mark_read(s, T0, newest.id, a.id, None)

    with db.read() as s:
        one, two = inbox(s, a.id, None), inbox(s, a.id, None, 2)
        assert (one.total, one.unread, one.pages, len(one.rows), len(two.rows)) == (PAGE + 5, PAGE + 4, 2, PAGE, 5)
        assert two.rows[-1].id == newest.id
        assert inbox(s, a.id, None, 99).page == 2
        assert inbox(s, b.id, None).total == 1


def test_the_notice_of_another_is_not_found(db: Database) -> None:
    with db.write() as s:
        a, b = make_org(s), make_org(s)
        notify(s, T0, "account.welcome", org=a.id, mail=False, name="a")
    with db.write() as s:
        row = inbox(s, a.id, None).rows[0]
        assert notice(s, row.id, b.id, "operator") is None
        assert not mark_read(s, T0, row.id, b.id, "operator")


def test_people_of_an_office_share_its_inbox(db: Database) -> None:
    with db.write() as s:
        office = make_org(s, kind="authority", is_owner=False)
        notify(s, T0, "account.welcome", office="operator", mail=False, name="x")
        notify(s, T0, "account.welcome", office="regulator", mail=False, name="y")
    with db.write() as s:
        found = inbox(s, office.id, "operator")
        assert found.total == 1
        read_all(s, T0, office.id, found.newest, "operator")

    with db.read() as s:
        assert inbox(s, office.id, "operator").unread == 0
        assert inbox(s, office.id, "regulator").unread == 1


def test_marking_all_read_spares_what_came_meanwhile(db: Database) -> None:
    with db.write() as s:
        a = make_org(s)
        notify(s, T0, "account.welcome", org=a.id, mail=False, name="old")
    with db.write() as s:
        upto = inbox(s, a.id, None).newest
        notify(s, T0, "account.welcome", org=a.id, mail=False, name="new")
        s.flush()
        read_all(s, T0, a.id, upto)

    with db.read() as s:
        assert [n.values["name"] for n in inbox(s, a.id, None).rows if n.read_at is None] == ["new"]
