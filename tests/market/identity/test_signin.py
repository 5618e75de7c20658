"""Sign-in, limits, resets and tokens: on both databases, and when two come at once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from market.audit.models import AuditEntry
from market.audit.rules import NEVER
from market.db import Database
from market.errors import Refused
from market.identity import queries, signin
from market.identity.links import digest_of, make_link
from market.identity.models import OneTimeToken, Person, RateCount
from market.identity.passwords import WEAK
from market.identity.rules import LIMITS, UNREAD_AT_MOST, PasswordHash, Purpose
from market.notices.models import Notice, Outbox
from market.notices.service import notify
from tests.counting import counted, round_trips
from tests.makers import T0, make_org, make_person

NEW = PasswordHash("$argon2id$new")


def person(db: Database, **but: Any) -> int:
    with db.write() as s:
        return make_person(s, make_org(s), **but).id


def at_once(work: Callable[[], object], times: int) -> list[object]:
    """What each of `times` threads that start together got: a value, or the code it was refused with."""
    start, found, lock = threading.Barrier(times), [], threading.Lock()

    def run() -> None:
        start.wait()
        try:
            got = work()
        except Refused as no:
            got = no.refusals[0].code
        with lock:
            found.append(got)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return found


def test_the_limit_holds_when_threads_come_together(db: Database) -> None:
    def one_try() -> object:
        with db.write() as s:
            signin.count_try(s, "signin.email", "ann@example.com", T0)
        return "taken"

    found = at_once(one_try, LIMITS["signin.email"] + 14)

    assert found.count("taken") == LIMITS["signin.email"]
    assert found.count("limit.reached") == 14


def test_a_limit_says_until_when_and_ends_then(db: Database) -> None:
    for _ in range(LIMITS["mail.email"]):
        with db.write() as s:
            signin.count_try(s, "mail.email", "ann@example.com", T0)

    with pytest.raises(Refused) as no, db.write() as s:
        signin.count_try(s, "mail.email", "ann@example.com", T0)

    until = no.value.refusals[0].values["until"]
    assert no.value.status == 429
    assert until == T0 + timedelta(minutes=15)
    with db.write() as s:
        signin.count_try(s, "mail.email", "ann@example.com", T0 + timedelta(minutes=15))
        signin.count_try(s, "mail.email", "bob@example.com", T0)
        signin.forget_counts(s, T0 + timedelta(minutes=15))
        assert s.scalars(select(RateCount.n)).all() == [1]


def test_a_sign_in_is_recorded_under_the_veil_that_never_lifts_and_clears_the_count(db: Database) -> None:
    ann = person(db, email="ann@example.com")
    with db.write() as s:
        signin.count_try(s, "signin.email", "ann@example.com", T0)

    with db.write() as s:
        signin.sign_in(s, ann, "ann@example.com", T0)

    with db.read() as s:
        entry = s.scalars(select(AuditEntry).where(AuditEntry.deed == "signed.in")).one()
        assert entry.veil == NEVER
        assert s.scalars(select(RateCount)).all() == []


def test_unknown_wrong_and_disabled_read_alike(db: Database) -> None:
    ann = person(db, email="ann@example.com", password=WEAK.hash("seven lamps"), disabled_at=T0)
    bob = person(db, email="bob@example.com", password=WEAK.hash("seven lamps"))
    with db.read() as s:
        cases = [
            (queries.credentials(s, "nobody@example.com"), "seven lamps"),
            (queries.credentials_of(s, ann), "seven lamps"),
            (queries.credentials_of(s, bob), "six lamps"),
        ]

    for found, password in cases:
        with pytest.raises(Refused) as no:
            signin.admitted(found, WEAK.matches(found.password if found else None, password))
        assert no.value.refusals[0].code == "signin.wrong"


def test_a_person_without_a_password_matches_none() -> None:
    assert not WEAK.matches(None, "nobody has this password")
    assert not WEAK.matches(PasswordHash("rubbish"), "x")


def test_a_password_typed_full_width_is_the_same_password() -> None:
    assert WEAK.matches(WEAK.hash("ｌａｍｐｓ　１２３４"), "lamps 1234")


def test_a_reset_link_works_once_even_for_two_at_once(db: Database) -> None:
    ann = person(db)
    with db.write() as s:
        token = make_link(s, ann, Purpose.RESET, T0)

    def use() -> object:
        with db.write() as s:
            return signin.set_by_link(s, token, Purpose.RESET, NEW, T0)

    found = at_once(use, 2)

    assert sorted(map(str, found)) == sorted([str(ann), "link.spent"])
    with db.read() as s:
        assert s.get_one(Person, ann).epoch == 1


def test_a_reset_link_ends_after_an_hour_and_for_another_purpose(db: Database) -> None:
    ann = person(db)
    with db.write() as s:
        token = make_link(s, ann, Purpose.RESET, T0)

    for purpose, when in ((Purpose.RESET, T0 + timedelta(hours=1)), (Purpose.INVITE, T0)):
        with pytest.raises(Refused), db.write() as s:
            signin.set_by_link(s, token, purpose, NEW, when)


def test_only_the_digest_of_a_link_is_kept(db: Database) -> None:
    ann = person(db)
    with db.write() as s:
        token = make_link(s, ann, Purpose.RESET, T0)

    with db.read() as s:
        assert s.scalars(select(OneTimeToken.digest)).all() == [digest_of(token)]


def test_a_reset_ends_sessions_tokens_and_other_links(db: Database) -> None:
    ann = person(db)
    with db.write() as s:
        user = queries.signed_in(s, ann, 0)
        assert user is not None
        api = signin.create_api_token(s, user, "script", T0)
        other = make_link(s, ann, Purpose.RESET, T0)
        token = make_link(s, ann, Purpose.RESET, T0)

    with db.write() as s:
        signin.set_by_link(s, token, Purpose.RESET, NEW, T0)

    with db.read() as s:
        assert queries.signed_in(s, ann, 0) is None
        assert queries.signed_in(s, ann, 1) is not None
        assert queries.by_token(s, digest_of(api)) is None
    with pytest.raises(Refused), db.write() as s:
        signin.set_by_link(s, other, Purpose.RESET, NEW, T0)


def test_asking_for_a_reset_of_an_unknown_address_does_nothing_and_says_nothing(db: Database) -> None:
    ann = person(db, email="ann@example.com")

    with db.write() as s:
        signin.ask_reset(s, "nobody@example.com", T0)
        signin.ask_reset(s, "ann@example.com", T0)

    with db.read() as s:
        assert [r.payload["person"] for r in s.scalars(select(Outbox))] == [ann]
        assert "values" in s.scalars(select(Outbox)).one().payload


def test_signing_out_everywhere_ends_every_session(db: Database) -> None:
    ann = person(db)
    with db.write() as s:
        user = queries.signed_in(s, ann, 0)
        assert user is not None
        signin.sign_out_everywhere(s, user, T0)

    with db.read() as s:
        assert queries.signed_in(s, ann, 0) is None


def test_a_token_lets_in_until_it_is_revoked_by_its_holder(db: Database) -> None:
    ann, eve = person(db), person(db)
    with db.write() as s:
        holder, stranger = queries.signed_in(s, ann, 0), queries.signed_in(s, eve, 0)
        assert holder is not None
        assert stranger is not None
        token = signin.create_api_token(s, holder, "script", T0)
        row = queries.api_tokens(s, ann)[0]
        assert queries.by_token(s, digest_of(token)) == replace(holder, unread=None)  # no page, nothing counted

    with pytest.raises(Refused) as no, db.write() as s:
        signin.revoke_api_token(s, stranger, row.id, T0)
    assert no.value.status == 404
    with db.write() as s:
        signin.revoke_api_token(s, holder, row.id, T0)
    with db.read() as s:
        assert queries.by_token(s, digest_of(token)) is None


def test_a_person_holds_a_bounded_number_of_tokens(db: Database) -> None:
    ann = person(db)
    with pytest.raises(Refused) as no, db.write() as s:
        user = queries.signed_in(s, ann, 0)
        assert user is not None
        for n in range(signin.TOKENS_AT_MOST + 1):
            signin.create_api_token(s, user, f"t{n}", T0)

    assert no.value.refusals[0].code == "token.too_many"


def test_the_user_of_a_session_is_found_in_one_statement_without_the_password(db: Database) -> None:
    ann = person(db)
    with db.read() as s, counted(s) as seen, round_trips() as sent:
        assert queries.signed_in(s, ann, 0) is not None

    (asked,) = [*seen, *sent]
    assert "password" not in asked


def test_unread_notices_are_counted_to_a_hundred_for_the_firm_and_the_office(db: Database) -> None:
    with db.write() as s:
        ann, ben = make_person(s, make_org(s)), make_person(s, make_org(s), office="operator")
        for _ in range(UNREAD_AT_MOST - 1):
            notify(s, T0, "account.welcome", org=ann.org_id, mail=False)
        notify(s, T0, "account.welcome", org=ben.org_id, mail=False)
        notify(s, T0, "account.welcome", office="operator", mail=False)
        notify(s, T0, "account.welcome", office="regulator", mail=False)

    def shown(who: int) -> tuple[int | None, str]:
        with db.read() as s:
            found = queries.signed_in(s, who, 0)
        assert found is not None
        return found.unread, found.news

    assert shown(ann.id) == (99, "99")
    assert shown(ben.id) == (2, "2")
    with db.write() as s:
        notify(s, T0, "account.welcome", org=ann.org_id, mail=False)
        notify(s, T0, "account.welcome", org=ann.org_id, mail=False)
    assert shown(ann.id) == (100, "99+")
    with db.write() as s:
        s.execute(update(Notice).where(Notice.org_id == ann.org_id).values(read_at=T0))
    assert shown(ann.id) == (0, "0")
