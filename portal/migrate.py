"""Bring a database to the newest schema and found what every city needs. Alembic is imported only when asked for."""

from datetime import datetime
from pathlib import Path
from typing import Any

from market.audit.service import found_log
from market.db import Database
from market.identity.service import found_keys

ROOT = Path(__file__).resolve().parent.parent


def config(connection: Any) -> Any:
    """Alembic's configuration for a live connection."""
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(ROOT / "migrations"))
    found.attributes["connection"] = connection
    return found


def migrate(db: Database, now: datetime) -> None:
    """Create or upgrade every table, then the log's veil and the platform's keys. Harmless when done twice."""
    from alembic import command

    with db.alone(), db.engine.connect() as connection:
        command.upgrade(config(connection), "head")
        connection.commit()
    with db.write() as s:
        found_log(s)
        found_keys(s, now)
