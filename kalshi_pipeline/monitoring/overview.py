"""A store at a glance: rows, last runs, completeness, placeholders, quarantine."""

from dataclasses import dataclass

from kalshi_pipeline.api import ListingRun, Log, Quote, Store, TickRun
from kalshi_pipeline.units import tick_iso_of

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
    "series_fee_changes",
    "event_fee_changes",
    "document_subjects",
)
# Listed here, because the flows that define them are slow to import; a test compares.
LISTED = (
    *("series", "events", "markets", "settlements", "series_fee_changes", "event_fee_changes"),
    *("milestones", "structured_targets", "collections", "incentive_programs", "event_metadata"),
)
# Shown only after their first run, because they are optional.
_ON_DEMAND = ("settlements backfill", "trades", "candlesticks", "order_books")


@dataclass(frozen=True)
class Overview:
    """The contents of the store and its last runs (None if there is no such run yet)."""

    rows: dict[str, int]
    listings: dict[str, ListingRun | None]
    last_tick: TickRun | None
    last_complete_tick: TickRun | None
    tick_states: dict[str, int]
    open_placeholders: dict[str, int]
    quarantined: dict[str, int]
    set_aside: int
    log: Log | None

    @property
    def warnings(self) -> list[str]:
        """The problems that need action, one line each."""
        lines = []
        if self.log is not None and self.log.is_held:
            lines.append(
                f"the log beside the database has {self.log.octets:,} bytes, and could not be merged into it since "
                f"{tick_iso_of(self.log.merged_at)}: another program still reads; let it end its transaction"
            )
        if self.set_aside:
            lines.append(
                f"{self.set_aside:,} rows were set aside, because another program had deleted what they refer to: see "
                "table set_aside_rows"
            )
        return lines


def overview(store: Store) -> Overview:
    """Return the overview of a store."""
    return store.together(_overview)


def _overview(store: Store) -> Overview:
    on_demand = {asset: store.last_listing(asset) for asset in _ON_DEMAND}
    return Overview(
        rows={table: store.count_rows(table) for table in TABLES},
        listings={
            **{asset: store.last_listing(asset) for asset in LISTED},
            **{asset: run for asset, run in on_demand.items() if run is not None},
        },
        last_tick=store.last_tick(),
        last_complete_tick=store.last_complete_tick(),
        tick_states=store.tick_states(),
        open_placeholders={name: found.count for name, found in store.placeholders().items()},
        quarantined=store.count_quarantined(),
        set_aside=store.count_set_aside(),
        log=store.log(),
    )


def example_history(store: Store, limit: int) -> tuple[str, list[Quote]] | None:
    """Return the market with the most stored quotes, and its newest ones; None for an empty store."""
    ticker = store.busiest_market()
    return None if ticker is None else (ticker, store.newest_history(ticker, limit))
