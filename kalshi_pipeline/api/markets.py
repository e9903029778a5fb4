"""Markets: single markets with their parents, searches, lists, trades and settlements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kalshi_pipeline.api.arguments import (
    at_most,
    check_flag,
    check_texts,
    check_word,
    counted,
    seconds_of,
)
from kalshi_pipeline.api.instants import Instant, span_of
from kalshi_pipeline.api.source import Queries
from kalshi_pipeline.errors import NoQuoteError, RangeError, UnknownTickerError
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading import catalogue, market_lists, order_books, quotes, tickers, trades
from kalshi_pipeline.store.reading.catalogue import MarketDetails, SettledMarket, StoredSettlement
from kalshi_pipeline.store.reading.market_lists import EventView, ListedMarket
from kalshi_pipeline.store.reading.order_books import OrderBook
from kalshi_pipeline.store.reading.quotes import Quote
from kalshi_pipeline.store.reading.trades import StoredTrade
from kalshi_pipeline.tickers import check_ticker
from kalshi_pipeline.units import MICROS_PER_SECOND, YEAR_10000


@dataclass(frozen=True)
class MarketView:
    """A market with its parents as stored, its newest quote, and its settlement."""

    details: MarketDetails
    quote: Quote | None
    settlement: StoredSettlement | None = None


class MarketQueries(Queries):
    """Reads markets and their events."""

    def market(self, ticker: str) -> MarketView:
        """Return a market with its event, its series, its newest quote and its settlement.

        Raises UnknownTickerError if it is not stored.
        """
        check_ticker(ticker)
        return self._source.ask(lambda connection: _market(connection, ticker, self._clock.now()))

    def latest_quote(self, ticker: str) -> tuple[Quote, str | None]:
        """Return a market's newest quote, as known now, and the market's status.

        Raises UnknownTickerError if the market is not stored, and NoQuoteError if it has no stored quote.
        """
        view = self.market(ticker)
        if view.quote is None:
            raise NoQuoteError(ticker)
        return view.quote, view.details.status

    def find_ticker(self, text: str, kinds: Iterable[str] = ("market",)) -> tuple[str, str]:
        """Return the kind and the stored ticker that `text` names, in any case.

        The kinds are tried in the order market, event, series. Raises UnknownTickerError, which names similar tickers.
        """
        check_ticker(text)
        searched = _known_kinds(kinds)
        return self._source.ask(lambda connection: tickers.find_ticker(connection, text, searched))

    def tickers_to_request(self, written: Sequence[str], kind: str) -> tuple[str, ...]:
        """Return the unique tickers that the exchange is asked for: in capitals if written in lower case, unless they
        are stored like that.
        """
        check_texts(written, "written")
        check_word(kind, "kind", tickers.TABLES)
        return self._source.ask(lambda connection: tickers.tickers_to_request(connection, written, kind))

    def search(self, words: Sequence[str], limit: int = 100, *, is_open: bool = True) -> list[ListedMarket]:
        """Return the plain markets whose tickers or titles, or those of their event or series, contain each word.

        The search ignores case and accents, and matches parts of words; one or two characters match only the beginning
        of a word. Open markets come first (with `is_open`, only these are returned), then whole-word matches, then the
        most traded. Raises RangeError without a word.
        """
        now, most = self._clock.now(), counted(limit)
        check_texts(words, "words")
        check_flag(is_open, "is_open")
        return self._source.ask(
            lambda connection: market_lists.search_markets(connection, words, now, most, is_open=is_open)
        )

    def event(self, ticker: str, at: Instant | None = None) -> EventView:
        """Return an event, by its ticker or that of one of its markets, with the quote of each market at an instant.

        The descriptions are current. Raises UnknownTickerError if it is not stored, and RangeError for an instant after
        now.
        """
        check_ticker(ticker)
        instant = self._clock.now() if at is None else self._past(at)
        return self._source.ask(lambda connection: _event(connection, ticker, instant))

    def closing(self, within_seconds: float, limit: int = 1000) -> list[ListedMarket]:
        """Return the open markets that close within a span from now, soonest first.

        Raises RangeError for an empty span.
        """
        start, most = self._clock.now(), counted(limit)
        end = start + seconds_of(within_seconds, "within_seconds") * MICROS_PER_SECOND
        if not start < end < YEAR_10000:
            raise RangeError(f"a span of {within_seconds:g} s is too long: choose a shorter one")
        return self._source.ask(
            lambda connection: market_lists.closing_markets(connection, start, round(end), most)
        )

    def settled(self, since: Instant, limit: int | None = None) -> list[SettledMarket]:
        """Return the newest `limit` markets that settled since an instant, oldest first.

        Raises RangeError for an instant after now.
        """
        start, most = self._past(since), at_most(limit)
        return self._source.ask(lambda connection: catalogue.settled_since(connection, start, most))

    def trades(
        self, ticker: str, start: Instant, end: Instant, limit: int | None = None
    ) -> list[StoredTrade]:
        """Return the newest `limit` stored trades of a market in [start, end), oldest first.

        Raises UnknownTickerError if the market is not stored, and RangeError if the span is empty.
        """
        check_ticker(ticker)
        (first, last), most = span_of(start, end), at_most(limit)
        return self._source.ask(lambda connection: _trades(connection, ticker, first, last, most))

    def complete_trade_days(self, ticker: str) -> frozenset[str]:
        """Return the UTC days, as YYYY-MM-DD, for which every trade of a market is stored."""
        check_ticker(ticker)
        return self._source.ask(lambda connection: trades.complete_days(connection, ticker))

    def order_book(self, ticker: str) -> OrderBook | None:
        """Return the newest stored order book of a market; None if there is none."""
        check_ticker(ticker)
        return self._source.ask(lambda connection: order_books.newest_book(connection, ticker))


def _market(connection: Connection, ticker: str, now: int) -> MarketView:
    details = catalogue.market_details(connection, ticker)
    if details is None:
        raise UnknownTickerError(ticker)
    quote = next(iter(quotes.latest(connection, ticker, now)), None)
    return MarketView(details, quote, catalogue.settlement_of(connection, ticker))


def _known_kinds(kinds: Iterable[str]) -> list[str]:
    check_texts(kinds, "kinds")
    found = list(kinds)
    for kind in found or [""]:
        check_word(kind, "kind", tickers.TABLES)
    return found


def _event(connection: Connection, ticker: str, at: int) -> EventView:
    found = market_lists.event_view(connection, ticker, at)
    if found is None and (of_market := market_lists.event_of_market(connection, ticker)) is not None:
        found = market_lists.event_view(connection, of_market, at)
    if found is None:
        raise UnknownTickerError(ticker)
    return found


def _trades(
    connection: Connection, ticker: str, start: int, end: int, limit: int | None
) -> list[StoredTrade]:
    if quotes.market_id_of(connection, ticker) is None:
        raise UnknownTickerError(ticker)
    return trades.trades_of(connection, ticker, start, end, limit)
