"""One market by its ticker, stored with its parents; and what the store knows of it."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kalshi_pipeline.errors import NotFoundError, UnknownTickerError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.markets import market_row
from kalshi_pipeline.ingest.parents import event_row, series_row
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.store.catalog import merge_events, merge_markets, merge_series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.queries import LatestQuote, latest_quote, market_details
from kalshi_pipeline.store.rows import EventRow, MarketRow, SeriesRow
from kalshi_pipeline.store.settlements import settlement_of
from kalshi_pipeline.store.tables import QUOTE_COLUMNS
from kalshi_pipeline.units import now


@dataclass(frozen=True)
class MarketView:
    """A market with its parents as stored, its newest quote (the exchange's, or else the stored one), and its end."""

    details: Mapping[str, Any]
    quote: LatestQuote | None
    settlement: Mapping[str, Any] | None = None


def fetch_market(session: Session, ticker: str) -> MarketView:
    """Fetch a market and its parents, and store them; a second call changes nothing that has not changed.

    Raises NotFoundError where the exchange does not know the ticker. An event that it does not give becomes a
    marked placeholder.
    """
    answer = session.client.fetch_market(ticker)
    row = MarketRow(*market_row(answer.content))
    events, series = _fetch_parents(session.client, row.event_ticker)
    with session.database.begin() as connection:
        merge_series(connection, series, now())
        merge_events(connection, events, now())
        merge_markets(connection, [row], now())
    stored = stored_market(session.database, row.ticker)
    at = answer.received_at
    quote = {name: getattr(row, name) for name in QUOTE_COLUMNS}
    live = LatestQuote(row.ticker, row.status, tick_at=at, received_at=at, confirmed_at=None, **quote)
    return MarketView(stored.details, live, stored.settlement)


def _fetch_parents(client: KalshiClient, event_ticker: str) -> tuple[list[EventRow], list[SeriesRow]]:
    events: list[EventRow] = []
    series: list[SeriesRow] = []
    with contextlib.suppress(NotFoundError):  # what is not there becomes a marked placeholder
        event = client.fetch_event(event_ticker)
        events.append(event_row(event))
        if event.series_ticker is not None:
            series.append(series_row(client.fetch_series(event.series_ticker)))
    return events, series


def stored_market(database: Database, ticker: str) -> MarketView:
    """Give a market from the store alone; UnknownTickerError where it is not there."""
    with database.read() as connection:
        details = market_details(connection, ticker)
        quote = latest_quote(connection, ticker)
        settlement = settlement_of(connection, ticker)
    if details is None:
        raise UnknownTickerError.of_market(ticker)
    return MarketView(details, quote, settlement)


def stored_quote(database: Database, ticker: str) -> LatestQuote:
    """Give a market's newest stored quote; UnknownTickerError where there is none."""
    quote = stored_market(database, ticker).quote
    if quote is None:
        raise UnknownTickerError(f"{ticker} is stored without a quote: run `kalshi-pipeline snapshot` first")
    return quote
