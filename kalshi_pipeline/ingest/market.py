"""One market by its ticker, stored with its parents; and what the store knows of it."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kalshi_pipeline.errors import NoQuoteError, NotFoundError, UnknownTickerError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.outcomes import Outcome
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.parents.events import event_row, series_row
from kalshi_pipeline.ingest.parents.market_pages import market_row
from kalshi_pipeline.ingest.parents.outcomes import is_settled, settlement_row
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.queries import LatestQuote, latest_quote, market_details
from kalshi_pipeline.store.rows import EventRow, MarketRow, SeriesRow
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS
from kalshi_pipeline.store.writing.parents import (
    merge_events,
    merge_series,
    merge_staged_markets,
    stage_markets,
)
from kalshi_pipeline.store.writing.settlements import (
    merge_staged_settlements,
    settlement_of,
    stage_settlements,
)


@dataclass(frozen=True)
class MarketView:
    """A market with its parents as stored, its newest quote (the exchange's, or else the stored one), and its end."""

    details: Mapping[str, Any]
    quote: LatestQuote | None
    settlement: Mapping[str, Any] | None = None


def fetch_market(session: Session, ticker: str) -> MarketView:
    """Fetch a market and its parents, and store them; a second call changes nothing that has not changed.

    Raises NotFoundError where neither of the exchange's tiers knows the ticker. An event that it does not give
    becomes a marked placeholder.
    """
    tier, answer = _fetch_outcome(session.client, ticker)
    outcome = answer.content
    row = MarketRow(*market_row(outcome.market))
    events, series = _fetch_parents(session.client, row.event_ticker)
    settlements = (
        [settlement_row(outcome, tier, answer.received_at)]
        if is_settled(outcome, is_told_settled=tier is Tier.HISTORICAL)
        else []
    )
    with session.database.begin() as connection:
        merge_series(connection, series, session.clock.now())
        merge_events(connection, events, session.clock.now())
        stage_markets(connection, [row])
        stage_settlements(connection, settlements)
        merge_staged_markets(connection, 1, session.clock.now())
        merge_staged_settlements(connection, len(settlements), session.clock.now())
    stored = stored_market(session.database, row.ticker)
    at = answer.received_at
    quote = {name: getattr(row, name) for name in QUOTE_COLUMNS}
    live = LatestQuote(row.ticker, row.status, tick_at=at, received_at=at, confirmed_at=None, **quote)
    return MarketView(stored.details, live, stored.settlement)


def _fetch_outcome(client: KalshiClient, ticker: str) -> tuple[Tier, Answer[Outcome]]:
    try:
        return Tier.LIVE, client.fetch_market(ticker)
    except NotFoundError:  # it may have settled so long ago that the live tier shows it no more
        return Tier.HISTORICAL, client.fetch_market(ticker, Tier.HISTORICAL)


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
        raise UnknownTickerError(ticker)
    return MarketView(details, quote, settlement)


def stored_quote(database: Database, ticker: str) -> LatestQuote:
    """Give a market's newest stored quote; NoQuoteError where there is none."""
    quote = stored_market(database, ticker).quote
    if quote is None:
        raise NoQuoteError(ticker)
    return quote
