"""The whole city, built once for each module: every test leaves it as it found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal.app import create_app
from tests.inventory.stock import Stock, stock


@pytest.fixture(scope="module")
def whole(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """One of everything, each visitor's own and another's."""
    made = stock(sqlite_template, tmp_path_factory.mktemp("whole"))
    yield made
    made.watch.close()
    made.db.close()


@pytest.fixture(scope="module")
def open_app(whole: Stock) -> Flask:
    """The site over it; forms need no token here."""
    app = create_app(whole.city, b"a secret of the tests only" * 2)
    app.config.update(WTF_CSRF_ENABLED=False)
    return app


@pytest.fixture(scope="module")
def guarded_app(whole: Stock) -> Flask:
    """The site as it is served: every form needs its token."""
    return create_app(whole.city, b"a secret of the tests only" * 2)
