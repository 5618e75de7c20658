"""Job list, job page and search among 10,000 jobs on both databases: p50 and p95 at one connection, bytes, statements.

Bound: a bare Flask view of the same server. The number of statements is taken in this process with 100 and with
10,000 jobs and must be the same; tests/portal/test_statement_counts.py asserts it in small.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import event, select

from benchmarks.parts.bounds import BARE
from benchmarks.parts.engines import on_both
from benchmarks.parts.load import Load, Who, Wrk
from benchmarks.parts.report import Report, middle
from market.jobs.entries import sources
from market.jobs.models import Job
from market.search.index import rebuild
from market.search.whoosh import WhooshSearch
from portal.composition import district_names, open_city
from tests.conftest import _found
from tests.makers import make_auction, make_firm, make_owner
from tests.race.city import RaceCity
from tests.race.site import Site
from tests.town import more_jobs

FEW, JOBS = 100, 10_000
ROUNDS, SECONDS = 3, 2
GOAL_KB = 80.0
WORDS = "望浦区 环境影响"


class Town:
    """A served city with an auction to copy jobs from."""

    def __init__(self, city: RaceCity, site: Site) -> None:
        self.city, self.site = city, site
        with city.db.write() as s:
            owner, firm = make_owner(s), make_firm(s)
            self.pattern = make_auction(s, city.keeper, owner)
        with city.db.read() as r:
            self.code = str(r.scalar(select(Job.code).where(Job.id == self.pattern.job_id)))
        self.firm = site.cookie(firm.person)[0]
        self.pages = {
            "job list": "/jobs?scope=open",
            "job list, all": "/jobs?scope=all&page=40",
            "job page": f"/jobs/{self.code}",
            "search": f"/jobs?scope=all&q={quote(WORDS)}",
        }

    def fill(self, start: int, end: int) -> None:
        """Add the jobs from `start` to `end` and build the index anew."""
        more_jobs(self.city.db, self.pattern, start, end)
        city = open_city(self.site._settings, patient=True)
        assert isinstance(city.search, WhooshSearch)
        rebuild(city.db, city.search, sources(district_names(city), city.clock.now()))
        city.db.close()

    def statements(self) -> dict[str, int]:
        """How many statements each page sends, to a stranger and to a firm, counted in an app of this process."""
        sent: list[str] = []
        app = self.site.app
        db = app.extensions["city"].db

        def note(_: object, __: object, statement: str, *___: object) -> None:
            sent.append(statement)

        for engine in (db._read, db._write):
            event.listen(engine, "before_cursor_execute", note)
        counts = {}
        for name, path in self.pages.items():
            for who, cookie in (("stranger", ""), ("firm", self.firm)):
                client = app.test_client(use_cookies=False)
                client.get(path, headers={"Cookie": cookie})  # what a process reads once is read
                sent.clear()
                answer = client.get(path, headers={"Cookie": cookie})
                assert answer.status_code == 200, path
                counts[f"{name} to a {who}"] = len(sent)
        for engine in (db._read, db._write):
            event.remove(engine, "before_cursor_execute", note)
        return counts

    def first_page_bytes(self) -> int:
        """What a first visit transfers: the page and every style, script and image it names, as sent, with headers."""
        page = self.site.get("/", **{"Accept-Encoding": "gzip"})
        text = gzip.decompress(page.body).decode("utf-8")
        linked = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text))
        answers = [page, *(self.site.get(path.replace("&amp;", "&"), **{"Accept-Encoding": "gzip"}) for path in linked)]
        assert len(answers) > 1 and all(a.status == 200 for a in answers)
        return sum(len(a.body) + sum(len(k) + len(v) + 4 for k, v in a.headers.items()) for a in answers)


@contextmanager
def town(url: str) -> Iterator[Town]:
    """A founded city and its server."""
    _found(url)
    with RaceCity(url) as city:
        workers, threads = (1, 32) if url.startswith("sqlite") else (2, 4)
        with Site(city, workers, threads, "benchmarks.parts.bounds:make") as site:
            yield Town(city, site)


def measure(name: str, url: str, folder: Path, report: Report) -> None:
    """The figures of one database."""
    with town(url) as t:
        t.fill(0, FEW)
        few = t.statements()
        t.fill(FEW, JOBS)
        many = t.statements()
        found = _times(t, folder)
        bare = found.pop("bare")
        report.say(f"{name}: bare view {_line(bare)}")
        for page, loads in found.items():
            times = middle([x.p50 for x in loads]) / middle([x.p50 for x in bare])
            report.say(f"{name}: {page} among {JOBS:,} jobs: {_line(loads)}; {times:.0f} times the bare view")
        bad = sum(x.bad for loads in found.values() for x in loads)
        report.hold(f"{name}: errors {bad}", bad, most=0)
        for page, n in many.items():
            report.hold(f"{name}: {page}: {n} statements; with {FEW} jobs {few[page]}", n - few[page], most=0)
        size = t.first_page_bytes() / 1000
        report.hold(f"{name}: the first page with all it needs: {size:.1f} KB", size, most=GOAL_KB)


def _times(t: Town, folder: Path) -> dict[str, list[Load]]:
    wrk = Wrk(t.site.port, folder)
    found: dict[str, list[Load]] = {}
    for _ in range(ROUNDS):
        for name, path in {"bare": BARE, **t.pages}.items():
            found.setdefault(name, []).append(wrk.run([path], [Who("")], 1, SECONDS, "GET"))
    return found


def _line(loads: Sequence[Load]) -> str:
    p50, p95 = middle([x.p50 for x in loads]), middle([x.p95 for x in loads])
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms"


if __name__ == "__main__":
    on_both(measure)
