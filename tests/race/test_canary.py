"""Two hundred known prices through the real pages and the API: before T they are found nowhere, after it everywhere
they belong. Searched are the database's own files with its log, the data folder (logs, index, mail, keeper, clock),
a dump, the session cookies, and every address of the site as each role."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from sqlalchemy import func, select

from bidding.auctions.models import Auction, BidVersion
from market.audit.models import AuditEntry, AuditLeaf
from market.identity.links import digest_of
from market.identity.models import ApiToken, Person
from market.jobs.models import Job
from market.money import Fen, show_yuan
from market.notices.models import Outbox
from tests.makers import T0, Party, make_auction, make_firm, make_org, make_owner, make_person
from tests.postgres import Server, binaries
from tests.race.canary import Canary, prices
from tests.race.city import RaceCity, pause
from tests.race.doors import addresses
from tests.race.site import Answer, Site

pytestmark = pytest.mark.race

AUCTIONS, FIRMS = 20, 10
CEILING = 8 * 10**12
CODES = 2
"""How many of the jobs every address is asked for."""


@dataclass
class Watched:
    """A city with sealed bids of known prices, and what came back on the way."""

    city: RaceCity
    site: Site
    prices: list[int]
    codes: list[str]
    owner: Party
    firms: list[Party]
    people: dict[str, Person]
    tokens: dict[str, str]
    numbers: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    def bid_all(self) -> None:
        """Place every price: by turns on the pages, through the check page, and by the API."""
        for n, price in enumerate(self.prices):
            firm, code = self.firms[n % FIRMS], self.codes[n // FIRMS]
            if n % 2:
                self._by_api(firm, code, price, n)
            else:
                self._by_page(firm, code, price)

    def _by_page(self, firm: Party, code: str, price: int) -> None:
        cookie, token = self.site.cookie(firm.person)
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        typed = {"amount": show_yuan(Fen(price), "zh"), "days": "20", "lead": str(firm.lead), "declared": "y"}
        body = urlencode({**typed, "key": f"page-{len(self.numbers)}", "csrf_token": token}).encode("ascii")
        checked = self.site.send("POST", f"/jobs/{code}/bid/check", body, headers)
        assert checked.status == 200, checked.text
        sent = self.site.send("POST", f"/jobs/{code}/bid", body, headers)
        assert sent.status == 303, sent.text
        self.numbers.append(sent.headers["location"].rpartition("/")[2])
        self.cookies += [a.headers["set-cookie"] for a in (checked, sent) if "set-cookie" in a.headers]

    def _by_api(self, firm: Party, code: str, price: int, n: int) -> None:
        body = json.dumps({"amount": price, "days": 20, "lead": firm.lead, "declaration": True}).encode("ascii")
        headers = {
            "Authorization": f"Bearer {self.tokens[f'firm {firm.org.id}']}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"canary-{n}",
        }
        sent = self.site.send("POST", f"/api/v1/jobs/{code}/bids", body, headers)
        assert sent.status == 201, sent.text
        self.numbers.append(str(json.loads(sent.text)["number"]))

    def settle(self) -> None:
        """Wait until the scheduler has placed every record and done its outbox."""
        self.city._until(self._idle, 120)

    def _idle(self) -> bool:
        with self.city.db.read() as r:
            entries = r.scalar(select(func.count()).select_from(AuditEntry))
            placed = r.scalar(select(func.count()).where(AuditLeaf.entry.is_not(None)))
            waiting = r.scalar(select(func.count()).where(Outbox.done_at.is_(None)))
        return entries == placed and not waiting

    def doors(self) -> Iterator[tuple[str, str, Answer]]:
        """Every address as each role: (role, path, answer)."""
        known = {
            "code": self.codes[:CODES],
            "number": [self.numbers[0], self.numbers[1], self.numbers[-1]],
            "uscc": [self.firms[0].org.uscc],
        }
        paths = addresses(self.site.app, known)
        assert len(paths) > 60
        for role, person in self.people.items():
            pages = {"Cookie": self.site.cookie(person)[0]}
            api = {"Authorization": f"Bearer {self.tokens[role]}"}
            for path in paths:
                headers = api if path.startswith("/api/") else pages
                yield role, path, self.site.send("GET", path, None, headers)
        for path in paths:
            yield "stranger", path, self.site.get(path)


@pytest.fixture(params=["sqlite", "postgresql"])
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A served city with scheduler and keeper, on each engine in turn."""
    url = str(request.getfixturevalue("sqlite_city" if request.param == "sqlite" else "postgres_city"))
    with RaceCity(url) as city:
        found = _people(city)
        city.start("scheduler")
        with Site(city) as site:
            found.site = site
            yield found


