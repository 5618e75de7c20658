"""The bundle and its verifier: a city's own holds, every tampering is named, and nothing of the site is needed."""

import base64
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from market.audit.note import Signer, read, sign, verifier
from market.clock import FixedClock
from market.db import Database
from market.identity.queries import log_signer
from market.search.whoosh import WhooshSearch
from market.settings import read as settings_of
from oversight.export.service import write_bundle
from oversight.verify import BundleError, signed_text, verify
from oversight.verify import read as read_bundle
from oversight.verify.bundle import FILES
from oversight.verify.page import page, words
from portal.cli import main
from portal.sample import load_sample
from portal.sample.days import instant
from portal.scheduler import sequence
from portal.web import City
from portal.words import DISTRICTS
from tests.conftest import _found
from tests.makers import database, keeper_in
from tests.oversight.test_log_check import T0, write

ROOT = Path(__file__).parent.parent.parent
TODAY, SMALL = date(2026, 6, 30), 0.1


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle of a small sample city, its log's key, and the city."""

    files: dict[str, bytes]
    key: str
    signer: Signer
    home: Path


def city_in(home: Path, day: date = TODAY) -> City:
    """A founded city in a folder, on SQLite, on the morning of a day."""
    url, clock = f"sqlite:///{home / 'city.db'}", FixedClock(instant(day, 9))
    if not (home / "city.db").exists():
        _found(url)
    settings = settings_of({"TAOZHONGJIE_HOME": str(home), "DATABASE_URL": url})
    keeper = keeper_in(home / "spare", clock)
    return City(settings, database(url), clock, keeper, WhooshSearch(settings.index), {"districts": DISTRICTS})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Made]:
    home = tmp_path_factory.mktemp("bundle")
    shutil.copy(sqlite_template, home / "city.db")
    city = city_in(home)
    load_sample(city, lambda _: None, SMALL, TODAY)
    sequence(city)
    with city.db.read() as s:
        me = log_signer(s)
        write_bundle(s, home / "out", me, city.clock.now())
        write_bundle(s, home / "out.zip", me, city.clock.now())
    yield Made(read_bundle(home / "out"), verifier(me.origin, me.public), me, home)
    city.db.close()


