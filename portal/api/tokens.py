"""Who asks: the bearer token, and nothing else. A session cookie opens no door of the API, so none can be forged."""

import re
from datetime import datetime

from flask import g, request

from market.errors import Refused, refuse
from market.identity import signin
from market.identity.links import digest_of
from market.identity.queries import by_token
from portal import web

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,120}", re.ASCII)
_MOST_ADDRESSES = 10_000


def recognise() -> None:
    """The user of the request: one statement with a token, none without. Raises Refused (401, 429) for a wrong one."""
    g.user = None
    given = request.headers.get("Authorization")
    if given is None:
        return
    scheme, _, token = given.strip().partition(" ")
    token = token.strip()
    if scheme.lower() == "bearer" and _TOKEN.fullmatch(token):
        with web.db().read() as s:
            g.user = by_token(s, digest_of(token))
    if g.user is None:
        _count()
        raise refuse("api.token", "Authorization", 401)


def _count() -> None:
    """Count a failed token by address. Who is over the limit costs no more writes until its window ends."""
    address = request.remote_addr or "unknown"
    blocked: dict[str, datetime] = web.city().extra.setdefault("api.blocked", {})
    until = blocked.get(address)
    if until is not None and web.now() < until:
        raise refuse("limit.reached", status=429, until=until)
    try:
        with web.db().write() as s:
            signin.count_try(s, "token.address", address, web.now())
    except Refused as no:
        ends = no.refusals[0].values.get("until")
        if isinstance(ends, datetime):
            if len(blocked) >= _MOST_ADDRESSES:
                blocked.clear()
            blocked[address] = ends
        raise
