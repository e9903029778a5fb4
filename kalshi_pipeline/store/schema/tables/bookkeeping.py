"""Bookkeeping: used keys, row counts, rows that were set aside, and quarantined records."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, UniqueConstraint

from kalshi_pipeline.store.dialects.statements import clustered
from kalshi_pipeline.store.schema.tables.columns import id_column, instant_column, metadata

last_ids = Table(
    "last_ids",
    metadata,
    Column("table_name", Text, primary_key=True, comment="a table whose keys are in other tables"),
    Column("last_id", Integer, nullable=False, comment="the largest key ever used"),
    comment="new rows get larger keys, so the key of a row that another program deleted is never reused",
    **clustered(),
)

row_counts = Table(
    "row_counts",
    metadata,
    Column("table_name", Text, primary_key=True, comment="a table"),
    Column("row_count", Integer, nullable=False, comment="rows added to it"),
    comment="row counts of tables that runs report and that take long to count",
    **clustered(),
)

set_aside_rows = Table(
    "set_aside_rows",
    metadata,
    id_column(),
    Column("table_name", Text, nullable=False, comment="the table that the row was in"),
    Column("row", Text, nullable=False, comment="the unchanged row as JSON; bytes are hexadecimal"),
    Column("why", Text, nullable=False, comment="the key without a row, and its table"),
    Column("run", Text, comment="the run that found it, such as ticks/17; NULL outside of a run"),
    instant_column("set_aside_at", "when it was removed, or its key was replaced by NULL"),
    comment="rows set aside because another program deleted the rows that they refer to",
)

quarantine = Table(
    "quarantine",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False, comment="the asset that received it"),
    Column("record_key", Text, nullable=False, comment="its ticker if readable, else a digest of the record"),
    # The same refusal at every tick is one row. What is large comes last: a sum of sizes reads none of it.
    Column(
        "digest",
        Text,
        nullable=False,
        comment="digest of the record and its error",
    ),
    Column("bytes", BigInteger, nullable=False, comment="the size of the record"),
    Column("times", BigInteger, nullable=False, comment="how often it was refused in this form"),
    Column(
        "run", Text, nullable=False, comment="the last run that refused it, such as ticks/17 or listings/4"
    ),
    instant_column("first_seen_at", "when it was first refused"),
    instant_column("last_seen_at", "when it was last refused"),
    instant_column("replayed_at", "when `replay` read it; NULL while it is unreadable", nullable=True),
    Column("error", Text, nullable=False, comment="why it was refused"),
    Column("raw", Text, nullable=False, comment="the unchanged record"),
    UniqueConstraint("kind", "record_key", "digest"),
    comment="records of the exchange that could not be read",
)
