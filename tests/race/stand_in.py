"""localstripe as its own process, customers that pay there, and a bad network between it and the city."""

import http.client
import json
import random
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import stripe as sdk

from market.clock import Clock
from market.payments import inbox
from tests.race.city import pause

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-stripe" / "bin" / "python"
THEIRS, OURS = "whsec_localstripe", "whsec_the_city"
CARD = {
    "type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2030",
    "card[cvc]": "123",
}  # fmt: skip


class LocalStripe(AbstractContextManager["LocalStripe"]):
    """The stand-in on a free port of 127.0.0.1. Raises RuntimeError when it is not installed (`make system`)."""

    def __init__(self) -> None:
        if not PYTHON.exists():
            raise RuntimeError("localstripe is not installed: run `make system`.")
        command = [str(PYTHON), str(ROOT / "tests" / "stripe" / "run_localstripe.py"), "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """A form posted as a program with a secret key."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": "Bearer sk_test_customer", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, text
        made: dict[str, Any] = json.loads(text) if text else {}
        return made

    def pay(self, amounts: Sequence[tuple[int, int, str]]) -> list[str]:
        """Customers pay (payment, fen, reference), four at a time; the ids of what they paid by."""
        card = self.post("/v1/payment_methods", CARD)["id"]

        def one(what: tuple[int, int, str]) -> str:
            form = {"amount": str(what[1]), "currency": "cny", "payment_method": card, "confirm": "true"}
            form |= {"metadata[payment]": str(what[0]), "metadata[reference]": what[2]}
            return str(self.post("/v1/payment_intents", form)["id"])

        with ThreadPoolExecutor(4) as hands:
            return list(hands.map(one, amounts))

    def tell(self, url: str) -> None:
        """Have it send its webhooks to an address."""
        self.post("/_config/webhooks/relay", {"url": url, "secret": THEIRS})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()


class Relay(AbstractContextManager["Relay"]):
    """Between the stand-in and the city: drops, doubles and mixes up what it passes on.

    The stand-in signs as Stripe does, which is checked here with our own code; it knows no connected accounts, so the
    account is put in and the event signed anew. What the city does not take is sent again, as Stripe would.
    """

    def __init__(
        self, send: Callable[[bytes, str], int], account: Callable[[int], str], clock: Clock, seed: int
    ) -> None:
        self._send, self._account, self._clock = send, account, clock
        self._luck, self._held, self._lock = random.Random(seed), list[bytes](), threading.Lock()
        self.came = self.dropped = self.doubled = self.sent = 0
        self._over = threading.Event()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stamp = int(self.headers["Stripe-Signature"].partition("t=")[2].partition(",")[0])
                now = relay._clock.now().fromtimestamp(stamp, tz=relay._clock.now().tzinfo)
                inbox.check(body, self.headers["Stripe-Signature"], THEIRS, now)
                relay.take(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)]
        self._threads += [threading.Thread(target=self._pass_on, daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def take(self, body: bytes) -> None:
        """One event of the stand-in: in ten one is lost, in five one comes twice or thrice."""
        event = json.loads(body)
        if event["type"] != "payment_intent.succeeded":
            return
        event["account"] = self._account(int(event["data"]["object"]["metadata"]["payment"]))
        text = json.dumps(event).encode()
        with self._lock:
            self.came += 1
            if self._luck.random() < 0.1:
                self.dropped += 1
                return
            copies = 1 if self._luck.random() < 0.8 else self._luck.choice((2, 3))
            self.doubled += copies - 1
            self._held += [text] * copies

    def _pass_on(self) -> None:
        while not self._over.is_set():
            with self._lock:
                at = self._luck.randrange(len(self._held)) if self._held else None
                body = None if at is None else self._held.pop(at)
            if body is None:
                pause(0.02)
                continue
            stamp = int(self._clock.now().timestamp())
            if self._send(body, sdk.WebhookSignature.generate_signature_header(body.decode(), OURS, stamp)) != 200:
                with self._lock:
                    self._held.append(body)
                pause(0.05)
                continue
            with self._lock:
                self.sent += 1

    @property
    def waiting(self) -> int:
        """How many are still on the way."""
        with self._lock:
            return len(self._held)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
