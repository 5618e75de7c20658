"""Keep the index in step with the tables: what the outbox brings after each commit, and the rebuild by hand.

The index lies below the rooms whose rows it holds, so what an entry says comes from `sources`: for each kind a
function that gives entries of ids (None: of all), leaving out what must not be found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session

from market.db import Database
from market.search.port import Entry, SearchPort

Source = Callable[[Session, Sequence[int] | None], Iterable[Entry]]


class Rebuilt(Protocol):
    """An engine that can be built anew as a whole."""

    def replace(self, entries: Iterable[Entry]) -> int: ...


def consume(db: Database, engine: SearchPort, rows: Sequence[Mapping[str, Any]], sources: Mapping[str, Source]) -> None:
    """Bring the index in step with outbox payloads `{kind, id}`; doing it twice is harmless. Raises SearchDown.

    An id whose source gives no entry (not published, taken back) is forgotten.
    """
    wanted: dict[str, set[int]] = {}
    for row in rows:
        wanted.setdefault(str(row["kind"]), set()).add(int(row["id"]))
    for kind, ids in sorted(wanted.items()):
        with db.read() as s:
            entries = list(sources[kind](s, sorted(ids)))
        gone = sorted(ids - {entry.id for entry in entries})
        if entries:
            engine.put(entries)
        if gone:
            engine.drop(kind, gone)


def rebuild(
    db: Database,
    engine: Rebuilt,
    sources: Mapping[str, Source],
    progress: Callable[[Iterable[Entry]], Iterable[Entry]] = iter,
) -> int:
    """Build the whole index from the tables; how many entries it holds. `progress` wraps the entries (tqdm)."""

    def everything() -> Iterator[Entry]:
        with db.read() as s:
            for kind in sorted(sources):
                yield from sources[kind](s, None)

    return engine.replace(progress(everything()))
