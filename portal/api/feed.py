"""The log as a feed in commit order, the server's clock, and the rules in force."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from bidding.sealing.receipt import key_id
from market.audit import queries as audit
from market.catalogue import queries as catalogue
from market.clock import micros
from portal import web
from portal.access import PUBLIC
from portal.api import cursors
from portal.api.bids import receipt_key
from portal.api.doors import Reply, door
from portal.api.fields import MAX_SEQ, Model, whole_query

WIDTH = 16
"""Characters of a place in an opaque event, padded with blanks: each is as long as any other."""
_LAST = whole_query(-1, MAX_SEQ)
_LIMIT = whole_query(1, 1000)


class EventsQuery(Model):
    """Where to go on: behind `after`; -1 is the beginning."""

    after: Annotated[_LAST, Field(description="`next` of the page before; -1: from the beginning")] = -1  # type: ignore[valid-type]
    limit: Annotated[_LIMIT, Field(description="Items of a page")] = 100  # type: ignore[valid-type]


class Event(Model):
    """A place of the log. Until its veil lifts (T, or never), and for padding, it has only `seq` and `leaf`."""

    seq: int
    leaf: Annotated[str, Field(description="SHA-256 of 00 and the leaf data (RFC 9162), hex")]
    at: Annotated[datetime | None, Field(description="When it was done")] = None
    deed: str | None = None
    actor: str | None = None
    subject: str | None = None
    facts: dict[str, Any] | None = None
    blinded: Annotated[dict[str, Any] | None, Field(description="Facts with the salts of their digests")] = None


class Events(Model):
    """Places in order, without gaps. Keep `next` as the cursor: it stays where it is when nothing is new."""

    items: list[Event]
    next: int


@door("GET", "/events", out=Events, may=PUBLIC, query=EventsQuery)
def events(query: EventsQuery) -> Reply:
    """The log in commit order; a cursor on `seq` never skips."""
    with web.db().read() as s:
        found = audit.feed(s, web.now(), query.after, query.limit)
    last = found[-1].seq if found else query.after
    body = ",".join(_event(record) for record in found)
    return Reply(
        text=f'{{"items":[{body}],"next":{last}}}', headers=cursors.link(last) if len(found) == query.limit else {}
    )


def _event(record: audit.Record) -> str:
    """Opaque places have the same length, whatever they hide."""
    if record.opaque:
        return f'{{"seq":{record.seq:>{WIDTH}},"leaf":"{record.leaf}"}}'
    told = Event(
        seq=record.seq, leaf=record.leaf, at=record.at, deed=record.deed, actor=record.actor, subject=record.subject,
        facts=record.facts, blinded=record.blinded,
    )  # fmt: skip
    return told.model_dump_json()


class Time(Model):
    """The server's clock when the request had arrived."""

    now: datetime
    micros: Annotated[int, Field(description="Microseconds since 1970 UTC")]


@door("GET", "/time", out=Time, may=PUBLIC)
def time() -> Reply:
    """The server's clock: it alone decides what is in time."""
    body = Time(now=web.now(), micros=micros(web.now()))
    return Reply(body, headers={"Cache-Control": "no-store"})


class RuleBook(Model):
    """A file of rules in force, and the SHA-256 of its bytes as loaded."""

    digest: str
    document: dict[str, Any]


class Key(Model):
    """The platform's Ed25519 key for receipts."""

    id: str
    public: Annotated[str, Field(description="32 bytes, hex")]


class Rules(Model):
    """The city's numbers, which methods a job may use, and the key of receipts."""

    city: RuleBook
    methods: RuleBook
    receipt_key: Key


@door("GET", "/rules", out=Rules, may=PUBLIC)
def rules() -> Rules:
    """The rules in force today."""
    with web.db().read() as s:
        city, methods = catalogue.city_rules_on(s, web.now()), catalogue.method_rules_on(s, web.now())
        books = {kind: catalogue.version_on(s, kind, web.now()) for kind in ("city_rules", "method_rules")}
    digests = {kind: book.digest if book else "" for kind, book in books.items()}
    public = receipt_key().public
    return Rules(
        city=RuleBook(digest=digests["city_rules"], document=_plain(city)),
        methods=RuleBook(digest=digests["method_rules"], document=_plain(methods)),
        receipt_key=Key(id=key_id(public), public=public.hex()),
    )


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """Decimals as text: a float would not say what the file says."""
    made: dict[str, Any] = json.loads(json.dumps(document, default=str, ensure_ascii=False))
    return made
