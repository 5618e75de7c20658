"""The public side of the log: what has been told, each record with its proof, and the same as a file for programs."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from market.audit import queries as audit
from market.audit.note import verifier
from market.identity.queries import log_signer
from oversight.proofs import queries as proofs
from oversight.proofs import service
from portal import web
from portal.access import PUBLIC, needs
from portal.words import say

bp = Blueprint("proofs", __name__)
PAGE = 50
MOST = 2**53


@bp.get("/log")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """What has been told, newest first, with the newest checkpoint and the key."""
    text = request.args.get("before", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 17):
        abort(404)
    with web.db().read() as s:
        rows = audit.told(s, web.now(), int(text) if text else None, PAGE)
        newest, signer = proofs.latest(s), log_signer(s)
    key = verifier(signer.origin, signer.public)
    more = rows[-1].seq if len(rows) == PAGE else None
    return web.page("proofs/index.html", rows=rows, newest=newest, key=key, more=more)


def _examined(seq: int) -> service.Examined:
    if seq > MOST:
        abort(404)
    with web.db().read() as s:
        found = service.examine(s, web.now(), seq, log_signer(s))
    if found is None:
        abort(404)
    return found


@bp.get("/log/<int:seq>")
@needs(PUBLIC)
def record(seq: int) -> ResponseReturnValue:
    """One place as everybody may see it: its bytes and its way to the signed root, computed anew."""
    found = _examined(seq)
    said = say(found.fault.refusal, web.lang()) if found.fault else None
    return web.page("proofs/record.html", x=found, r=found.record, said=said)


@bp.get("/log/<int:seq>.json")
@needs(PUBLIC)
def record_file(seq: int) -> Response:
    """The record and its proof in one file, enough to verify it by hand (docs/log.md)."""
    found = _examined(seq)
    with web.db().read() as s:
        signer = log_signer(s)
    body: dict[str, Any] = {"seq": seq, "leaf": found.record.leaf, "data": found.data}
    if found.record.blinded:
        body["blinded"] = found.record.blinded
    if found.inclusion:
        body |= {"size": found.inclusion.size, "proof": [h.hex() for h in found.inclusion.proof]}
        body |= {"checkpoint": found.inclusion.note, "key": verifier(signer.origin, signer.public)}
    return jsonify(body)
