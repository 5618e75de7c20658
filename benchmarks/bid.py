"""Complete signed-in bids over HTTP at 1 and 16 connections on both databases, with their bounds in the same run.

A bid is the last POST of the bid page: session, CSRF token, user, eligibility, sealing, receipt, record, notice,
commit. Bounds: a bare Flask view, a signed-in POST that only loads the user (`plain`: by Flask's extensions alone;
`signed-in`: through the site's hooks), one durable insert. The servers, the scheduler and wrk share the machine. Each
round runs every kind in a random order, those that a goal compares one right after the other; a ratio is the median of
the rounds' own, because a shared machine is faster in one minute than in the next.
"""

import random
import sqlite3
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from sqlalchemy import func, select, text

from benchmarks.parts.bounds import BARE, PLAIN, SIGNED_IN
from benchmarks.parts.engines import on_both
from benchmarks.parts.load import Load, Who, Wrk
from benchmarks.parts.report import Report, middle
from bidding.auctions.models import Auction, BidVersion
from bidding.auctions.service import BidAct, receipt_key, seal_bid
from market.audit.models import AuditEntry, AuditLeaf
from market.jobs.models import Job
from tests.conftest import _found
from tests.makers import T0, make_auction, make_owner
from tests.postgres import binaries
from tests.race.city import RaceCity, pause
from tests.race.site import Site
from tests.town import Firm, settle

ROUNDS, SECONDS = 7, 2
FIRMS, SPREAD = 2_100, 100
BIDDERS = 96
"""Firms that bid under load; all the others only stand in the auction that must stay as fast with 2,000 bids."""
BOUNDS = {"bare": [BARE], "plain": [PLAIN], "signed-in": [SIGNED_IN]}
GOAL_RATIO, GOAL_P99 = 0.35, 100.0


@dataclass
class Bench:
    """A city under load."""

    city: RaceCity
    wrk: Wrk
    who: list[Who]
    spread: list[str]
    few: str
    many: str
    found: dict[str, list[Load]]
    lag: list[float]

    def run(self, kind: str, connections: int) -> Load:
        """One slice of a kind: bare | plain | signed-in | bid | few | many."""
        paths = {**BOUNDS, "bid": self.spread, "few": [self.few], "many": [self.many]}
        before = self._kept()
        load = self.wrk.run(paths[kind], self.who, connections, SECONDS)
        if kind not in BOUNDS:
            self._count(load, before, connections)
        self.found[f"{kind} {connections}"].append(load)
        return load

    def _count(self, load: Load, before: int, connections: int) -> None:
        """Every answer was a receipt, and no receipt is missing; then how long the sequencer is behind."""
        began = perf_counter()
        kept = self._kept() - before
        if not load.requests <= kept <= load.requests + connections:
            raise SystemExit(f"{load.requests} answers, but {kept} bids were kept")
        if connections > 1:
            while self._behind():
                pause(0.1)
            self.lag.append(perf_counter() - began)

    def _kept(self) -> int:
        with self.city.db.read() as r:
            return r.scalar(select(func.count()).select_from(BidVersion)) or 0

    def _behind(self) -> int:
        with self.city.db.read() as r:
            entries = r.scalar(select(func.count()).select_from(AuditEntry)) or 0
            return entries - (r.scalar(select(func.count()).where(AuditLeaf.entry.is_not(None))) or 0)


@contextmanager
def bench(url: str, folder: Path) -> Iterator[Bench]:
    """A founded city with its firms, auctions and servers running."""
    _found(url)
    with RaceCity(url) as city:
        firms = settle(city.db, FIRMS)
        auctions = _auctions(city, SPREAD + 2)
        _fill(city, auctions[0], firms[BIDDERS : BIDDERS + 10])
        _fill(city, auctions[1], firms[BIDDERS : BIDDERS + 2_000])
        with city.db.write() as s:  # as a server does by itself some minutes after a load (pgbench does it too)
            s.execute(text("ANALYZE"))
        sqlite = url.startswith("sqlite")
        workers, threads = (1, 32) if sqlite else (2, 4)
        city.start("scheduler")
        with Site(city, workers, threads, "benchmarks.parts.bounds:make") as site:
            who = [_who(site, firm) for firm in firms[:BIDDERS]]
            with city.db.read() as r:
                codes = {row.id: row.code for row in r.execute(select(Job.id, Job.code))}
            paths = [f"/jobs/{codes[a.job_id]}/bid" for a in auctions]
            made = Bench(city, Wrk(site.port, folder), who, paths[2:], paths[0], paths[1], defaultdict(list), [])
            yield made


def _auctions(city: RaceCity, n: int) -> list[Auction]:
    with city.db.write() as s:
        owner = make_owner(s)
        return [make_auction(s, city.keeper, owner) for _ in range(n)]


def _fill(city: RaceCity, auction: Auction, firms: list[Firm]) -> None:
    with city.db.read() as r:
        code = str(r.scalar(select(Job.code).where(Job.id == auction.job_id)))
        key = receipt_key(r)
    for start in range(0, len(firms), 250):
        with city.db.write() as s:
            for firm in firms[start : start + 250]:
                seal_bid(s, BidAct(code, firm.org, firm.person.id, T0, "sealed", 6_000_000, 20, firm.lead), key)


