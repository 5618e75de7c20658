"""One door for every uploaded file: permission first, then an attachment the browser does not interpret."""

from urllib.parse import quote

from flask import Blueprint, Response, abort, g

from market.admission.documents import document, may_read, read_document
from market.errors import refuse
from market.jobs.queries import PUBLIC as PUBLIC_STATES
from market.jobs.queries import job_by_id
from portal.access import PUBLIC, needs
from portal.web import city, db

bp = Blueprint("documents", __name__)


@bp.get("/documents/<int:id>")
@needs(PUBLIC)
def get(id: int) -> Response:
    """A file, for whom it concerns; for anybody else it does not exist (404)."""
    with db().read() as s:
        row = document(s, id)
        job = job_by_id(s, row.job_id) if row is not None and row.job_id is not None else None
    published = job is not None and job.job.state in PUBLIC_STATES
    if row is None or not may_read(row, g.user, published):
        abort(404)
    data = read_document(city().settings.documents, row)
    if data is None:
        raise refuse("document.gone", status=404)
    response = Response(data, mimetype=row.mime)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(row.name)}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Whatever a viewer makes of the bytes, it runs nothing and reaches nothing.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
