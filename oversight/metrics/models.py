"""One row a job that has come to an end, and the rollup of all rows by every set of filters."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base

_CUTS = ("awarded", "contracted", "settled", "days")


class FigureRow(Base):
    """What is measured of one job, as far as it is known. Fen, working days; cuts in permille (metrics.rules.cut).

    `month` is YYYYMM in Beijing of the award that stands, or of the job's failure. `kind` is the baseline's: official |
    ceiling | guide | analogy | none. `contracted` is known once signed, `settled` once everything owed is paid,
    `days_used` once accepted. `firm_id`: whose award it is; what an award of another firm changes is read anew.
    """

    __tablename__ = "figure_row"
    __table_args__ = (
        Index("ix_figure_row_month", "month", "job_id"),
        Index("ix_figure_row_category", "category", "month", "job_id"),
        Index("ix_figure_row_district", "district", "month", "job_id"),
        Index("ix_figure_row_firm", "firm_id"),
        *(Index(f"ix_figure_row_cut_{name}", f"cut_{name}", "job_id") for name in _CUTS),
    )
    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    job_code: Mapped[str] = mapped_column(String(20))
    contract_code: Mapped[str | None] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    firm_id: Mapped[int | None]
    category: Mapped[str] = mapped_column(String(12))
    district: Mapped[str] = mapped_column(String(12))
    month: Mapped[int]
    method: Mapped[str] = mapped_column(String(20))
    funding: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    baseline: Mapped[int | None] = mapped_column(BigInteger)
    awarded: Mapped[int | None] = mapped_column(BigInteger)
    contracted: Mapped[int | None] = mapped_column(BigInteger)
    settled: Mapped[int | None] = mapped_column(BigInteger)
    baseline_days: Mapped[int | None]
    days_promised: Mapped[int | None]
    days_used: Mapped[int | None]
    valid_bids: Mapped[int]
    rounds: Mapped[int]
    failed: Mapped[bool]
    outside: Mapped[bool | None]
    cut_awarded: Mapped[int | None]
    cut_contracted: Mapped[int | None]
    cut_settled: Mapped[int | None]
    cut_days: Mapped[int | None]


class FigureCell(Base):
    """All rows that agree on some dimensions; `*` (month 0) stands for any. `histogram`: value → how many.

    `price` and `base` are the sums the weighted cut is made of, `low`, `middle`, `high` the quartiles in
    quarter-permilles, so that most pages need no histogram. There is a cell for every set of filters, so a page
    reads a few cells however many contracts there are.
    """

    __tablename__ = "figure_cell"
    __table_args__ = (
        Index("ix_figure_cell_months", "measure", "kind", "category", "district", "method", "funding", "month"),
    )
    measure: Mapped[str] = mapped_column(String(12), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    method: Mapped[str] = mapped_column(String(20), primary_key=True)
    funding: Mapped[str] = mapped_column(String(10), primary_key=True)
    category: Mapped[str] = mapped_column(String(12), primary_key=True)
    district: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    price: Mapped[int] = mapped_column(BigInteger)
    base: Mapped[int] = mapped_column(BigInteger)
    histogram: Mapped[dict[str, Any]]
    low: Mapped[int]
    middle: Mapped[int]
    high: Mapped[int]


class FigureHead(Base):
    """How far the rollup has read the log: one row, locked by whoever works. `at`: when it last looked."""

    __tablename__ = "figure_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
