"""The database, the keeper or the disk is gone: worded 503s within seconds, nothing half done; all goes on after."""

import fcntl
import io
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

import market.db
from bidding.auctions.models import Auction, Bid
from bidding.sealing.client import SocketKeeper
from market.admission.models import Document
from market.audit.models import AuditEntry, AuditLeaf
from market.clock import FixedClock
from market.db import Database
from market.identity.passwords import WEAK
from market.identity.queries import signed_in
from market.identity.signin import create_api_token
from market.jobs.models import Job
from market.search.whoosh import WhooshSearch
from market.settings import Settings
from portal.app import create_app
from portal.scheduler import Backoff, close_due, sequence
from portal.web import City
from tests.conftest import _found
from tests.makers import T0, Party, database, keeper_in, make_job, make_owner
from tests.makers_admission import PDF, apply, make_applicant
from tests.portal.conftest import SignIn
from tests.portal.staging import staged
from tests.postgres import Server

SAFE = "截标时间不会丢失"
LONGEST = 12.0
"""Seconds: what a request may wait for a turn (8 s) and a busy file (5 s) at most, less what never adds up."""


def site_of(city: City) -> Flask:
    app = create_app(city, b"a secret of the tests only" * 2)
    app.config.update(WTF_CSRF_ENABLED=False)
    return app


def refused_well(client: FlaskClient, path: str, **more: Any) -> None:
    """503 in words, in both languages and for programs; no traceback, no hang."""
    for root, words in (("", SAFE), ("/en", "deadline")):
        began = monotonic()
        page = client.open(root + path, **more)
        assert monotonic() - began < LONGEST
        assert page.status_code == 503 and page.headers["Retry-After"]
        assert words in page.text.lower() or words in page.text
        assert "Traceback" not in page.text and "sqlalchemy" not in page.text


def refused_for_programs(client: FlaskClient) -> None:
    answer = client.get("/api/v1/jobs")
    assert answer.status_code == 503 and answer.mimetype == "application/problem+json"
    assert answer.get_json()["errors"][0]["why"] and "Traceback" not in answer.text


@pytest.fixture
def shell(settings: Settings, clock: FixedClock, tmp_path: Path) -> City:
    """A city without its database: each test opens its own."""
    settings.home.mkdir(parents=True, exist_ok=True)
    nothing: Any = None
    keeper = keeper_in(tmp_path / "keeper", clock)
    return City(settings, nothing, clock, keeper, WhooshSearch(settings.index), {"passwords": WEAK})


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, str]]:
    """A PostgreSQL of this test alone, with a founded city; connections are tried at each use.

    Durable: without synchronous commits a kill loses the last ones, as it must not in a city.
    """
    monkeypatch.setattr(market.db, "IDLE", 0.0)
    server = Server(durable=True)
    url = server.fresh()
    _found(url)
    yield server, url
    server.stop()


