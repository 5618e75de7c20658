"""The site as granian serves it, with two bounds beside it: a bare view, and a signed-in POST that loads the user.

Both stand in the same processes as the site, so that a bid and its bounds share every core and every disturbance.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask

from portal.access import May, needs
from portal.serving import make as make_site

BARE, SIGNED_IN = "/bench/bare", "/bench/signed-in"


def make() -> Any:
    """The WSGI application: the site and the bounds."""
    site = make_site()
    site.add_url_rule(SIGNED_IN, "bench_signed_in", signed_in, methods=["POST"])
    bare = Flask("bare")
    bare.add_url_rule(BARE, "bare", lambda: "ok", methods=["GET", "POST"])

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        app = bare if environ["PATH_INFO"] == BARE else site
        return app(environ, start_response)

    return serve


@needs(May.BID_SEAL)
def signed_in() -> tuple[str, int]:
    """What every signed-in POST pays before it does anything: session, CSRF token, the user from the database."""
    return "", 204
