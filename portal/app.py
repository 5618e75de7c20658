"""create_app: the one place where the web side is wired."""

from importlib import import_module
from pathlib import Path

from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from portal import web
from portal.access import refuse_unguarded

DOORS = (
    "home",
)
"""The door modules, each with its blueprint `bp`; one line an area."""

csrf = CSRFProtect()


def create_app(city: web.City, secret: bytes) -> Flask:
    """The site for a city. `secret` signs cookies. Raises RuntimeError if a door declares no permission."""
    app = Flask("portal", template_folder=str(Path(__file__).resolve().parent.parent / "templates"))
    app.extensions["city"] = city
    app.config.update(
        SECRET_KEY=secret,
        MAX_CONTENT_LENGTH=25 * 2**20,
        SESSION_COOKIE_NAME="tzj",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=city.settings.production,
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).resolve().parent / "translations"),
    )
    Babel(app, locale_selector=web.lang)
    csrf.init_app(app)
    for name in DOORS:
        app.register_blueprint(import_module(f"portal.{name}").bp)
    refuse_unguarded(app)
    return app
