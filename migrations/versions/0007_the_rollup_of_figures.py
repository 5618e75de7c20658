"""The rollup of figures"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from market.db import DOCUMENT, UTCTime

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:

    op.create_table(
        "figure_cell",
        sa.Column("measure", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("funding", sa.String(length=10), nullable=False),
        sa.Column("category", sa.String(length=12), nullable=False),
        sa.Column("district", sa.String(length=12), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("histogram", DOCUMENT, nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("middle", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "measure", "kind", "month", "method", "funding", "category", "district", name=op.f("pk_figure_cell")
        ),
    )
    with op.batch_alter_table("figure_cell", schema=None) as batch_op:
        batch_op.create_index(
            "ix_figure_cell_months",
            ["measure", "kind", "category", "district", "method", "funding", "month"],
            unique=False,
        )

    op.create_table(
        "figure_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", UTCTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_head")),
    )
    op.create_table(
        "figure_row",
        sa.Column("job_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("job_code", sa.String(length=20), nullable=False),
        sa.Column("contract_code", sa.String(length=20), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("firm_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(length=12), nullable=False),
        sa.Column("district", sa.String(length=12), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("funding", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("baseline", sa.BigInteger(), nullable=True),
        sa.Column("awarded", sa.BigInteger(), nullable=True),
        sa.Column("contracted", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("baseline_days", sa.Integer(), nullable=True),
        sa.Column("days_promised", sa.Integer(), nullable=True),
        sa.Column("days_used", sa.Integer(), nullable=True),
        sa.Column("valid_bids", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("outside", sa.Boolean(), nullable=True),
        sa.Column("cut_awarded", sa.Integer(), nullable=True),
        sa.Column("cut_contracted", sa.Integer(), nullable=True),
        sa.Column("cut_settled", sa.Integer(), nullable=True),
        sa.Column("cut_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_figure_row")),
    )
    with op.batch_alter_table("figure_row", schema=None) as batch_op:
        batch_op.create_index("ix_figure_row_category", ["category", "month", "job_id"], unique=False)
        batch_op.create_index("ix_figure_row_cut_awarded", ["cut_awarded", "job_id"], unique=False)
        batch_op.create_index("ix_figure_row_cut_contracted", ["cut_contracted", "job_id"], unique=False)
        batch_op.create_index("ix_figure_row_cut_days", ["cut_days", "job_id"], unique=False)
        batch_op.create_index("ix_figure_row_cut_settled", ["cut_settled", "job_id"], unique=False)
        batch_op.create_index("ix_figure_row_district", ["district", "month", "job_id"], unique=False)
        batch_op.create_index("ix_figure_row_firm", ["firm_id"], unique=False)
        batch_op.create_index("ix_figure_row_month", ["month", "job_id"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("figure_row", schema=None) as batch_op:
        batch_op.drop_index("ix_figure_row_month")
        batch_op.drop_index("ix_figure_row_firm")
        batch_op.drop_index("ix_figure_row_district")
        batch_op.drop_index("ix_figure_row_cut_settled")
        batch_op.drop_index("ix_figure_row_cut_days")
        batch_op.drop_index("ix_figure_row_cut_contracted")
        batch_op.drop_index("ix_figure_row_cut_awarded")
        batch_op.drop_index("ix_figure_row_category")

    op.drop_table("figure_row")
    op.drop_table("figure_head")
    with op.batch_alter_table("figure_cell", schema=None) as batch_op:
        batch_op.drop_index("ix_figure_cell_months")

    op.drop_table("figure_cell")
