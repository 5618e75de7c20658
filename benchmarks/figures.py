"""The pages of figures over 10,000 and over 1,000,000 contracts on PostgreSQL: they must not feel the difference.

Rows are made by the database (a seed, no service), the rollup by the real code; then each page is asked for through
the site. Bound of the same run: a signed-out page that reads nothing of the rollup (`/figures/method`).
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from flask.testing import FlaskClient
from sqlalchemy import delete, text
from tqdm import tqdm

from benchmarks.parts.report import Report, middle
from market.clock import FixedClock
from market.db import Database
from market.db import open as open_database
from market.search.whoosh import WhooshSearch
from market.settings import read
from oversight.metrics.models import FigureRow
from oversight.metrics.service import roll_up
from portal.app import create_app
from portal.web import City
from tests.conftest import _found
from tests.makers import T0, database, keeper_in
from tests.postgres import Server

FEW, MANY, CHUNK, TIMES = 10_000, 1_000_000, 50_000, 20
GOAL_MS, GOAL_FLAT = 200.0, 2.0
BOUND = "/figures/method"
VIEWS = {
    "/": "first page",
    "/figures": "whole city, by category",
    "/figures?by=month&fee=contracted": "by month, contract price",
    "/figures?district=339902&by=method": "one district, by method",
    "/figures?category=07&from=2025-01&to=2025-12&funding=fiscal": "one category, a year, fiscal",
    "/figures/rows?measure=awarded&sort=cut": "rows, smallest cut first",
    "/figures/rows?measure=contracted&sort=cut&category=07&district=339903": "rows of one cell of the map",
    "/figures/rows?measure=bids": "rows, newest first",
    "/api/v1/figures?by=category&since=2025-01": "API, by category since a month",
}
# 21 categories, 6 districts, 60 months, 4 methods, 3 fundings; two thirds with a baseline of the national list.
_ROWS = """
INSERT INTO figure_row (job_id, job_code, title, category, district, month, method, funding, kind, baseline, awarded,
  contracted, settled, baseline_days, days_promised, days_used, valid_bids, rounds, failed, outside, cut_awarded,
  cut_contracted, cut_settled, cut_days)
SELECT id, 'ZJ-' || id, '项目 ' || id, lpad((1 + a % 21)::text, 2, '0'), '33990' || (1 + b % 6),
  (2022 + c % 5) * 100 + 1 + (c / 5) % 12, (ARRAY['lowest_price', 'discount_rate', 'lottery', 'direct'])[1 + d % 4],
  (ARRAY['fiscal', 'state', 'private'])[1 + d / 4 % 3], CASE WHEN e % 3 < 2 THEN 'official' ELSE 'ceiling' END,
  base, price, price + f % 20 * 1000, price, 30, 25, 10 + f % 20, 3 + f % 7, 1, false, e % 4 = 0,
  (2000 * (base - price) + base) / (2 * base), (2000 * (base - price - f % 20 * 1000) + base) / (2 * base),
  (2000 * (base - price) + base) / (2 * base), (2000 * (20 - f % 20) + 30) / 60
FROM (SELECT id, floor(random() * 1e6)::int AS a, floor(random() * 1e6)::int AS b, floor(random() * 1e6)::int AS c,
    floor(random() * 1e6)::int AS d, floor(random() * 1e6)::int AS e, floor(random() * 1e6)::int AS f,
    2000000 AS base, 900000 + floor(random() * 1000000)::bigint AS price
  FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS id) AS made
"""


def fill(db: Database, n: int) -> float:
    """So many rows and their rollup; the seconds the rollup took."""
    with db.write() as s:
        s.execute(delete(FigureRow))
        s.execute(text("SELECT setseed(0.5)"))
    for first in tqdm(range(1, n + 1, CHUNK), desc=f"{n:,} contracts", unit="chunk", leave=False):
        with db.write() as s:
            s.execute(text(_ROWS), {"first": first, "last": min(first + CHUNK - 1, n)})
    with db.write() as s, tqdm(desc="rollup", unit="cell", leave=False) as bar:

        def tell(_: str, done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        start = perf_counter()
        roll_up(s, tell)
        took = perf_counter() - start
    with db.engine.connect() as c:
        c.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE figure_cell, figure_row"))
    return took


def measure(client: FlaskClient, path: str) -> tuple[float, float]:
    """p50 and p95 of a page in milliseconds; any answer but 200 ends the run."""
    found = []
    for i in range(TIMES + 2):
        start = perf_counter()
        answer = client.get(path)
        took = (perf_counter() - start) * 1000
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        found += [took] if i >= 2 else []
    found.sort()
    return middle(found), found[int(len(found) * 0.95) - 1]


def main(many: int = MANY) -> None:
    """The table of both sizes."""
    report, server = Report(), Server(durable=True)
    try:
        url = server.fresh()
        _found(url)
        with tempfile.TemporaryDirectory(prefix="tzj-bench-", dir="/tmp") as folder:
            settings = read({"TAOZHONGJIE_HOME": folder, "TAOZHONGJIE_URL": "http://localhost"})
            db = database(url)
            clock = FixedClock(T0)
            keeper = keeper_in(Path(folder), clock)
            app = create_app(City(settings, db, clock, keeper, WhooshSearch(settings.index), {}), b"bench" * 8)
            client, found = app.test_client(), {}
            loader = open_database(replace(settings, database_url=url), patient=True)
            for n in (FEW, many):
                took = fill(loader, n)
                report.say(f"{n:,} contracts rolled up in {took:.1f} s")
                found[n] = {path: measure(client, path) for path in (BOUND, *VIEWS)}
            bound = found[many][BOUND][0]
            report.say(f"bound, a page without figures: p50 {bound:.1f} ms")
            for path, name in VIEWS.items():
                (few, _), (much, p95) = found[FEW][path], found[many][path]
                line = f"{name} ({path}): p50 {few:.0f} → {much:.0f} ms, p95 {p95:.0f} ms, {much / bound:.0f} × bound"
                report.hold(line, p95, most=GOAL_MS)
            worst = max(found[many][p][0] / found[FEW][p][0] for p in VIEWS)
            report.hold(f"slowest growth from {FEW:,} to {many:,} contracts: {worst:.2f}", worst, most=GOAL_FLAT)
            loader.close()
            db.close()
    finally:
        server.stop()
    report.end()


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
