"""A city with its site, and programs that talk to it with a token."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from market import settings
from market.clock import FixedClock
from market.db import Database
from market.identity.queries import signed_in
from market.identity.signin import create_api_token
from market.jobs.models import Job
from market.search.whoosh import WhooshSearch
from portal.app import create_app
from portal.web import City
from tests.makers import T0, Party, keeper_in, make_auction, make_firm

HOUR = timedelta(hours=1)


def city_of(db: Database, clock: FixedClock, folder: Path) -> City:
    """A city around a founded database."""
    found = settings.read({"TAOZHONGJIE_HOME": str(folder)})
    return City(found, db, clock, keeper_in(folder, clock), WhooshSearch(found.index), {"mode": "sample"})


def token_of(db: Database, party: Party, name: str = "test") -> str:
    """A bearer token of a party's person."""
    with db.write() as s:
        who = signed_in(s, party.person.id, party.person.epoch)
        assert who is not None
        return create_api_token(s, who, name, T0)


@dataclass
class Program:
    """A client of the API: JSON in and out, with a token if it has one."""

    client: FlaskClient
    token: str | None = None

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | more

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any = None, key: str | None = None, **headers: str) -> TestResponse:
        more = ({"Idempotency-Key": key} if key is not None else {}) | headers
        kind = {} if body is None else {"content_type": "application/json"}
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        return self.client.post(f"/api/v1{path}", data=data, headers=self._headers(more), **kind)


@dataclass
class Market:
    """An open job, a firm that may bid on it, and the site."""

    app: Flask
    db: Database
    clock: FixedClock
    city: City
    code: str
    auction: str
    firm: Party
    token: str

    def program(self, token: str | None = None) -> Program:
        return Program(self.app.test_client(), token)

    @property
    def firms_program(self) -> Program:
        return self.program(self.token)

    def offer(self, **but: Any) -> dict[str, Any]:
        """The body of a good bid."""
        return {"amount": 8_800_000, "days": 20, "lead": self.firm.lead, "declaration": True, **but}


def market_of(db: Database, clock: FixedClock, folder: Path) -> Market:
    city = city_of(db, clock, folder)
    app = create_app(city, b"a secret of this test alone")
    with db.write() as s:
        auction = make_auction(s, city.keeper)
        job = s.get_one(Job, auction.job_id)
        firm = make_firm(s)
        code = job.code or ""
    clock.at = T0 + HOUR
    return Market(app, db, clock, city, code, auction.id, firm, token_of(db, firm))


@pytest.fixture
def market(db: Database, clock: FixedClock, tmp_path: Path) -> Iterator[Market]:
    """An open job on each engine in turn."""
    yield market_of(db, clock, tmp_path)


@pytest.fixture
def small_market(sqlite_city: str, clock: FixedClock, tmp_path: Path) -> Iterator[Market]:
    """The same on SQLite alone: for what does not touch the engine's ways."""
    from tests.makers import database

    made = database(sqlite_city)
    yield market_of(made, clock, tmp_path)
    made.close()
