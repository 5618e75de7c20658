"""Cases made of flags: assigned, noted, decided with a reason, reopened; each regulator in its own district."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.identity.queries import signed_in
from market.identity.rules import User
from oversight.indicators import queries
from oversight.indicators.cases import enter, possible
from oversight.indicators.models import CaseNote, Flag
from tests.inventory.flags import make_flag
from tests.makers import T0, make_job, make_org, make_owner, make_person


def _regulator(s: Session, district: str) -> User:
    office = make_org(s, kind="authority", is_owner=False, district=district)
    person = make_person(s, office, office="regulator")
    found = signed_in(s, person.id, person.epoch)
    assert found is not None
    return found


def _flags(s: Session) -> list[Flag]:
    make_job(s, make_owner(s))
    return [make_flag(s, f"job:{n}", district) for n, district in enumerate(("339901", "339902", None))]


def test_a_case_from_its_assignment_to_its_decision_and_again(db: Database) -> None:
    with db.write() as s:
        me, flag = _regulator(s, ""), _flags(s)[0]
        assert possible(flag.state) == ["assign", "note"]
        with pytest.raises(Refused) as early:
            enter(s, flag.id, "found", "查实", me, T0)
        assert (early.value.status, early.value.refusals[0].code) == (409, "flag.state")
        enter(s, flag.id, "assign", "由我核查", me, T0)
        assert (flag.state, flag.assigned_to) == ("assigned", me.id)
        enter(s, flag.id, "note", "已调阅纪要", me, T0)
        enter(s, flag.id, "dismiss", "同类价格普遍接近", me, T0)
        assert (flag.state, flag.decision, flag.decided_by) == ("unfounded", "同类价格普遍接近", me.id)
        assert possible(flag.state) == ["note", "reopen"]
        enter(s, flag.id, "reopen", "有新材料", me, T0)
        assert (flag.state, flag.decision, flag.assigned_to, flag.decided_at) == ("open", None, None, None)
    with db.read() as s:
        assert [note.kind for note in s.scalars(select(CaseNote).order_by(CaseNote.id))] == [
            "assigned", "note", "decided", "reopened"
        ]  # fmt: skip
        deeds = s.scalars(select(AuditEntry.deed).where(AuditEntry.deed.like("flag.%")).order_by(AuditEntry.id))
        assert list(deeds) == ["flag.assigned", "flag.noted", "flag.decided", "flag.noted"]


def test_a_regulator_sees_its_district_and_the_citys_sees_all(db: Database) -> None:
    with db.write() as s:
        city, district, mine = _regulator(s, ""), _regulator(s, "339901"), _flags(s)
        for user, seen in ((city, mine), (district, mine[:1])):
            scope = queries.scope_of(s, user.org_id)
            rows, total = queries.flags(s, scope, (), False, 1, 20)
            assert ([f.id for f in rows], total) == ([f.id for f in seen], len(seen))
            assert queries.open_counts(s, scope) == {"raised_after": len(seen)}
            assert [queries.flag(s, f.id, scope) is not None for f in mine] == [f in seen for f in mine]
        assert queries.flags(s, None, ("kin",), False, 1, 20) == ([], 0)
        assert queries.flags(s, None, (), True, 1, 20) == ([], 0)
        with pytest.raises(Refused) as foreign:
            enter(s, mine[1].id, "note", "看一下", district, T0)
        assert foreign.value.status == 404
