"""Changes of the fees of series, and of the fee overrides of events."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "series_fee_changes",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("series_ticker", sa.Text(), nullable=False),
        sa.Column("fee_type", sa.Text(), nullable=True),
        sa.Column("fee_multiplier", sa.BigInteger(), nullable=True),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_series_fee_changes")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_series_fee_changes_series_ticker", "series_fee_changes", ["series_ticker", "scheduled_at"]
    )
    op.create_table(
        "event_fee_changes",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("event_ticker", sa.Text(), nullable=False),
        sa.Column("series_ticker", sa.Text(), nullable=True),
        sa.Column("fee_type_override", sa.Text(), nullable=True),
        sa.Column("fee_multiplier_override", sa.BigInteger(), nullable=True),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_event_fee_changes")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_event_fee_changes_event_ticker", "event_fee_changes", ["event_ticker", "scheduled_at"]
    )
