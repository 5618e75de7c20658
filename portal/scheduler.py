"""The scheduler process: tickers that knock; the database decides who acts (style habit 5).

closing    claim due auctions, open and decide them, open re-runs, let awards stand, show reviews on their day
sequencer  give committed records their place in the log
outbox     send mail, keep the index; the only writer of the index
figures    bring the rollup of figures up to the log
searches   tell people of new jobs under their saved searches
daily      warn of certificates that run out, forget old counters, run the risk indicators once a day
payments   fetch what webhooks told of and post it; only with a key of Stripe
reconcile  compare Stripe's accounts with the ledger, and fill what no webhook told
"""

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

from apscheduler.schedulers.blocking import BlockingScheduler

from bidding.awards.service import mark_overdue, settle_next, stand_next, strike_unexplained
from bidding.closing.service import claim_next, rerun_next
from bidding.matching.saved import tell_next
from bidding.sealing.client import KeeperDown
from market.admission.service import warn_expiring
from market.audit.checkpoints import seal, thin, unsealed
from market.audit.sequencer import BATCH, behind, build, place
from market.contracts.service import complete_next, warn_late_next, warn_milestone_next
from market.db import DatabaseDown
from market.identity.queries import log_signer
from market.identity.signin import forget_counts
from market.jobs.entries import sources
from market.notices.deliver import deliver_due
from market.payments.reconcile import ask_pages, reconcile
from market.payments.worker import work_inbox
from market.search.index import consume
from market.search.port import SearchDown
from oversight.indicators.service import run_daily
from oversight.metrics.service import refresh
from portal.composition import district_names
from portal.mailer import Mailer
from portal.web import City
from ratings.reviews.service import show_due_next

log = logging.getLogger("taozhongjie.scheduler")

Work = Callable[[], object]


class Backoff:
    """Skip a ticker's turns while what it needs is down: 1, 2, 4 … 32 turns, and say so once."""

    def __init__(self, name: str, work: Work) -> None:
        self._name, self._work = name, work
        self._skip, self._wait = 0, 1

    def __call__(self) -> None:
        """One turn of the ticker. A fault of ours is logged and never ends the process."""
        if self._skip > 0:
            self._skip -= 1
            return
        try:
            self._work()
        except (DatabaseDown, KeeperDown) as down:
            if self._wait == 1:
                log.warning("%s waits: %s", self._name, type(down).__name__)
            self._skip, self._wait = self._wait, min(self._wait * 2, 32)
        except Exception:
            log.exception("%s failed; it tries again at its next turn", self._name)
        else:
            if self._wait > 1:
                log.info("%s goes on", self._name)
            self._wait = 1


def drain(step: Callable[[], object | None]) -> int:
    """Call a step until it finds nothing; how often it found something."""
    n = 0
    while step() is not None:
        n += 1
    return n


def close_due(city: City) -> int:
    """Everything that time has made due for auctions and awards, each in a transaction of its own.

    A keeper that is down stops only what needs it: claims and standing awards go on.
    """
    now, db = city.clock.now, city.db

    def alone(step: Callable[[Any], object | None]) -> Callable[[], object | None]:
        def once() -> object | None:
            with db.write() as s:
                return step(s)

        return once

    done = drain(alone(lambda s: claim_next(s, now())))
    warn = warn_late_next, warn_milestone_next
    for step in (stand_next, strike_unexplained, mark_overdue, complete_next, *warn, show_due_next):
        done += drain(alone(lambda s, step=step: step(s, now())))  # type: ignore[misc]
    done += drain(alone(lambda s: settle_next(s, now(), city.keeper)))
    return done + drain(alone(lambda s: rerun_next(s, now(), city.keeper)))


def sequence(city: City) -> int:
    """Place every record that is final and sign how far the log has come; padding goes in with the first batch only."""
    _build_tree(city)
    placed = 0
    pad: int | None = None
    while True:
        with city.db.write() as s:
            n = place(s, pad)
        placed, pad = placed + n, 0
        if n < BATCH:
            break
    with city.db.read() as s:
        due, signer = unsealed(s), log_signer(s)
    if due:
        with city.db.write() as s:
            seal(s, city.clock.now(), signer)
    return placed


def _build_tree(city: City) -> None:
    """Once, over the leaves of a log that had no tree yet: batch by batch, so that bids go on meanwhile."""
    with city.db.read() as s:
        left = behind(s)
    while left:
        with city.db.write() as s:
            left = build(s) > 0


def count_figures(city: City) -> int:
    """Bring the rollup up to the log, a piece in each transaction; how many records were read."""
    read = 0
    while True:
        with city.db.write() as s:
            n = refresh(s, city.clock.now())
        read += n
        if n == 0:
            return read


def deliver(city: City) -> int:
    """Send what is due and bring the index up to date."""
    now = city.clock.now()

    def index(payload: Mapping[str, Any]) -> None:
        consume(city.db, city.search, [payload], sources(district_names(city), now))

    return deliver_due(city.db, now, {"mail": Mailer(city.settings, city.db, city.clock), "index": index})


def tell_searches(city: City) -> int:
    """Look through every saved search that is due, each in a transaction of its own."""

    def find(words: str) -> list[int] | None:
        try:
            return city.search.find("job", words)
        except SearchDown:
            return None

    def once() -> object | None:
        with city.db.write() as s:
            return tell_next(s, city.clock.now(), find)

    return drain(once)


def daily(city: City) -> None:
    """What one look a quarter of an hour is enough for; each notice goes out once."""
    now = city.clock.now()
    with city.db.write() as s:
        warn_expiring(s, now)
        forget_counts(s, now)
        thin(s, now)
    with city.db.write() as s:
        run_daily(s, now)


def take_payments(city: City) -> int:
    """Work on the inbox of webhooks, batch by batch."""
    source = city.extra["providers"]["stripe"]
    return drain(lambda: work_inbox(city.db, source, city.clock.now))


def compare_payments(city: City) -> None:
    """What webhooks left out, of every account; and pages whose end nobody told."""
    reconcile(city.db, city.extra["providers"]["stripe"], city.clock.now)
    ask_pages(city.db, city.clock.now())


def serve(city: City) -> None:
    """Run the tickers until SIGTERM or SIGINT; what has begun is finished first."""
    ticker = BlockingScheduler(timezone="UTC")
    paying = (("payments", take_payments, 1), ("reconcile", compare_payments, 900))
    for name, work, seconds in (
        ("closing", close_due, 1),
        ("sequencer", sequence, 2),
        ("outbox", deliver, 1),
        ("figures", count_figures, 5),
        ("searches", tell_searches, 5),
        ("daily", daily, 900),
        *(paying if "stripe" in city.extra.get("providers", {}) else ()),
    ):
        turn = Backoff(name, lambda work=work: work(city))  # type: ignore[misc]
        # The default grace of one second would drop turns of a busy machine.
        ticker.add_job(
            turn, "interval", seconds=seconds, id=name, max_instances=1, coalesce=True, misfire_grace_time=None
        )
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: threading.Thread(target=ticker.shutdown).start())
    threading.Thread(target=daily, args=(city,), daemon=True).start()
    ticker.start()
