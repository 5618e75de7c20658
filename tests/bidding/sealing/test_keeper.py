"""The keeper's promises: one key an auction, nothing before its time, the same answers ever after."""

import sqlite3
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidding.sealing.client import KeeperPort, SocketKeeper
from bidding.sealing.envelope import Opened, Unopened, make_info, seal
from bidding.sealing.keeper import Keeper, Line, broken_at
from market.clock import FixedClock
from market.errors import Refused

AUCTION = "ZJ-2026-00001-1"
TERMS, BIDDER = "ab" * 32, "0123456789abcdef"
MICRO = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["in-process", "socket"])
def port(request: pytest.FixtureRequest, keeper: Keeper) -> KeeperPort:
    """Both ways to a keeper: what holds for one holds for the other."""
    if request.param == "in-process":
        return keeper
    path: Path = request.getfixturevalue("listening")
    return SocketKeeper(path)


def sealed(public: bytes, amount: int, auction: str = AUCTION) -> tuple[bytes, bytes]:
    one = seal(public, auction, TERMS, BIDDER, {"amount": amount, "days": 9}, amount.to_bytes(32, "big"))
    return one.envelope, one.info


def opened(amount: int) -> Opened:
    return Opened({"amount": amount, "days": 9}, f"{amount:064x}")


def code(no: pytest.ExceptionInfo[Refused]) -> str:
    return no.value.refusals[0].code


def test_nothing_opens_a_microsecond_early_and_everything_on_the_stroke(port: KeeperPort, clock: FixedClock) -> None:
    gate = clock.now() + HOUR
    envelope = sealed(port.create(AUCTION, gate), 1280050)

    clock.advance(HOUR - MICRO)
    with pytest.raises(Refused) as no:
        port.open(AUCTION, [envelope])
    clock.advance(MICRO)

    assert code(no) == "keeper.too_early"
    assert no.value.status == 409
    assert no.value.refusals[0].values == {"not_before": gate}
    assert port.open(AUCTION, [envelope]) == [opened(1280050)]


def test_answers_come_in_the_order_asked_and_one_bad_envelope_spoils_no_other(
    port: KeeperPort, clock: FixedClock
) -> None:
    public = port.create(AUCTION, clock.now())
    other = port.create("ZJ-2026-00002-1", clock.now())
    good, foreign = sealed(public, 3), sealed(other, 5, "ZJ-2026-00002-1")
    smuggled = sealed(public, 6, "ZJ-2026-00002-1")
    bent = (good[0], make_info(AUCTION, TERMS, BIDDER, bytes(16)))

    found = port.open(AUCTION, [sealed(public, 9), foreign, (b"", b""), bent, smuggled, good])

    unopenable = Unopened("envelope.unopenable")
    assert found == [opened(9), unopenable, unopenable, unopenable, unopenable, opened(3)]


def test_opening_again_gives_the_same_and_no_envelopes_give_none(port: KeeperPort, clock: FixedClock) -> None:
    public = port.create(AUCTION, clock.now())
    envelopes = [sealed(public, amount) for amount in (7, 5)]

    assert port.open(AUCTION, envelopes) == port.open(AUCTION, envelopes) == [opened(7), opened(5)]
    assert port.open(AUCTION, []) == []


def test_an_unknown_auction_is_refused(port: KeeperPort, clock: FixedClock) -> None:
    with pytest.raises(Refused) as no:
        port.open(AUCTION, [])
    with pytest.raises(Refused) as also:
        port.postpone(AUCTION, clock.now())

    assert code(no) == code(also) == "keeper.unknown"


def test_creating_again_gives_the_same_key_and_only_a_later_time_counts(port: KeeperPort, clock: FixedClock) -> None:
    gate = clock.now() + HOUR
    public = port.create(AUCTION, gate)

    assert port.create(AUCTION, gate) == public
    assert port.create(AUCTION, gate + HOUR) == public
    assert port.create(AUCTION, gate - HOUR) == public

    clock.advance(HOUR)
    with pytest.raises(Refused) as no:
        port.open(AUCTION, [])
    assert no.value.refusals[0].values == {"not_before": gate + HOUR}


def test_each_auction_has_its_own_key(port: KeeperPort, clock: FixedClock) -> None:
    assert len({port.create(f"ZJ-2026-00001-{n}", clock.now()) for n in range(1, 6)}) == 5


def test_the_opening_moves_later_and_never_earlier(port: KeeperPort, clock: FixedClock) -> None:
    gate = clock.now() + HOUR
    port.create(AUCTION, gate)

    port.postpone(AUCTION, gate + HOUR)
    port.postpone(AUCTION, gate + HOUR)
    with pytest.raises(Refused) as no:
        port.postpone(AUCTION, gate + HOUR - MICRO)

    assert code(no) == "keeper.not_later"
    assert no.value.refusals[0].values == {"not_before": gate + HOUR}


def test_what_was_opened_cannot_be_postponed(port: KeeperPort, clock: FixedClock) -> None:
    public = port.create(AUCTION, clock.now())
    envelope = sealed(public, 7)
    port.open(AUCTION, [envelope])

    with pytest.raises(Refused) as no:
        port.postpone(AUCTION, clock.now() + HOUR)
    with pytest.raises(Refused) as also:
        port.create(AUCTION, clock.now() + HOUR)

    assert code(no) == code(also) == "keeper.opened"
    assert port.create(AUCTION, clock.now()) == public
    assert port.open(AUCTION, [envelope]) == [opened(7)]


