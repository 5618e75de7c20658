"""A list as an Atom feed (RFC 4287)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from flask import Response

NAMESPACE = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its lasting address, what it is called and says, and when it last changed."""

    url: str
    title: str
    summary: str
    updated: datetime


def as_atom(url: str, title: str, author: str, entries: Iterable[Entry], now: datetime) -> Response:
    """A feed whose id is its own address; it was updated when its newest entry was, or now if it has none."""
    found = list(entries)
    feed = ElementTree.Element("feed", {"xmlns": NAMESPACE})
    _add(feed, "id", url)
    _add(feed, "title", title)
    _add(feed, "updated", _instant(max((e.updated for e in found), default=now)))
    ElementTree.SubElement(feed, "link", {"rel": "self", "href": url})
    _add(ElementTree.SubElement(feed, "author"), "name", author)
    for one in found:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", one.url)
        _add(entry, "title", one.title)
        _add(entry, "updated", _instant(one.updated))
        ElementTree.SubElement(entry, "link", {"href": one.url})
        _add(entry, "summary", one.summary)
    body = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return Response(body, content_type="application/atom+xml; charset=utf-8")


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
