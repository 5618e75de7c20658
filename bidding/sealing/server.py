"""The keeper as a process of its own: `taozhongjie keeper` listens on a Unix socket that only its user may open.

Rubbish on the socket costs its sender the connection and nobody else anything. Nothing that arrives is ever logged:
a line about a fault names the kind of exception and no more.
"""

import fcntl
import logging
import os
import re
import signal
import socket
import socketserver
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from bidding.sealing import wire
from bidding.sealing.keeper import Keeper
from market.clock import Clock, from_micros, micros
from market.errors import Refused
from market.settings import Settings

CALLERS = 64  # connections at once; the city needs one for each web thread that publishes and one a scheduler
PATIENCE = 10.0  # seconds for one whole request and one whole answer
_AUCTION = re.compile(r"[!-~]{1,64}")
_log = logging.getLogger("taozhongjie.keeper")


class CannotKeep(RuntimeError):
    """The keeper cannot start; the text says why and what to do."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread a connection, at most CALLERS; `server_close` lets requests in work end and waits for them."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, path: Path, keeper: Keeper) -> None:
        self.keeper = keeper
        self._links: set[socket.socket] = set()
        self._guard = threading.Lock()
        mask = os.umask(0o177)  # the socket is born with mode 0600; a chmod afterwards would leave a gap
        try:
            super().__init__(wire.fit_path(path), _Caller)
        finally:
            os.umask(mask)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a caller, or turn it away at once when the house is full."""
        with self._guard:
            full = len(self._links) >= CALLERS
            if not full:
                self._links.add(request)
        if full:
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection, however it ended."""
        with self._guard:
            self._links.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, tell idle callers that no more is read, and wait until answers in work are sent."""
        with self._guard:
            for link in self._links:
                try:
                    link.shutdown(socket.SHUT_RD)
                except OSError:
                    continue  # it hung up first
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The standard one prints a traceback; ours says nothing a caller sent."""
        _log.warning("A caller's connection ended in a fault.")


class _Caller(socketserver.BaseRequestHandler):
    """Requests of one connection, in turn, until it closes or sends what is no message."""

    server: Server

    def handle(self) -> None:
        link: socket.socket = self.request
        try:
            while (request := wire.receive(link, time.monotonic() + PATIENCE)) is not None:
                wire.send(link, answer(self.server.keeper, request), time.monotonic() + PATIENCE)
        except wire.Broken:
            self._tell(link, _no("keeper.request", 400))
        except OSError:
            return  # gone or too slow: nobody is left to tell

    @staticmethod
    def _tell(link: socket.socket, message: dict[str, Any]) -> None:
        try:
            wire.send(link, message, time.monotonic() + PATIENCE)
        except OSError:
            return


def answer(keeper: Keeper, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks and say so; whatever it holds, an answer comes back and nothing of it is quoted."""
    try:
        return {"ok": _do(keeper, request)}
    except Refused as no:
        first = no.refusals[0]
        values = {name: micros(at) for name, at in first.values.items() if isinstance(at, datetime)}
        return {"refused": first.code, "status": no.status, "values": values}
    except wire.Broken:
        return _no("keeper.request", 400)
    except Exception as fault:
        _log.error("A request ended in %s.", type(fault).__name__)
        return _no("keeper.fault", 500)


def _do(keeper: Keeper, request: dict[str, Any]) -> Any:
    match request:
        case {"do": "alive"}:
            return True
        case {"do": "create", "auction": str(auction), "not_before": int(gate)}:
            return keeper.create(_auction(auction), _instant(gate)).hex()
        case {"do": "postpone", "auction": str(auction), "not_before": int(gate)}:
            keeper.postpone(_auction(auction), _instant(gate))
            return True
        case {"do": "open", "auction": str(auction), "envelopes": list(envelopes)}:
            return wire.told(keeper.open(_auction(auction), wire.unpack(envelopes)))
        case _:
            raise wire.Broken("unknown request")


def _auction(name: str) -> str:
    if not _AUCTION.fullmatch(name):
        raise wire.Broken("auction")
    return name


def _instant(value: int) -> datetime:
    try:
        return from_micros(value)
    except OverflowError:
        raise wire.Broken("time") from None


def _no(code: str, status: int) -> dict[str, Any]:
    return {"refused": code, "status": status, "values": {}}


def serve(settings: Settings, clock: Clock) -> None:
    """Run the keeper until SIGTERM or SIGINT; answers in work are sent first. Raises CannotKeep, ValueError (path).

    Signals are only taken over in the main thread, as Python demands.
    """
    path = settings.keeper_socket
    wire.fit_path(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.keeper_store.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(settings.keeper_store / "keeper.lock"):
        _clear(path)
        keeper = Keeper(settings.keeper_store, clock)
        server = Server(path, keeper)
        try:
            _stop_on_signals(server)
            _log.info("The keeper listens.")
            server.serve_forever(poll_interval=0.2)
        finally:
            path.unlink(missing_ok=True)
            server.server_close()
            keeper.close()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold the store for the life of this process; the kernel lets go of it even after kill -9."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotKeep("Another keeper already holds this store: stop it first.") from None
        yield
    finally:
        os.close(handle)


def _clear(path: Path) -> None:
    """Remove a socket that a dead keeper left; never one that answers, never a file of another kind."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise CannotKeep(f"{path} is in the way and no socket: move it or set TAOZHONGJIE_KEEPER.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as fault:
            raise CannotKeep(f"{path} cannot be probed: {fault.strerror}.") from None
    raise CannotKeep(f"A keeper already listens at {path}: stop it or set TAOZHONGJIE_KEEPER.")


def _stop_on_signals(server: Server) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        # shutdown() waits for the loop this very thread runs: another thread has to ask
        threading.Thread(target=server.shutdown, daemon=True).start()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
