"""The inbox of an organisation, or of an office: unread first, each row leads to its act."""

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from market.notices import queries, service
from market.notices.models import Notice
from portal import web, words
from portal.access import May, needs
from portal.web import db, now, page, user

bp = Blueprint("inbox", __name__)


@bp.get("/notifications")
@needs(May.ACCOUNT_OWN)
def index() -> Response:
    """One page of what was sent to us."""
    with db().read() as s:
        found = queries.inbox(s, user().org_id, user().office, request.args.get("page", 1, int))
    return page("inbox/index.html", inbox=found, rows=[_said(n) for n in found.rows])


def _said(row: Notice) -> dict[str, object]:
    subject, body = words.notice(row.kind, row.values, web.lang())
    return {
        "id": row.id,
        "subject": subject,
        "body": body,
        "at": row.at,
        "unread": row.read_at is None,
        "link": row.link,
    }


@bp.post("/notifications/<int:notice>/read")
@needs(May.ACCOUNT_OWN)
def read(notice: int) -> Answer:
    """Mark one as read and go to its act, where it has one."""
    with db().write() as s:
        if not service.mark_read(s, now(), notice, user().org_id, user().office):
            abort(404)
        row = queries.notice(s, notice, user().org_id, user().office)
    link = row.link if row is not None and request.form.get("go") else None
    return redirect(request.script_root + link if link else url_for("inbox.index"), 303)


@bp.post("/notifications/read")
@needs(May.ACCOUNT_OWN)
def read_all() -> Answer:
    """Mark everything up to the newest one shown as read; what came meanwhile stays unread."""
    upto = request.form.get("upto", 0, int)
    if not 0 <= upto < 2**62:
        abort(422)
    with db().write() as s:
        service.read_all(s, now(), user().org_id, upto, user().office)
    return redirect(url_for("inbox.index"), 303)
