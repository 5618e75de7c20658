"""Unread notices by their own index"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for whose in ("org_id", "office"):
        these = sa.text(f"read_at IS NULL AND {whose} IS NOT NULL")
        op.create_index(f"ix_notice_unread_{whose}", "notice", [whose], sqlite_where=these, postgresql_where=these)


def downgrade() -> None:
    for whose in ("office", "org_id"):
        op.drop_index(f"ix_notice_unread_{whose}", "notice")
