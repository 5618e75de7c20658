"""10,000 payments over both providers, through duplicates, reorderings, drops and kills; then events from the inbox.

The first part is the run of tests/race/payments.py at full length: none lost, none doubled, the ledger zero, all
reconciled, or it fails. The second says how many events a second go into the inbox one by one as the door puts them,
and are worked on in batches (fetched from a source in this process, which costs nothing, and posted), against as many
bare inserts into one table in the same run.
"""

import argparse
import tempfile
from datetime import timedelta
from time import perf_counter

from sqlalchemy import insert, text

from benchmarks.parts.report import Report
from market.clock import FixedClock
from market.db import Database
from market.payments import inbox, worker
from market.payments.inbox import Event
from market.payments.models import Checkout, InboxEvent, PaymentAccount
from market.payments.port import Moved, Page
from tests.conftest import _found
from tests.makers import FOUNDED, T0, database, make_firm, make_owner
from tests.makers_payments import make_deal, make_payment
from tests.postgres import Server
from tests.race.payments import great_run

PAYMENTS, KILLS, EVENTS = 10_000, 25, 10_000
ACCOUNT, BATCH = "acct_bench", 500


class Here:
    """A source of objects that costs nothing to ask: what is measured is the inbox and the ledger."""

    def __init__(self, fens: dict[int, int]) -> None:
        self._fens = fens

    def payment(self, account: str, id: str) -> Moved:
        """The payment that its id names."""
        number = int(id.removeprefix("pi_"))
        return Moved("paid", id, id, "succeeded", "cny", self._fens[number], T0, {"payment": str(number)})

    def session(self, account: str, id: str) -> Page:
        """There are none here."""
        raise AssertionError(id)

    def refunded(self, account: str, id: str) -> Moved:
        """There are none here."""
        raise AssertionError(id)

    dispute = refunded

    def refunds_of(self, account: str, charge: str) -> list[Moved]:
        """There are none here."""
        raise AssertionError(charge)


def _owe(db: Database, n: int) -> dict[int, int]:
    """`n` payments of one firm with a page opened for each: payment → fen."""
    fens: dict[int, int] = {}
    with db.write() as s:
        owner, firm = make_owner(s), make_firm(s)
        s.add(
            PaymentAccount(
                org_id=firm.org.id, kind="stripe", holder="", bank="Stripe", secret=b"", tail="", methods=["card"],
                recorded_at=FOUNDED, account=ACCOUNT,
            )
        )  # fmt: skip
    for start in range(0, n, 50):
        with db.write() as s:
            deal = make_deal(s, *range(1000 + start, 1050 + start), owner=owner, firm=firm)
            for no in range(1, 51):
                row = make_payment(s, deal, no)
                fens[row.id] = row.fen
                page = {"payment_id": row.id, "session": f"cs_{row.id}", "account": ACCOUNT}
                s.execute(insert(Checkout).values(fen=row.fen, opened_at=T0, **page))
    return fens


def _bare(db: Database, n: int) -> float:
    """Rows a second into one table, in batches of one transaction each: what the disk and the driver allow."""
    with db.write() as s:
        s.execute(text("CREATE TABLE bare (id SERIAL PRIMARY KEY, event VARCHAR(120) UNIQUE, body VARCHAR(400))"))
    began = perf_counter()
    for start in range(0, n, BATCH):
        with db.write() as s:
            for i in range(start, start + BATCH):
                s.execute(text("INSERT INTO bare (event, body) VALUES (:e, :b)"), {"e": f"evt_{i}", "b": "x" * 300})
    return n / (perf_counter() - began)


def ingest(db: Database, report: Report) -> None:
    """Events into the inbox and out of it again, beside bare inserts."""
    fens = _owe(db, EVENTS)
    bare = _bare(db, EVENTS)
    began = perf_counter()
    for number in fens:
        event = Event(f"evt_{number}", "payment_intent.succeeded", ACCOUNT, f"pi_{number}", T0)
        with db.write() as s:
            inbox.take(s, event, T0, lambda _: True)
    taken = EVENTS / (perf_counter() - began)
    clock = FixedClock(T0 + timedelta(minutes=1))
    began, done = perf_counter(), 0
    while (n := worker.work_inbox(db, Here(fens), clock.now, BATCH)) is not None:
        done += n
    worked = done / (perf_counter() - began)
    with db.read() as s:
        left = s.query(InboxEvent).where(InboxEvent.state != "done").count()
    if left or done != EVENTS:
        raise SystemExit(f"{left} events are left, {done} were worked on")
    report.say(f"bare inserts in transactions of {BATCH}: {bare:,.0f}/s")
    report.say(f"events taken into the inbox, a transaction each: {taken:,.0f}/s ({taken / bare:.2f} of bare inserts)")
    report.say(
        f"events posted from the inbox in batches of {BATCH}: {worked:,.0f}/s ({worked / bare:.2f} of bare inserts); "
        "each writes a settlement, a ledger entry, a record, two notices and two mails, and updates its payment"
    )


def _ingest_on(name: str, url: str, report: Report) -> None:
    _found(url)
    db = database(url)
    report.say(name)
    ingest(db, report)
    db.close()


def _run(made: Server, n: int, report: Report) -> None:
    """The run at full length; it says how far it is."""
    url = made.fresh()
    _found(url)
    began = perf_counter()
    told = great_run(url, n, KILLS, say=lambda text: report.say(f"  {perf_counter() - began:6.1f} s  {text}"))
    report.say(
        f"{told.payments:,} payments: none lost, none doubled, ledger zero, all reconciled; {told.events:,} events "
        f"delivered ({told.dropped:,} lost, {told.doubled:,} doubled), {told.kills} processes killed, "
        f"{told.filled:,} gaps filled, {told.lines:,} lines of statements; {perf_counter() - began:.0f} s"
    )


def main() -> None:
    """The run of as many payments as `--run` says (0: none), then the figures on both databases."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--run", type=int, default=PAYMENTS)
    n = asked.parse_args().run
    report, made = Report(), Server(durable=True)
    try:
        if n:
            _run(made, n, report)
        with tempfile.TemporaryDirectory(prefix="tzj-bench-", dir="/tmp") as folder:
            _ingest_on("SQLite", f"sqlite:///{folder}/city.db", report)
        _ingest_on("PostgreSQL", made.fresh(), report)
    finally:
        made.stop()
    report.end()


if __name__ == "__main__":
    main()
