"""A long load in few statements: for the history of the sample city, whose loader is the only writer.

Inside `batch` rows of logs and inboxes are written together at the end of the transaction, what cannot change under
the loader is asked for once, and nothing is mailed or indexed. Inside `together` only the writing is put together.
Everywhere else the functions here do the plain thing.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, event, insert
from sqlalchemy.orm import Session

from market.db import Base, Database

T = TypeVar("T")
_BATCH, _ROWS = "batch", "batch.rows"


@contextmanager
def batch(db: Database) -> Iterator[Session]:
    """One transaction of a load. Nobody else may write meanwhile, else what was asked once could be out of date."""
    with db.write() as s:
        s.info[_BATCH], s.info[_ROWS] = {}, {}
        alive: list[object] = []  # a session holds its rows weakly, and would read them again and again
        for moment in ("loaded_as_persistent", "pending_to_persistent"):
            event.listen(s, moment, lambda _, row: alive.append(row))
        yield s
        s.flush()
        _write(s, s.info.pop(_ROWS, {}))


@contextmanager
def together(s: Session) -> Iterator[None]:
    """Write what is appended inside in one statement a table, at the end; others may write meanwhile.

    For rows whose marks (`once`) nobody can have used before: one that was used breaks on its unique key.
    """
    if _ROWS in s.info:
        yield
        return
    rows: dict[type[Base], list[dict[str, Any]]] = {}
    s.info[_ROWS] = rows
    try:
        yield
    finally:
        del s.info[_ROWS]
    _write(s, rows)


def _write(s: Session, appended: Mapping[type[Any], list[dict[str, Any]]]) -> None:
    for model, rows in appended.items():
        table = model.__table__
        # What the database gives itself is the same in all rows (PostgreSQL: the number of this transaction).
        given = {name: value for name, value in rows[0].items() if isinstance(value, ColumnElement)}
        names = [column.key for column in table.columns if not column.primary_key and column.key not in given]
        s.execute(insert(table).values(**given), [{name: row.get(name) for name in names} for row in rows])


def append(s: Session, model: type[Base], values: dict[str, Any]) -> None:
    """Insert a row of a table that only grows: now, or in a batch with all others at its end."""
    rows = s.info.get(_ROWS)
    if rows is None:
        s.execute(insert(model).values(**values))
    else:
        rows.setdefault(model, []).append(values)


def ask(s: Session, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives; in a batch it is asked once a transaction, or again after `forget`."""
    kept: dict[Hashable, Any] | None = s.info.get(_BATCH)
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    found: T = kept[key]
    return found


def forget(s: Session, key: Hashable) -> None:
    """What was kept under a key has changed."""
    s.info.get(_BATCH, {}).pop(key, None)


def gathering(s: Session) -> bool:
    """Whether rows are written together at the end of `batch` or `together`."""
    return _ROWS in s.info


def loading(s: Session) -> bool:
    """Whether this is a batch: nothing of it is mailed or indexed one by one."""
    return _BATCH in s.info
