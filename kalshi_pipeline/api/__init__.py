"""The one way to read the stored data: `open_store` and the types that it returns.

All code that shows, checks or analyses stored data reads through this package. Writes, and the look-ups before writes,
are in `ingest` and `store`. Instants are microseconds since 1970 in UTC; methods also accept aware datetimes.
"""

from kalshi_pipeline.api.instants import Instant
from kalshi_pipeline.api.markets import MarketView
from kalshi_pipeline.api.store import Store, open_store
from kalshi_pipeline.store.dialects import Log
from kalshi_pipeline.store.reading.catalogue import MarketDetails, SettledMarket, StoredSettlement
from kalshi_pipeline.store.reading.changes import Change
from kalshi_pipeline.store.reading.completeness import (
    ListingRun,
    Placeholders,
    QuoteFaults,
    StoredRun,
    TickRun,
)
from kalshi_pipeline.store.reading.documents import Details, FieldChange, FieldComparison
from kalshi_pipeline.store.reading.fees import Fee, FeeState
from kalshi_pipeline.store.reading.gaps import Gap, Timing
from kalshi_pipeline.store.reading.ledger import FinishedDay, FinishedDays, LedgerPosition
from kalshi_pipeline.store.reading.market_lists import EventView, ListedMarket
from kalshi_pipeline.store.reading.movers import Mover, Window
from kalshi_pipeline.store.reading.order_books import BookLevel, OrderBook
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import Quote
from kalshi_pipeline.store.reading.trades import StoredTrade

__all__ = [
    "BookLevel",
    "Change",
    "Details",
    "EventView",
    "Fee",
    "FeeState",
    "FieldChange",
    "FieldComparison",
    "FinishedDay",
    "FinishedDays",
    "Gap",
    "Instant",
    "LedgerPosition",
    "ListedMarket",
    "ListingRun",
    "Log",
    "MarketDetails",
    "MarketView",
    "Mover",
    "OrderBook",
    "Placeholders",
    "Quote",
    "QuoteFaults",
    "QuoteState",
    "SettledMarket",
    "Store",
    "StoredRun",
    "StoredSettlement",
    "StoredTrade",
    "TickRun",
    "Timing",
    "Window",
    "open_store",
]
