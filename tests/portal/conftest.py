"""A site over a founded city, and a browser without script that may be signed in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from market.clock import FixedClock
from market.db import Database
from market.identity.models import Person
from market.identity.passwords import WEAK
from market.search.whoosh import WhooshSearch
from market.settings import Settings, read
from portal.app import create_app
from portal.web import City
from tests.makers import keeper_in

SignIn = Callable[[FlaskClient, Person], None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a city in a folder of this test."""
    return read({"TAOZHONGJIE_HOME": str(tmp_path / "home"), "TAOZHONGJIE_URL": "http://city.test"})


@pytest.fixture
def city(db: Database, clock: FixedClock, settings: Settings, tmp_path: Path) -> City:
    """A city with its own keeper, index and weak password hashes."""
    settings.home.mkdir(parents=True, exist_ok=True)
    keeper = keeper_in(tmp_path / "keeper", clock)
    return City(settings, db, clock, keeper, WhooshSearch(settings.index), {"passwords": WEAK})


@pytest.fixture
def site(city: City) -> Flask:
    """The app; forms need no token here (the route matrix proves that they do otherwise)."""
    app = create_app(city, b"a secret of the tests only" * 2)
    app.config.update(WTF_CSRF_ENABLED=False)
    return app


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    """A browser that follows nothing by itself."""
    return site.test_client()


@pytest.fixture
def sign_in() -> SignIn:
    """Sign a person in without the form."""

    def enter(client: FlaskClient, person: Person) -> None:
        with client.session_transaction() as session:
            session["person"], session["epoch"], session["org"] = person.id, person.epoch, person.org_id

    return enter
