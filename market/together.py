"""Several questions as one: what a bid costs is its round trips, and what the driver does for each (bid-path.md)."""

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final, cast

import psycopg
from sqlalchemy import (
    JSON,
    Boolean,
    ClauseElement,
    Date,
    DateTime,
    Engine,
    Executable,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from market.db import ALONE

Turn = Callable[[Any], Any]
_READ: Final[tuple[tuple[type[TypeEngine[Any]], Turn | None], ...]] = (
    (LargeBinary, lambda text: bytes.fromhex(text[2:])),
    (DateTime, lambda text: datetime.fromisoformat(text).astimezone(UTC)),
    (Date, date.fromisoformat),
    (Integer, None),
    (String, None),
    (Boolean, None),
    (JSON, None),
)
"""How values of a type are read where PostgreSQL wrote them as JSON; of other types nothing is asked together."""


class Made:
    """A statement compiled for PostgreSQL once, with what its values and rows go through."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
        self.sql, names = _numbered(str(compiled))
        binds = cast(Mapping[str, Any], compiled._bind_processors)
        self.asked = [(name, compiled.params[name], binds.get(name)) for name in names]
        columns = compiled._result_columns
        row: Any = namedtuple("Row", [column.keyname for column in columns])  # type: ignore[misc]
        self._row = row._make
        self.types = [column.type for column in columns]
        self.turns = _turns(kind.dialect_impl(dialect).result_processor(dialect, None) for kind in self.types)

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The values as the driver takes them, in the order of their numbers."""
        found = []
        for name, default, bind in self.asked:
            value = given.get(name, default)
            found.append(value if bind is None else bind(value))
        return found

    def rows(self, found: Sequence[Sequence[Any]], turns: Sequence[tuple[int, Turn]]) -> list[Any]:
        """The rows as SQLAlchemy would give them, by name."""
        rows = []
        for one in found:
            values = list(one)
            for i, turn in turns:
                values[i] = turn(values[i])
            rows.append(self._row(values))
        return rows


class Joined:
    """Several statements as one that gives a list of rows for each, as JSON: of one moment, and in one answer."""

    def __init__(self, statements: Sequence[Executable], dialect: Dialect) -> None:
        self._made = [Made(cast(ClauseElement, one), dialect) for one in statements]
        self._turns = [_turns(_read(kind) for kind in one.types) for one in self._made]
        asked, begin = [], 0
        for made in self._made:
            asked.append(_as_json(made, begin))
            begin += len(made.asked)
        self.sql = f"SELECT {', '.join(asked)}"

    def values(self, given: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The values of all statements as the driver takes them."""
        return [value for made, values in zip(self._made, given, strict=True) for value in made.values(values)]

    def rows(self, found: Sequence[Any]) -> list[Sequence[Any]]:
        """The rows of each statement as SQLAlchemy would give them."""
        return [made.rows(rows or (), turns) for made, turns, rows in zip(self._made, self._turns, found, strict=True)]


def _turns(found: Iterable[Turn | None]) -> list[tuple[int, Turn]]:
    """Which values of a row must be turned into what SQLAlchemy gives, and how."""
    return [(i, turn) for i, turn in enumerate(found) if turn is not None]


def _numbered(sql: str) -> tuple[str, list[str]]:
    """A statement with `%(name)s` in it as one with $1, $2 …, and the names in that order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return re.sub(r"%%|%\((\w+)\)s", number, sql), names


_ROWS: Final = "(SELECT json_agg(json_build_array({row})) FROM ({sql}) AS q ({names}))"


def _as_json(made: Made, begin: int) -> str:
    """A statement as a value: its rows as a list of lists. Its numbers begin behind `begin`."""
    names = [f"c{i}" for i in range(len(made.types))]
    sql = re.sub(r"\$([0-9]+)", lambda found: f"${int(found[1]) + begin}", made.sql)
    return _ROWS.format(row=", ".join(f"q.{name}" for name in names), sql=sql, names=", ".join(names))


def _read(kind: TypeEngine[Any]) -> Turn | None:
    """How a value of a type is read from JSON; None if it is what it is. Raises TypeError."""
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    for known, read in _READ:
        if isinstance(kind, known):
            return None if read is None else _or_none(read)
    raise TypeError(f"A value of {type(kind).__name__} cannot be asked for together with others.")


def _or_none(read: Turn) -> Turn:
    return lambda value: None if value is None else read(value)


Question = tuple[Executable, Mapping[str, Any]]
"""A statement that is made once, and its values."""
_MADE: dict[int, tuple[Executable, Made]] = {}
_JOINED: dict[tuple[int, ...], tuple[list[Executable], Joined]] = {}


def together(s: Session, *asked: Question) -> list[Sequence[Any]]:
    """The rows of several statements: on PostgreSQL one statement, one round trip, and little of Python.

    For statements that are made once (each object is compiled once and kept), have no expanding parameters, and only
    read if there are several. On SQLite they go one after the other. Errors are those of SQLAlchemy.
    """
    dialect = s.get_bind().dialect
    if dialect.name != "postgresql":
        return [s.execute(statement, dict(values)).all() for statement, values in asked]
    if len(asked) == 1:
        ((statement, values),) = asked
        made = _made(statement, dialect)
        return [made.rows(_ask(s, made.sql, made.values(values)), made.turns)]
    joined = _joined([statement for statement, _ in asked], dialect)
    (found,) = _ask(s, joined.sql, joined.values([values for _, values in asked]))
    return joined.rows(found)


def _ask(s: Session, sql: str, values: Sequence[Any]) -> list[Any]:
    with _driver(s) as driver:
        return psycopg.RawCursor(driver).execute(sql, values).fetchall()


@contextmanager
def _driver(s: Session) -> Iterator[Any]:
    """The driver's connection: the session's, or one of the pool's for a session whose statements stand alone."""
    alone, held = bool(s.info.get(ALONE)) and not s.in_transaction(), None
    try:
        if alone:
            held = cast(Engine, s.get_bind()).raw_connection()
        else:
            s.flush()
            held = s.connection().connection
        yield held.driver_connection
    except psycopg.Error as error:
        lost = held is None or bool(cast(Any, held.driver_connection).closed)
        if lost and held is not None:
            (held if alone else s).invalidate()
        raise DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=lost) from error
    finally:
        if alone and held is not None:
            held.close()


def _made(statement: Executable, dialect: Dialect) -> Made:
    known = _MADE.get(id(statement))  # the statement is kept beside it, so its id is not used again
    if known is None:
        known = _MADE[id(statement)] = (statement, Made(cast(ClauseElement, statement), dialect))
    return known[1]


def _joined(statements: list[Executable], dialect: Dialect) -> Joined:
    key = tuple(map(id, statements))
    known = _JOINED.get(key)
    if known is None:
        known = _JOINED[key] = (statements, Joined(statements, dialect))
    return known[1]
