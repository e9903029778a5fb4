"""Ticks that were taken with a wrong clock, and their rows, where no reader looks."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = {
    "void_ticks": "ticks",
    "void_snapshots": "price_snapshots",
    "void_unchanged_blocks": "unchanged_blocks",
}
REFERRED = {"ticks": "void_ticks.id", "scopes": "scopes.id"}


def upgrade() -> None:
    inspector = sa.inspect(op.get_bind())
    for name, table in TABLES.items():
        # The columns that the table has after the migrations before this one.
        columns = [
            sa.Column(column["name"], column["type"], nullable=column["nullable"])
            for column in inspector.get_columns(table)
        ]
        # Keys of markets are no foreign keys: no index would enforce them.
        keys = [
            sa.ForeignKeyConstraint(
                key["constrained_columns"],
                [REFERRED[key["referred_table"]]],
                name=op.f(f"fk_{name}_{key['constrained_columns'][0]}"),
            )
            for key in inspector.get_foreign_keys(table)
            if key["referred_table"] in REFERRED
        ]
        if name == "void_ticks":
            columns.append(sa.Column("voided_at", sa.BigInteger(), nullable=False))
        op.create_table(
            name,
            *columns,
            *keys,
            sa.PrimaryKeyConstraint(
                *inspector.get_pk_constraint(table)["constrained_columns"], name=op.f(f"pk_{name}")
            ),
            sqlite_with_rowid=name == "void_ticks",
        )
