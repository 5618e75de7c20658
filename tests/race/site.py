"""The real web server over a race's city: granian as `taozhongjie run` starts it, and sessions for its people."""

import contextlib
import http.client
import socket
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from flask import Flask, session
from flask_wtf.csrf import generate_csrf

from market import settings
from market.identity.models import Person
from portal.app import create_app
from portal.composition import cookie_secret, open_city
from portal.running import children
from tests.race.city import RaceCity, pause


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Site(AbstractContextManager["Site"]):
    """A served site. `serving` names another factory, for the bounds of a benchmark."""

    def __init__(
        self, city: RaceCity, workers: int = 1, threads: int = 32, serving: str = "portal.serving:make", **more: str
    ) -> None:
        self.city, self.port = city, free_port()
        self.env = {
            **city.env,
            **more,
            "TAOZHONGJIE_PORT": str(self.port),
            "TAOZHONGJIE_WORKERS": str(workers),
            "TAOZHONGJIE_THREADS": str(threads),
        }
        self._settings = settings.read(self.env)
        self._app: Flask | None = None
        web = next(child for child in children(self._settings) if child.name == "web")
        command = [serving if part == "portal.serving:make" else part for part in web.command]
        with (city.home / "web.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, cwd=Path.cwd())
        city._until(self._answers, 60)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/rules").status == 200
        return False

    @property
    def app(self) -> Flask:
        """An app of this process over the same city, which signs cookies as the served one does."""
        if self._app is None:
            city = open_city(self._settings)
            self._app = create_app(city, cookie_secret(city.db))
        return self._app

    def cookie(self, person: Person) -> tuple[str, str]:
        """The Cookie header of a person's session, and the CSRF token that fits it."""
        with self.app.test_request_context("/"):
            session["person"], session["epoch"], session["org"] = person.id, person.epoch, person.org_id
            session["_user_id"], session["_fresh"] = str(person.id), True
            token = generate_csrf()
            signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
            return f"tzj={signer.dumps(dict(session))}", str(token)

    def connect(self, timeout: float = 30.0) -> http.client.HTTPConnection:
        """A new connection to the server."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path: str, **headers: str) -> "Answer":
        """A GET on a connection of its own."""
        return self.send("GET", path, None, headers)

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> "Answer":
        """A request on a connection of its own, read to its end."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        pause(0)


class Answer:
    """A whole response; the names of headers in lower case."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8")
