"""The keeper behind its socket: rubbish, absence, kill -9, two of them; and no price anywhere before its time."""

import json
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bidding.sealing import wire
from bidding.sealing.client import KeeperDown, SocketKeeper
from bidding.sealing.envelope import Opened, seal
from bidding.sealing.keeper import Keeper, broken_at
from bidding.sealing.server import CALLERS, answer
from market.clock import FixedClock, SystemClock
from market.errors import Refused

ROOT = Path(__file__).parents[3]
AUCTION = "ZJ-2026-00001-1"
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2200, 1, 1, tzinfo=UTC)
PRICES = range(98_765_432_000, 98_765_432_050)


def envelopes(public: bytes) -> list[tuple[bytes, bytes]]:
    found = [
        seal(public, AUCTION, "ab" * 32, f"{n:016x}", {"amount": n, "days": 9}, n.to_bytes(32, "big")) for n in PRICES
    ]
    return [(one.envelope, one.info) for one in found]


def start(home: Path) -> subprocess.Popen[str]:
    """A keeper process, back as soon as it listens or has said why not."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TAOZHONGJIE_HOME": str(home)}
    script = Path(__file__).with_name("keeper_process.py")
    return subprocess.Popen([sys.executable, str(script)], env=env, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def running(home: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(home)
    try:
        assert first_line(process) == "The keeper listens."
        yield process
    finally:
        process.kill()
        process.communicate()


def stored(home: Path) -> bytes:
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_a_keeper_killed_and_started_again_gives_the_same_answers(short: Path) -> None:
    port = SocketKeeper(short / "keeper.sock")
    with running(short) as process:
        public = port.create(AUCTION, PAST)
        sealed = envelopes(public)
        told = port.open(AUCTION, sealed)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with pytest.raises(KeeperDown):
        port.create(AUCTION, PAST)

    with running(short):
        again = port.open(AUCTION, sealed)
        same = port.create(AUCTION, PAST)

    assert told == again == [Opened({"amount": n, "days": 9}, f"{n:064x}") for n in PRICES]
    assert same == public


def test_no_price_is_in_store_log_or_output_before_its_time_nor_after_opening(short: Path) -> None:
    port = SocketKeeper(short / "keeper.sock")
    clock = SystemClock(short / "clock")
    with running(short) as process:
        sealed = envelopes(port.create(AUCTION, FUTURE))
        with pytest.raises(Refused, match=r"keeper\.too_early") as no:
            port.open(AUCTION, sealed)
        before = stored(short)
        clock.advance(timedelta(days=365 * 200))
        found = port.open(AUCTION, sealed)
        process.terminate()
        output, _ = process.communicate(timeout=20)

    told = repr(no.value) + repr(no.value.refusals) + output + repr(found)
    assert len(found) == len(PRICES)
    for n in PRICES:
        assert str(n) not in told
        for spelling in (str(n).encode(), n.to_bytes(5, "big"), n.to_bytes(5, "little"), f"{n:x}".encode()):
            assert spelling not in before
            assert spelling not in stored(short)


def test_the_private_key_crosses_no_socket(keeper: Keeper, clock: FixedClock, tmp_path: Path) -> None:
    public = keeper.create(AUCTION, clock.now())
    private = keeper._find(AUCTION).private  # type: ignore[union-attr]  # it was made above
    asked: list[dict[str, Any]] = [
        {"do": "create", "auction": AUCTION, "not_before": 0},
        {"do": "postpone", "auction": AUCTION, "not_before": 2**50},
        {"do": "open", "auction": AUCTION, "envelopes": wire.pack(envelopes(public))},
    ]

    answers = json.dumps([answer(keeper, request) for request in asked])

    assert public.hex() in answers
    assert private.hex() not in answers
    assert private.hex() not in "".join(line.text for line in keeper.log())


def test_sigterm_ends_it_cleanly_while_callers_idle(short: Path) -> None:
    with running(short) as process, socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(short / "keeper.sock"))
        assert SocketKeeper(short / "keeper.sock").alive()

        process.terminate()

        assert process.wait(timeout=20) == 0
        assert not (short / "keeper.sock").exists()


def test_only_its_user_may_open_the_socket(listening: Path) -> None:
    assert listening.stat().st_mode & 0o777 == 0o600


def test_a_second_keeper_on_the_same_store_is_refused_and_the_first_lives_on(short: Path) -> None:
    with running(short):
        second = start(short)
        said = first_line(second)
        second.communicate()

        assert (second.returncode, "Another keeper" in said) == (3, True)
        assert SocketKeeper(short / "keeper.sock").alive()


def test_a_socket_on_which_another_keeper_answers_is_left_alone(short: Path, listening: Path) -> None:
    second = start(short)
    said = first_line(second)
    second.communicate()

    assert second.returncode == 3
    assert "already listens" in said
    assert SocketKeeper(listening).alive()


def test_a_file_in_the_way_is_not_deleted(short: Path) -> None:
    (short / "keeper.sock").write_text("a letter")

    process = start(short)
    said = first_line(process)
    process.communicate()

    assert process.returncode == 3
    assert "no socket" in said
    assert (short / "keeper.sock").read_text() == "a letter"


def test_a_path_too_long_for_a_socket_is_refused_with_the_mend(short: Path) -> None:
    home = short / ("x" * 100)

    process = start(home)
    said = first_line(process)
    process.communicate()

    assert process.returncode == 3
    assert "TAOZHONGJIE_KEEPER" in said
    with pytest.raises(ValueError, match="100"):
        SocketKeeper(home / "keeper.sock")


RUBBISH = [
    b"",
    b"\0",
    b"GET / HTTP/1.1\r\n\r\n",
    struct.pack(">I", 0),
    struct.pack(">I", 4) + b"{]{]",
    struct.pack(">I", 4) + b"\xff\xfe\xfd\xfc",
    struct.pack(">I", 2) + b"[]",
    struct.pack(">I", 500) + b'{"do": "open"',
    struct.pack(">I", 2**32 - 1) + b"x" * 1000,
    struct.pack(">I", 100_000) + b"[" * 100_000,
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_and_half_requests_hurt_nobody_else(listening: Path, rubbish: bytes) -> None:
    said = b""
    with socket.socket(socket.AF_UNIX) as link, suppress(BrokenPipeError, ConnectionResetError):
        link.settimeout(10)
        link.connect(str(listening))
        link.sendall(rubbish)
        link.shutdown(socket.SHUT_WR)
        while piece := link.recv(4096):
            said += piece

    assert said == b"" or b"keeper.request" in said
    assert SocketKeeper(listening).alive()


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"do": "steal"},
        {"do": "create"},
        {"do": "create", "auction": 5, "not_before": 5},
        {"do": "create", "auction": "", "not_before": 5},
        {"do": "create", "auction": "x\n", "not_before": 5},
        {"do": "create", "auction": "x" * 65, "not_before": 5},
        {"do": "create", "auction": "x", "not_before": 1.5},
        {"do": "create", "auction": "x", "not_before": "5"},
        {"do": "create", "auction": "x", "not_before": 10**30},
        {"do": "create", "auction": "x", "not_before": -(10**18)},
        {"do": "open", "auction": "x", "envelopes": "AAAA"},
        {"do": "open", "auction": "x", "envelopes": [["AAAA"]]},
        {"do": "open", "auction": "x", "envelopes": [["AAAA", 5]]},
        {"do": "open", "auction": "x", "envelopes": [["~", "~"]]},
        {"do": "open", "auction": "x", "envelopes": [["中", "AAAA"]]},
        {"do": "open", "auction": "x", "envelopes": [{"a": 1, "b": 2}]},
    ],
    ids=repr,
)
def test_a_request_of_another_shape_is_refused_and_changes_nothing(keeper: Keeper, request_: dict[str, Any]) -> None:
    assert answer(keeper, request_) == {"refused": "keeper.request", "status": 400, "values": {}}
    assert keeper.log() == []


def test_a_fault_inside_tells_its_kind_only(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the offer was 98765432000")

    monkeypatch.setattr(keeper, "open", fail)
    with caplog.at_level(logging.DEBUG):
        said = answer(keeper, {"do": "open", "auction": "x", "envelopes": []})

    assert said == {"refused": "keeper.fault", "status": 500, "values": {}}
    assert "RuntimeError" in caplog.text
    assert "98765432000" not in caplog.text


def test_callers_beyond_the_limit_are_turned_away_and_come_back_later(listening: Path) -> None:
    held = [socket.socket(socket.AF_UNIX) for _ in range(CALLERS)]
    for link in held:
        link.connect(str(listening))
    crowd = [threading.Thread(target=SocketKeeper(listening).alive) for _ in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    for link in held:
        link.close()

    port = SocketKeeper(listening)
    assert any(port.alive() for _ in range(200))


def test_without_a_keeper_every_call_is_down_with_503(short: Path) -> None:
    port = SocketKeeper(short / "keeper.sock")

    for call in (
        lambda: port.create(AUCTION, PAST),
        lambda: port.postpone(AUCTION, PAST),
        lambda: port.open(AUCTION, []),
    ):
        with pytest.raises(KeeperDown) as no:
            call()
        assert (no.value.refusals[0].code, no.value.status) == ("keeper.down", 503)
    assert not port.alive()


@contextmanager
def impostor(path: Path, said: list[bytes], hang: bool = False) -> Iterator[None]:
    """Something that listens where a keeper should and answers each caller with the next of `said`."""
    done = threading.Event()

    def talk(door: socket.socket) -> None:
        for piece in said:
            link, _ = door.accept()
            with link:
                link.recv(65536)
                link.sendall(piece)
                if hang:
                    done.wait(20)

    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(20)
        door.bind(str(path))
        door.listen()
        thread = threading.Thread(target=talk, args=(door,))
        thread.start()
        yield
        done.set()
        thread.join()


def framed(value: object) -> bytes:
    body = json.dumps(value).encode()
    return struct.pack(">I", len(body)) + body


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0\0",
        framed([]),
        framed({}),
        framed({"ok": None}),
        framed({"ok": 5}),
        framed({"ok": [{"offer": 1}]}),
        framed({"ok": []}),
        framed({"refused": 5}),
        framed({"refused": "keeper.too_early", "status": 409, "values": {"not_before": "x"}}),
        framed({"refused": "keeper.too_early", "status": 409, "values": {"not_before": 10**40}}),
        framed({"refused": "keeper.fault", "status": 500, "values": {}}),
        struct.pack(">I", 100) + b"half",
    ],
)
def test_an_answer_that_is_none_counts_as_down(short: Path, said: bytes) -> None:
    port = SocketKeeper(short / "keeper.sock")

    with impostor(short / "keeper.sock", [said, said]):
        with pytest.raises(KeeperDown):
            port.open(AUCTION, [(b"", b"")])
        with pytest.raises(KeeperDown):
            port.create(AUCTION, PAST)


def test_a_keeper_that_hangs_is_down_after_the_timeout(short: Path) -> None:
    port = SocketKeeper(short / "keeper.sock", timeout=0.2, patience=0.2)

    with impostor(short / "keeper.sock", [b"\0"], hang=True), pytest.raises(KeeperDown):
        port.create(AUCTION, PAST)


def test_the_log_is_whole_after_all_this(short: Path) -> None:
    with running(short) as process:
        port = SocketKeeper(short / "keeper.sock")
        for n in range(5):
            port.create(f"ZJ-2026-0000{n}-1", PAST)
        process.kill()
        process.wait()

    keeper = Keeper(short / "keeper", SystemClock())
    assert len(keeper.log()) == 5
    assert broken_at(keeper.log()) is None
    keeper.close()


def test_each_refusal_has_its_words_in_both_languages() -> None:
    words = json.loads((ROOT / "bidding" / "sealing" / "refusals.json").read_text("utf-8"))

    assert {"keeper.down", "keeper.fault", "keeper.not_later", "keeper.opened", "keeper.request"} <= words.keys()
    assert {"keeper.too_early", "keeper.unknown", "envelope.too_long"} <= words.keys()
    assert all(entry[lang][part] for entry in words.values() for lang in ("zh", "en") for part in ("why", "do"))
