"""What keeps the ledger as it was written: triggers that refuse to change or delete an entry, and a sum that is zero.

Migration 0002 calls `create` at the end of its upgrade and `drop` at the beginning of its downgrade.
"""

from typing import Final

from sqlalchemy import Connection, text

WHY: Final = "A ledger entry is never changed or deleted: post another one that undoes it."

_SQLITE: Final = (
    f"""CREATE TRIGGER ledger_entry_stays BEFORE UPDATE ON ledger_entry
        BEGIN SELECT RAISE(ABORT, '{WHY}'); END""",
    f"""CREATE TRIGGER ledger_entry_is_kept BEFORE DELETE ON ledger_entry
        BEGIN SELECT RAISE(ABORT, '{WHY}'); END""",
)
_POSTGRESQL: Final = (
    f"""CREATE FUNCTION ledger_entry_stays() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{WHY}'; END $$""",
    """CREATE TRIGGER ledger_entry_stays BEFORE UPDATE OR DELETE ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION ledger_entry_stays()""",
    """CREATE TRIGGER ledger_entry_is_kept BEFORE TRUNCATE ON ledger_entry
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_stays()""",
)
# Each entry stands once on its debit and once on its credit side, so this is zero by the shape of the table; the view
# is there so that anybody with a database prompt can see it.
_VIEWS: Final = (
    """CREATE VIEW ledger_balance AS SELECT contract_id, account, SUM(fen) AS fen FROM (
        SELECT contract_id, debit AS account, fen FROM ledger_entry
        UNION ALL SELECT contract_id, credit, -fen FROM ledger_entry) AS side GROUP BY contract_id, account""",
    "CREATE VIEW ledger_sum AS SELECT COALESCE(SUM(fen), 0) AS fen FROM ledger_balance",
)


def create(connection: Connection) -> None:
    """Put the triggers and views in place."""
    for statement in (_SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL) + _VIEWS:
        connection.execute(text(statement))


def drop(connection: Connection) -> None:
    """Take them away again."""
    for view in ("ledger_sum", "ledger_balance"):
        connection.execute(text(f"DROP VIEW IF EXISTS {view}"))
    on = "" if connection.dialect.name == "sqlite" else " ON ledger_entry"
    for trigger in ("ledger_entry_stays", "ledger_entry_is_kept"):
        connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}{on}"))
    if connection.dialect.name != "sqlite":
        connection.execute(text("DROP FUNCTION IF EXISTS ledger_entry_stays()"))
