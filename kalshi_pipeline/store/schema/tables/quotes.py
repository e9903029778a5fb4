"""Quotes: changed ones, blocks of unchanged ones, and the latest of each market."""

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from kalshi_pipeline.records import Quote
from kalshi_pipeline.store.dialects.statements import clustered
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables.columns import metadata

QUOTE_COLUMNS = Quote._fields
"""The numbers of a quote; a change of any of them is stored."""

BLOCK_SIZE = 128
"""The number of market keys that a row of `unchanged_blocks` covers. A remainder is one byte and an ASCII character, so
that plain SQL can find it in any version of SQLite.
"""

_RECEIVED_MS = "milliseconds from the tick to the exchange's answer"


def _quote_columns() -> list[Column[Any]]:
    return [
        *record_columns(Quote),
        # Two or three bytes, where an instant takes eight.
        Column(
            "received_ms",
            Integer,
            nullable=False,
            comment=_RECEIVED_MS,
        ),
        Column(
            "is_terminal",
            Boolean,
            nullable=False,
            comment="the market had ended by this tick: its history ends, and its numbers are NULL",
        ),
    ]


price_snapshots = Table(
    "price_snapshots",
    metadata,
    Column(
        "tick_id",
        ForeignKey("ticks.id"),
        primary_key=True,
        comment="the tick at which the quote was taken",
    ),
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that is quoted"),
    *_quote_columns(),
    comment="quotes where they changed, and as keyframes; no row at a complete tick means unchanged",
    # Clustered by tick: a tick appends at the end, however large the table is.
    **clustered(),
)
Index("ix_price_snapshots_market_id_tick_id", price_snapshots.c.market_id, price_snapshots.c.tick_id)

# A row for each market would take ten times the space. Keys of markets have no foreign key here: the market's row of
# price_snapshots, which the quote is in, has it.
unchanged_blocks = Table(
    "unchanged_blocks",
    metadata,
    Column("tick_id", ForeignKey("ticks.id"), primary_key=True, comment="the tick that listed the markets"),
    Column(
        "block",
        Integer,
        primary_key=True,
        comment=f"market_id / {BLOCK_SIZE}, rounded down, the same for all of them",
    ),
    Column("received_ms", Integer, primary_key=True, comment=_RECEIVED_MS),
    Column(
        "remainders",
        LargeBinary,
        nullable=False,
        comment=f"one byte for each market: market_id % {BLOCK_SIZE}",
    ),
    comment="the markets with unchanged quotes at a tick, if every quote is kept; one by one in view unchanged_quotes",
    **clustered(),
)

latest_quotes = Table(
    "latest_quotes",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that is quoted"),
    Column("tick_id", ForeignKey("ticks.id"), nullable=False, comment="the tick of the row"),
    *_quote_columns(),
    comment="the newest row of price_snapshots of each market",
)
