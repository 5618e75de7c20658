"""What stands in the address of a list: words looked for, chosen facets, the page."""

from collections.abc import Collection

from flask import request

from market.errors import refuse
from market.ids import NumberError, TextError, plain_text, whole_number

PAGE = 20
QUERY_MAX = 100
PAGES_MAX = 100_000


def typed_query(name: str, most: int = QUERY_MAX) -> str:
    """Text of the address: NFC, one line. Refused (400): control characters or more than `most` characters."""
    try:
        return plain_text(request.args.get(name, ""), most, optional=True)
    except TextError:
        raise refuse("query.text", name, 400, name=name, most=most) from None


def page_number() -> int:
    """The page asked for, from 1; anything else is refused (400)."""
    try:
        return whole_number(request.args.get("page", "1"), 1, PAGES_MAX)
    except NumberError:
        raise refuse("query.page", "page", 400, most=PAGES_MAX) from None


def pages_of(total: int, size: int = PAGE) -> int:
    """How many pages that many rows fill."""
    return max(1, -(-total // size))


def picked(name: str, known: Collection[str]) -> list[str]:
    """The known ones of the values of a facet, in their order; unknown ones are left out."""
    asked = set(request.args.getlist(name))
    return [code for code in known if code in asked]
