"""A body that drips past T is late, one that ends before T is in time: pages and API of the real server."""

import json
import socket
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from bidding.auctions.models import Auction, Bid, BidVersion
from market.identity.links import digest_of
from market.identity.models import ApiToken
from market.jobs.models import Job
from tests.makers import T0, Party
from tests.race.city import RaceCity, pause
from tests.race.site import Site

pytestmark = pytest.mark.race


class Drip:
    """A POST whose headers and first half are sent at once, and the other half when the test wants."""

    def __init__(self, site: Site, path: str, body: bytes, **headers: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", site.port), timeout=60)
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        half = len(body) // 2
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + body[:half])
        self._rest = body[half:]

    def end(self) -> tuple[int, str]:
        """Send the other half; the status and the text of the answer."""
        self._socket.sendall(self._rest)
        with self._socket, self._socket.makefile("rb") as f:
            answer = f.read()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body.decode("utf-8")


def page_drip(site: Site, code: str, firm: Party) -> Drip:
    cookie, token = site.cookie(firm.person)
    form = {
        "amount": "88000.00",
        "days": "20",
        "lead": str(firm.lead),
        "declared": "y",
        "csrf_token": token,
        "key": "k",
    }
    body = urlencode(form).encode("ascii")
    return Drip(site, f"/jobs/{code}/bid", body, Cookie=cookie, Content_Type="application/x-www-form-urlencoded")


def api_drip(site: Site, code: str, firm: Party) -> Drip:
    token = f"token-of-{firm.org.id:024d}"
    with site.city.db.write() as s:
        s.add(ApiToken(person_id=firm.person.id, digest=digest_of(token), name="drip", created_at=T0, revoked_at=None))
    body = json.dumps({"amount": 8_800_000, "days": 20, "lead": firm.lead, "declaration": True}).encode("ascii")
    more = {"Authorization": f"Bearer {token}", "Content_Type": "application/json", "Idempotency_Key": "k"}
    return Drip(site, f"/api/v1/jobs/{code}/bids", body, **more)


@pytest.fixture(params=["sqlite_city", "postgres_city"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_a_body_counts_when_it_has_wholly_arrived(url: str) -> None:
    with RaceCity(url) as city:
        (auction,), firms = city.auctions(1, 5)
        with city.db.read() as r:
            code = str(r.scalar(select(Job.code).where(Job.id == auction.job_id)))
        with Site(city) as site:
            city.set_clock(auction.closes_at - timedelta(seconds=60))
            early = [page_drip(site, code, firms[0]), api_drip(site, code, firms[1])]
            late = [page_drip(site, code, firms[2]), api_drip(site, code, firms[3])]

            assert site.get(f"/jobs/{code}").status == 200, "four dripping bodies do not hold up a page"
            ended = [drip.end() for drip in early]
            assert [status for status, _ in ended] == [303, 201], ended

            city.set_clock(auction.closes_at)
            pause(0.01)
            ended = [drip.end() for drip in late]
            assert [status for status, _ in ended] == [409, 409], ended
            (_, page), (_, problem) = ended
            assert "没有接受" in page and "88000.00" in page, "what was typed is still there"
            assert "bid.late" in problem
            status, _ = page_drip(site, code, firms[4]).end()
            assert status == 409

        with city.db.read() as r:
            kept = r.execute(select(Bid.org_id, BidVersion.received_at).join(BidVersion, BidVersion.bid_id == Bid.id))
            times = {row.org_id: row.received_at for row in kept}
            closes_at = r.scalars(select(Auction.closes_at)).one()
    assert set(times) == {firms[0].org.id, firms[1].org.id}
    assert all(at < closes_at for at in times.values())
