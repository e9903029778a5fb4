"""Fingerprints of markets' descriptions, sizes of tables that take long to count, and a denser index of trades."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

COUNTED = ("series", "events", "markets", "settlements", "order_books")


def upgrade() -> None:
    op.create_table(
        "market_fingerprints",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_market_fingerprints_market_id")),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_market_fingerprints")),
    )
    # Every market that the exchange has described has a row: one without is damage.
    op.execute(
        "INSERT INTO market_fingerprints (market_id, version) SELECT id, 0 FROM markets WHERE NOT is_placeholder"
    )
    op.create_table(
        "row_counts",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_row_counts")),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_trades_market_id_created_at", "trades")
    op.create_index("ix_trades_market_id_created_at", "trades", ["market_id", sa.text("created_at DESC")])
    for table in COUNTED:
        op.execute(f"INSERT INTO row_counts SELECT '{table}', count(*) FROM {table}")
