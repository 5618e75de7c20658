"""Keep the rollup: after each step of the log (`refresh`), or all of it anew (`rebuild`). Both come to the same.

Nothing here is a source: rows and cells can be thrown away at any time and made again from the rooms below.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Integer, String, and_, case, cast, delete, func, insert, literal, select, text, true, tuple_
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry, AuditHead, AuditLeaf
from market.audit.rules import Deed
from market.contracts.models import Contract
from market.db import insert_for
from market.jobs.models import Job
from oversight.metrics.gathering import COLUMNS, facts_of, gather, place_of
from oversight.metrics.models import FigureCell, FigureHead, FigureRow
from oversight.metrics.rules import FEES, NO_KIND, Cell, Key, Place, counted, read_histogram, rolled_up

T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""Told while a rebuild goes on: what is done, how far, of how much."""
STEP = 5_000
"""Places of the log that one refresh reads."""
JOBS = 100
"""Jobs whose rows are changed together."""
MANY = 500
"""Rows a statement takes."""


def refresh(s: Session, now: datetime) -> int:
    """Bring the rollup up to the log, STEP records at a time; how many were read. 0: it is up to date.

    Reads by place in the log, so it skips nothing that commits late; two schedulers take turns at the head.
    """
    head = _head(s, now)
    size = s.scalar(select(AuditHead.size)) or 0
    until = min(size, head.seq + STEP)
    read = until - head.seq
    if read > 0:
        for some in batches(_touched(s, head.seq, until), JOBS):
            _change(s, some)
        head.seq, head.at = until, now
    return read


