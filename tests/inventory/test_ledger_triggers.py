"""A migrated database itself refuses to change its ledger, whoever asks, and goes down without leaving anything."""

import sqlite3

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from market.db import Database
from market.payments.triggers import WHY
from portal.migrate import config, migrate
from tests.makers import FOUNDED, database

CHANGES = ("UPDATE ledger_entry SET fen = fen + 1", "DELETE FROM ledger_entry")


@pytest.fixture
def fresh(database_url: str) -> Database:
    return database(database_url)


ENTRY = (
    "INSERT INTO ledger_entry (id, at, kind, contract_id, debit, credit, fen, memo, once)"
    " VALUES (1, '2026-06-01 02:00:00', 'owe', 1, 'owed:1', 'earned:1', 5, '', 'a')"
)


def _without_contract(fresh: Database) -> None:
    """An entry that names no contract: only the triggers are looked at."""
    if fresh.sqlite:
        with sqlite3.connect(fresh.engine.url.database or "") as file:  # foreign keys are off by default there
            file.execute(ENTRY)
        file.close()
        return
    with fresh.engine.begin() as connection:
        connection.execute(text("ALTER TABLE ledger_entry DROP CONSTRAINT fk_ledger_entry_contract_id_contract"))
        connection.execute(text(ENTRY))


@pytest.mark.parametrize("sql", CHANGES)
def test_a_migrated_database_refuses_to_change_its_ledger(fresh: Database, sql: str) -> None:
    migrate(fresh, FOUNDED)
    _without_contract(fresh)
    with pytest.raises(DatabaseError, match=WHY), fresh.engine.begin() as connection:
        connection.execute(text(sql))
    with fresh.engine.begin() as connection:
        assert connection.scalar(text("SELECT fen FROM ledger_entry")) == 5
        assert connection.scalar(text("SELECT fen FROM ledger_sum")) == 0
    fresh.close()


def test_the_triggers_and_views_go_down_with_their_migration(fresh: Database) -> None:
    with fresh.engine.connect() as connection:
        head = ScriptDirectory.from_config(config(connection)).get_current_head() or ""
        command.upgrade(config(connection), head)
        command.downgrade(config(connection), "0001")
        connection.commit()
        sqlite = connection.dialect.name == "sqlite"
        left = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')"
        kept = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'ledger%'"
        assert connection.scalar(text(left if sqlite else kept)) == 0
        connection.rollback()
    fresh.close()
