"""The log's tree: signed checkpoints, proofs, tiles and the key (RFC 9162, C2SP tlog-tiles; docs/log.md).

The address `/api/v1/log` is the prefix of a C2SP tile log but for `tile/entries`: what a record says stands in
GET /events, where a veiled one is opaque. Proofs of veiled records are given: they say only that a leaf is there.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from market.audit.models import AuditCheckpoint
from market.audit.note import key_id, verifier
from market.errors import Refused, refuse
from market.identity.queries import log_signer
from oversight.proofs import queries as proofs
from portal import web
from portal.access import PUBLIC
from portal.api import cursors
from portal.api.doors import NOTE, TILE, Reply, door
from portal.api.fields import MAX_SEQ, Model, whole_query

_SIZE = whole_query(1, MAX_SEQ)
_SEQ = whole_query(0, MAX_SEQ)
_LIMIT = whole_query(1, 1000)
_PATH: Final = re.compile(r"((?:x[0-9]{3}/){0,5})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_LEVEL: Final = re.compile(r"0|[1-9][0-9]?", re.ASCII)
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, hex")]


class CheckpointQuery(Model):
    """Which checkpoint."""

    size: Annotated[_SIZE | None, Field(description="Of a tree of so many leaves; without it the newest")] = None  # type: ignore[valid-type]


class CheckpointsQuery(Model):
    """Where to go on."""

    after: Annotated[_SIZE | None, Field(description="`next` of the page before; without it from the newest")] = (  # type: ignore[valid-type]
        None
    )
    limit: Annotated[_LIMIT, Field(description="Items of a page")] = 100  # type: ignore[valid-type]


class InclusionQuery(Model):
    """Which place, in which tree."""

    seq: Annotated[_SEQ, Field(description="Place of the record")]  # type: ignore[valid-type]
    size: Annotated[_SIZE | None, Field(description="Leaves of the tree; without it the newest checkpoint's")] = None  # type: ignore[valid-type]


class ConsistencyQuery(Model):
    """From which tree to which."""

    first: Annotated[_SIZE, Field(description="Leaves of the smaller tree")]  # type: ignore[valid-type]
    second: Annotated[_SIZE | None, Field(description="Leaves of the larger; without it the newest checkpoint's")] = (  # type: ignore[valid-type]
        None
    )


class Checkpoint(Model):
    """A signed size and root. `note` is what was signed, with its signature."""

    size: int
    root: Hash
    at: Annotated[datetime, Field(description="When it was signed; not part of what is signed")]
    alg: str
    note: str


class Checkpoints(Model):
    """Newest first; `next` goes on, null at the end. Older than seven days: the last one of each hour."""

    items: list[Checkpoint]
    next: int | None


class InclusionProof(Model):
    """That `leaf` stands at `seq` in the tree (RFC 9162 §2.1.3); `proof` from the leaf up."""

    seq: int
    leaf: Hash
    size: int
    root: Hash
    proof: list[Hash]
    checkpoint: Annotated[str | None, Field(description="The signed note of this size, if one is kept")]


class ConsistencyProof(Model):
    """That the second tree begins with the first (RFC 9162 §2.1.4)."""

    first: int
    second: int
    first_root: Hash
    second_root: Hash
    proof: list[Hash]


class LogKey(Model):
    """The key of the checkpoints. `verifier` is the line that tools for C2SP signed notes take."""

    origin: str
    alg: str
    id: Annotated[str, Field(description="4 bytes, hex")]
    public: Annotated[str, Field(description="32 bytes, hex")]
    verifier: str


def _given(value: Any) -> int | None:
    """A number of a query that may be left out; pydantic's type is made at run time, so it is said here."""
    return value if isinstance(value, int) else None


@door("GET", "/log/checkpoint", out=Checkpoint, may=PUBLIC, query=CheckpointQuery, also=(404,), media=NOTE)
def log_checkpoint(query: CheckpointQuery) -> Reply:
    """A checkpoint as a signed note (C2SP tlog-checkpoint); the newest changes every few seconds."""
    size = _given(query.size)
    with web.db().read() as s:
        found = proofs.latest(s) if size is None else proofs.checkpoint(s, size)
    if found is None:
        raise refuse("log.no_checkpoint", "size", 404)
    age = "max-age=2" if size is None else "max-age=86400, immutable"
    return Reply(text=found.note, headers={"Cache-Control": f"public, {age}"})


@door("GET", "/log/checkpoints", out=Checkpoints, may=PUBLIC, query=CheckpointsQuery)
def log_checkpoints(query: CheckpointsQuery) -> Reply:
    """The checkpoints that are kept."""
    with web.db().read() as s:
        found = proofs.checkpoints(s, query.after, query.limit)
    more = found[-1].size if len(found) == query.limit and found[-1].size > 1 else None
    body = Checkpoints(items=[_checkpoint(one) for one in found], next=more)
    return Reply(body, headers={} if more is None else cursors.link(more))


def _checkpoint(kept: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(size=kept.size, root=kept.root.hex(), at=kept.at, alg=kept.alg, note=kept.note)


@door("GET", "/log/inclusion", out=InclusionProof, may=PUBLIC, query=InclusionQuery, also=(404,))
def log_inclusion(query: InclusionQuery) -> InclusionProof:
    """The proof that a place is in the log; also of a record that is not told yet."""
    with web.db().read() as s:
        made = proofs.inclusion(s, query.seq, query.size)
    return InclusionProof(
        seq=made.seq, leaf=made.leaf.hex(), size=made.size, root=made.root.hex(), proof=[h.hex() for h in made.proof],
        checkpoint=made.note,
    )  # fmt: skip


@door("GET", "/log/consistency", out=ConsistencyProof, may=PUBLIC, query=ConsistencyQuery, also=(404,))
def log_consistency(query: ConsistencyQuery) -> ConsistencyProof:
    """The proof that nothing was removed or changed between two sizes of the log."""
    with web.db().read() as s:
        made = proofs.consistency(s, query.first, query.second)
    return ConsistencyProof(
        first=made.first, second=made.second, first_root=made.first_root.hex(), second_root=made.second_root.hex(),
        proof=[h.hex() for h in made.proof],
    )  # fmt: skip


@door("GET", "/log/tile/<level>/<path:tile>", out=Checkpoint, may=PUBLIC, media=TILE)
def log_tile(level: str, tile: str) -> Reply:
    """Hashes of the tree, 32 bytes each, at most 256: `067`, `x001/067`, or `067.p/12` for the first 12 (C2SP)."""
    path = _PATH.fullmatch(tile)
    if path is None or _LEVEL.fullmatch(level) is None:
        raise _no_tile()
    index = int("".join(re.findall("[0-9]+", path[1] + path[2])))
    width = int(path[3] or 256)
    if width > 255 and path[3]:
        raise _no_tile()
    with web.db().read() as s:
        found = proofs.tile(s, int(level), index, width)
    if found is None:
        raise _no_tile()
    return Reply(text=found, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def _no_tile() -> Refused:
    return refuse("log.no_tile", status=404)


@door("GET", "/log/key", out=LogKey, may=PUBLIC)
def log_key() -> LogKey:
    """The public key that checkpoints are signed with, and the log's origin."""
    with web.db().read() as s:
        signer = log_signer(s)
    return LogKey(
        origin=signer.origin, alg="ed25519", id=key_id(signer.origin, signer.public).hex(), public=signer.public.hex(),
        verifier=verifier(signer.origin, signer.public),
    )  # fmt: skip
