"""The command line: cases decided and measured, the clock moved, an operator made, a city started in one mode."""

import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bidding.sealing.keeper import Keeper
from market.clock import SystemClock
from portal.cli import main

DATA = Path(__file__).parent.parent / "data" / "vectors"
STANDARDS = Path(__file__).parent.parent.parent / "market" / "catalogue" / "data" / "fee_standards.json"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAOZHONGJIE_HOME", str(tmp_path / "var"))
    for name in ("DATABASE_URL", "TAOZHONGJIE_PRODUCTION", "TAOZHONGJIE_KEEPER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "var"


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_decide_prints_one_outcome_a_line_in_the_order_of_the_file() -> None:
    cases = json.loads((DATA / "lowest_price.json").read_text())["cases"]

    result = call("decide", str(DATA / "lowest_price.json"))

    assert result.exit_code == 0
    assert [json.loads(line) for line in result.output.splitlines()] == [case["expect"] for case in cases]


def test_decide_takes_one_case(tmp_path: Path) -> None:
    case = json.loads((DATA / "lowest_price.json").read_text())["cases"][0]
    (tmp_path / "case.json").write_text(json.dumps({k: case[k] for k in ("terms", "bids", "seed")}))

    assert json.loads(call("decide", str(tmp_path / "case.json")).output) == case["expect"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_not_json_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    for command in ("decide", "baseline"):
        result = call(command, str(tmp_path / "x"))
        assert result.exit_code == 1 and "JSON" in result.output and result.exception.__class__ is SystemExit


def test_baseline_answers_every_check_value_of_the_price_file(tmp_path: Path) -> None:
    checks = [
        (s["id"], check) for s in json.loads(STANDARDS.read_text("utf-8"))["standards"] for check in s.get("checks", [])
    ]
    keys = ("scale", "coefficients")
    cases = [{"standard": id_, **{k: c[k] for k in keys if k in c}} for id_, c in checks]
    (tmp_path / "cases.json").write_text(json.dumps({"cases": cases}))

    answers = [json.loads(line) for line in call("baseline", str(tmp_path / "cases.json")).output.splitlines()]

    assert len(answers) == len(checks) > 100
    for answer, (_, check) in zip(answers, checks, strict=True):
        assert abs(answer["fee"] - check["fee"]) <= check["tolerance_fen"]


def test_one_baseline_is_explained_in_words_or_refused_with_what_to_choose() -> None:
    found = call("baseline", "feasibility", "400000000000", "--coef", "industry=4")
    missing = call("baseline", "eia_report", "3000000000", "--lang", "en")
    unknown = call("baseline", "nope", "1")

    assert found.exit_code == 0 and "× 0.8" in found.output
    assert missing.exit_code == 1 and "--coef sensitivity=" in missing.output
    assert unknown.exit_code == 1 and "没有这项收费标准" in unknown.output


def test_the_clock_moves_forward_only_and_never_in_production(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("migrate").exit_code == 0
    assert "现在是" in call("clock", "advance", "3d").output
    assert call("clock", "advance", "12h").exit_code == 0
    assert int((home / "clock").read_text()) == (3 * 24 + 12) * 3_600_000_000

    for wrong in ("-3d", "0d", "3w", "", "９９d", "9999999d"):
        assert call("clock", "advance", "--", wrong).exit_code == 1
    monkeypatch.setenv("TAOZHONGJIE_PRODUCTION", "1")
    assert call("clock", "advance", "3d").exit_code == 1
    with sqlite3.connect(home / "city.db") as db:
        assert db.execute("select count(*) from audit_entry where deed = 'clock.advanced'").fetchone() == (2,)


def test_an_operator_is_made_once_and_refused_in_words_the_second_time(home: Path) -> None:
    assert call("migrate").exit_code == 0
    who = ("operator", "create", "--email", "op@example.com", "--name", "周某某", "--password", "correct horse battery")

    first, second = call(*who), call(*who)

    assert first.exit_code == 0 and "op@example.com" in first.output
    assert second.exit_code == 1 and "Traceback" not in second.output
    assert "/reset/" in call("operator", "reset-link", "op@example.com").output
    assert call("operator", "reset-link", "nobody@example.com").exit_code == 1


def test_a_setting_that_is_wrong_names_its_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAOZHONGJIE_PORT", "eighty")

    result = call("migrate")

    assert result.exit_code == 1 and "TAOZHONGJIE_PORT" in result.output


def test_the_rollup_of_figures_is_made_anew_by_a_command(home: Path) -> None:
    assert call("migrate").exit_code == 0

    result = call("figures", "rebuild")

    assert result.exit_code == 0 and "0 jobs counted" in result.output


def test_a_keeper_is_backed_up_restored_and_checked(home: Path, tmp_path: Path) -> None:
    one, two = str(tmp_path / "usb-1"), str(tmp_path / "usb-2")
    assert call("migrate").exit_code == 0
    none = call("keeper", "backup", one, two)
    assert none.exit_code == 1 and "There is no keeper's store" in none.output

    keeper = Keeper(home / "keeper", SystemClock())
    keeper.create("A-1", SystemClock().now() + timedelta(days=1))
    keeper.close()
    assert call("keeper", "backup", one, two).exit_code == 0
    again = call("keeper", "restore", one, two)
    assert again.exit_code == 1 and "overwrites nothing" in again.output
    shutil.rmtree(home / "keeper")
    restored = call("keeper", "restore", two, one)
    assert restored.exit_code == 0 and "1 个项目" in restored.output
    checked = call("keeper", "check")
    assert checked.exit_code == 0 and "key missing: 0" in checked.output
