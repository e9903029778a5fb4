"""Lists of markets with quotes: by words, of an event, or closing soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, not_, select

from kalshi_pipeline.store.reading.quotes import Quote, quotes_of
from kalshi_pipeline.store.reading.search import IS_OPEN, Searched, words_of
from kalshi_pipeline.store.schema.tables import events, latest_quotes, markets, series
from kalshi_pipeline.store.search_index import EVENT_TEXTS, MARKET_TEXTS, SERIES_TEXTS


class ListedMarket(NamedTuple):
    """A market in a list, with its close and its quote; None if none was known at the instant."""

    ticker: str
    title: str | None
    outcome: str | None
    event_ticker: str
    event_title: str | None
    series_ticker: str | None
    status: str | None
    result: str | None
    close_at: int | None
    quote: Quote | None


@dataclass(frozen=True)
class EventView:
    """An event with its markets and their quotes at an instant."""

    ticker: str
    title: str | None
    sub_title: str | None
    category: str | None
    series_ticker: str | None
    series_title: str | None
    mutually_exclusive: bool | None
    is_placeholder: bool
    markets: Sequence[ListedMarket]


_columns = (
    markets.c.id,
    markets.c.ticker,
    markets.c.title,
    markets.c.yes_sub_title,
    events.c.ticker,
    events.c.title,
    series.c.ticker,
    markets.c.status,
    markets.c.result,
    markets.c.close_at,
)
_listed = select(*_columns).select_from(
    markets.outerjoin(events, events.c.id == markets.c.event_id)
    .outerjoin(series, series.c.id == events.c.series_id)
    .outerjoin(latest_quotes, latest_quotes.c.market_id == markets.c.id)
)
_volume = func.coalesce(latest_quotes.c.volume, 0)
_MARKETS = Searched(
    markets.c.id,
    markets.c.ticker,
    (*SERIES_TEXTS, *EVENT_TEXTS, *MARKET_TEXTS),
    IS_OPEN,
    (-_volume, -markets.c.first_seen_at, markets.c.ticker),
)


def search_markets(
    connection: Connection, texts: Sequence[str], at: int, limit: int, *, is_open: bool = True
) -> list[ListedMarket]:
    """Return the markets, without combos, that have each word in their ticker, or in a title of theirs, their event or
    series.

    `search` defines how words match. Open markets come first, or are the only ones with `is_open`; then those with
    whole words, then the most traded. Raises RangeError for texts without words.
    """
    words = words_of(connection, texts)
    query = _listed.where(not_(markets.c.is_combo), words.may_be_in_event(markets.c.event_id))
    if is_open:
        query = query.where(IS_OPEN)
    return _with_quotes(connection, words.best(connection, query, _MARKETS, limit), at)


def closing_markets(connection: Connection, start: int, end: int, limit: int) -> list[ListedMarket]:
    """Return the open markets that close in [start, end), ordered by close, with their quotes at `start`."""
    query = _listed.where(IS_OPEN, markets.c.close_at >= start, markets.c.close_at < end)
    by_close = query.order_by(markets.c.close_at, _volume.desc(), markets.c.ticker)
    return _with_quotes(connection, connection.execute(by_close.limit(limit)).all(), start)


def event_view(connection: Connection, ticker: str, at: int) -> EventView | None:
    """Return an event with all its markets and their quotes at an instant; None if it is not stored."""
    query = (
        select(
            events.c.ticker,
            events.c.title,
            events.c.sub_title,
            func.coalesce(series.c.category, events.c.category),
            series.c.ticker,
            series.c.title,
            events.c.mutually_exclusive,
            events.c.is_placeholder,
        )
        .select_from(events.outerjoin(series))
        .where(events.c.ticker == ticker)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    of_event = _listed.where(events.c.ticker == ticker)
    found = _with_quotes(connection, connection.execute(of_event.order_by(markets.c.ticker)).all(), at)
    return EventView(*row, markets=found)


def event_of_market(connection: Connection, ticker: str) -> str | None:
    """Return the ticker of a market's event; None if the market is not stored."""
    query = select(events.c.ticker).join(markets, and_(markets.c.event_id == events.c.id))
    return connection.execute(query.where(markets.c.ticker == ticker)).scalar_one_or_none()


def _with_quotes(connection: Connection, rows: Sequence[Sequence[Any]], at: int) -> list[ListedMarket]:
    quotes = {quote.ticker: quote for quote in quotes_of(connection, [row[0] for row in rows], at)}
    return [ListedMarket._make((*row[1:], quotes.get(row[1]))) for row in rows]
