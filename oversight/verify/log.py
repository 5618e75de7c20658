"""The log of a bundle (pure): every told leaf made anew, the tree grown, each checkpoint held against it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from market.audit import tree
from market.audit.note import Checkpoint, NoteError, open_note
from market.moments import from_micros
from oversight.proofs.rules import leaf_of
from oversight.verify.bundle import MANIFEST, Verdict, lines

LOG, CHECKPOINTS = "log.jsonl", "checkpoints.jsonl"
NAMES = ("job", "auction", "contract")
_KNOWN = {"seq", "leaf", "deed", "at", "actor", "facts", "blinded"}


@dataclass
class Log:
    """The leaves, and the facts of records that are told, by the job, auction or contract they name."""

    leaves: list[bytes] = field(default_factory=list)
    facts: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))

    def keep(self, deed: str, facts: dict[str, Any]) -> None:
        """A record that is told."""
        for name in NAMES:
            if isinstance(facts.get(name), str):
                self.facts[name, facts[name]].append((deed, facts))

    def told(self, name: str, value: str, *deeds: str) -> list[dict[str, Any]]:
        """Facts of the records of some deeds (of any, where none is named) about a thing, in the log's order."""
        return [facts for deed, facts in self.facts.get((name, value), ()) if not deeds or deed in deeds]


def read_log(files: Mapping[str, bytes], found: Verdict) -> Log:
    """Every place in order, its leaf made anew from what the record says."""
    log = Log()
    for line, row in lines(LOG, files, found):
        leaf = _hash(row.get("leaf"))
        if row.get("seq") != line - 1:
            found.fault("order", LOG, line, row.get("seq"))
        if leaf is None or set(row) - _KNOWN:
            found.fault("shape", LOG, line)
        elif len(row) > 2:
            found.count("records")
            if _made(row) != leaf:
                found.fault("leaf", LOG, line, row.get("deed"))
            facts = row.get("facts")
            if isinstance(facts, dict):
                log.keep(str(row.get("deed")), facts)
        log.leaves.append(leaf or bytes(tree.HASH))
    found.count("places", len(log.leaves))
    return log


def _hash(text: object) -> bytes | None:
    """32 bytes of lower-case hex."""
    try:
        made = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return made if len(made) == tree.HASH and made.hex() == text else None


def _made(row: Mapping[str, Any]) -> bytes | None:
    try:
        at = from_micros(row["at"])
        return leaf_of(row["deed"], at, row["actor"], row["facts"], row["blinded"])
    except (KeyError, TypeError, OverflowError, ValueError, AttributeError, RecursionError):
        return None


def checkpoints(
    files: Mapping[str, bytes], log: Log, manifest: Mapping[str, Any], signer: tuple[str, bytes], found: Verdict
) -> None:
    """Grow the tree once and hold every note against the root of its size; sizes must rise. The last is the head."""
    size, last = 0, None
    frontier: tuple[bytes, ...] = ()
    for line, row in lines(CHECKPOINTS, files, found):
        try:
            last = str(row["note"])
            said = open_note(last, *signer)
        except (KeyError, NoteError) as no:
            found.fault("signature", CHECKPOINTS, line, no)
            continue
        found.count("checkpoints")
        if said.size <= size or said.size > len(log.leaves):
            found.fault("size", CHECKPOINTS, line, said.size)
            continue
        frontier = tree.grow(size, frontier, log.leaves[size : said.size]).frontier
        size = said.size
        if said != Checkpoint(signer[0], size, tree.root_of_frontier(frontier)):
            found.fault("root", CHECKPOINTS, line, size)
    if not (size == len(log.leaves) == manifest["size"]) or last != manifest["checkpoint"]:
        found.fault("head", MANIFEST, None, manifest["size"])
