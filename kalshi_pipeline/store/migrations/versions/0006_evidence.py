"""Spans in which no tick confirms a market, open markets that no listing shows, and more counts of ticks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "unlisted_spans",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("from_tick_id", sa.Integer(), nullable=False),
        sa.Column("to_tick_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_unlisted_spans_market_id")),
        sa.ForeignKeyConstraint(["from_tick_id"], ["ticks.id"], name=op.f("fk_unlisted_spans_from_tick_id")),
        sa.ForeignKeyConstraint(["to_tick_id"], ["ticks.id"], name=op.f("fk_unlisted_spans_to_tick_id")),
        sa.PrimaryKeyConstraint("market_id", "from_tick_id", name=op.f("pk_unlisted_spans")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_unlisted_spans_open",
        "unlisted_spans",
        ["market_id"],
        sqlite_where=sa.text("to_tick_id IS NULL"),
    )
    op.create_table(
        "lost_markets",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_lost_markets_market_id")),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_lost_markets")),
    )
    op.add_column("market_lookups", sa.Column("missing_at", sa.BigInteger(), nullable=True))
    for count in ("out_of_scope", "paused", "unconfirmed", "gone"):
        op.add_column("ticks", sa.Column(count, sa.Integer(), server_default="0", nullable=False))
