"""Assembly only: what Dagster loads."""

import dagster as dg

from kalshi_pipeline.defs import (
    candlesticks,
    catalogue,
    collect,
    exchange,
    fee_changes,
    field_comparison,
    housekeeping,
    ledger,
    order_books,
    related,
    run_complete,
    settlements,
    snapshots,
    trades,
    window_comparison,
)
from kalshi_pipeline.defs.resources import Pipeline

defs = dg.Definitions.merge(
    exchange.defs,
    catalogue.defs,
    snapshots.defs,
    window_comparison.defs,
    field_comparison.defs,
    settlements.defs,
    fee_changes.defs,
    related.defs,
    collect.defs,
    trades.defs,
    candlesticks.defs,
    order_books.defs,
    run_complete.defs,
    housekeeping.defs,
    ledger.defs,
    dg.Definitions(
        resources={"pipeline": Pipeline()},
        # One process per run: a process per step would import everything again, which takes six seconds.
        executor=dg.in_process_executor,
    ),
)
