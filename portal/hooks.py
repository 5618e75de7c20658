"""What happens around every request: the body read, the time stamped, the user found; headers and compression."""

import gzip
from time import perf_counter

from flask import Flask, Response, abort, current_app, g, request, session
from flask_login import LoginManager, current_user

from market.identity import queries as identity
from portal import web

FORM_LIMIT = 256 * 1024
"""Bytes of a form or JSON body."""
FILE_LIMIT = 25 * 2**20
"""Bytes of a body with files."""
_YEAR = 31_536_000
_TEXTS = (
    "text/",
    "application/json",
    "application/problem+json",
    "image/svg+xml",
    "application/xml",
    "application/atom",
)
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"

_STRIPE = "https://checkout.stripe.com https://connect.stripe.com"


def policy() -> str:
    """What pages may load and forms may lead to. A form that goes on to Stripe's page counts as leading there."""
    settings = web.city().settings
    if settings.stripe_key is None:
        return _POLICY
    return _POLICY.replace("form-action 'self'", f"form-action 'self' {_STRIPE} {settings.stripe_api or ''}".rstrip())


login = LoginManager()
login.session_protection = None  # a phone changes its address; the epoch in the session ends it everywhere


@login.request_loader  # type: ignore[untyped-decorator]
def visitor(_: object) -> web.Visitor | None:
    """The person of the session, if the session is still worth something.

    What the door asks beside (web.asks) comes in the same round trip; of it nothing is kept if there is no such person.
    """
    person, epoch, org = session.get("person"), session.get("epoch"), session.get("org")
    if not isinstance(person, int) or not isinstance(epoch, int):
        return None
    asks: web.Ask | None = getattr(current_app.view_functions.get(request.endpoint or ""), "asks", None)
    with web.db().read() as s:
        more = asks(s, person, org) if asks and isinstance(org, int) else ()
        found, answers = identity.signed_in_with(s, person, epoch, *more)
    if found is None:
        return None
    if more and found.org_id == org:
        g.answers = answers
    return web.Visitor(found)


def arrive() -> None:
    """First of all: read the whole body, then stamp the time (design.md, rules of time 2). 413 for too much.

    The stamp before the body only dates the page that refuses it.
    """
    g.began = perf_counter()
    g.user = None
    clock = web.city().clock
    g.received_at = clock.now()
    if request.endpoint == "static":
        return
    program = request.path.startswith("/api/")  # its doors check each field and name the one at fault
    if "\0" in request.path or (b"%00" in request.query_string and not program):
        abort(404)  # no text; PostgreSQL cannot even be asked for it
    request.max_content_length = FILE_LIMIT if request.mimetype == "multipart/form-data" else FORM_LIMIT
    request.get_data(cache=True)
    g.received_at = clock.now()


def recognise() -> None:
    """Who asks: one statement, none for a stranger or a static file."""
    if request.endpoint != "static" and "person" in session and current_user.is_authenticated:
        g.user = current_user.user


def headers(response: Response) -> Response:
    """What a browser must know to be careful, and what may be kept."""
    h = response.headers
    h.setdefault("Content-Security-Policy", policy())
    h["X-Content-Type-Options"] = "nosniff"
    h["Referrer-Policy"] = "same-origin"
    h["Permissions-Policy"] = _PERMISSIONS
    h["Cross-Origin-Opener-Policy"] = "same-origin"
    if web.city().settings.production:
        h["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
    if request.endpoint == "static" and response.status_code < 400:
        h["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if "v" in request.args else "no-cache"
    elif g.get("user") is not None or session.modified or response.status_code >= 400:
        h["Cache-Control"] = "private, no-store"
    else:
        h.setdefault("Cache-Control", "private, no-cache")
    if "began" in g:
        h["Server-Timing"] = f"total;dur={(perf_counter() - g.began) * 1000:.1f}"
    return response


def shrink(response: Response) -> Response:
    """Compress text over 1 KB where the browser takes it."""
    if response.status_code == 303 and request.method == "POST":
        return response  # what a form leads on with is a line, and kept by nobody
    kind = response.mimetype or ""
    if not kind.startswith(_TEXTS) or "Content-Encoding" in response.headers or response.status_code in (204, 206, 304):
        return response
    response.vary.add("Accept-Encoding")
    if response.is_streamed and not response.direct_passthrough:
        return response
    if request.accept_encodings.quality("gzip") <= 0 or (response.content_length or 0) > 8 * 2**20:
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) > 1024 and request.method != "HEAD":
        response.set_data(gzip.compress(body, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        if tag := response.get_etag()[0]:
            response.set_etag(f"{tag}-gz", weak=True)
    return response


def init(app: Flask) -> None:
    """Order matters: the body first, then who asks; after it compression runs first (Flask goes backwards)."""
    login.init_app(app, add_context_processor=False)  # it would ask the database again on the page that says it is down
    app.before_request(arrive)
    app.before_request(recognise)
    app.after_request(headers)
    app.after_request(shrink)
