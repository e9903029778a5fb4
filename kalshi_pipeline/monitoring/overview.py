"""A store at a glance: rows, last runs, completeness, placeholders, quarantine."""

from dataclasses import dataclass

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.catalogue import busiest_market
from kalshi_pipeline.store.reading.completeness import (
    ListingRun,
    TickRun,
    count_quarantined,
    count_rows,
    last_complete_tick,
    last_listing,
    last_tick,
    placeholders,
    tick_states,
)
from kalshi_pipeline.store.reading.history import newest_history
from kalshi_pipeline.store.reading.quotes import Quote

TABLES = (
    "series",
    "events",
    "markets",
    "ticks",
    "price_snapshots",
    "latest_quotes",
    "market_changes",
    "settlements",
    "trades",
    "candlesticks",
    "order_books",
)
LISTED = ("series", "events", "markets", "settlements")
# Shown only after their first run: not everyone collects them.
_ON_DEMAND = ("settlements backfill", "trades", "candlesticks", "order_books")


@dataclass(frozen=True)
class Overview:
    """What the store holds, and its last runs (None if there is no such run yet)."""

    rows: dict[str, int]
    listings: dict[str, ListingRun | None]
    last_tick: TickRun | None
    last_complete_tick: TickRun | None
    tick_states: dict[str, int]
    open_placeholders: dict[str, int]
    quarantined: dict[str, int]


def overview(database: Database) -> Overview:
    """Return the overview of a store."""
    with database.read() as connection:
        on_demand = {asset: last_listing(connection, asset) for asset in _ON_DEMAND}
        return Overview(
            rows={table: count_rows(connection, table) for table in TABLES},
            listings={
                **{asset: last_listing(connection, asset) for asset in LISTED},
                **{asset: run for asset, run in on_demand.items() if run is not None},
            },
            last_tick=last_tick(connection),
            last_complete_tick=last_complete_tick(connection),
            tick_states=tick_states(connection),
            open_placeholders={name: found.count for name, found in placeholders(connection).items()},
            quarantined=count_quarantined(connection),
        )


def example_history(database: Database, limit: int) -> tuple[str, list[Quote]] | None:
    """Return the market with the most stored quotes, and its newest ones; None for an empty store."""
    with database.read() as connection:
        ticker = busiest_market(connection)
        return None if ticker is None else (ticker, newest_history(connection, ticker, limit))
