"""Registration without enumeration, people and offices: on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.identity import queries, signin
from market.identity.links import digest_of, make_link
from market.identity.models import Organisation, Person, PlatformKey
from market.identity.passwords import WEAK
from market.identity.rules import PasswordHash, Purpose, User
from market.identity.service import (
    Registration,
    add_person,
    create_office,
    disable_person,
    enrol,
    found_keys,
    register,
    set_mode,
)
from market.notices.models import Outbox
from tests.makers import T0, uscc

HASH = PasswordHash("$argon2id$not-checked-here")


def form(n: int, address: str, **but: object) -> Registration:
    row: dict[str, object] = {
        "uscc": uscc(7000 + n), "name": f"澄浦登记{n}有限公司", "kind": "private", "is_owner": True, "is_firm": False,
        "district": "339901", "email": address, "person": "周某某", "password": HASH,
    }  # fmt: skip
    return Registration(**{**row, **but})  # type: ignore[arg-type]


def mails(s: Session) -> list[tuple[str, int]]:
    rows = s.scalars(select(Outbox).where(Outbox.topic == "mail").order_by(Outbox.id))
    return [(r.payload["kind"], r.payload.get("person", 0)) for r in rows]


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.refusals[0].code


def user_of(s: Session, person_id: int) -> User:
    found = queries.signed_in(s, person_id, s.get_one(Person, person_id).epoch)
    assert found is not None
    return found


def test_a_registration_waits_for_its_mail_and_then_counts(db: Database) -> None:
    with db.write() as s:
        register(s, form(1, "ann@example.com"), T0)
    with db.read() as s:
        ann = s.scalars(select(Person).where(Person.email == "ann@example.com")).one()
        assert mails(s) == [("account.confirm", ann.id)]
        assert queries.signed_in(s, ann.id, 0) is None
        assert s.scalars(select(AuditEntry).where(AuditEntry.deed == "organisation.registered")).all() == []

    with db.write() as s:
        token = make_link(s, ann.id, Purpose.CONFIRM, T0)
    with db.write() as s:
        assert signin.confirm(s, token, T0) == ann.id

    with db.read() as s:
        user = user_of(s, ann.id)
        assert (user.org_name, user.first, [str(r) for r in user.roles]) == ("澄浦登记1有限公司", True, ["owner"])
        assert user.unread == 1  # the welcome
        assert len(s.scalars(select(AuditEntry).where(AuditEntry.deed == "organisation.registered")).all()) == 1


def test_a_registered_code_is_told(db: Database) -> None:
    with db.write() as s:
        enrol(s, form(2, "ann@example.com"), T0)

    with pytest.raises(Refused) as no, db.write() as s:
        register(s, form(2, "bob@example.com"), T0)

    assert code_of(no) == "organisation.registered"
    assert no.value.status == 409


def test_a_known_address_is_told_only_by_mail_to_it(db: Database) -> None:
    with db.write() as s:
        _, ann = enrol(s, form(3, "ann@example.com"), T0)

    with db.write() as s:
        register(s, form(4, "ann@example.com"), T0)

    with db.read() as s:
        assert mails(s) == [("account.known", ann)]
        assert queries.organisation(s, uscc(7004)) is None


@pytest.mark.parametrize("known", [True, False])
def test_trying_the_code_again_does_not_tell_whether_the_first_address_was_known(db: Database, known: bool) -> None:
    with db.write() as s:
        if known:
            enrol(s, form(5, "ann@example.com"), T0)
        register(s, form(6, "ann@example.com"), T0)

    with db.write() as s:
        register(s, form(6, "bob@example.com"), T0)  # taken both times

    with db.read() as s:
        bob = s.scalars(select(Person).where(Person.email == "bob@example.com")).one()
        assert mails(s)[-1] == ("account.confirm", bob.id)


def test_a_mistyped_registration_is_corrected_by_registering_again(db: Database) -> None:
    with db.write() as s:
        register(s, form(7, "ann@example.com"), T0)
        old = make_link(s, s.scalars(select(Person.id)).one(), Purpose.CONFIRM, T0)

    with db.write() as s:
        register(s, form(8, "ann@example.com", name="改正后的名称"), T0)

    with db.read() as s:
        assert s.scalars(select(Organisation.name)).all() == ["改正后的名称"]
    with pytest.raises(Refused) as no, db.write() as s:
        signin.confirm(s, old, T0)
    assert code_of(no) == "link.spent"


@pytest.mark.parametrize(
    ("but", "code"),
    [({"uscc": "91339901DEM000014X"}, "organisation.uscc.check"), ({"email": "nobody"}, "email.wrong"),
     ({"kind": "authority"}, "organisation.kind"), ({"is_owner": False}, "organisation.role"),
     ({"uscc": "1"}, "organisation.uscc.length")],
)  # fmt: skip
def test_an_unfit_registration_is_refused_and_leaves_nothing(db: Database, but: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as no, db.write() as s:
        register(s, form(9, "ann@example.com", **but), T0)

    assert code_of(no) == code
    with db.read() as s:
        assert mails(s) == []


def test_keys_are_made_once(db: Database) -> None:
    with db.read() as s:
        before = {k.name: (k.secret, k.public) for k in s.scalars(select(PlatformKey))}

    with db.write() as s:
        found_keys(s, T0)

    with db.read() as s:
        assert {k.name: (k.secret, k.public) for k in s.scalars(select(PlatformKey))} == before
        assert set(before) == {"log", "pepper", "receipt", "session"}
        assert len(queries.platform_key(s, "receipt").public) == 32


def test_a_city_does_not_start_in_the_other_mode(db: Database) -> None:
    with pytest.raises(Refused) as no, db.write() as s:
        set_mode(s, "empty")

    assert code_of(no) == "mode.other"
    with db.write() as s:
        set_mode(s, "sample")


def test_the_first_person_adds_others_who_set_their_password_by_mail(db: Database) -> None:
    with db.write() as s:
        org, ann = enrol(s, form(10, "ann@example.com"), T0)
    with db.write() as s:
        bob = add_person(s, user_of(s, ann), "bob@example.com", "吴某某", T0)
        assert mails(s) == [("account.invite", bob)]
        token = make_link(s, bob, Purpose.INVITE, T0)

    with db.write() as s:
        signin.set_by_link(s, token, Purpose.INVITE, HASH, T0)

    with db.read() as s:
        assert user_of(s, bob).org_id == org
    with pytest.raises(Refused) as no, db.write() as s:
        add_person(s, user_of(s, bob), "cas@example.com", "郑某某", T0)
    assert code_of(no) == "people.first_only"


def test_a_disabled_person_is_out_at_once(db: Database) -> None:
    with db.write() as s:
        _, ann = enrol(s, form(11, "ann@example.com"), T0)
        bob = add_person(s, user_of(s, ann), "bob@example.com", "吴某某", T0)
        signin.set_by_link(s, make_link(s, bob, Purpose.INVITE, T0), Purpose.INVITE, HASH, T0)
        user = user_of(s, bob)
        token = signin.create_api_token(s, user, "script", T0)

    with db.write() as s:
        disable_person(s, user_of(s, ann), bob, T0)

    with db.read() as s:
        assert queries.signed_in(s, bob, user.epoch) is None
        assert queries.by_token(s, digest_of(token)) is None


def test_nobody_disables_themselves_or_a_stranger(db: Database) -> None:
    with db.write() as s:
        _, ann = enrol(s, form(12, "ann@example.com"), T0)
        _, eve = enrol(s, form(13, "eve@example.com"), T0)

    for target, code in ((ann, "person.needed"), (eve, "person.unknown"), (10**9, "person.unknown")):
        with pytest.raises(Refused) as no, db.write() as s:
            disable_person(s, user_of(s, ann), target, T0)
        assert code_of(no) == code


def test_an_operator_made_with_a_password_may_sign_in_and_disable_another(db: Database) -> None:
    with db.write() as s:
        one = create_office(
            s, "op@example.com", "王某某", "operator", "seven lamps at sea", T0, "system", passwords=WEAK
        )
        two = create_office(s, "reg@example.com", "李某某", "regulator", None, T0, f"person:{one}")

    with db.write() as s:
        found = queries.credentials(s, "op@example.com")
        assert found is not None
        assert WEAK.matches(found.password, "seven lamps at sea")
        assert user_of(s, one).office == "operator"
        assert mails(s) == [("account.invite", two)]
        assert s.get_one(Organisation, user_of(s, one).org_id).kind == "authority"
        disable_person(s, user_of(s, one), two, T0 + timedelta(days=1))

    with db.read() as s:
        assert s.get_one(Person, two).disabled_at is not None


def test_a_second_operator_joins_the_first_ones_organisation(db: Database) -> None:
    named = {"org_name": "某市公共资源交易中心", "org_uscc": uscc(7050, "12339900")}
    with db.write() as s:
        one = create_office(s, "a@example.com", "王某某", "operator", None, T0, "system", **named)  # type: ignore[arg-type]
        two = create_office(s, "b@example.com", "李某某", "operator", None, T0, "system")

    with db.read() as s:
        assert s.get_one(Person, one).org_id == s.get_one(Person, two).org_id
        assert s.get_one(Organisation, s.get_one(Person, two).org_id).name == "某市公共资源交易中心"


def test_a_poor_password_makes_no_operator(db: Database) -> None:
    with pytest.raises(Refused) as no, db.write() as s:
        create_office(s, "op@example.com", "王某某", "operator", "1234567890", T0, "system", passwords=WEAK)

    assert code_of(no) == "password.common"