def _people(city: RaceCity) -> Watched:
    with city.db.write() as s:
        owner = make_owner(s)  # private: only there is so high a ceiling allowed
        firms = [make_firm(s) for _ in range(FIRMS + 1)]
        office = make_org(s, kind="authority", is_owner=False)
        people = {
            "owner": owner.person,
            "bidder": firms[0].person,
            "other firm": firms[-1].person,
            "operator": make_person(s, office, office="operator"),
            "regulator": make_person(s, office, office="regulator"),
        }
        tokens = {role: f"canary-token-{person.id:012d}" for role, person in people.items()}
        for firm in firms:
            tokens[f"firm {firm.org.id}"] = f"canary-token-{firm.person.id:012d}"
        known = {digest_of(token): token for token in tokens.values()}
        for digest, token in known.items():
            person = int(token.rpartition("-")[2])
            s.add(ApiToken(person_id=person, digest=digest, name="canary", created_at=T0, revoked_at=None))
    codes = []
    for _ in range(AUCTIONS):
        with city.db.write() as s:
            auction = make_auction(s, city.keeper, owner, ceiling_fen=CEILING)
            codes.append(str(s.scalar(select(Job.code).where(Job.id == auction.job_id))))
    none: Site = None  # type: ignore[assignment]
    return Watched(city, none, prices(AUCTIONS * FIRMS), codes, owner, firms[:FIRMS], people, tokens)


def _stored(watched: Watched, canary: Canary, server: Server | None) -> dict[str, set[str]]:
    """Where the database's files, a dump, or the data folder hold a price."""
    found = canary.in_folder(watched.city.home)
    url = watched.city.url
    if server is None:
        return found | canary.in_folder(Path(url.removeprefix("sqlite:///")).parent)
    name = url.partition("/@/")[2] or url.partition("@/")[2]
    name = name.partition("?")[0]
    with psycopg.connect(host=str(server.folder), user="postgres", dbname=name, autocommit=True) as c:
        c.execute("CHECKPOINT")
    command = [str(binaries() / "pg_dump"), "-h", str(server.folder), "-U", "postgres", name]
    dump = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
    assert b"bid_version" in dump
    if forms := canary.forms_in(dump):
        found["pg_dump"] = forms
    return found | canary.in_folder(server.folder)


def test_no_price_is_found_before_the_deadline_and_every_one_after_it(
    watched: Watched, request: pytest.FixtureRequest
) -> None:
    canary = Canary(watched.prices)
    server = request.getfixturevalue("postgres_server") if "postgresql" in watched.city.url else None
    watched.bid_all()
    watched.settle()
    assert len(watched.numbers) == len(set(watched.numbers)) == AUCTIONS * FIRMS

    assert _stored(watched, canary, server) == {}
    for cookie in watched.cookies:
        held = cookie.partition("=")[2].partition(";")[0]
        signer = watched.site.app.session_interface.get_signing_serializer(watched.site.app)  # type: ignore[attr-defined]
        assert not canary.forms_in(json.dumps(signer.loads(held)).encode("utf-8")), "the session holds a price"
    read = 0
    for role, path, answer in watched.doors():
        shown = canary.forms_in(answer.body + repr(answer.headers).encode("utf-8"))
        assert not shown, f"{path} shows a price to {role}: {shown}"
        assert answer.status < 500, f"{path} as {role}: {answer.status}"
        read += answer.status == 200
    assert read > 150, "too few addresses answered: nothing would be proved"

    with watched.city.db.read() as r:
        closes_at = max(r.scalars(select(Auction.closes_at)))
        assert r.scalar(select(func.count()).select_from(BidVersion)) == len(watched.prices)
    watched.city.set_clock(closes_at + timedelta(seconds=11))
    _wait_decided(watched.city)
    for n, code in enumerate(watched.codes):
        page = watched.site.get(f"/jobs/{code}/protocol").text
        for price in watched.prices[n * FIRMS : (n + 1) * FIRMS]:
            assert show_yuan(Fen(price), "zh") in page, f"{code} does not show {price}"
    assert "digits" in canary.forms_in(watched.site.get(f"/api/v1/jobs/{watched.codes[0]}/protocol").body)
    assert _stored(watched, canary, server), "the search finds what is stored in the open"


def _wait_decided(city: RaceCity) -> None:
    def decided() -> bool:
        with city.db.read() as r:
            return r.scalar(select(func.count()).where(Auction.state == "decided")) == AUCTIONS

    try:
        city._until(decided, 180)
    except AssertionError:
        pause(0)
        raise AssertionError(city.logs()) from None