def rows(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def packed(found: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for r in found)


def signed(files: dict[str, bytes], secret: bytes, **change: Any) -> dict[str, bytes]:
    """The files with a manifest that fits them, signed by a key."""
    manifest = json.loads(files["manifest.json"]) | change
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(files[name]).hexdigest(), "lines": files[name].count(b"\n")} for name in FILES
    }
    raw = (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(signed_text(raw))
    return files | {"manifest.json": raw, "manifest.sig": base64.b64encode(signature) + b"\n"}


def test_a_citys_own_bundle_holds_and_everything_was_computed_again(made: Made) -> None:
    found = verify(made.files, made.key)

    assert found.holds, found.findings[:5]
    least = {
        "places": 2_000,
        "records": 2_000,
        "checkpoints": 1,
        "baselines": 20,
        "auctions": 40,
        "rows": 40,
        "scores": 10,
    }
    assert {what: found.counts[what] >= n for what, n in least.items()} == dict.fromkeys(least, True)
    assert found.pinned and verify(made.files).holds and not verify(made.files).pinned
    assert read_bundle(made.home / "out.zip") == made.files


def test_nothing_of_a_person_or_an_account_stands_in_it(made: Made) -> None:
    with database(f"sqlite:///{made.home / 'city.db'}").read() as s:
        people = [row[0] for row in s.execute(text("SELECT name FROM person UNION SELECT name FROM practitioner"))]
        mails = [row[0] for row in s.execute(text("SELECT email FROM person"))]
    whole = b"".join(made.files.values()).decode()
    assert len(people) > 20 and not [name for name in {*people, *mails} if name in whole]


# ── tampering ───────────────────────────────────────────────────────────────────────────────────────────────────


def tampered(made: Made, luck: random.Random) -> tuple[str, dict[str, bytes]]:
    """One random change of a bundle, and what it was."""
    files = dict(made.files)
    name = luck.choice([*FILES, "manifest.json", "manifest.sig"])
    kind = luck.choice(("bit", "cut", "drop", "double", "swap", "field", "remove", "exchange"))
    data = files[name]
    lines = data.splitlines(keepends=True)
    k = luck.randrange(len(lines))
    if kind == "bit":
        raw, at = bytearray(data), luck.randrange(len(data))
        raw[at] ^= 1 << luck.randrange(8)
        files[name] = bytes(raw)
    elif kind == "cut":
        files[name] = data[: luck.randrange(len(data))]
    elif kind == "drop":
        files[name] = b"".join(lines[:k] + lines[k + 1 :])
    elif kind == "double":
        files[name] = b"".join([*lines[: k + 1], *lines[k:]])
    elif kind == "swap":
        lines[k], lines[k - 1] = lines[k - 1], lines[k]
        files[name] = b"".join(lines)
    elif kind == "field":
        files[name] = re.sub(rb"\d", lambda m: b"%d" % ((int(m[0]) + 1) % 10), data, count=1 + luck.randrange(3))
    elif kind == "remove":
        del files[name]
    else:
        files[name] = files[luck.choice([other for other in files if other != name])]
    if luck.random() < 0.4 and name in FILES and name in files:  # a careful forger mends the manifest, and signs it
        files = signed(files, Ed25519PrivateKey.generate().private_bytes_raw())
        kind += ", signed anew"
    return f"{kind} of {name}", files


@pytest.mark.parametrize("seed", range(5))
def test_random_tamperings_are_all_named(made: Made, seed: int) -> None:
    luck, missed, tried = random.Random(seed), [], 0
    while tried < 30:
        what, files = tampered(made, luck)
        if files == made.files:
            continue
        tried += 1
        found = verify(files, made.key)
        if found.holds or not all(line for line in page(found, "en")):
            missed.append(what)
    assert not missed


def test_a_bundle_signed_anew_by_another_key_is_caught_by_the_pinned_one(made: Made) -> None:
    other = Ed25519PrivateKey.generate()
    forger = Signer(made.signer.origin, other.private_bytes_raw(), other.public_key().public_bytes_raw())
    kept = rows(made.files["checkpoints.jsonl"])
    for row in kept:
        said = read(row["note"])
        row["note"] = sign(forger, said.size, said.root)
    files = made.files | {"checkpoints.jsonl": packed(kept)}
    key = verifier(forger.origin, forger.public)
    forged = signed(files, forger.secret, key=key, checkpoint=kept[-1]["note"])

    assert verify(forged).holds and verify(forged).key == key  # it says whose key it trusts
    assert {f.kind for f in verify(forged, made.key).findings} >= {"key", "signature", "manifest.signature"}


CLAIMS: dict[str, tuple[str, Callable[[list[dict[str, Any]]], None], str]] = {}


def claim(name: str, kind: str) -> Callable[[Callable[[list[dict[str, Any]]], None]], None]:
    def enter(change: Callable[[list[dict[str, Any]]], None]) -> None:
        CLAIMS[change.__name__] = (name, change, kind)

    return enter


@claim("auctions.jsonl", "case")
def another_winner(found: list[dict[str, Any]]) -> None:
    from bidding.methods import decide

    row = next(r for r in found if r["outcome"]["status"] == "awarded")
    row["bids"] = [b for b in row["bids"] if b["bidder"] != row["outcome"]["winner"]]
    row["outcome"] = decide(row["terms"], row["bids"], row["seed"])


@claim("auctions.jsonl", "outcome")
def another_price(found: list[dict[str, Any]]) -> None:
    next(r for r in found if r["outcome"]["status"] == "awarded")["outcome"]["price"] += 1


@claim("auctions.jsonl", "absent")
def a_result_left_out(found: list[dict[str, Any]]) -> None:
    del found[next(i for i, r in enumerate(found) if r["outcome"]["status"] == "awarded")]


@claim("jobs.jsonl", "baseline.fixed")
def a_higher_baseline(found: list[dict[str, Any]]) -> None:
    next(r for r in found if r["baseline"]["fee"])["baseline"]["fee"] += 100


@claim("rows.jsonl", "total")
def a_row_left_out(found: list[dict[str, Any]]) -> None:
    del found[next(i for i, r in enumerate(found) if r["cut_awarded"] is not None)]


@claim("rows.jsonl", "row.awarded")
def a_lower_price(found: list[dict[str, Any]]) -> None:
    row = next(r for r in found if r["awarded"])
    row["awarded"] -= 1


@claim("totals.jsonl", "total")
def a_better_median(found: list[dict[str, Any]]) -> None:
    next(r for r in found if r["measure"] == "awarded")["quartiles"][1] += 40


@claim("credit.jsonl", "credit")
def a_better_score(found: list[dict[str, Any]]) -> None:
    found[0]["result"]["value"] += 1


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_claim_changed_by_whoever_holds_the_key_still_meets_the_log(made: Made, name: str) -> None:
    file, change, kind = CLAIMS[name]
    found = rows(made.files[file])
    change(found)
    verdict = verify(signed(made.files | {file: packed(found)}, made.signer.secret), made.key)

    assert kind in {f.kind for f in verdict.findings if f.file == file or kind == "total"}


def test_a_record_changed_by_sql_is_named_in_the_next_bundle(db: Database, tmp_path: Path) -> None:
    write(db, 40)
    with db.write() as s:
        s.execute(
            text("UPDATE audit_entry SET actor = 'somebody else' WHERE id = (SELECT min(id) + 7 FROM audit_entry)")
        )
    with db.read() as s:
        me = log_signer(s)
        write_bundle(s, tmp_path / "out", me, T0)

    kinds = {(f.kind, f.file) for f in verify(read_bundle(tmp_path / "out"), verifier(me.origin, me.public)).findings}
    assert kinds == {("leaf", "log.jsonl")}


# ── alone ───────────────────────────────────────────────────────────────────────────────────────────────────────

ALONE = """
    import socket, sys
    for name in ("sqlalchemy", "psycopg", "sqlite3", "flask", "portal"):
        sys.modules[name] = None
    def closed(*_):
        raise AssertionError("a socket")
    socket.socket = socket.create_connection = closed
    from pathlib import Path
    from oversight.verify import read, verify
    found = verify(read(Path(sys.argv[1])), sys.argv[2])
    print(found.holds, found.counts["auctions"])
"""


def test_it_needs_neither_database_nor_network_nor_the_site(made: Made) -> None:
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ALONE), str(made.home / "out.zip"), made.key],
        cwd=ROOT, env={"PATH": "", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert told.stdout.startswith("True ") and int(told.stdout.split()[1]) > 40, told.stderr


# ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────


def call(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(args))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_the_command_prints_one_page_in_both_languages(made: Made, tmp_path: Path) -> None:
    assert call("verify", str(made.home / "out"), "--key", made.key)[0] == 0
    code, said = call("verify", str(made.home / "out.zip"), "--lang", "en")
    assert code == 0 and "✓ Everything holds" in said and "trusted" in said
    shutil.copytree(made.home / "out", tmp_path / "bad")
    (tmp_path / "bad" / "rows.jsonl").write_bytes(b"{}\n[\n")
    code, said = call("verify", str(tmp_path / "bad"))
    assert code == 1 and "✗ rows.jsonl 第 2 行：这一行不是 JSON 对象" in said


def test_a_bundle_is_exported_once_and_a_file_that_is_none_is_said_to_be_none(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAOZHONGJIE_HOME", str(made.home))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{made.home / 'city.db'}")
    code, said = call("export", "bundle", str(tmp_path / "city.zip"))
    assert code == 0 and "places of the log" in said
    assert verify(read_bundle(tmp_path / "city.zip"), made.key).holds
    assert call("export", "bundle", str(tmp_path / "city.zip"))[0] == 1
    for data in (b"", b"PK", (tmp_path / "city.zip").read_bytes()[:5_000]):
        (tmp_path / "none.zip").write_bytes(data)
        code, said = call("verify", str(tmp_path / "none.zip"))
        assert code == 1 and "no bundle" in said


def test_a_zip_of_too_many_files_is_no_bundle(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for n in range(101):
            archive.writestr(f"{n}", b"")
    with pytest.raises(BundleError, match="too large"):
        read_bundle(tmp_path / "many.zip")


def test_every_kind_of_finding_has_words() -> None:
    sources = "".join(p.read_text("utf-8") for p in (ROOT / "oversight" / "verify").glob("*.py"))
    kinds = set(re.findall(r'fault\(\s*"([a-z.]+)"', sources)) | set(re.findall(r'wrong\.append\("([a-z.]+)"', sources))
    kinds |= {f"cut.{measure}" for measure in ("awarded", "contracted", "settled", "days")}

    assert kinds == set(words()) and all({"zh", "en"} == set(said) for said in words().values())
