"""A store at a glance: rows, last runs, completeness, placeholders, quarantine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.queries import (
    busiest_market,
    count_quarantined,
    count_rows,
    last_complete_tick,
    last_listing,
    last_tick,
    placeholders,
    stored_history,
    tick_states,
)

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
    """Counts, and rows of `listings` and `ticks` as stored (None if there is no such run yet)."""

    rows: dict[str, int]
    listings: dict[str, Mapping[str, Any] | None]
    last_tick: Mapping[str, Any] | None
    last_complete_tick: Mapping[str, Any] | None
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


def example_history(database: Database, limit: int) -> tuple[str, list[dict[str, Any]]] | None:
    """Return the market with the most stored quotes, and its newest ones; None for an empty store."""
    with database.read() as connection:
        ticker = busiest_market(connection)
        return None if ticker is None else (ticker, stored_history(connection, ticker, limit))
