"""One market with its parents, its quote and its settlement, from the store or fetched first."""

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from kalshi_pipeline.api import MarketView, Quote, Store, StoredSettlement
from kalshi_pipeline.cli.answer import Answer, Column, Kind, record
from kalshi_pipeline.cli.answers.quotes import quote_values
from kalshi_pipeline.cli.formats import dollars
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.errors import OtherKindError, UnknownMarketError, UnknownTickerError

if TYPE_CHECKING:
    from kalshi_pipeline.ingest.run.session import Session


def stored_market(asked: Asked, ticker: str) -> Answer:
    """Return a market from the store."""
    with asked.open_store() as store:
        return market_answer(asked, store.market(store.find_ticker(ticker)[1]))


def fetched_market(asked: Asked, ticker: str) -> Answer:
    """Fetch a market, store it with its parents, and return it."""
    from kalshi_pipeline.cli.sessions import print_repairs, reporting_session

    with reporting_session(asked.db) as session:
        quote = fetch_by_any_case(session, ticker)
        view = replace(Store.of(session.database).market(quote.ticker), quote=quote)
        print_repairs(session)
    return market_answer(asked, view)


def store_if_unknown(session: "Session", ticker: str) -> str:
    """Fetch a market that is not stored with exactly this ticker, and return its ticker; errors as in
    `fetch_by_any_case`.

    Raises OtherKindError for the ticker of an event or a series.
    """
    try:
        _, stored = Store.of(session.database).find_ticker(ticker)
    except OtherKindError:
        raise
    except UnknownTickerError:
        stored = None
    return stored if stored == ticker else fetch_by_any_case(session, ticker).ticker


def fetch_by_any_case(session: "Session", ticker: str) -> Quote:
    """Fetch a market, whose ticker may be in any case, and store it with its parents.

    If the exchange does not know it, raises UnknownTickerError if similar tickers are stored, or else
    UnknownMarketError.
    """
    from kalshi_pipeline.ingest.market import fetch_market

    *others, last = dict.fromkeys((ticker, ticker.upper()))
    for spelling in others:
        with contextlib.suppress(UnknownMarketError):
            return fetch_market(session, spelling)
    try:
        return fetch_market(session, last)
    except UnknownMarketError as error:
        try:
            Store.of(session.database).find_ticker(ticker)
        except UnknownTickerError as unknown:
            if unknown.similar:
                raise UnknownTickerError(
                    ticker, f"the exchange does not know {ticker}", unknown.similar
                ) from error
        raise


def market_answer(asked: Asked, view: MarketView) -> Answer:
    """Return a market with its stored parents, its newest quote, and its settlement."""
    market = view.details
    strikes = [
        f"{name} {strike:.15g}"
        for name, strike in (("floor", market.floor_strike), ("cap", market.cap_strike))
        if strike is not None
    ]
    placeholder = (
        "a placeholder: the exchange has not returned it yet" if market.event_is_placeholder else None
    )
    exclusive = {True: "at most one market of the event ends YES", False: "no", None: "unknown"}
    # The category is often also one of the tags.
    kinds = (market.category, market.frequency, *(market.tags or "").split(","))
    values: dict[Column, object] = {
        Column("ticker", Kind.TICKER): market.ticker,
        Column("title"): market.title,
        Column("yes_sub_title"): market.yes_sub_title,
        Column("no_sub_title"): market.no_sub_title,
        Column("event_ticker", Kind.TICKER): market.event_ticker,
        Column("event_title"): ", ".join(filter(None, (market.event_title, placeholder))) or None,
        Column("event_sub_title"): market.event_sub_title,
        Column("series_ticker", Kind.TICKER): market.series_ticker,
        Column("series_title"): market.series_title,
        Column("category"): ", ".join(dict.fromkeys(filter(None, kinds))) or None,
        Column("market_type"): ", ".join(filter(None, (market.market_type, market.collection_ticker)))
        or None,
        Column("strike"): ", ".join(filter(None, (market.strike_type, *strikes))) or None,
        Column("result"): market.result or None,
        Column("settled"): _settled(asked, view.settlement),
        Column("gone"): market.gone_at
        and f"in neither of the exchange's tiers since {asked.written(market.gone_at)}",
        Column("exclusive"): exclusive[market.mutually_exclusive],
        Column("provisional"): "yes: the exchange may delete it" if market.is_provisional else None,
        Column("created_at", Kind.INSTANT): market.created_at,
        Column("open_at", Kind.INSTANT): market.open_at,
        Column("close_at", Kind.INSTANT): market.close_at,
        Column("expected_outcome_at", Kind.INSTANT): market.expected_expiration_at,
        Column("occurrence_at", Kind.INSTANT): market.occurrence_at or market.strike_at,
        Column("rules"): market.rules_primary,
    }
    if view.quote is None:
        return record({**values, Column("status"): market.status}, notes=["no quote is stored yet"])
    return record(values | quote_values(view.quote, market.status))


def _settled(asked: Asked, settlement: StoredSettlement | None) -> str | None:
    if settlement is None:
        return None
    value = settlement.settlement_value
    paid = "value unknown" if value is None else dollars(value)
    settled_at = settlement.settled_at
    at = f"{'-' if settled_at is None else asked.written(settled_at)} ({settlement.settled_at_source})"
    amended = (
        None if settlement.amended_at is None else f"amended (seen {asked.written(settlement.amended_at)})"
    )
    withdrawn = (
        None
        if settlement.withdrawn_at is None
        else f"withdrawn (seen {asked.written(settlement.withdrawn_at)}): no result is in force"
    )
    return ", ".join(filter(None, (settlement.result, paid, at, amended, withdrawn)))