def test_a_naive_time_is_a_bug_and_refused(keeper: Keeper) -> None:
    with pytest.raises(TypeError):
        keeper.create(AUCTION, datetime(2026, 5, 12, 9))


def test_keys_and_gates_outlive_the_keeper(tmp_path: Path, clock: FixedClock) -> None:
    first = Keeper(tmp_path / "k", clock)
    public = first.create(AUCTION, clock.now() + HOUR)
    envelope = sealed(public, 7)
    first.close()

    second = Keeper(tmp_path / "k", clock)

    assert second.create(AUCTION, clock.now()) == public
    with pytest.raises(Refused):
        second.open(AUCTION, [envelope])
    clock.advance(HOUR)
    assert second.open(AUCTION, [envelope]) == [opened(7)]
    assert broken_at(second.log()) is None
    second.close()


def test_every_deed_is_in_the_log_and_no_offer_is(keeper: Keeper, clock: FixedClock) -> None:
    public = keeper.create(AUCTION, clock.now() + HOUR)
    keeper.postpone(AUCTION, clock.now() + 2 * HOUR)
    with pytest.raises(Refused):
        keeper.open(AUCTION, [sealed(public, 1280050)])
    clock.advance(2 * HOUR)
    keeper.open(AUCTION, [sealed(public, 1280050), (b"", b"")])

    text = "\n".join(line.text for line in keeper.log())

    assert [line.text.split('"deed":"')[1].split('"')[0] for line in keeper.log()] == [
        "create",
        "postpone",
        "refused",
        "open",
    ]
    assert '"envelopes":2,"failed":1' in text
    assert "1280050" not in text


def test_a_line_changed_or_missing_in_a_copy_of_the_log_is_found(keeper: Keeper, clock: FixedClock) -> None:
    for n in range(1, 4):
        keeper.create(f"ZJ-2026-0000{n}-1", clock.now())
    lines = keeper.log()
    changed = Line(2, lines[1].text.replace("00002", "00009"), lines[1].hash)

    assert broken_at(lines) is None
    assert broken_at([lines[0], changed, lines[2]]) == 2
    assert broken_at([lines[0], lines[2]]) == 2
    assert broken_at(lines[1:]) == 1


@pytest.mark.parametrize("deed", ["DELETE FROM log", "UPDATE log SET line = '{}'"])
def test_the_store_itself_lets_no_line_be_changed(keeper: Keeper, clock: FixedClock, tmp_path: Path, deed: str) -> None:
    keeper.create(AUCTION, clock.now())
    other = sqlite3.connect(tmp_path / "keeper" / "keeper.db")

    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        other.execute(deed)

    other.close()


def test_only_its_user_may_look_into_the_store(keeper: Keeper, clock: FixedClock, tmp_path: Path) -> None:
    keeper.create(AUCTION, clock.now())

    folder = tmp_path / "keeper"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}


def test_many_threads_create_one_key(keeper: Keeper, clock: FixedClock) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(keeper.create(AUCTION, clock.now()))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    assert len(set(found)) == 1
    assert len(keeper.log()) == 1


def test_two_keepers_on_one_store_keep_one_chain(tmp_path: Path, clock: FixedClock) -> None:
    keepers = [Keeper(tmp_path / "k", clock) for _ in range(2)]

    def fill(keeper: Keeper, name: str) -> None:
        for n in range(20):
            keeper.create(f"{name}-{n}", clock.now())

    threads = [threading.Thread(target=fill, args=(k, f"ZJ-{n}")) for n, k in enumerate(keepers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keepers[0].log()) == 40
    assert broken_at(keepers[0].log()) is None
    for keeper in keepers:
        keeper.close()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["create", "postpone", "wait"]), st.integers(0, 10)), max_size=12))
def test_whatever_is_asked_the_gate_never_moves_earlier(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int]]
) -> None:
    clock = FixedClock(datetime.fromisoformat("2026-05-12T09:00:00+00:00"))
    start = clock.now()
    keeper = Keeper(tmp_path_factory.mktemp("gate") / "k", clock)
    gate = start + 3 * HOUR
    keeper.create(AUCTION, gate)

    for deed, hours in deeds:
        at = start + hours * HOUR
        if deed == "wait":
            clock.advance(HOUR)
        elif deed == "create" or at >= gate:
            getattr(keeper, deed)(AUCTION, at)
            gate = max(gate, at)
        else:
            with pytest.raises(Refused, match=r"keeper\.not_later"):
                keeper.postpone(AUCTION, at)

    clock.at = gate - MICRO
    with pytest.raises(Refused, match=r"keeper\.too_early"):
        keeper.open(AUCTION, [])
    clock.at = gate
    assert keeper.open(AUCTION, []) == []
    keeper.close()


def test_more_envelopes_than_one_message_carries_are_opened_in_time(listening: Path, clock: FixedClock) -> None:
    port = SocketKeeper(listening)
    public = port.create(AUCTION, clock.now())
    envelopes = [sealed(public, amount) for amount in range(1, 2502)]

    before = time.monotonic()
    found = port.open(AUCTION, envelopes)

    assert found == [opened(amount) for amount in range(1, 2502)]
    assert time.monotonic() - before < 10