def _who(site: Site, firm: Firm) -> Who:
    cookie, token = site.cookie(firm.person)
    return Who(cookie, f"days=20&lead={firm.lead}&declared=y&csrf_token={token}&key=")


def durable_insert(url: str, folder: Path, clients: int) -> float:
    """Rows a second, each committed and flushed before the next: pgbench, or one connection on SQLite."""
    return _sqlite_insert(folder) if url.startswith("sqlite") else _postgres_insert(url, folder, clients)


def _sqlite_insert(folder: Path) -> float:
    db = sqlite3.connect(folder / "bound.db", isolation_level=None)
    for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE IF NOT EXISTS t (v TEXT)"):
        db.execute(line)
    n, end = 0, threading.Event()
    threading.Timer(SECONDS, end.set).start()
    began = perf_counter()
    while not end.is_set():
        db.execute("INSERT INTO t VALUES (?)", ("x" * 1200,))
        n += 1
    rate = n / (perf_counter() - began)
    db.close()
    return rate


def _postgres_insert(url: str, folder: Path, clients: int) -> float:
    socket = url.partition("host=")[2]
    base = ["-h", socket, "-U", "postgres", url.split("@/")[1].split("?")[0]]
    table = folder / "insert.sql"
    table.write_text("INSERT INTO bench_bound (v) VALUES (repeat('x', 1200));\n")
    create = "CREATE TABLE IF NOT EXISTS bench_bound (v text)"
    subprocess.run([str(binaries() / "psql"), *base, "-qc", create], check=True, capture_output=True, timeout=30)
    command = [str(binaries() / "pgbench"), "-n", "-f", str(table), "-c", str(clients), "-j", "1", "-T", str(SECONDS)]
    done = subprocess.run([*command, *base], check=True, capture_output=True, text=True, timeout=SECONDS + 30)
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


def measure(name: str, url: str, folder: Path, report: Report) -> None:
    """Run every kind in rounds and print the figures of one database."""
    luck = random.Random(9)
    with bench(url, folder) as b:
        b.run("bid", 16)  # warm
        b.found.clear()
        pairs = [[("plain", 16), ("bid", 16)], [("few", 16), ("many", 16)]]
        others = [[(k, c)] for k in (*BOUNDS, "bid") for c in (1, 16) if (k, c) not in pairs[0]]
        turns = pairs + others
        inserts: dict[int, list[float]] = {1: [], 16: []}
        for _ in range(ROUNDS):
            luck.shuffle(turns)
            for turn in turns:
                for kind, connections in luck.sample(turn, len(turn)):
                    b.run(kind, connections)
            for connections, rates in inserts.items():
                rates.append(durable_insert(url, folder, connections))
        show(name, b, inserts, report)


def show(name: str, b: Bench, inserts: dict[int, list[float]], report: Report) -> None:
    """The table of one database; ratios are medians of rounds."""

    def ratio(one: str, other: str) -> float:
        return middle([x.rate / y.rate for x, y in zip(b.found[one], b.found[other], strict=True)])

    rate = {key: middle([load.rate for load in loads]) for key, loads in b.found.items()}
    for connections in (1, 16):
        insert = middle(inserts[connections])
        report.say(f"{name}, {connections} connection(s): one durable insert {insert:,.0f}/s")
        for kind in BOUNDS:
            report.say(f"{name}, {connections} connection(s): {kind} {_line(b.found[f'{kind} {connections}'])}")
        bids = b.found[f"bid {connections}"]
        of = {kind: ratio(f"bid {connections}", f"{kind} {connections}") for kind in BOUNDS}
        text = f"{name}, {connections} connection(s): bid {_line(bids)}; {of['bare']:.3f} of bare, "
        text += f"{rate[f'bid {connections}'] / insert:.3f} of insert, {of['signed-in']:.2f} of signed-in, "
        text += f"{of['plain']:.2f} of plain"
        if connections == 16 and name == "PostgreSQL":
            report.hold(text, of["plain"], least=GOAL_RATIO)
            report.hold(f"{name}: p99 of a bid", middle([x.p99 for x in bids]), most=GOAL_P99)
        else:
            report.say(text)
    flat = ratio("many 16", "few 16")
    report.hold(f"{name}: bids/s in an auction of 2,000 bids to one of 10: {flat:.2f}", flat, least=0.8)
    bad = sum(load.bad for loads in b.found.values() for load in loads)
    report.hold(f"{name}: errors {bad}", bad, most=0)
    lag = max(b.lag)
    report.hold(f"{name}: sequencer has placed the last record {lag:.1f} s after the load (worst)", lag, most=5)


def _line(loads: list[Load]) -> str:
    p50, p99 = middle([x.p50 for x in loads]), middle([x.p99 for x in loads])
    return f"{middle([x.rate for x in loads]):,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


if __name__ == "__main__":
    on_both(measure)
