"""A warning for each milestone"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # A plain ALTER, not the batch that makes the table anew: what refers to milestones stays.
    op.add_column("milestone", sa.Column("warned", sa.String(length=10), nullable=True))


def downgrade() -> None:
    op.drop_column("milestone", "warned")
