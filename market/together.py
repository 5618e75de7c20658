"""Several statements in one round trip: what a bid costs is its round trips (bid-path.md)."""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from sqlalchemy import ClauseElement, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler


class Made:
    """A statement compiled for PostgreSQL once, with what its values and rows go through."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
        self.sql = str(compiled)
        self._defaults = compiled.params
        self._binds = cast(Mapping[str, Any], compiled._bind_processors)
        columns = compiled._result_columns
        row: Any = namedtuple("Row", [column.keyname for column in columns])  # type: ignore[misc]
        self._row = row._make
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._turn = [(i, turn) for i, turn in enumerate(found) if turn is not None]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the driver takes them."""
        whole = {name: given.get(name, default) for name, default in self._defaults.items()}
        return {name: self._binds[name](v) if name in self._binds else v for name, v in whole.items()}

    def rows(self, found: Sequence[Sequence[Any]]) -> list[Any]:
        """The rows as SQLAlchemy would give them, by name."""
        rows = []
        for one in found:
            values = list(one)
            for i, turn in self._turn:
                values[i] = turn(values[i])
            rows.append(self._row(values))
        return rows


Question = tuple[Executable, Mapping[str, Any]]
"""A statement that is made once, and its values."""
_MADE: dict[int, tuple[Executable, Made]] = {}


def together(s: Session, *asked: Question) -> list[Sequence[Any]]:
    """The rows of several statements, sent at once on PostgreSQL: one round trip, and little of Python.

    For statements that are made once (each object is compiled once and kept), have no expanding parameters, and need
    nothing of each other's answers. On SQLite they go one after the other. Errors are those of SQLAlchemy.
    """
    dialect = s.get_bind().dialect
    if dialect.name != "postgresql":
        return [s.execute(statement, dict(values)).all() for statement, values in asked]
    s.flush()
    driver: Any = s.connection().connection.driver_connection
    made = [_made(statement, dialect) for statement, _ in asked]
    sent = [(one.sql, one.values(values)) for one, (_, values) in zip(made, asked, strict=True)]
    try:
        found = _send(driver, sent)
    except psycopg.Error as error:
        lost = bool(driver.closed)
        if lost:
            s.invalidate()
        raise DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=lost) from error
    return [one.rows(rows) for one, rows in zip(made, found, strict=True)]


def _send(driver: Any, sent: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Sequence[Any]]:
    if len(sent) == 1:
        return [driver.execute(*sent[0]).fetchall()]
    with driver.pipeline():
        cursors = [driver.execute(sql, values) for sql, values in sent]
    return [cursor.fetchall() for cursor in cursors]


def _made(statement: Executable, dialect: Dialect) -> Made:
    known = _MADE.get(id(statement))  # the statement is kept beside it, so its id is not used again
    if known is None:
        known = _MADE[id(statement)] = (statement, Made(cast(ClauseElement, statement), dialect))
    return known[1]
