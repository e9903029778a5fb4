"""The run of each tick, and the shards of the exchange that did not trade then."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("ticks", sa.Column("run_id", sa.Text(), nullable=True))
    op.add_column("ticks", sa.Column("inactive_shards", sa.Text(), nullable=True))
