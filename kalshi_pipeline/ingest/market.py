"""One market by its ticker: fetched, and stored with its parents."""

import contextlib

from kalshi_pipeline.errors import NotFoundError, UnknownMarketError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.parents.outcomes import is_published, settlement_of_outcome
from kalshi_pipeline.ingest.run.clock_check import check_clock
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Outcome, Series
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import Quote
from kalshi_pipeline.store.writing.parents import merge_events, merge_series, merge_staged_markets
from kalshi_pipeline.store.writing.settlements import merge_staged_settlements, stage_settlements
from kalshi_pipeline.store.writing.staged_pages import stage_markets
from kalshi_pipeline.vocabulary import Tier


@repairing
def fetch_market(session: Session, ticker: str) -> Quote:
    """Fetch a market and its parents, store them, and return the market's quote, which is not stored.

    A second call with the same answers changes nothing. An event that the exchange does not return becomes a
    placeholder. Raises UnknownMarketError if neither of the exchange's tiers knows the ticker, ClockError if the clock
    is wrong.
    """
    with session.client.waiting_at_most(session.settings.walk_seconds):
        check_clock(session)
        tier, answer = _fetch_outcome(session.client, ticker)
        outcome = answer.record
        market = outcome.market
        events, series = _fetch_parents(session.client, market.event_ticker)
    settlements = (
        [settlement_of_outcome(outcome, tier, answer.received_at)]
        if is_published(outcome, is_listed_as_settled=tier is Tier.HISTORICAL)
        else []
    )
    with session.database.begin() as connection:
        merge_series(connection, series, session.clock.now())
        merge_events(connection, events, session.clock.now())
        staged = stage_markets(connection, [market])
        stage_settlements(connection, settlements)
        merge_staged_markets(connection, staged, session.clock.now(), are_listed=False)
        merge_staged_settlements(connection, len(settlements), session.clock.now())
    at = answer.received_at
    return Quote(
        market.ticker,
        at=at,
        quoted_at=at,
        received_at=at,
        is_listed=True,
        state=QuoteState.OBSERVED,
        is_observed=True,
        is_tick_complete=False,
        confirmed_at=None,
        # The exchange writes 0 before the first trade.
        **market.quote._replace(last_price=market.quote.last_price or None)._asdict(),
    )


def _fetch_outcome(client: KalshiClient, ticker: str) -> tuple[Tier, ListedPage[Outcome]]:
    try:
        return Tier.LIVE, client.fetch_market(ticker)
    except NotFoundError:  # it may have left the live tier
        pass
    try:
        return Tier.HISTORICAL, client.fetch_market(ticker, Tier.HISTORICAL)
    except NotFoundError as error:
        raise UnknownMarketError(str(error), error.status) from error


def _fetch_parents(client: KalshiClient, event_ticker: str) -> tuple[list[Event], list[Series]]:
    events: list[Event] = []
    series: list[Series] = []
    with contextlib.suppress(NotFoundError):  # a missing parent becomes a placeholder
        event = client.fetch_event(event_ticker).record
        events.append(event)
        if event.series_ticker is not None:
            series += client.fetch_series(event.series_ticker).records
    return events, series
