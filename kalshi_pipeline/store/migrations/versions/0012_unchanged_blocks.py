"""Unchanged quotes in blocks: one row for many markets of a tick, in a tenth of the space."""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

BLOCK_SIZE = 128
TICKS = "SELECT DISTINCT tick_id FROM unchanged_quotes"
MARKETS = "SELECT market_id, received_ms FROM unchanged_quotes WHERE tick_id = :tick_id ORDER BY market_id"


def upgrade() -> None:
    blocks = op.create_table(
        "unchanged_blocks",
        sa.Column("tick_id", sa.Integer(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("received_ms", sa.Integer(), nullable=False),
        sa.Column("remainders", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=op.f("fk_unchanged_blocks_tick_id")),
        sa.PrimaryKeyConstraint("tick_id", "block", "received_ms", name=op.f("pk_unchanged_blocks")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    # One tick is held in memory at a time.
    for tick_id in connection.execute(sa.text(TICKS)).scalars().all():
        remainders: dict[tuple[int, int], bytearray] = defaultdict(bytearray)
        for market_id, received_ms in connection.execute(sa.text(MARKETS), {"tick_id": tick_id}):
            remainders[market_id // BLOCK_SIZE, received_ms].append(market_id % BLOCK_SIZE)
        rows = [
            {"tick_id": tick_id, "block": block, "received_ms": received_ms, "remainders": bytes(of_block)}
            for (block, received_ms), of_block in remainders.items()
        ]
        connection.execute(blocks.insert(), rows)
    _drop_unchanged_quotes(connection)


def _drop_unchanged_quotes(connection: sa.Connection) -> None:
    """Drop the table without writing its pages.

    Some builds of SQLite overwrite what is deleted: all pages would be kept in memory, for the case that the statement
    fails, and written to the log.
    """
    if connection.dialect.name != "sqlite":
        op.drop_table("unchanged_quotes")
        return
    before = connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
    connection.exec_driver_sql("PRAGMA secure_delete = FAST")
    op.drop_table("unchanged_quotes")
    connection.exec_driver_sql(f"PRAGMA secure_delete = {before}")
