"""A published reason of a shortened bid period"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # A plain ALTER, not the batch that makes the table anew: jobs are many, and what refers to them stays.
    op.add_column("job", sa.Column("urgency", sa.String(length=500), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "urgency")
