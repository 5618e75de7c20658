"""How the city reaches its keeper: one port, met by the keeper itself (in-process) and by its socket."""

import socket
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bidding.sealing import wire
from bidding.sealing.envelope import Opened, Unopened
from market.clock import from_micros, micros
from market.errors import Refusal, Refused

BATCH = 2000  # envelopes in one message: the keeper's longest pause for others stays under a second


class KeeperPort(Protocol):
    """What publishing and closing need of a keeper; see keeper.Keeper for the promises. Raises Refused."""

    def create(self, auction: str, not_before: datetime) -> bytes: ...

    def postpone(self, auction: str, not_before: datetime) -> None: ...

    def open(self, auction: str, envelopes: Sequence[tuple[bytes, bytes]]) -> list[Opened | Unopened]: ...


class KeeperDown(Refused):
    """No keeper answers (503): publishing waits, openings wait, bids go on."""

    def __init__(self) -> None:
        super().__init__(Refusal("keeper.down"), status=503)


class SocketKeeper:
    """A keeper in another process. One connection a call: nothing is shared among threads or after a fork.

    `timeout` is seconds for a whole call, `patience` seconds for each batch of envelopes to open.
    """

    def __init__(self, path: Path, timeout: float = 2.0, patience: float = 10.0) -> None:
        self._path = wire.fit_path(path)
        self._timeout = timeout
        self._patience = patience

    def create(self, auction: str, not_before: datetime) -> bytes:
        """See Keeper.create."""
        answer = self._ask({"do": "create", "auction": auction, "not_before": micros(not_before)}, self._timeout)
        try:
            return bytes.fromhex(answer)
        except (TypeError, ValueError):
            raise KeeperDown from None

    def postpone(self, auction: str, not_before: datetime) -> None:
        """See Keeper.postpone."""
        self._ask({"do": "postpone", "auction": auction, "not_before": micros(not_before)}, self._timeout)

    def open(self, auction: str, envelopes: Sequence[tuple[bytes, bytes]]) -> list[Opened | Unopened]:
        """See Keeper.open. Any number of envelopes: they travel in batches, each one line in the keeper's log."""
        found: list[Opened | Unopened] = []
        for start in range(0, max(len(envelopes), 1), BATCH):
            part = envelopes[start : start + BATCH]
            answer = self._ask({"do": "open", "auction": auction, "envelopes": wire.pack(part)}, self._patience)
            found += _openings(answer, len(part))
        return found

    def alive(self) -> bool:
        """Whether a keeper answers at all."""
        try:
            return self._ask({"do": "alive"}, self._timeout) is True
        except Refused:
            return False

    def _ask(self, request: dict[str, Any], seconds: float) -> Any:
        try:
            answer = _exchange(self._path, request, seconds)
        except (OSError, wire.Broken):
            raise KeeperDown from None  # the cause may hold bytes of the answer: it goes no further
        if answer is None:
            raise KeeperDown
        if "refused" in answer:
            raise _refused(answer)
        return answer.get("ok")


def _exchange(path: str, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    until = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        wire.wait(link, until)
        link.connect(path)
        wire.send(link, request, until)
        return wire.receive(link, until)


def _refused(answer: dict[str, Any]) -> Refused:
    """The keeper's refusal as if it had been raised here; a fault of its own counts as down."""
    match answer:
        case {"refused": "keeper.fault"}:
            return KeeperDown()
        case {"refused": str(code), "status": int(status), "values": dict(values)}:
            try:
                return Refused(Refusal(code, None, {n: from_micros(at) for n, at in values.items()}), status=status)
            except (TypeError, OverflowError):
                return KeeperDown()
    return KeeperDown()


def _openings(answer: Any, count: int) -> list[Opened | Unopened]:
    try:
        found = wire.heard(answer)
    except wire.Broken:
        raise KeeperDown from None
    if len(found) != count:
        raise KeeperDown
    return found
