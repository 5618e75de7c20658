"""A browser without script that follows every link of the site and reads every form it meets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

HERE = "http://localhost"


@dataclass
class Control:
    """One control of a form: its values that a browser could send, and the one it would send now."""

    name: str
    kind: str
    values: list[str] = field(default_factory=list)
    now: list[str] = field(default_factory=list)


@dataclass
class FormSeen:
    """A form of a page: where it goes, how, and its controls by name. `rule` and `endpoint` are the door's."""

    page: str
    action: str
    method: str
    files: bool
    controls: dict[str, Control] = field(default_factory=dict)
    rule: str = ""
    endpoint: str = ""

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells two forms apart: the door and the fields (which entry it is about does not matter)."""
        return self.endpoint, tuple(sorted(self.controls))

    def data(self) -> dict[str, list[str]]:
        """What a browser would send if nothing were touched."""
        return {c.name: list(c.now) for c in self.controls.values() if c.kind != "file" and c.now}


class _Reader(HTMLParser):
    """Links and forms of a page, and what is said of errors."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.links: list[str] = []
        self.forms: list[FormSeen] = []
        self._form: FormSeen | None = None
        self._area: Control | None = None
        self._select: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {k: v if v is not None else "" for k, v in attrs}
        if tag == "a" and "href" in a:
            self.links.append(a["href"])
        elif tag == "form":
            action = urljoin(HERE + self.page, a.get("action", ""))
            method = a.get("method", "get").lower()
            self._form = FormSeen(self.page, action.removeprefix(HERE), method, "multipart" in a.get("enctype", ""))
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(tag, a)

    def _control(self, tag: str, a: dict[str, str]) -> None:
        assert self._form is not None
        if tag == "option" and self._select is not None:
            self._select.values.append(a.get("value", ""))
            if "selected" in a or not self._select.now:
                self._select.now = [a.get("value", "")]
            return
        if tag in ("input", "button") and a.get("formaction"):
            action = urljoin(HERE + self.page, a["formaction"]).removeprefix(HERE)
            twin = FormSeen(self.page, action, self._form.method, self._form.files, self._form.controls)
            self.forms.append(twin)
        if not a.get("name") or tag not in ("input", "select", "textarea", "button"):
            return
        kind = tag if tag != "input" else a.get("type", "text")
        if kind == "button":
            return  # a button's name says which was pressed: the plain submission has none
        one = self._form.controls.setdefault(a["name"], Control(a["name"], kind))
        if tag == "textarea":
            self._area = one
        elif tag == "select":
            self._select = one
        else:
            one.values.append(a.get("value", ""))
            if kind not in ("radio", "checkbox", "submit", "file") or "checked" in a:
                one.now.append(a.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.now = [(self._area.now or [""])[0] + data]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            if self._area is not None and self._area.now:  # one line end after the tag belongs to the markup
                self._area.now = [self._area.now[0].removeprefix("\r").removeprefix("\n")]
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._form = None


def read_page(page: str, html: str) -> _Reader:
    """The links and forms of a page at path `page`."""
    reader = _Reader(page)
    reader.feed(html)
    return reader


@dataclass
class Walk:
    """What a walk found: status and endpoint of each path, and one form of each kind."""

    statuses: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    forms: dict[tuple[str, tuple[str, ...]], FormSeen] = field(default_factory=dict)


def matched(app: Flask, path: str, method: str = "GET") -> tuple[str, str]:
    """Endpoint and rule of a path; empty for none."""
    adapter = app.url_map.bind("localhost")
    try:
        rule, _ = adapter.match(urlsplit(path).path, method=method, return_rule=True)
    except HTTPException:
        return "", ""
    return str(rule.endpoint), rule.rule


def _local(page: str, link: str) -> str | None:
    whole = urldefrag(urljoin(HERE + page, link)).url
    if not whole.startswith(HERE + "/"):
        return None
    path = whole.removeprefix(HERE)
    return None if path.startswith(("/static/", "/en/", "/api/")) or path == "/en" else path


def walk(app: Flask, client: FlaskClient, starts: list[str], most: int = 6) -> Walk:
    """Follow the links from `starts`; of each door at most `most` different addresses (lists go on for ever)."""
    found, queue, seen = Walk(), list(starts), set(starts)
    visits: dict[str, int] = {}
    while queue:
        path = queue.pop(0)
        endpoint, _ = matched(app, path)
        visits[endpoint] = visits.get(endpoint, 0) + 1
        if endpoint and visits[endpoint] > most and path not in starts:
            continue
        answer = client.get(path)
        found.statuses[path], found.endpoints[path] = answer.status_code, endpoint
        links = [answer.headers["Location"]] if "Location" in answer.headers else []
        if answer.mimetype == "text/html":
            page = read_page(path, answer.get_data(as_text=True))
            links += page.links
            for form in _known(app, page.forms):
                found.forms.setdefault(form.key, form)
        answer.close()  # a file that is made while it is sent would else be ended by the collector, in another context
        for link in links:
            local = _local(path, link)
            if local is not None and local not in seen:
                seen.add(local)
                queue.append(local)
    return found


def _known(app: Flask, forms: list[FormSeen]) -> Iterator[FormSeen]:
    for form in forms:
        form.endpoint, form.rule = matched(app, form.action, form.method.upper())
        form.controls.pop("csrf_token", None)
        if form.endpoint:
            yield form


def doors(app: Flask, method: str) -> dict[str, Any]:
    """Endpoint → rule of every door of a method, without files and the API."""
    return {
        r.endpoint: r
        for r in app.url_map.iter_rules()
        if method in (r.methods or ()) and r.endpoint != "static" and not r.rule.startswith("/api/")
    }
