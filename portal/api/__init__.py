"""The JSON API `/api/v1` (docs/api.md): doors as a list, strict bodies, problem+json, cursors, idempotency keys."""

from importlib import import_module

from flask import Blueprint, Response, request

from portal.api.doors import mount
from portal.api.openapi import serve
from portal.api.tokens import recognise

AREAS = ("jobs", "matching", "bids", "contracts", "firms", "credit", "catalogue", "figures", "feed", "log", "payments")
"""The modules whose doors are listed, in the order of the OpenAPI file."""

bp = Blueprint("api", __name__, url_prefix="/api/v1")
bp.before_request(recognise)


@bp.after_app_request
def _say(response: Response) -> Response:
    """What every answer under /api says of itself, the errors of routing too."""
    if request.path.startswith("/api/"):
        response.headers["Content-Language"] = "en" if request.environ.get("taozhongjie.lang") == "en" else "zh-CN"
        response.vary.add("Accept-Language")
        response.vary.add("Authorization")
        if response.status_code == 401:
            wrong = ', error="invalid_token"' if "Authorization" in request.headers else ""
            response.headers["WWW-Authenticate"] = f'Bearer realm="taozhongjie"{wrong}'
    return response


for area in AREAS:
    import_module(f"portal.api.{area}")
mount(bp)
serve(bp)
