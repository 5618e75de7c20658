"""How many statements a piece of work sends: pages must not send more when there is more to show."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.orm import Session

from market import together


class Statements(list[str]):
    """The statements sent while counting, in order."""


@contextmanager
def counted(s: Session) -> Iterator[Statements]:
    """Every statement that the session's engine sends inside, transaction control and savepoints left out."""
    seen = Statements()
    engine = s.get_bind()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def round_trips() -> Iterator[list[str]]:
    """What `together` sends to PostgreSQL by the driver, which SQLAlchemy's events do not see."""
    seen: list[str] = []
    ask = together._ask

    def note(s: Session, sql: str, values: Sequence[Any]) -> Any:
        seen.append(sql)
        return ask(s, sql, values)

    with patch.object(together, "_ask", note):
        yield seen
