"""Questions asked together answer as they do alone, in every type a column here has; failures are SQLAlchemy's own."""

from datetime import UTC, date, time
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam, cast, literal, null, select, text, union_all
from sqlalchemy.exc import OperationalError, ProgrammingError

from market.db import Database
from market.identity.models import CityFact, Organisation, PlatformKey
from market.together import Question, together
from tests.makers import make_org

PEOPLE = select(Organisation.id, Organisation.name, Organisation.is_firm, Organisation.created_at)
PEOPLE = PEOPLE.where(Organisation.name.like(bindparam("like"))).order_by(Organisation.name.desc())
KEYS = select(PlatformKey.secret, PlatformKey.name).where(PlatformKey.name == "pepper")
FACTS = select(CityFact.name, CityFact.value, cast(null(), Integer).label("nought"))
FACTS = FACTS.where(CityFact.name == bindparam("name"), literal("100%").like("100%"))
LEAP = (date(2026, 2, 28), date(2024, 2, 29))
DAYS = union_all(*(select(literal(day).label("day"), literal(10**15 + n).label("fen")) for n, day in enumerate(LEAP)))
BROKEN = select(Organisation.id).where(text("no_such_column = 1"))


def same(db: Database, *asked: Question) -> list[Any]:
    """What the questions answer, alone and together."""
    with db.read() as s:
        alone = [[tuple(row) for row in s.execute(statement, dict(values))] for statement, values in asked]
    with db.read() as s:
        found = together(s, *asked)
    assert [[tuple(row) for row in rows] for rows in found] == alone
    return found


def test_questions_asked_together_answer_as_they_do_alone(db: Database) -> None:
    with db.write() as s:
        make_org(s, name='甲"乙\\丙 50%')
        make_org(s, name="甲二")
        s.add(CityFact(name="odd", value={"a": [1, None, "é\u2028"], "b": {"c": 10**15}}))

    people, keys, facts, days, none = same(
        db, (PEOPLE, {"like": "甲%"}), (KEYS, {}), (FACTS, {"name": "odd"}), (DAYS, {}), (PEOPLE, {"like": "无"})
    )

    assert [row.name for row in people] == ["甲二", '甲"乙\\丙 50%'] and none == []
    assert people[0].created_at.tzinfo is UTC
    assert isinstance(keys[0].secret, bytes) and facts[0].value["b"] == {"c": 10**15} and facts[0].nought is None
    assert [row.fen for row in days] == [10**15, 10**15 + 1]


def test_they_are_asked_within_a_transaction_too(db: Database) -> None:
    with db.write() as s:
        make_org(s, name="刚写入")
        (people, keys) = together(s, (PEOPLE, {"like": "刚%"}), (KEYS, {}))

    assert len(people) == len(keys) == 1


def test_a_broken_question_fails_as_sqlalchemy_has_it_and_spoils_no_connection(db: Database) -> None:
    for asked in ([(BROKEN, {})], [(KEYS, {}), (BROKEN, {})]):
        with pytest.raises((ProgrammingError, OperationalError)), db.read() as s:
            together(s, *asked)
    same(db, (KEYS, {}), (PEOPLE, {"like": "%"}))


def test_a_type_that_json_would_change_is_refused_when_it_is_made(db: Database) -> None:
    odd = select(literal(time(10)).label("odd"))
    with db.read() as s:
        assert [row.odd for row in together(s, (odd, {}))[0]] == [time(10)]
        if s.get_bind().dialect.name == "postgresql":
            with pytest.raises(TypeError, match="Time"):
                together(s, (odd, {}), (KEYS, {}))
