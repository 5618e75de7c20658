"""100,000 records given their place, with the tree, against plain inserts of the same rows; then proofs and a check.

Bound: the insert that placing needs in any case (the same rows into audit_leaf, 2,000 a transaction), taken in the same
run. Then: the time of a proof at two sizes of the log, which should hardly grow, and of a check of the whole log.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from sqlalchemy import delete, insert, select
from tqdm import tqdm

from benchmarks.parts.engines import on_both
from benchmarks.parts.report import Report, middle
from market.audit.checkpoints import seal
from market.audit.models import AuditEntry, AuditLeaf
from market.audit.rules import Deed
from market.audit.sequencer import BATCH, place
from market.audit.service import XID, entry_values
from market.db import Database
from market.identity.queries import log_signer
from oversight.proofs import queries
from oversight.proofs.service import check_log
from portal.migrate import migrate
from tests.makers import T0, database

RECORDS, FEW, PROOFS = 100_000, 2_000, 200
GOAL = 10.0
"""Seconds for all records: bid-path.md had 2.6 without the tree."""


def write(db: Database, start: int, end: int) -> None:
    """Records without a place."""
    for first in tqdm(range(start, end, BATCH), desc="records", unit="batch", leave=False):
        rows = [
            entry_values(Deed.QUESTION_ASKED, T0, "asker", subject=f"q{i}", n=i) for i in range(first, first + BATCH)
        ]
        with db.write() as s:
            s.execute(insert(AuditEntry).values({} if db.sqlite else {"xid": XID}), rows)


def timed(work: Callable[[], object]) -> float:
    """Seconds of a piece of work."""
    start = perf_counter()
    work()
    return perf_counter() - start


def sequence(db: Database) -> None:
    """Place and sign everything."""
    placed = 1
    while placed:
        with db.write() as s:
            placed = place(s, 0)
    with db.write() as s:
        seal(s, T0, log_signer(s))


def plain(db: Database) -> float:
    """The bound: the leaves alone, into the same table. Seconds; the first time warms the file and is not counted."""
    with db.read() as s:
        leaves = [bytes(leaf) for leaf in s.scalars(select(AuditEntry.leaf).order_by(AuditEntry.id))]
    rows = [{"seq": seq, "entry": None, "leaf": leaf} for seq, leaf in enumerate(leaves)]

    def work() -> None:
        for first in range(0, len(rows), BATCH):
            with db.write() as s:
                s.execute(insert(AuditLeaf), rows[first : first + BATCH])

    seconds = []
    for _ in range(2):
        seconds.append(timed(work))
        with db.write() as s:
            s.execute(delete(AuditLeaf))
    return seconds[-1]


def proof_ms(db: Database) -> float:
    """Milliseconds of one inclusion proof with its statements, middle of many places."""
    with db.read() as s:
        newest = queries.latest(s)
    size = newest.size if newest else 1
    found = []
    for n in range(PROOFS):
        with db.read() as s:
            found.append(timed(lambda n=n, s=s: queries.inclusion(s, n * 7919 % size)) * 1000)  # type: ignore[misc]
    return middle(found)


def measure(name: str, url: str, folder: Path, report: Report) -> None:
    """The figures of one database."""
    db = database(url)
    migrate(db, T0)
    write(db, 0, RECORDS)
    bound = plain(db)
    with db.write() as s:
        kept = select(AuditEntry.id).order_by(AuditEntry.id).offset(FEW).limit(1).scalar_subquery()
        s.execute(delete(AuditEntry).where(AuditEntry.id >= kept))
    sequence(db)
    few = proof_ms(db)
    write(db, FEW, RECORDS)
    seconds = timed(lambda: sequence(db))
    many = proof_ms(db)
    rate, plainly = (RECORDS - FEW) / seconds, RECORDS / bound
    report.say(f"{name}: plain inserts {plainly:,.0f} leaves/s")
    report.say(
        f"{name}: sequenced with tree and checkpoint {rate:,.0f} records/s, {rate / plainly:.2f} of plain inserts"
    )
    report.hold(f"{name}: {RECORDS:,} records placed in {seconds:.1f} s", seconds, most=GOAL)
    report.say(f"{name}: an inclusion proof {few:.2f} ms in {FEW:,} leaves, {many:.2f} ms in {RECORDS:,}")
    with db.read() as s:
        start = perf_counter()
        found = check_log(s, log_signer(s))
        report.say(f"{name}: the whole log checked at {found.places / (perf_counter() - start):,.0f} places/s")
    report.hold(f"{name}: faults {found.count}", found.count, most=0)
    db.close()


if __name__ == "__main__":
    on_both(measure)
