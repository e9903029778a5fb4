"""Settlements that are withdrawn while their markets trade again, and what published results were before."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# A market without a result, as it is stored now: its settlement was taken back when the market last changed.
WITHDRAW = """
UPDATE settlements SET withdrawn_at = (SELECT m.changed_at FROM markets AS m WHERE m.id = settlements.market_id)
WHERE market_id IN (
    SELECT m.id FROM settlements AS s JOIN markets AS m ON m.id = s.market_id
    WHERE m.status IN ('initialized', 'active', 'inactive') OR (m.status = 'closed' AND m.result = '')
)
"""
# Results that changed between two publications, a time without any in between included. Their values were not kept.
AMENDMENTS = """
INSERT INTO settlement_amendments (market_id, seen_at, result_before, result_after)
SELECT market_id, seen_at, result_before, result_after FROM (
    SELECT
        c.id AS id,
        c.market_id AS market_id,
        c.seen_at AS seen_at,
        coalesce(
            nullif(c.before, ''),
            (
                SELECT b.before FROM market_changes AS b
                WHERE b.market_id = c.market_id AND b.id < c.id AND b.field = 'result' AND b.before <> ''
                ORDER BY b.id DESC LIMIT 1
            )
        ) AS result_before,
        c.after AS result_after
    FROM market_changes AS c
    JOIN settlements AS s ON s.market_id = c.market_id
    WHERE c.field = 'result' AND c.after <> ''
) AS changes
WHERE result_before <> result_after
ORDER BY id
"""
AMENDED_AT = """
UPDATE settlements
SET amended_at = (SELECT max(a.seen_at) FROM settlement_amendments AS a WHERE a.market_id = settlements.market_id)
WHERE amended_at IS NULL AND market_id IN (SELECT market_id FROM settlement_amendments)
"""


def upgrade() -> None:
    op.add_column("settlements", sa.Column("withdrawn_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "settlement_amendments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("result_before", sa.Text(), nullable=True),
        sa.Column("result_after", sa.Text(), nullable=True),
        sa.Column("value_before", sa.BigInteger(), nullable=True),
        sa.Column("value_after", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["market_id"], ["markets.id"], name=op.f("fk_settlement_amendments_market_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_amendments")),
    )
    op.create_index("ix_settlement_amendments_market_id_id", "settlement_amendments", ["market_id", "id"])
    op.create_index("ix_markets_gone", "markets", ["gone_at"], sqlite_where=sa.text("gone_at IS NOT NULL"))
    op.create_index(
        "ix_market_lookups_missing",
        "market_lookups",
        ["missing_at"],
        sqlite_where=sa.text("missing_at IS NOT NULL"),
    )
    for statement in (WITHDRAW, AMENDMENTS, AMENDED_AT):
        op.execute(statement)
