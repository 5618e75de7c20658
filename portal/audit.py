"""The log as the market's offices read it: by deed, subject and actor, by place, and one record with its bytes."""

import json
from dataclasses import dataclass

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from market.audit import queries as audit
from market.audit.rules import Deed, leaf_data, leaf_hash
from portal import web
from portal.access import May, needs

bp = Blueprint("audit", __name__)
PAGE = 50
MOST = 2**53


@bp.get("/audit")
@needs(May.AUDIT_READ)
def index() -> ResponseReturnValue:
    """Newest records first, filtered; `by=place` walks every place from `after`, the opaque ones too."""
    asked = {name: request.args.get(name, "").strip()[:80] or None for name in ("deed", "subject", "actor")}
    by_place = request.args.get("by") == "place"
    before, after = _place("before"), _place("after")
    with web.db().read() as s:
        if by_place:
            rows = audit.feed(s, web.now(), -1 if after is None else after, PAGE)
        else:
            rows = audit.told(s, web.now(), before, PAGE, asked["deed"], asked["subject"], asked["actor"])
    more = rows[-1].seq if len(rows) == PAGE else None
    return web.page(
        "audit/index.html", rows=rows, asked=asked, deeds=[str(d) for d in Deed], by_place=by_place, more=more
    )


def _place(name: str) -> int | None:
    """A place of the log in the query; 404 for what is none."""
    text = request.args.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 17 and int(text) < MOST):
        abort(404)
    return int(text)


@dataclass(frozen=True, slots=True)
class Leaf:
    """The bytes a leaf is made of, and whether they give the leaf in the log."""

    data: str
    made: str
    same: bool


@bp.get("/audit/<int:seq>")
@needs(May.AUDIT_READ)
def show(seq: int) -> ResponseReturnValue:
    """One record: what happened, its bytes, and its leaf computed anew."""
    if seq > MOST:
        abort(404)
    with web.db().read() as s:
        found = audit.one(s, web.now(), seq)
        following = audit.one(s, web.now(), seq + 1)
    if found is None:
        abort(404)
    return web.page("audit/show.html", r=found, leaf=leaf_of(found), last=following is None, facts=facts_of(found))


def leaf_of(found: audit.Record) -> Leaf | None:
    """None for an opaque place."""
    if found.deed is None or found.at is None or found.actor is None:
        return None
    data = leaf_data(Deed(found.deed), found.at, found.actor, found.facts or {}, found.blinded or {})
    made = leaf_hash(data).hex()
    return Leaf(data.decode("utf-8"), made, made == found.leaf)


def facts_of(found: audit.Record) -> list[tuple[str, str]]:
    """Facts in the open, then those that were blinded until T, as text."""
    opened = [(name, fact["value"]) for name, fact in (found.blinded or {}).items()]
    rows = [*(found.facts or {}).items(), *opened]
    return [(name, v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)) for name, v in rows]
