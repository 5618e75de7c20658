"""The script of docs/api.md is run as it is printed, against a server on this machine."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from portal.api.doors import DOORS
from tests.portal.api.conftest import Market

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text("utf-8")


@pytest.fixture
def site(market: Market) -> Iterator[str]:
    """The address of a live server."""
    server = make_server("127.0.0.1", 0, market.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def script() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def run(site: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script(), site, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_printed_script_bids_and_gets_a_receipt(market: Market, site: str) -> None:
    done = run(site, market.token, market.code, "8800000")

    assert done.returncode == 0, done.stderr
    number, received = done.stdout.split()
    assert received == "2026-06-01T03:00:00Z"
    receipt = market.firms_program.get(f"/bids/{number}").get_json()
    assert receipt["signature_valid"] and receipt["facts"]["kind"] == "sealed"


def test_the_printed_script_says_what_is_wrong_and_how_to_mend_it(market: Market, site: str) -> None:
    done = run(site, market.token, market.code, "99000000")

    assert done.returncode == 1 and done.stdout == ""
    assert "amount: The price is outside the owner's limits" in done.stderr


def test_the_script_is_about_twenty_lines() -> None:
    assert len([line for line in script().splitlines() if line.strip()]) <= 20


def test_every_door_stands_in_the_page() -> None:
    for door in DOORS:
        path = door.path.replace("{item}", "{code}")
        assert f"{door.method} {path}" in PAGE, door.name
