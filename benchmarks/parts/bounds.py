"""The site as granian serves it, with three bounds beside it: a bare view, and two signed-in POSTs.

`plain` is what Flask's own extensions cost, used as their manuals say: session, CSRF token, the user by the ORM. It
does not move when the site is tuned, so the goal of a bid is held to it (bid-path.md measured it so). `signed-in` is
the same through the site's own hooks. All stand in the same processes as the site, so that a bid and its bounds share
every core and every disturbance.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask
from flask_login import LoginManager, UserMixin, login_required
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import select

from market.identity.models import Organisation, Person
from portal.access import May, needs
from portal.serving import make as make_site

BARE, PLAIN, SIGNED_IN = "/bench/bare", "/bench/plain", "/bench/signed-in"


def make() -> Any:
    """The WSGI application: the site and the bounds."""
    site = make_site()
    site.add_url_rule(SIGNED_IN, "bench_signed_in", signed_in, methods=["POST"])
    bare = Flask("bare")
    bare.add_url_rule(BARE, "bare", lambda: "ok", methods=["GET", "POST"])
    apps = {BARE: bare, PLAIN: plain(site)}

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return apps.get(environ["PATH_INFO"], site)(environ, start_response)

    return serve


class _Reader(UserMixin):  # type: ignore[misc]
    """A person as Flask-Login's manual keeps one."""

    def __init__(self, person: Person, organisation: Organisation) -> None:
        self.id, self.person, self.organisation = person.id, person, organisation


def plain(site: Flask) -> Flask:
    """An application that shares the site's cookies and database, and only loads who is signed in."""
    app = Flask("plain")
    app.config.update({key: site.config[key] for key in ("SECRET_KEY", "SESSION_COOKIE_NAME", "WTF_CSRF_TIME_LIMIT")})
    CSRFProtect(app)
    manager = LoginManager(app)
    manager.session_protection = None
    db = site.extensions["city"].db

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(number: str) -> _Reader | None:
        found = select(Person, Organisation).join(Organisation, Organisation.id == Person.org_id)
        with db.read() as s:
            row = s.execute(found.where(Person.id == int(number), Person.disabled_at.is_(None))).first()
        return None if row is None else _Reader(row[0], row[1])

    app.add_url_rule(PLAIN, "plain", login_required(lambda: ("", 204)), methods=["POST"])
    return app


@needs(May.BID_SEAL)
def signed_in() -> tuple[str, int]:
    """What every signed-in POST pays before it does anything: session, CSRF token, the user from the database."""
    return "", 204
