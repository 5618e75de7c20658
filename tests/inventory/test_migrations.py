"""Migrations make exactly the tables of the models, and every one goes down again, on both databases."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from market.db import Base, Database
from market.identity.queries import platform_key
from portal.migrate import config, migrate
from tests.makers import FOUNDED, database


@pytest.fixture
def fresh(database_url: str) -> Database:
    return database(database_url)


def test_the_migrations_make_the_tables_of_the_models(fresh: Database) -> None:
    migrate(fresh, FOUNDED)

    with fresh.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
        connection.rollback()
    fresh.close()
    assert differences == []


def test_every_migration_goes_down_and_up_again(fresh: Database) -> None:
    with fresh.engine.connect() as connection:
        scripts = ScriptDirectory.from_config(config(connection))
        for script in reversed(list(scripts.walk_revisions())):
            command.upgrade(config(connection), script.revision)
            command.downgrade(config(connection), "-1")
            command.upgrade(config(connection), script.revision)
        command.downgrade(config(connection), "base")
        connection.commit()
        left = set(inspect(connection).get_table_names()) - {"alembic_version"}
        connection.rollback()
    fresh.close()
    assert left == set()


def test_migrating_twice_changes_nothing(fresh: Database) -> None:
    migrate(fresh, FOUNDED)
    with fresh.read() as r:
        before = {name: platform_key(r, name).secret for name in ("receipt", "pepper", "session")}
    migrate(fresh, FOUNDED)
    with fresh.read() as r:
        assert before == {name: platform_key(r, name).secret for name in before}
    fresh.close()
