"""Cursors: where a page ended, as opaque text. A page goes on behind a key, never at an offset, so nothing is skipped
or shown twice when rows are added meanwhile."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from flask import request

from market.errors import refuse


def write(*key: int | str) -> str:
    """The cursor of the last row's key."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def read(cursor: str | None, *kinds: type) -> Any:
    """The key a cursor holds, None for none. Raises Refused `api.cursor` for one that was not made here."""
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise refuse("api.cursor", "after") from None
    if not isinstance(key, list) or len(key) != len(kinds):
        raise refuse("api.cursor", "after")
    for part, kind in zip(key, kinds, strict=True):
        if type(part) is not kind or (isinstance(part, int) and not 0 <= part < 10**16):
            raise refuse("api.cursor", "after")
        if isinstance(part, str) and not (part.isprintable() and part.isascii() and len(part) <= 40):
            raise refuse("api.cursor", "after")
    return key


def link(after: str | int | None) -> dict[str, str]:
    """The Link header to the next page (RFC 8288), with the query as it was asked; nothing at the end."""
    if after is None:
        return {}
    query = urlencode([*((k, v) for k, v in request.args.items(multi=True) if k != "after"), ("after", str(after))])
    return {"Link": f'<{request.script_root}{request.path}?{query}>; rel="next"'}
