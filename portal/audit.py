"""The audit log for operator and regulator: records by subject, one record with its proof, and a range recomputed.

Until T a bid's record is an opaque place here too: the veil is for everyone (decisions.md, Envelope, receipt, leaf).
"""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from market.audit import queries as audit
from market.audit.rules import Deed
from market.identity.queries import log_signer
from oversight.proofs import queries as proofs
from oversight.proofs import service
from portal import web
from portal.access import May, needs
from portal.forms.proofs import RangeForm
from portal.words import say

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


@bp.get("/audit/<int:seq>")
@needs(May.AUDIT_READ)
def show(seq: int) -> ResponseReturnValue:
    """One record: what happened, its bytes, and its way to the signed root, all of it computed anew."""
    if seq > MOST:
        abort(404)
    with web.db().read() as s:
        found = service.examine(s, web.now(), seq, log_signer(s))
        following = audit.one(s, web.now(), seq + 1)
        actor = found.record.actor if found else None
        who = proofs.who(s, actor) if actor else None
    if found is None:
        abort(404)
    said = say(found.fault.refusal, web.lang()) if found.fault else None
    return web.page("audit/show.html", x=found, r=found.record, said=said, last=following is None, who=who)


@bp.get("/audit/check")
@needs(May.AUDIT_READ)
def check() -> ResponseReturnValue:
    """A range of the log recomputed against the newest checkpoint; what does not hold is named."""
    form = RangeForm(request.args if request.args else None)
    report, said, status = None, None, 200
    if request.args:
        if not form.validate():
            status = 422
        else:
            with web.attempt(form) as did, web.db().read() as s:
                report = service.check_range(s, log_signer(s), form.first.data, form.last.data)
            said, status = did.said or None, did.status
    faults = [(fault, say(fault.refusal, web.lang())) for fault in (report.faults if report else ())]
    return web.page("audit/check.html", status, form=form, report=report, faults=faults, said=said, most=service.RANGE)
