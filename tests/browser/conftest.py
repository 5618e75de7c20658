"""Chromium of the system, never one that is fetched; cities of real processes."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.city import City
from tests.browser.walk import Eyes, Walk

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Person = Callable[..., Walk]
"""`person(city, eyes, shots)`: somebody at a browser of their own; `shots` is what the names of pictures end in."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole session; people in it share nothing."""
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield found
        found.close()


@pytest.fixture
def person(browser: Browser) -> Iterator[Person]:
    """Makes people at browsers, who leave at the end of the test."""
    walks: list[Walk] = []

    def come(city: City, eyes: Eyes | None = None, shots: str | None = None) -> Walk:
        walks.append(Walk(browser, city.address, eyes or Eyes(), shots))
        return walks[-1]

    yield come
    for walk in walks:
        walk.close()
