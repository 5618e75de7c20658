"""Sequencers killed with -9 while writers write: dense, every record once, checkpoints on one line without a fork."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from market.audit import tree
from market.audit.checkpoints import seal
from market.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditLeaf
from market.audit.note import open_note
from market.audit.rules import Deed
from market.audit.sequencer import place
from market.audit.service import record
from market.db import Database
from market.identity.queries import log_signer
from oversight.proofs.service import check_log
from tests.makers import T0, database
from tests.race.city import pause

pytestmark = pytest.mark.race
KILLS = 8


def write(db: Database, n: int, stop: threading.Event) -> None:
    """Transactions of one to five records, a fifth of them thrown away."""
    luck = random.Random(n)
    while not stop.is_set():
        try:
            with db.write() as s:
                for i in range(luck.randint(1, 5)):
                    record(s, Deed.QUESTION_ASKED, T0, "asker", subject=f"w{n}", n=i)
                if luck.random() < 0.2:
                    raise InterruptedError
        except InterruptedError:
            continue


def start(url: str, home: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "DATABASE_URL": url, "TAOZHONGJIE_HOME": str(home)}
    return subprocess.Popen([sys.executable, "-m", "tests.race.sequencing"], env=env, stderr=subprocess.PIPE)


def size(db: Database) -> int:
    with db.read() as s:
        return s.scalar(select(AuditHead.size)) or 0


@pytest.mark.parametrize(("which", "sequencers"), [("sqlite_city", 1), ("postgres_city", 2)])
def test_sequencers_that_are_killed_leave_one_line_of_checkpoints(
    request: pytest.FixtureRequest, tmp_path: Path, which: str, sequencers: int
) -> None:
    url = str(request.getfixturevalue(which))
    db, luck, stop = database(url), random.Random(11), threading.Event()
    writers = [threading.Thread(target=write, args=(db, n, stop)) for n in range(3)]
    for writer in writers:
        writer.start()
    alive = [start(url, tmp_path) for _ in range(sequencers)]
    sizes = []
    try:
        for _ in range(KILLS):
            before = size(db)
            for _ in range(400):
                if size(db) > before:
                    break
                pause(0.05)
            pause(luck.uniform(0.0, 0.25))
            victim = luck.randrange(sequencers)
            alive[victim].kill()
            said = alive[victim].communicate()[1].decode()
            assert alive[victim].returncode == -signal.SIGKILL, said[-2000:]
            sizes.append(size(db))
            alive[victim] = start(url, tmp_path)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
        for process in alive:
            process.kill()
            process.wait()

    assert sizes == sorted(sizes) and len(set(sizes)) > KILLS // 2, "no sequencer worked between the kills"
    for _ in range(200):
        with db.write() as s:
            if not place(s, 0):
                break
    with db.write() as s:
        seal(s, T0, log_signer(s))
    one_line(db)
    db.close()


def one_line(db: Database) -> None:
    """Dense, each record once, and every checkpoint signed, right, and grown from the one before."""
    with db.read() as s:
        entries = s.scalar(select(func.count()).select_from(AuditEntry)) or 0
        placed = list(s.scalars(select(AuditLeaf.entry).where(AuditLeaf.entry.is_not(None))))
        leaves = [
            (seq, bytes(leaf)) for seq, leaf in s.execute(select(AuditLeaf.seq, AuditLeaf.leaf).order_by(AuditLeaf.seq))
        ]
        signer, report = log_signer(s), check_log(s, log_signer(s))
        kept = s.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.size)).all()
    assert [seq for seq, _ in leaves] == list(range(len(leaves)))
    assert len(placed) == len(set(placed)) == entries > 100
    assert report.holds, report.faults
    assert report.checkpoints == len(kept) > KILLS // 2
    at, frontier = 0, ()
    hashes = [leaf for _, leaf in leaves]
    for one in kept:
        grown = tree.grow(at, frontier, hashes[at : one.size])
        at, frontier = grown.size, grown.frontier
        said = open_note(one.note, signer.origin, signer.public)
        assert (said.size, said.root) == (one.size, tree.root_of_frontier(frontier)) == (at, one.root)
