"""Until T nothing tells how many bids there are: every address of the site answers the same, byte for byte, with no
bid and with five; receipts are random, and in the log a bid is a place like any other."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from bidding.auctions.models import Auction, BidVersion
from market.audit.models import AuditEntry, AuditLeaf
from market.audit.sequencer import place
from market.clock import FixedClock
from market.db import Database
from market.identity.links import digest_of
from market.identity.models import ApiToken, Person
from market.jobs.models import Job
from market.search.whoosh import WhooshSearch
from market.settings import read
from portal.app import create_app
from portal.scheduler import deliver
from portal.web import City
from portal.words import DISTRICTS
from tests.makers import T0, Party, bid, keeper_in, make_auction, make_firm, make_org, make_owner, make_person
from tests.race.doors import addresses

BIDS = 5
LOG = ("/api/v1/events", "/audit")
"""Where the log is read: it grows, by padding too; its places are looked at one by one."""
_TOKEN = re.compile(rb'(name="csrf_token"[^>]*value=")[^"]*|(name="key"[^>]*value=")[^"]*')
_FAULT = re.compile(rb"\b[0-9A-F]{8}\b")
"""The number of an error, made anew for each answer."""


@dataclass
class Watched:
    """A site whose clock stands, an auction, and somebody of each role."""

    app: Flask
    city: City
    auction: Auction
    code: str
    firms: list[Party]
    people: dict[str, Person]

    def answers(self) -> dict[tuple[str, str], tuple[int, bytes]]:
        """(role, path) → (status, body) of every address but those of the log."""
        paths = [p for p in addresses(self.app, {"code": [self.code]}) if not p.startswith(LOG)]
        found = {}
        for role, path in ((role, path) for role in (*self.people, "stranger") for path in paths):
            answer = self._get(role, path)
            body = _TOKEN.sub(rb"\1\2", answer.get_data())
            found[role, path] = (answer.status_code, _FAULT.sub(b"", body) if answer.status_code >= 400 else body)
        return found

    def _get(self, role: str, path: str) -> TestResponse:
        client = self.app.test_client()
        if role == "stranger":
            return client.get(path)
        person = self.people[role]
        with client.session_transaction() as session:
            session["person"], session["epoch"] = person.id, person.epoch
        return client.get(path, headers={"Authorization": f"Bearer counts-of-{person.id:015d}"})

    def bid(self, n: int) -> None:
        """`n` firms bid, the second withdraws, the third replaces; then the scheduler does all its work."""
        for firm in self.firms[:n]:
            self._act(firm, amount=5_000_000 + firm.org.id)
        if n > 2:
            self._act(self.firms[1], amount=0, kind="withdrawn")
            self._act(self.firms[2], amount=5_111_111)
        with self.city.db.write() as s:
            place(s)
        deliver(self.city)

    def _act(self, firm: Party, amount: int, **but: Any) -> None:
        with self.city.db.write() as s:
            bid(s, self.auction, firm, amount, received_at=self.city.clock.now(), **but)


@pytest.fixture
def watched(db: Database, clock: FixedClock, tmp_path: Path) -> Iterator[Watched]:
    clock.at = T0 + timedelta(hours=1)
    settings = read({"TAOZHONGJIE_HOME": str(tmp_path / "home"), "TAOZHONGJIE_URL": "http://city.test"})
    settings.home.mkdir()
    city = City(settings, db, clock, keeper_in(tmp_path, clock), WhooshSearch(settings.index), {"districts": DISTRICTS})
    with db.write() as s:
        owner = make_owner(s, kind="government")
        firms = [make_firm(s) for _ in range(BIDS + 1)]
        auction = make_auction(s, city.keeper, owner)
        office = make_org(s, kind="authority", is_owner=False)
        people = {
            "owner": owner.person,
            "other firm": firms[-1].person,
            "operator": make_person(s, office, office="operator"),
            "regulator": make_person(s, office, office="regulator"),
        }
        for person in people.values():
            digest = digest_of(f"counts-of-{person.id:015d}")
            s.add(ApiToken(person_id=person.id, digest=digest, name="counts", created_at=T0, revoked_at=None))
        code = str(s.scalar(select(Job.code).where(Job.id == auction.job_id)))
    found = Watched(create_app(city, b"of the tests only" * 2), city, auction, code, firms, people)
    found.bid(0)
    yield found


def test_every_address_answers_the_same_with_no_bid_and_with_five(watched: Watched) -> None:
    empty = watched.answers()
    watched.bid(BIDS)
    full = watched.answers()

    assert sum(status == 200 for status, _ in empty.values()) > 60
    assert empty.keys() == full.keys()
    differing = [where for where in empty if empty[where] != full[where]]
    assert differing == []


def test_a_bid_is_in_the_log_a_place_like_any_other(watched: Watched) -> None:
    watched.bid(BIDS)
    client = watched.app.test_client()
    with watched.city.db.write() as s:
        place(s, pad=3)
    with watched.city.db.read() as r:
        sealed = set(r.scalars(select(AuditEntry.id).where(AuditEntry.deed.startswith("bid."))))
        bids = {leaf.seq for leaf in r.scalars(select(AuditLeaf)) if leaf.entry in sealed}
    answer = json.loads(client.get("/api/v1/events?limit=100").get_data())
    places = {place["seq"]: place for place in answer["items"]}
    assert bids <= places.keys() and len(bids) == BIDS + 2
    assert watched.city.clock.now() < watched.auction.closes_at
    padding = [seq for seq in places if seq not in bids and _shape(places[seq]) == _shape(places[min(bids)])]
    assert {json.dumps(_shape(places[seq])) for seq in bids} == {json.dumps(_shape(places[min(bids)]))}
    assert not {"deed", "actor", "subject", "at", "facts"} & places[min(bids)].keys()
    assert padding, "other records and padding look the same"


def _shape(place: dict[str, object]) -> dict[str, str]:
    """The fields of a place with their types and lengths."""
    return {
        name: f"str {len(value)}" if isinstance(value, str) else type(value).__name__ for name, value in place.items()
    }


def test_receipt_numbers_say_nothing_of_order_or_number(watched: Watched) -> None:
    for _ in range(6):
        watched.bid(BIDS)
    with watched.city.db.read() as r:
        numbers = list(r.scalars(select(BidVersion.number).order_by(BidVersion.id)))

    assert len(numbers) == len(set(numbers)) == 6 * (BIDS + 2)
    assert numbers != sorted(numbers) and all(re.fullmatch(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", n) for n in numbers)
    assert len({n[2] for n in numbers}) > 8, "the first character is as random as the last"
