"""Full text on Whoosh: good to about 20,000 jobs on one machine; another engine can stand behind the same port.

Words are cut before they come here (words.py), so the index only splits at blanks. One process writes (the outbox
of the scheduler); a rebuild by hand takes the same lock. Readers never wait.
"""

import fcntl
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from market.search.port import Entry, SearchDown
from market.search.words import signs, to_find, to_index

with warnings.catch_warnings():
    # Whoosh 2.7.4 has regular expressions and comparisons that newer Pythons warn of at import; they work.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from whoosh import index
    from whoosh.analysis import SpaceSeparatedTokenizer
    from whoosh.codec import whoosh3  # noqa: F401  # else loaded at the first write, where it would warn
    from whoosh.fields import ID, STORED, TEXT, Schema
    from whoosh.query import And, Or, Term

BATCH: Final = 2000
"""Entries written in one commit while rebuilding."""


def _schema() -> Any:
    words = SpaceSeparatedTokenizer()
    return Schema(
        key=ID(unique=True),
        kind=ID,
        id=STORED,
        title=TEXT(analyzer=words, field_boost=3.0, phrase=False),
        text=TEXT(analyzer=words, phrase=False),
        signs=TEXT(analyzer=words, phrase=False),
    )


class WhooshSearch:
    """SearchPort on a folder. Nothing is opened before the first use; a missing folder is a SearchDown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, kind: str, query: str, limit: int = 500) -> list[int]:
        """Ids of entries of a kind that hold all words of the query, best first. Raises SearchDown."""
        words = to_find(query)
        if not words:
            return []
        wanted = And([Term("kind", kind), *(_anywhere(w) for w in words)])
        with _or_down(), index.open_dir(str(self._folder)).searcher() as searcher:
            return [int(hit["id"]) for hit in searcher.search(wanted, limit=limit)]

    def put(self, entries: list[Entry]) -> None:
        """Add or replace entries in one commit; the index is made where there is none. Raises SearchDown."""
        with self._alone(), _or_down():
            _write(self._opened(), entries)

    def drop(self, kind: str, ids: list[int]) -> None:
        """Forget entries. Raises SearchDown."""
        with self._alone(), _or_down():
            writer = self._opened().writer()
            for id in ids:
                writer.delete_by_term("key", f"{kind}:{id}")
            writer.commit()

    def replace(self, entries: Iterable[Entry]) -> int:
        """Build the index anew beside the old one and put it in its place; how many entries it holds."""
        fresh, old = self._beside(".new"), self._beside(".old")
        with self._alone():
            for folder in (fresh, old):
                shutil.rmtree(folder, ignore_errors=True)
            fresh.mkdir(parents=True)
            whole, count = index.create_in(str(fresh), _schema()), 0
            source = iter(entries)
            while batch := list(islice(source, BATCH)):
                count += len(batch)
                _write(whole, batch)
            whole.close()
            if self._folder.exists():
                self._folder.rename(old)
            fresh.rename(self._folder)
            shutil.rmtree(old, ignore_errors=True)
        return count

    def _beside(self, suffix: str) -> Path:
        return self._folder.with_name(self._folder.name + suffix)

    def _opened(self) -> Any:
        if not self._folder.exists() or not any(self._folder.iterdir()):
            self._folder.mkdir(parents=True, exist_ok=True)
            return index.create_in(str(self._folder), _schema())
        return index.open_dir(str(self._folder))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The turn of a writer among processes: a rebuild renames the folder, so Whoosh's own lock is not enough."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._beside(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _anywhere(word: str) -> Any:
    fields = ("title", "text", "signs") if len(word) == 1 else ("title", "text")
    return Or([Term(field, word) for field in fields])


def _write(whole: Any, entries: list[Entry]) -> None:
    writer = whole.writer()
    for entry in entries:
        writer.update_document(
            key=f"{entry.kind}:{entry.id}",
            kind=entry.kind,
            id=entry.id,
            title=" ".join(to_index(entry.title)),
            text=" ".join(to_index(entry.text)),
            signs=" ".join(signs(entry.title + entry.text)),
        )
    writer.commit()


@contextmanager
def _or_down() -> Iterator[None]:
    """A damaged index shows itself by any error (missing file, bad pickle, struct): all mean the same to a caller."""
    try:
        yield
    except Exception as broken:
        raise SearchDown(f"{type(broken).__name__}: {broken}") from broken