def batches(found: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`, in order."""
    rest = iter(found)
    while some := list(islice(rest, size)):
        yield some


def _head(s: Session, now: datetime) -> FigureHead:
    """How far the log was read; the row is locked. Begins at the log's beginning."""
    first = {"id": 1, "seq": 0, "at": now}
    found = select(FigureHead).with_for_update()
    head = s.scalars(found).one_or_none()
    if head is None:
        s.execute(insert_for(s)(FigureHead).values(first).on_conflict_do_nothing(index_elements=["id"]))
        head = s.scalars(found).one()
    return head


_NO_RESULT = (Deed.BID_SEALED, Deed.BID_WITHDRAWN, Deed.BID_CONFIRMED)
"""Deeds that come in thousands while jobs are open and change no figure."""


def _touched(s: Session, since: int, until: int) -> list[int]:
    """The jobs that records of the log are about: by the job's code, its contract's, or the firm it went to."""
    named = (
        select(AuditEntry.subject)
        .join(AuditLeaf, AuditLeaf.entry == AuditEntry.id)
        .where(AuditLeaf.seq >= since, AuditLeaf.seq < until)
        .where(AuditEntry.subject.is_not(None), AuditEntry.deed.not_in(_NO_RESULT))
        .distinct()
    )
    subjects = list(s.scalars(named))
    found: set[int] = set()
    for some in batches(subjects, MANY):
        found |= set(s.scalars(select(Job.id).where(Job.code.in_(some))))
        found |= set(s.scalars(select(Contract.job_id).where(Contract.code.in_(some))))
        firms = [int(text[4:]) for text in some if text and text.startswith("org:") and text[4:].isdigit()]
        if firms:
            found |= set(s.scalars(select(FigureRow.job_id).where(FigureRow.firm_id.in_(firms))))
    return sorted(found)


def _change(s: Session, jobs: Sequence[int]) -> None:
    """Take the old rows of some jobs out of their cells, and put the new ones in."""
    old = {row.job_id: {name: getattr(row, name) for name in COLUMNS} for row in _rows(s, jobs)}
    new = {row["job_id"]: row for row in gather(s, jobs)}
    changed = [job for job in jobs if old.get(job) != new.get(job)]
    if not changed:
        return
    gone = [old[job] for job in changed if job in old]
    come = [new[job] for job in changed if job in new]
    deltas = counted([*((place_of(r), facts_of(r), -1) for r in gone), *((place_of(r), facts_of(r), 1) for r in come)])
    if gone:
        s.execute(delete(FigureRow).where(FigureRow.job_id.in_([r["job_id"] for r in gone])))
    if come:
        s.execute(insert(FigureRow), come)
    _merge(s, {key: cell for key, cell in deltas.items() if cell.n or cell.histogram or cell.price or cell.base})


def _rows(s: Session, jobs: Sequence[int]) -> Iterable[Any]:
    return s.execute(select(*FigureRow.__table__.columns).where(FigureRow.job_id.in_(jobs))).all()


_KEY = (
    FigureCell.measure, FigureCell.kind, FigureCell.month, FigureCell.method, FigureCell.funding, FigureCell.category,
    FigureCell.district,
)  # fmt: skip


def _flat(key: Key) -> tuple[Any, ...]:
    measure, kind, at = key
    return measure, kind, at.month, at.method, at.funding, at.category, at.district


def _merge(s: Session, deltas: Mapping[Key, Cell]) -> None:
    """Add deltas to the stored cells; a cell that comes to nothing is gone."""
    for some in batches(sorted(deltas, key=_flat), MANY):
        named = tuple_(*_KEY).in_([_flat(key) for key in some])
        stored = select(*_KEY, FigureCell.n, FigureCell.price, FigureCell.base, FigureCell.histogram).where(named)
        cells = {
            tuple(row[:7]): Cell(row.n, row.price, row.base, read_histogram(row.histogram)) for row in s.execute(stored)
        }
        whole = []
        for key in some:
            cell = cells.get(_flat(key), Cell())
            cell.merge(deltas[key])
            whole.append((key, cell))
        if cells:
            s.execute(delete(FigureCell).where(named))
        _write(s, ((key, cell) for key, cell in whole if cell.n))


def _write(s: Session, cells: Iterable[tuple[Key, Cell]]) -> None:
    for some in batches(cells, 2_000):
        s.execute(insert(FigureCell), [_stored(key, cell) for key, cell in some])


def _stored(key: Key, cell: Cell) -> dict[str, Any]:
    measure, kind, at = key
    low, middle, high = cell.quartiles() or (0, 0, 0)
    return {
        "measure": measure, "kind": kind, "category": at.category, "district": at.district, "month": at.month,
        "method": at.method, "funding": at.funding, "n": cell.n, "price": cell.price, "base": cell.base,
        "histogram": {str(value): times for value, times in sorted(cell.histogram.items())}, "low": low,
        "middle": middle, "high": high,
    }  # fmt: skip


def rebuild(s: Session, now: datetime, tell: Tell = lambda *_: None) -> int:
    """All rows and cells anew, up to the log as it is; how many rows there are. In one transaction."""
    head = _head(s, now)
    s.execute(delete(FigureRow))
    until = s.scalar(select(AuditHead.size)) or 0
    jobs = list(s.scalars(select(Job.id).where(Job.code.is_not(None)).order_by(Job.id)))
    done = 0
    for some in batches(jobs, MANY):
        rows = gather(s, some)
        if rows:
            s.execute(insert(FigureRow), rows)
        done += len(some)
        tell("rows", done, len(jobs))
    roll_up(s, tell)
    head.seq, head.at = until, now
    return s.scalar(select(func.count()).select_from(FigureRow)) or 0


def roll_up(s: Session, tell: Tell = lambda *_: None) -> None:
    """All cells anew from the rows as they are."""
    if s.get_bind().dialect.name == "postgresql":  # the adding up takes a minute in which nothing is asked
        s.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    s.execute(delete(FigureCell))
    bottom = _bottom(s)
    cells = rolled_up(bottom)
    done = 0
    for some in batches(cells.items(), 10_000):
        _write(s, some)
        done += len(some)
        tell("cells", done, len(cells))


_NONE = literal(NO_KIND, String)
_ENDED = FigureRow.failed.is_(False)
_OFFICIAL = case((and_(FigureRow.kind == "official", FigureRow.baseline > 0), 1), else_=0)
_MEASURED: tuple[tuple[str, Any, Any, Any, Any, Any], ...] = (
    *((fee, FigureRow.kind, cut, getattr(FigureRow, fee), FigureRow.baseline, cut.is_not(None))
      for fee in FEES for cut in (getattr(FigureRow, f"cut_{fee}"),)),
    ("days", _NONE, FigureRow.cut_days, FigureRow.days_used, FigureRow.baseline_days, FigureRow.cut_days.is_not(None)),
    ("bids", _NONE, FigureRow.valid_bids, None, None, true()),
    ("failed", _NONE, cast(FigureRow.failed, Integer), None, None, true()),
    ("outside", _NONE, cast(FigureRow.outside, Integer), None, None, and_(_ENDED, FigureRow.outside.is_not(None))),
    ("covered", _NONE, _OFFICIAL, None, None, _ENDED),
)  # fmt: skip
"""As rules.values_of, for the database: measure, kind, value, the sums of the weighted cut, and which rows count."""


def _bottom(s: Session) -> dict[Key, Cell]:
    """The cells that have every dimension, grouped by the database: a value of a measure in a place comes once."""
    found: dict[Key, Cell] = {}
    for measure, kind, value, price, base, known in _MEASURED:
        places = (FigureRow.category, FigureRow.district, FigureRow.month, FigureRow.method, FigureRow.funding)
        sums = (func.count(), func.sum(price), func.sum(base)) if price is not None else (func.count(),)
        asked = select(*places, kind, value, *sums).where(known).group_by(*places, kind, value)
        for row in s.execute(asked):
            at = Place(*row[:5])
            cell = found.setdefault((measure, str(row[5]), at), Cell())
            number, n = int(row[6]), int(row[7])
            cell.n += n
            cell.histogram[number] = cell.histogram.get(number, 0) + n
            if price is not None:
                cell.price, cell.base = cell.price + int(row[8]), cell.base + int(row[9])
    return found
