"""The log as the offices read it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from market.audit import queries as audit
from market.clock import FixedClock
from portal.web import City
from tests.portal.conftest import SignIn
from tests.portal.staging import Staged, staged


@pytest.fixture
def stage(city: City, clock: FixedClock, client: FlaskClient, sign_in: SignIn) -> Staged:
    """An open auction with two bids in the log, read by the regulator."""
    made = staged(city)
    clock.advance(timedelta(hours=1))
    made.bids(8_500_000, 9_000_000)
    made.log()
    sign_in(client, made.office["regulator"])
    return made


def test_before_t_a_bid_is_an_opaque_place_and_nothing_more(client: FlaskClient, stage: Staged) -> None:
    page = client.get("/audit?by=place&after=0").text
    assert "不公开的记录" in page and "bid.sealed" not in page.replace('value="bid.sealed"', "").replace(
        " bid.sealed</option>", ""
    )
    assert "没有符合条件的记录" in client.get("/audit?deed=bid.sealed").text


def test_records_are_found_by_deed_subject_and_actor(client: FlaskClient, stage: Staged) -> None:
    assert "auction.opened" in client.get(f"/audit?subject={stage.code}&deed=auction.opened&actor=system").text
    assert "没有符合条件的记录" in client.get("/audit?actor=person:999999").text


def test_a_records_leaf_is_computed_anew(client: FlaskClient, stage: Staged, city: City) -> None:
    with city.db.read() as s:
        now = city.clock.now()
        opened = audit.told(s, now, deed="auction.opened", subject=stage.code)[0]
    page = client.get(f"/audit/{opened.seq}").text
    assert "✓ 原文与叶哈希一致" in page and opened.leaf in page and "&#34;deed&#34;:&#34;auction.opened&#34;" in page


def test_at_t_the_facts_of_the_bids_are_told(client: FlaskClient, stage: Staged) -> None:
    stage.close()
    page = client.get(f"/audit?subject={stage.code}&deed=bid.sealed").text
    assert page.count('<span class="mono">bid.sealed</span>') == 2


@pytest.mark.parametrize("path", ["/audit/99999999", "/audit?after=x", "/audit?before=-1"])
def test_what_is_no_place_is_not_found(client: FlaskClient, stage: Staged, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_firm_does_not_read_the_log(client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
    sign_in(client, stage.firms[0].person)
    assert client.get("/audit").status_code == 403
