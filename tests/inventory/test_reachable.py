"""Everybody gets to each of their pages by links from the first page and from their own; no link leads nowhere."""

from collections.abc import Iterator

import pytest

from portal.access import allowed
from tests.conftest import _found
from tests.inventory.crawl import Walk, doors, walk
from tests.inventory.whole import Whole, whole_city
from tests.makers import database

ROLES = (None, "owner", "firm", "loser", "suspended", "applicant", "waiting", "operator", "regulator")
NOT_BY_LINK = {
    "account.confirm": "the link in a mail",
    "account.invite": "the link in a mail",
    "account.reset": "the link in a mail",
    "account.sent": "comes after a form",
    "checkout.account": "only with a key of Stripe",
    "checkout.ask": "only where something was paid; the walk looks at one payment, an open one",
    "checkout.refund": "only for what came by Stripe",
    "home.time": "asked by the countdown's script",
    "operator.mail_text": "only for mail that was sent, in the sample city",
}
SIGNED_IN = {"account.login", "account.register", "account.forgot"}
"""Somebody signed in is led to these by no link."""
WITHOUT = {
    "firm": {"join.check"}, "loser": {"join.check"}, "suspended": {"join.check"}, "applicant": {"firms.own"},
    "waiting": {"firms.own"},
}  # fmt: skip
"""Nothing to check without an application, no record to keep before the admission."""
STARTS: dict[str | None, list[str]] = {"applicant": ["/join/5"]}
"""Where a button leads: an application is taken up again by 接着填."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """One of everything, on SQLite: links do not depend on the engine."""
    folder = tmp_path_factory.mktemp("whole")
    url = f"sqlite:///{folder / 'city.db'}"
    _found(url)
    db = database(url)
    yield whole_city(db, folder)
    db.close()


@pytest.fixture(scope="module")
def walks(whole: Whole) -> dict[str | None, Walk]:
    """What each role finds by links."""
    return {who: walk(whole.app, whole.client(who), ["/", "/my", *STARTS.get(who, ())]) for who in ROLES}


@pytest.mark.parametrize("who", ROLES)
def test_no_link_leads_nowhere_or_to_a_page_for_others(walks: dict[str | None, Walk], who: str | None) -> None:
    assert {path: status for path, status in walks[who].statuses.items() if status >= 400} == {}


@pytest.mark.parametrize("who", ROLES)
def test_every_page_without_parameters_that_a_role_may_use_is_reached(
    whole: Whole, walks: dict[str | None, Walk], who: str | None
) -> None:
    roles = frozenset() if who is None else whole.user(who).roles
    reached = set(walks[who].endpoints.values())
    own = {
        endpoint
        for endpoint, rule in doors(whole.app, "GET").items()
        if not rule.arguments and allowed(roles, getattr(whole.app.view_functions[endpoint], "may", None))
    }

    excused = set(NOT_BY_LINK) | (SIGNED_IN if who else set()) | WITHOUT.get(who or "", set())
    assert own - reached - excused == set()


def test_every_page_is_reached_by_somebody(whole: Whole, walks: dict[str | None, Walk]) -> None:
    reached = {endpoint for found in walks.values() for endpoint in found.endpoints.values()}

    assert set(doors(whole.app, "GET")) - reached == set(NOT_BY_LINK)
