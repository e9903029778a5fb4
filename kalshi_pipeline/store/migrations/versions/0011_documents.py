"""Documents, which keep everything that the exchange says of a record, and the legs of combos."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "document_dictionaries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_dictionaries")),
    )
    op.create_index("ix_document_dictionaries_family", "document_dictionaries", ["kind", "family", "id"])
    op.create_table(
        "document_blocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dictionary_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dictionary_id"],
            ["document_dictionaries.id"],
            name=op.f("fk_document_blocks_dictionary_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_blocks")),
    )
    op.create_table(
        "document_subjects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_subjects")),
        sa.UniqueConstraint("kind", "ticker", name=op.f("uq_document_subjects_kind_ticker")),
    )
    _create_documents("series_documents", "series_id", "series")
    _create_documents("event_documents", "event_id", "events")
    _create_documents("market_documents", "market_id", "markets")
    _create_documents("subject_documents", "subject_id", "document_subjects")
    op.create_table(
        "document_fields",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("week_at", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "week_at", "field", "type", name=op.f("pk_document_fields")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "combo_legs",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("leg_market_id", sa.Integer(), nullable=True),
        sa.Column("leg_ticker", sa.Text(), nullable=True),
        sa.Column("leg_event_ticker", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("settlement_value", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_combo_legs_market_id")),
        sa.ForeignKeyConstraint(["leg_market_id"], ["markets.id"], name=op.f("fk_combo_legs_leg_market_id")),
        sa.PrimaryKeyConstraint("market_id", "position", name=op.f("pk_combo_legs")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_combo_legs_leg_market_id", "combo_legs", ["leg_market_id"])


def _create_documents(name: str, key: str, parent: str) -> None:
    op.create_table(
        name,
        sa.Column(key, sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("block_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint([key], [f"{parent}.id"], name=op.f(f"fk_{name}_{key}")),
        sa.ForeignKeyConstraint(["block_id"], ["document_blocks.id"], name=op.f(f"fk_{name}_block_id")),
        sa.PrimaryKeyConstraint(key, "seen_at", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )
