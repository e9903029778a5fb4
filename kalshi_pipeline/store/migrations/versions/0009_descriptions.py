"""What the exchange says of series, events and markets beside titles and times, and every change of it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# A column that is called a key holds that of a shared text.
KEY = "key"
COLUMNS = {
    "series": {
        "categories": "TEXT",
        "fee_type": "TEXT",
        "fee_multiplier": "BIGINT",
        "settlement_sources_id": KEY,
        "contract_url": "TEXT",
        "contract_terms_url": "TEXT",
        "additional_prohibitions_id": KEY,
        "product_metadata_id": KEY,
        "competition": "TEXT",
        "competition_scope": "TEXT",
        "exchange_index": "BIGINT",
    },
    "events": {
        "strike_period": "TEXT",
        "collateral_return_type": "TEXT",
        "fee_type_override": "TEXT",
        "fee_multiplier_override": "BIGINT",
        "settlement_sources_id": KEY,
        "product_metadata_id": KEY,
        "competition": "TEXT",
        "competition_scope": "TEXT",
        "exchange_index": "BIGINT",
    },
    "markets": {
        "latest_expiration_at": "BIGINT",
        "functional_strike": "TEXT",
        "custom_strike": "TEXT",
        "expiration_value": "TEXT",
        "rules_secondary_id": KEY,
        "price_level_structure": "TEXT",
        "price_ranges_id": KEY,
        "settlement_bounds_type": "TEXT",
        "settlement_floor": "BIGINT",
        "settlement_timer_seconds": "BIGINT",
        "can_close_early": "BOOLEAN",
        "early_close_condition_id": KEY,
        "fee_waiver_expiration_at": "BIGINT",
        "primary_participant_key": "TEXT",
        "exchange_index": "BIGINT",
    },
}
CHANGES = {"series_changes": ("series_id", "series"), "event_changes": ("event_id", "events")}


def upgrade() -> None:
    op.create_table(
        "texts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_texts")),
    )
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            made = f"BIGINT CONSTRAINT fk_{table}_{name} REFERENCES texts (id)" if kind == KEY else kind
            # SQLite adds a foreign key to a table in this form only.
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {made}")
        op.execute(f"ALTER TABLE {table} ADD COLUMN reading INTEGER DEFAULT '0' NOT NULL")
    for table, (key, parent) in CHANGES.items():
        op.create_table(
            table,
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column(key, sa.Integer(), nullable=False),
            sa.Column("seen_at", sa.BigInteger(), nullable=False),
            sa.Column("field", sa.Text(), nullable=False),
            sa.Column("before", sa.Text(), nullable=True),
            sa.Column("after", sa.Text(), nullable=True),
            sa.ForeignKeyConstraint([key], [f"{parent}.id"], name=op.f(f"fk_{table}_{key}")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
        op.create_index(f"ix_{table}_{key}_id", table, [key, "id"])
