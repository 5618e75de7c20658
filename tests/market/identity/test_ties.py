"""Ties: who is one with whom between publication and T, through the whole register: on both databases."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.identity.models import Organisation, Tie
from market.identity.queries import groups, platform_key, tied, ties_between, ties_of
from market.identity.rules import keyed_hash
from market.identity.service import record_tie, remove_tie
from tests.makers import T0, make_org, uscc
from tests.market.identity.test_rules import identity_number

DAY = timedelta(days=1)
BEFORE, SINCE, UNTIL = T0 - 5 * DAY, T0, T0 + 10 * DAY


def firms(s: Session, n: int) -> list[Organisation]:
    return [make_org(s, is_owner=False, is_firm=True) for _ in range(n)]


def control(s: Session, of: Organisation, by: str, kind: str = "company", now: object = BEFORE) -> int:
    return record_tie(s, of.id, "control", by, kind, "控制方", now, "system")  # type: ignore[arg-type]


def test_a_common_representative_ties(db: Database) -> None:
    with db.write() as s:
        a, b, c = firms(s, 3)
        for org, n in ((a, 1), (b, 1), (c, 2)):
            record_tie(s, org.id, "legal_rep", identity_number(n), "person", "张三", BEFORE, "system")

    with db.read() as s:
        assert tied(s, a.id, [b.id, c.id], SINCE, UNTIL) == {b.id}
        kinds = ties_between(s, [a.id, b.id], SINCE, UNTIL)
        assert kinds[a.id]["legal_rep"] == kinds[b.id]["legal_rep"]


def test_a_chain_of_three_ties_its_ends_though_the_middle_does_not_bid(db: Database) -> None:
    with db.write() as s:
        grandchild, child, parent, stranger = firms(s, 4)
        control(s, grandchild, child.uscc)
        control(s, child, parent.uscc)

    with db.read() as s:
        assert tied(s, grandchild.id, [parent.id, stranger.id], SINCE, UNTIL) == {parent.id}
        assert groups(s, [grandchild.id, parent.id, stranger.id], SINCE) == {
            grandchild.id: min(grandchild.id, parent.id),
            parent.id: min(grandchild.id, parent.id),
            stranger.id: stranger.id,
        }


def test_two_under_one_grandparent_that_is_not_registered_are_tied(db: Database) -> None:
    outside = uscc(8999)
    with db.write() as s:
        a, b, holding = firms(s, 3)
        control(s, a, holding.uscc)
        control(s, holding, outside)
        control(s, b, outside)

    with db.read() as s:
        assert tied(s, a.id, [b.id], SINCE, UNTIL) == {b.id}


def test_the_state_ties_nobody_and_ends_the_chain(db: Database) -> None:
    with db.write() as s:
        a, b, holding = firms(s, 3)
        for org in (a, b):
            record_tie(s, org.id, "control", "", "state", "市国资委", BEFORE, "system")
        record_tie(s, holding.id, "control", "", "state", "市国资委", BEFORE, "system")

    with db.read() as s:
        assert tied(s, a.id, [b.id, holding.id], SINCE, UNTIL) == set()
        tokens = ties_between(s, [a.id], SINCE, UNTIL)[a.id]
        pepper = platform_key(s, "pepper").secret
        assert tokens == {"control": {keyed_hash(pepper, "company", a.uscc)}}


def test_a_common_account_ties_and_an_account_is_no_controller(db: Database) -> None:
    with db.write() as s:
        a, b = firms(s, 2)
        for org, typed in ((a, "6222 0000 1234"), (b, "６２２２００００１２３４")):
            record_tie(s, org.id, "payer", typed, "company", "澄浦银行", BEFORE, "system")

    with db.read() as s:
        assert tied(s, a.id, [b.id], SINCE, UNTIL) == {b.id}
        assert ties_of(s, a.id)[0].party_name == "澄浦银行（尾号 1234）"


@pytest.mark.parametrize(
    ("recorded", "removed", "counts"),
    [
        (BEFORE, None, True),
        (BEFORE, SINCE + DAY, True),  # edited after the bid
        (BEFORE, BEFORE + DAY, False),
        (BEFORE, SINCE, False),  # a tie counts in [recorded, removed)
        (SINCE + DAY, SINCE + 2 * DAY, True),
        (UNTIL, None, True),
        (UNTIL + DAY, None, False),
    ],
)
def test_a_tie_counts_if_it_was_in_force_at_any_instant_from_publication_to_t(
    db: Database, recorded: object, removed: object, counts: bool
) -> None:
    with db.write() as s:
        a, b = firms(s, 2)
        tie = control(s, a, b.uscc, now=recorded)
        if removed is not None:
            remove_tie(s, a.id, tie, removed, "system")  # type: ignore[arg-type]

    with db.read() as s:
        assert (tied(s, a.id, [b.id], SINCE, UNTIL) == {b.id}) is counts


def test_the_register_is_read_in_as_many_statements_for_many_as_for_one(db: Database) -> None:
    with db.write() as s:
        many = firms(s, 12)
        for one, other in pairwise(many):
            control(s, one, other.uscc)
    seen: list[str] = []
    with db.write() as s:
        event.listen(s.get_bind(), "before_cursor_execute", lambda *a: seen.append(a[2]))
        ties_between(s, [many[0].id], SINCE, UNTIL)
        alone = len(seen)
        s.expunge_all()
        ties_between(s, [o.id for o in many], SINCE, UNTIL)

    assert len(seen) - alone <= alone


def test_a_tie_keeps_a_digest_and_a_masked_name_only(db: Database) -> None:
    number = identity_number(5)
    with db.write() as s:
        (a,) = firms(s, 1)
        record_tie(s, a.id, "legal_rep", number, "person", "欧阳锋", BEFORE, "person:1")

    with db.read() as s:
        tie = s.scalars(select(Tie)).one()
        assert tie.party_name == "欧**"
        assert number not in repr(vars(tie))
        facts = s.scalars(select(AuditEntry.facts).where(AuditEntry.deed == "affiliation.recorded")).one()
        assert facts == {"tie": tie.id, "kind": "legal_rep"}


def test_recording_twice_keeps_one_and_a_new_representative_ends_the_old(db: Database) -> None:
    with db.write() as s:
        (a,) = firms(s, 1)
        one = record_tie(s, a.id, "legal_rep", identity_number(1), "person", "张三", BEFORE, "system")
        assert record_tie(s, a.id, "legal_rep", identity_number(1), "person", "张三", T0, "system") == one
        two = record_tie(s, a.id, "legal_rep", identity_number(2), "person", "李四", T0, "system")

    with db.read() as s:
        assert s.get_one(Tie, one).removed_at == T0
        assert s.get_one(Tie, two).removed_at is None


def test_a_registered_controller_is_known_as_such(db: Database) -> None:
    with db.write() as s:
        a, b = firms(s, 2)
        tie = control(s, a, b.uscc.lower())

    with db.read() as s:
        assert s.get_one(Tie, tie).party_org == b.id


@pytest.mark.parametrize(
    ("kind", "typed", "party", "code"),
    [
        ("legal_rep", "11010519491231002", "person", "tie.person"),
        ("control", "91339901DEM000014X", "company", "organisation.uscc.check"),
        ("control", "x", "account", "tie.party_kind"),
        ("control", "x", "rubbish", "tie.party_kind"),
        ("payer", "12", "account", "tie.account"),
        ("control", "self", "company", "tie.self"),
    ],
)
def test_an_unfit_tie_is_refused(db: Database, kind: str, typed: str, party: str, code: str) -> None:
    with pytest.raises(Refused) as no, db.write() as s:
        (a,) = firms(s, 1)
        record_tie(s, a.id, kind, a.uscc if typed == "self" else typed, party, "某", T0, "system")

    assert no.value.refusals[0].code == code


def test_the_tie_of_another_is_not_found(db: Database) -> None:
    with db.write() as s:
        a, b, c = firms(s, 3)
        tie = control(s, a, b.uscc)

    with pytest.raises(Refused) as no, db.write() as s:
        remove_tie(s, c.id, tie, T0, "system")

    assert no.value.status == 404
