"""The script of docs/log.md is run as it is printed, on files of the site."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from market.clock import FixedClock
from portal.scheduler import sequence
from portal.web import City
from tests.portal.staging import staged

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "log.md").read_text("utf-8")


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None and len(found[1].splitlines()) <= 26
    (tmp_path / "prove.py").write_text(found[1], "utf-8")
    return tmp_path / "prove.py"


def test_the_printed_script_verifies_every_record_and_nothing_that_was_changed(
    client: FlaskClient, city: City, clock: FixedClock, script: Path
) -> None:
    stage = staged(city)
    clock.advance(timedelta(hours=1))
    stage.bids(8_500_000, 9_000_000, 9_500_000)
    sequence(city)
    stage.close()
    sequence(city)
    key = client.get("/api/v1/log/key").get_json()["verifier"]
    newest = client.get("/api/v1/log/checkpoints").get_json()["items"][0]["size"]
    files = [client.get(f"/log/{seq}.json").text for seq in range(newest)]
    opened = [n for n, text in enumerate(files) if "bid.sealed" in text]
    for seq in {0, newest // 2, newest - 1, *opened}:
        file = script.parent / f"{seq}.json"
        file.write_text(files[seq], "utf-8")
        done = run(script, str(file), key)
        assert done.returncode == 0, done.stderr
        assert f"record {seq} is in the log of {newest}" in done.stdout

    whole = json.loads(files[opened[0]])
    changes = {
        "data": whole["data"].replace('"version":1', '"version":2'),
        "blinded": whole["blinded"] | {"envelope": whole["blinded"]["envelope"] | {"value": "00" * 32}},
        "seq": whole["seq"] ^ 1,
        "proof": whole["proof"][:-1],
        "checkpoint": whole["checkpoint"].replace(f"\n{newest}\n", f"\n{newest + 1}\n"),
    }
    for name, value in changes.items():
        file = script.parent / f"changed-{name}.json"
        file.write_text(json.dumps(whole | {name: value}), "utf-8")
        assert run(script, str(file), key).returncode != 0, name
