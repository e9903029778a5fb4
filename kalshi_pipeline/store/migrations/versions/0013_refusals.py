"""Several refusals of a record in quarantine, how often each came, its size, and whether it was stored later."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# Of an earlier refusal it is not known how often it came, and its digest is left blank: the next one is another.
COPY = """
INSERT INTO quarantine (
    id, kind, record_key, digest, bytes, times, run, first_seen_at, last_seen_at, replayed_at, error, raw
)
SELECT
    id, kind, record_key, '', length(CAST(raw AS BLOB)), 1, run, first_seen_at, last_seen_at, NULL,
    CASE WHEN length(error) > 300 THEN substr(error, 1, 299) || '…' ELSE error END, raw
FROM quarantine_before ORDER BY id
"""


def upgrade() -> None:
    op.rename_table("quarantine", "quarantine_before")
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("replayed_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "kind", "record_key", "digest", name=op.f("uq_quarantine_kind_record_key_digest")
        ),
    )
    op.execute(COPY)
    op.drop_table("quarantine_before")
