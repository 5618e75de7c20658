"""What a search engine does for us: text in, ids out, best first. Facets are SQL; an engine never decides anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class SearchDown(Exception):
    """The index is missing or broken: lists go on from the database and say so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index holds of a job or firm. `kind`: job | firm."""

    kind: str
    id: int
    title: str
    text: str


class SearchPort(Protocol):
    """An engine. Only the outbox process writes."""

    def find(self, kind: str, query: str, limit: int = 500) -> list[int]:
        """Ids of the entries of a kind that match all words of the query, best first. Raises SearchDown."""
        ...

    def put(self, entries: list[Entry]) -> None:
        """Add or replace entries in one commit."""
        ...

    def drop(self, kind: str, ids: list[int]) -> None:
        """Forget entries."""
        ...

    def replace(self, entries: Iterable[Entry]) -> int:
        """Build the whole index anew beside the old one and change over; how many entries it holds."""
        ...