def test_postgresql_killed_and_started_again(
    own_server: tuple[Server, str], shell: City, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    server, url = own_server
    here = replace(shell, db=database(url))
    client = site_of(here).test_client()
    with here.db.write() as s:
        owner = make_owner(s)
    sign_in(client, owner.person)
    assert client.get("/my").status_code == 200 and client.get("/api/v1/jobs").status_code == 200

    server.kill()
    refused_well(client, "/jobs")
    refused_well(client, "/my")
    refused_well(client, "/jobs/new", method="POST", data={"service": "S012"})
    refused_for_programs(client)
    ticker = Backoff("sequencer", lambda: sequence(here))
    for _ in range(8):
        ticker()
    assert [r.getMessage() for r in caplog.records if "waits" in r.getMessage()] == ["sequencer waits: DatabaseDown"]

    server.restart()
    assert client.get("/my").status_code == 200
    assert client.post("/jobs/new", data={"service": "S012"}).status_code == 303
    caplog.set_level(logging.INFO)
    for _ in range(40):
        ticker()
    assert "sequencer goes on" in caplog.text
    with here.db.read() as s:
        entries = s.scalar(select(func.count(AuditEntry.id)))
        assert s.scalar(select(func.count()).where(AuditLeaf.entry.is_not(None))) == entries
    here.db.close()


@pytest.fixture
def embedded(sqlite_city: str, shell: City, tmp_path: Path) -> tuple[City, Path]:
    """A city on a SQLite file of this test."""
    return replace(shell, db=database(sqlite_city)), tmp_path / "city.db"


def posting(here: City, sign_in: SignIn) -> FlaskClient:
    client = site_of(here).test_client()
    with here.db.write() as s:
        sign_in(client, make_owner(s).person)
    return client


def drafts(db: Database) -> int:
    with db.read() as s:
        return s.scalar(select(func.count(Job.id))) or 0


def test_a_file_that_another_program_keeps_locked(embedded: tuple[City, Path], sign_in: SignIn) -> None:
    here, file = embedded
    client = posting(here, sign_in)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert client.get("/my").status_code == 200  # reading needs no lock
    refused_well(client, "/jobs/new", method="POST", data={"service": "S012"})
    other.execute("ROLLBACK")
    other.close()

    assert drafts(here.db) == 0
    assert client.post("/jobs/new", data={"service": "S012"}).status_code == 303
    here.db.close()


def test_a_writer_that_hangs_with_the_turn(
    sqlite_city: str, shell: City, tmp_path: Path, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market.db, "TURN", 0.3)
    here = replace(shell, db=database(sqlite_city))
    client = posting(here, sign_in)
    with (tmp_path / "city.db.lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused_well(client, "/jobs/new", method="POST", data={"service": "S012"})
        assert client.get("/my").status_code == 200

    assert drafts(here.db) == 0
    assert client.post("/jobs/new", data={"service": "S012"}).status_code == 303
    here.db.close()


def test_a_file_that_is_gone_and_comes_back(embedded: tuple[City, Path], sign_in: SignIn) -> None:
    here, file = embedded
    client = posting(here, sign_in)
    here.db.close()
    away = file.with_name("away")
    away.mkdir()
    for part in file.parent.glob("city.db*"):
        part.replace(away / part.name)
    refused_well(client, "/jobs")
    refused_well(client, "/jobs/new", method="POST", data={"service": "S012"})
    refused_for_programs(client)
    for part in file.parent.glob("city.db*"):
        part.unlink()
    for part in away.iterdir():
        part.replace(file.parent / part.name)

    assert client.get("/my").status_code == 200
    assert client.post("/jobs/new", data={"service": "S012"}).status_code == 303
    here.db.close()


def test_a_folder_that_is_gone(embedded: tuple[City, Path], tmp_path: Path) -> None:
    here = replace(embedded[0], db=database(f"sqlite:///{tmp_path / 'none' / 'city.db'}"))
    client = site_of(here).test_client()
    refused_well(client, "/jobs")
    refused_for_programs(client)


# ── the keeper ──────────────────────────────────────────────────────────────────────────────────────────────────


def absent(folder: Path) -> SocketKeeper:
    """A keeper whose socket nobody listens on."""
    return SocketKeeper(folder / "nobody.sock")


def test_without_the_keeper_bids_get_receipts_and_a_closing_waits_for_it(
    city: City, clock: FixedClock, tmp_path: Path, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    stage = staged(city)
    clock.advance(timedelta(hours=1))
    down = replace(city, keeper=absent(tmp_path))
    client = site_of(down).test_client()
    for n, firm in enumerate(stage.firms):
        sign_in(client, firm.person)
        bid = {"amount": f"{90_000 + n}", "days": "20", "lead": str(firm.lead), "declared": "y", "key": f"k{n}"}
        sent = client.post(f"/jobs/{stage.code}/bid", data=bid)
        assert sent.status_code == 303 and "/bids/R-" in sent.headers["Location"]
    with city.db.read() as s:
        assert s.scalar(select(func.count()).select_from(Bid)) == len(stage.firms)
        clock.at = s.get_one(Auction, stage.auction).closes_at + timedelta(seconds=30)

    ticker = Backoff("closing", lambda: close_due(down))
    for _ in range(5):
        ticker()
    with city.db.read() as s:
        assert s.get_one(Auction, stage.auction).state == "closing"
    assert "closing waits: KeeperDown" in caplog.text
    page = client.get(f"/jobs/{stage.code}/protocol")
    assert page.status_code == 200
    close_due(city)
    with city.db.read() as s:
        assert s.get_one(Auction, stage.auction).state == "decided"
    assert stage.award().rank == 1


def test_without_the_keeper_nothing_is_published(
    city: City, clock: FixedClock, tmp_path: Path, sign_in: SignIn
) -> None:
    stage = staged(city)
    with city.db.write() as s:
        waiting = make_job(s, make_owner(s)).id
    before = _entries(city.db)
    client = site_of(replace(city, keeper=absent(tmp_path))).test_client()
    sign_in(client, stage.office["operator"])
    answer = client.post(f"/operator/jobs/{waiting}/publish")

    assert answer.status_code == 503 and "密钥保管程序" in answer.text and "Traceback" not in answer.text
    assert _entries(city.db) == before
    with city.db.read() as s:
        job = s.get_one(Job, waiting)
        assert (job.state, job.stage) == ("submitted", "submitted")
        assert s.scalar(select(func.count(Auction.id)).where(Auction.job_id == waiting)) == 0
    healthy = site_of(city).test_client()
    sign_in(healthy, stage.office["operator"])
    assert healthy.post(f"/operator/jobs/{waiting}/publish").status_code == 303


def test_without_the_keeper_a_program_bids_too(city: City, clock: FixedClock, tmp_path: Path) -> None:
    stage = staged(city)
    clock.advance(timedelta(hours=1))
    client = site_of(replace(city, keeper=absent(tmp_path))).test_client()
    firm = stage.firms[0]
    sent = client.post(
        f"/api/v1/jobs/{stage.code}/bids",
        json={"amount": 9_000_000, "days": 20, "lead": firm.lead, "declaration": True},
        headers={"Authorization": f"Bearer {_token(city.db, firm)}", "Idempotency-Key": "one"},
    )
    assert sent.status_code == 201, sent.text


def _token(db: Database, party: Party) -> str:
    with db.write() as s:
        who = signed_in(s, party.person.id, party.person.epoch)
        assert who is not None
        return create_api_token(s, who, "test", T0)


def _entries(db: Database) -> int:
    with db.read() as s:
        return s.scalar(select(func.count(AuditEntry.id))) or 0


# ── the disk ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("root", ["", "/en"])
def test_a_document_that_cannot_be_kept_is_said_and_leaves_no_row(
    city: City, client: FlaskClient, sign_in: SignIn, root: str
) -> None:
    with city.db.write() as s:
        firm = make_applicant(s)
        apply(s, firm, city.settings.documents, submit=False)
    sign_in(client, firm.person)
    blocked = city.settings.documents
    blocked.rename(blocked.with_name("away"))
    blocked.write_bytes(b"a file where the folder should be")  # refuses everybody, root too
    upload = {"document-document": (io.BytesIO(PDF + b"%new"), "paper.pdf")}
    answer = client.post(f"{root}/join/5/document", data=upload, content_type="multipart/form-data")

    assert answer.status_code == 503 and "Traceback" not in answer.text
    assert ("the server cannot store files" if root else "服务器暂时不能存放文件") in answer.text
    with city.db.read() as s:
        assert s.scalar(select(func.count(Document.id))) == 1
    blocked.unlink()
    blocked.with_name("away").rename(blocked)
    again = {"document-document": (io.BytesIO(PDF + b"%new"), "paper.pdf")}
    done = client.post(f"{root}/join/5/document", data=again, content_type="multipart/form-data")
    assert done.status_code == 303
