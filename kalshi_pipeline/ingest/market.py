"""One market by its ticker: fetched and stored with its parents, or read from the store."""

import contextlib
from dataclasses import dataclass

from kalshi_pipeline.errors import NoQuoteError, NotFoundError, UnknownTickerError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.parents.outcomes import is_settled, settlement_of_outcome
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Outcome, Series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.catalogue import (
    MarketDetails,
    StoredSettlement,
    market_details,
    settlement_of,
)
from kalshi_pipeline.store.reading.quotes import Quote, latest
from kalshi_pipeline.store.writing.parents import (
    merge_events,
    merge_series,
    merge_staged_markets,
    stage_markets,
)
from kalshi_pipeline.store.writing.settlements import merge_staged_settlements, stage_settlements
from kalshi_pipeline.vocabulary import Tier


@dataclass(frozen=True)
class MarketView:
    """A market with its parents as stored, its newest quote (as fetched, or else as stored), and its settlement."""

    details: MarketDetails
    quote: Quote | None
    settlement: StoredSettlement | None = None


def fetch_market(session: Session, ticker: str) -> MarketView:
    """Fetch a market and its parents, and store them; a second call on the same answers changes nothing.

    Raises NotFoundError if neither of the exchange's tiers knows the ticker. An event that the exchange does not
    return becomes a marked placeholder.
    """
    tier, answer = _fetch_outcome(session.client, ticker)
    outcome = answer.content
    market = outcome.market
    events, series = _fetch_parents(session.client, market.event_ticker)
    settlements = (
        [settlement_of_outcome(outcome, tier, answer.received_at)]
        if is_settled(outcome, is_listed_as_settled=tier is Tier.HISTORICAL)
        else []
    )
    with session.database.begin() as connection:
        merge_series(connection, series, session.clock.now())
        merge_events(connection, events, session.clock.now())
        stage_markets(connection, [market])
        stage_settlements(connection, settlements)
        merge_staged_markets(connection, 1, session.clock.now())
        merge_staged_settlements(connection, len(settlements), session.clock.now())
    stored = stored_market(session.database, market.ticker)
    at = answer.received_at
    live = Quote(
        market.ticker,
        at=at,
        quoted_at=at,
        received_at=at,
        is_listed=True,
        is_observed=True,
        is_tick_complete=False,
        confirmed_at=None,
        **market.quote._asdict(),
    )
    return MarketView(stored.details, live, stored.settlement)


def _fetch_outcome(client: KalshiClient, ticker: str) -> tuple[Tier, Answer[Outcome]]:
    try:
        return Tier.LIVE, client.fetch_market(ticker)
    except NotFoundError:  # it may have settled too long ago for the live tier
        return Tier.HISTORICAL, client.fetch_market(ticker, Tier.HISTORICAL)


def _fetch_parents(client: KalshiClient, event_ticker: str) -> tuple[list[Event], list[Series]]:
    events: list[Event] = []
    series: list[Series] = []
    with contextlib.suppress(NotFoundError):  # what is missing becomes a marked placeholder
        event = client.fetch_event(event_ticker)
        events.append(event)
        if event.series_ticker is not None:
            series.append(client.fetch_series(event.series_ticker))
    return events, series


def stored_market(database: Database, ticker: str) -> MarketView:
    """Return a market from the store alone; raise UnknownTickerError if it is not stored."""
    with database.read() as connection:
        details = market_details(connection, ticker)
        quote = next(iter(latest(connection, ticker)), None)
        settlement = settlement_of(connection, ticker)
    if details is None:
        raise UnknownTickerError(ticker)
    return MarketView(details, quote, settlement)


def stored_quote(database: Database, ticker: str) -> tuple[Quote, str | None]:
    """Return a market's newest stored quote and the market's status; raise NoQuoteError if it has no quote."""
    market = stored_market(database, ticker)
    if market.quote is None:
        raise NoQuoteError(ticker)
    return market.quote, market.details.status
