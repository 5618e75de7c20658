"""Connections to a PostgreSQL that was restarted, and transactions of one statement."""

import pytest
from sqlalchemy import insert, select, text

import market.db
from market.db import Database, DatabaseDown
from market.identity.models import CityFact
from tests.conftest import _found
from tests.makers import database
from tests.postgres import Server


def _fact(db: Database, name: str) -> None:
    with db.single() as s:
        s.execute(insert(CityFact).values(name=name, value={"of": "a test"}))


def _facts(db: Database) -> set[str]:
    with db.read() as s:
        return set(s.scalars(select(CityFact.name)))


def test_a_restarted_server_costs_no_request_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market.db, "IDLE", 0.0)
    server = Server()
    try:
        url = server.fresh()
        _found(url)
        db = database(url)
        _fact(db, "before")
        assert "before" in _facts(db)
        server.kill()
        with pytest.raises(DatabaseDown):
            _facts(db)
        server.restart()
        _fact(db, "after")
        assert "after" in _facts(db)
        db.close()
    finally:
        server.stop()


def test_a_single_statement_is_kept_when_it_ends(db: Database) -> None:
    _fact(db, "single")

    assert "single" in _facts(db)


def test_a_single_statement_that_fails_keeps_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.single() as s:
        s.execute(select(CityFact.name))
        raise ZeroDivisionError

    assert "single" not in _facts(db)
    _fact(db, "single")
    assert "single" in _facts(db)


@pytest.mark.parametrize(("pooled", "prepared"), [("", True), ("&pooled=1", False)])
def test_statements_are_prepared_unless_a_pooler_stands_between(
    postgres_city: str, pooled: str, prepared: bool
) -> None:
    db = database(postgres_city + pooled)
    for _ in range(market.db.PREPARE + 2):
        _facts(db)
    with db.read() as s:
        named = s.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%city_fact%'"))
    db.close()
    assert bool(named) is prepared
