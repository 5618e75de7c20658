"""Several statements in one round trip: what a bid costs is its round trips (bid-path.md)."""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import psycopg
from sqlalchemy import ClauseElement, Date, Executable, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from market.db import UTCTime

Turn = Callable[[Any], Any]


class Made:
    """Statements made one for PostgreSQL. Of several the rows come back as JSON objects, told apart by a number.

    One statement with one answer costs both sides less than a pipeline of three. Each column knows how its value
    comes out of what the driver gives.
    """

    def __init__(self, statements: Sequence[Executable], dialect: Dialect) -> None:
        compiled = [cast(SQLCompiler, cast(ClauseElement, s).compile(dialect=dialect)) for s in statements]
        self._one = len(compiled) == 1
        texts = [_numbered(str(c), i) for i, c in enumerate(compiled)]
        self.sql = texts[0] if self._one else " UNION ALL ".join(map(_as_json, range(len(texts)), texts))
        self._params = [(i, name, default) for i, c in enumerate(compiled) for name, default in c.params.items()]
        self._binds = [cast(Mapping[str, Any], c._bind_processors) for c in compiled]
        columns = [[column.keyname for column in c._result_columns] for c in compiled]
        kinds = [[column.type for column in c._result_columns] for c in compiled]
        turns = [[self._turn(kind, dialect) for kind in row] for row in kinds]
        self._columns = [list(zip(*both, strict=True)) for both in zip(columns, turns, strict=True)]
        self._rows = [_row_type(names) for names in columns]

    def _turn(self, kind: TypeEngine[Any], dialect: Dialect) -> Turn | None:
        return kind.dialect_impl(dialect).result_processor(dialect, None) if self._one else _out_of_json(kind)

    def values(self, given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The values as the driver takes them."""
        found = {}
        for i, name, default in self._params:
            value = given[i].get(name, default)
            turn = self._binds[i].get(name)
            found[f"s{i}_{name}"] = turn(value) if turn is not None else value
        return found

    def rows(self, found: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """The rows of each statement as SQLAlchemy would give them, by name."""
        rows: list[list[Any]] = [[] for _ in self._columns]
        for one in found:
            i, values = (0, one) if self._one else (one[0], one[1].values())  # JSON objects keep the order of columns
            turned = (
                turn(value) if turn is not None and value is not None else value
                for value, (_, turn) in zip(values, self._columns[i], strict=True)
            )
            rows[i].append(self._rows[i](turned))
        return list(rows)


def _as_json(i: int, sql: str) -> str:
    return f"SELECT {i} AS part, row_to_json(r{i}) AS row FROM ({sql}) AS r{i}"  # noqa: S608  (our own statements)


def _row_type(names: list[str]) -> Any:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return row._make


def _numbered(sql: str, i: int) -> str:
    """Parameters renamed, so that those of two statements do not meet."""
    return re.sub(r"%\(([a-z_0-9]+)\)s", rf"%(s{i}_\1)s", sql)


def _out_of_json(kind: TypeEngine[Any]) -> Turn | None:
    if isinstance(kind, LargeBinary):
        return lambda text: bytes.fromhex(text[2:])
    if isinstance(kind, UTCTime):
        return lambda text: datetime.fromisoformat(text).astimezone(UTC)
    return date.fromisoformat if isinstance(kind, Date) else None


_MADE: dict[tuple[int, ...], tuple[list[Executable], Made]] = {}


def together(s: Session, *asked: tuple[Executable, Mapping[str, Any]]) -> list[Sequence[Any]]:
    """The rows of several questions, asked at once on PostgreSQL: one statement, one round trip, little of Python.

    For selects that are made once (each object is compiled once and kept), have no expanding parameters, and need
    nothing of each other's answers. On SQLite they go one after the other. Errors are those of SQLAlchemy.
    """
    dialect = s.get_bind().dialect
    if dialect.name != "postgresql":
        return [s.execute(statement, dict(values)).all() for statement, values in asked]
    made = _made([statement for statement, _ in asked], dialect)
    return made.rows(_send(s, made.sql, made.values([values for _, values in asked])))


def _send(s: Session, sql: str, values: Mapping[str, Any]) -> Sequence[Any]:
    s.flush()
    driver: Any = s.connection().connection.driver_connection
    try:
        return cast(Sequence[Any], driver.execute(sql, values).fetchall())
    except psycopg.Error as error:
        lost = bool(driver.closed)
        if lost:
            s.invalidate()
        raise DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=lost) from error


def _made(statements: list[Executable], dialect: Dialect) -> Made:
    key = tuple(map(id, statements))  # the statements are kept beside it, so their ids are not used again
    known = _MADE.get(key)
    if known is None:
        known = _MADE[key] = (statements, Made(statements, dialect))
    return known[1]
