"""A loopback server that keeps what our client asks of Stripe, and answers in the shapes Stripe publishes.

It knows of Stripe only what docs.stripe.com says of every object: an object is seen on its own account alone, lists
come newest first in pages, a repeated Idempotency-Key gives the first answer again, and another body under it is an
error. Objects are the files of tests/data/stripe with what a test says of them.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DATA = Path(__file__).resolve().parent.parent / "data" / "stripe"
KINDS = {
    "checkout/sessions": "checkout_session", "payment_intents": "payment_intent", "refunds": "refund",
    "disputes": "dispute", "accounts": "account", "account_links": "account_link",
}  # fmt: skip


def shape(kind: str, **but: Any) -> dict[str, Any]:
    """An object of a kind as Stripe publishes it, with what a test says of it."""
    whole: dict[str, Any] = json.loads((DATA / f"{kind}.json").read_text("utf-8"))
    assert not set(but) - set(whole), f"{kind} has no {set(but) - set(whole)}"
    return whole | but


@dataclass(frozen=True)
class Asked:
    """A request as it came: the form decoded into one dict by its bracketed names."""

    method: str
    path: str
    account: str | None
    headers: dict[str, str]
    form: dict[str, Any]


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = re.findall(r"[^\[\]]+", name)
        at = whole
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return whole


@dataclass
class Recorder:
    """What was asked, and what is there: (account, id) → object, oldest first."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    there: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    down: int = 0
    refuse: dict[str, Any] | None = None
    _done: dict[str, tuple[Asked, dict[str, Any]]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, account: str, kind: str, **but: Any) -> dict[str, Any]:
        """An object on an account."""
        made = shape(kind, **but)
        self.there[account, made["id"]] = made
        return made

    def calls(self, method: str, path: str) -> list[Asked]:
        """The requests of a kind."""
        return [a for a in self.asked if a.method == method and re.fullmatch(path, a.path)]

    def answer(self, ask: Asked) -> tuple[int, dict[str, Any]]:
        """What Stripe says to a request."""
        with self._lock:
            self.asked.append(ask)
            if self.down > 0:
                self.down -= 1
                return 503, _error("api_error", "down")
            if self.refuse is not None:
                return 400, {"error": self.refuse}
            return self._get(ask) if ask.method == "GET" else self._post(ask)

    def _get(self, ask: Asked) -> tuple[int, dict[str, Any]]:
        kind, id = _split(ask.path)
        if id:
            found = self.there.get((ask.account or "", id)) or self.there.get(("", id))
            return (200, found) if found else (404, _error("invalid_request_error", "resource_missing"))
        object = shape(KINDS[kind])["object"]
        rows = [o for (account, _), o in self.there.items() if account == ask.account and o["object"] == object]
        rows.reverse()
        for name in ("charge", "payment_intent"):
            if name in ask.form:
                rows = [row for row in rows if row[name] == ask.form[name]]
        ids = [row["id"] for row in rows]
        start = ids.index(ask.form["starting_after"]) + 1 if "starting_after" in ask.form else 0
        limit = int(ask.form.get("limit", 10))
        page = {"object": "list", "url": ask.path, "data": rows[start : start + limit]}
        return 200, page | {"has_more": len(rows) > start + limit}

    def _post(self, ask: Asked) -> tuple[int, dict[str, Any]]:
        key = ask.headers.get("idempotency-key", "")
        if key in self._done:
            before, answer = self._done[key]
            same = (before.path, before.account, before.form) == (ask.path, ask.account, ask.form)
            return (200, answer) if same else (400, _error("idempotency_error", "idempotency_error"))
        status, made = self._make(ask)
        if key and status == 200:
            self._done[key] = (ask, deepcopy(made))
        return status, made

    def _make(self, ask: Asked) -> tuple[int, dict[str, Any]]:
        kind, id = _split(ask.path)
        account, form, n = ask.account or "", ask.form, next(self._ids)
        if kind == "checkout/sessions" and ask.path.endswith("/expire"):
            page = self.there[account, id]
            if page["status"] != "open":
                return 400, _error("invalid_request_error", None)
            return 200, page | self.there.setdefault((account, id), page) | _over(page)
        if kind == "checkout/sessions":
            fen = int(form["line_items"]["0"]["price_data"]["unit_amount"])
            url = f"https://checkout.stripe.com/c/pay/cs_test_{n:06d}"
            more = {"metadata": form["metadata"], "client_reference_id": form["client_reference_id"], "url": url}
            return 200, self.put(account, "checkout_session", id=f"cs_test_{n:06d}", amount_total=fen, **more)
        if kind == "refunds":
            paid = self.there.get((account, form["payment_intent"]))
            gone = sum(
                o["amount"] for o in self.there.values()
                if o["object"] == "refund" and o["payment_intent"] == form["payment_intent"]
            )  # fmt: skip
            if paid is None or gone + int(form["amount"]) > paid["amount_received"]:
                return 400, _error("invalid_request_error", "charge_already_refunded")
            more = {"amount": int(form["amount"]), "metadata": form.get("metadata", {})}
            return 200, self.put(account, "refund", id=f"re_{n:06d}", payment_intent=form["payment_intent"], **more)
        if kind == "accounts":
            return 200, self.put("", "account", id=f"acct_{n:06d}", metadata=form["metadata"], charges_enabled=False)
        return 200, shape("account_link")


def _over(page: dict[str, Any]) -> dict[str, Any]:
    page["status"] = "expired"
    return {"status": "expired"}


def _split(path: str) -> tuple[str, str]:
    """The kind of object of a path, and its id."""
    rest = path.removeprefix("/v1/")
    kind = next(k for k in KINDS if rest == k or rest.startswith(k + "/"))
    return kind, rest[len(kind) + 1 :].split("/")[0]


def _error(type: str, code: str | None) -> dict[str, Any]:
    return {"error": {"type": type, "code": code, "message": "said by the recorder"}}


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A recorder that answers on a free port of 127.0.0.1."""
    made = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            pairs = parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
            headers = {k.lower(): v for k, v in self.headers.items()}
            asked = Asked(self.command, parts.path, headers.get("stripe-account"), headers, nested(pairs))
            status, answer = made.answer(asked)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
