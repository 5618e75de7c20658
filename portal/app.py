"""create_app: the one place where the web side is wired."""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from portal import errors, hooks, shell, web
from portal.access import refuse_unguarded

DOORS = (
    "account",
    "admissions",
    "api",
    "auctions",
    "audit",
    "awards",
    "bids",
    "catalogue",
    "checkout",
    "complaints",
    "contracts",
    "credit",
    "documents",
    "figures",
    "findings",
    "firms",
    "flags",
    "home",
    "hooks_in",
    "inbox",
    "items",
    "jobs",
    "join",
    "matching",
    "opendata",
    "operator",
    "payments",
    "people",
    "posting",
    "proofs",
    "protocol",
    "regulator",
    "review",
    "reviews",
    "rules",
    "searches",
    "statements",
    "work",
)  # fmt: skip
"""The door modules, each with its blueprint `bp`; one line an area."""

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class RowNumber(IntegerConverter):
    """The number of a row in an address: more than a column holds is simply not found."""

    def __init__(self, map: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": 2**31 - 1, **kwargs})


class InEnglish:
    """Moves `/en` from the path into SCRIPT_NAME: the same views answer, and url_for stays in the language."""

    def __init__(self, inner: Wsgi) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, root = environ.get("PATH_INFO", ""), environ.get("SCRIPT_NAME", "")
        environ["taozhongjie.root"] = root
        environ["taozhongjie.lang"] = "zh"
        if path == "/en" or path.startswith("/en/"):
            environ["taozhongjie.lang"] = "en"
            environ["SCRIPT_NAME"] = f"{root}/en"
            environ["PATH_INFO"] = path[3:] or "/"
        elif path.startswith("/api/"):  # programs say their language in a header
            wanted = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE"), LanguageAccept)
            environ["taozhongjie.lang"] = wanted.best_match(("zh", "en"), "zh")
        return self._inner(environ, start_response)


class Site(Flask):
    """Flask that does not ask of each function around a request whether it is a coroutine: none here is one."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


def create_app(city: web.City, secret: bytes) -> Flask:
    """The site for a city. `secret` signs cookies. Raises RuntimeError if a door declares no permission."""
    app = Site("portal", template_folder=str(Path(__file__).resolve().parent.parent / "templates"))
    app.extensions["city"] = city
    app.url_map.converters["int"] = RowNumber
    app.config.update(
        SECRET_KEY=secret,
        MAX_CONTENT_LENGTH=hooks.FILE_LIMIT,
        SESSION_COOKIE_NAME="tzj",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=city.settings.production,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a draft may stay open over lunch
        WTF_CSRF_SSL_STRICT=False,  # the token guards; a proxy may end TLS
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).resolve().parent / "translations"),
    )
    app.wsgi_app = InEnglish(app.wsgi_app)  # type: ignore[method-assign]
    if city.settings.production:
        # A city stands behind one proxy (deploy/nginx.conf): limits count its visitors, not the proxy.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    Babel(app, locale_selector=web.lang)
    hooks.init(app)
    csrf = CSRFProtect(app)
    shell.init(app)
    errors.init(app)
    for name in DOORS:
        bp = import_module(f"portal.{name}").bp
        app.register_blueprint(bp)
        if (bp.url_prefix or "").startswith("/api"):
            csrf.exempt(bp)  # bearer tokens only: no cookie counts there
        for view in getattr(import_module(f"portal.{name}"), "SIGNED", ()):
            csrf.exempt(view)  # the sender signs what it sends: no cookie counts
    refuse_unguarded(app)
    return app
