"""Quotes in force at an instant, histories, movers, and the ticks behind them."""

from kalshi_pipeline.api.arguments import check_type, counted, seconds_of
from kalshi_pipeline.api.instants import Instant, micros_of
from kalshi_pipeline.api.source import Queries
from kalshi_pipeline.store.reading import catalogue, history, movers, quotes, taken_ticks
from kalshi_pipeline.store.reading.movers import Mover, Window
from kalshi_pipeline.store.reading.quotes import Quote
from kalshi_pipeline.store.reading.streams import MarketTexts, Selection
from kalshi_pipeline.tickers import check_ticker


class QuoteQueries(Queries):
    """Reads quotes."""

    def quotes(self, at: Instant) -> list[Quote]:
        """Return the quote in force at an instant of each market that was listed then, in no particular order.

        Raises RangeError for an instant after now.
        """
        instant = self._past(at)
        return self._source.ask(lambda connection: quotes.quotes_as_of(connection, instant))

    def market_texts(self, selection: Selection | None) -> MarketTexts:
        """Return the tickers of the selected markets, and of their events and series."""
        if selection is not None:
            check_type(selection, "selection", Selection)
        return self._source.ask(lambda connection: MarketTexts(connection, selection))

    def latest_quotes(self) -> list[Quote]:
        """Return the quote of each listed market as of the newest tick, in no particular order."""
        return self._source.ask(quotes.latest)

    def history(
        self, ticker: str, start: Instant, end: Instant, resample_seconds: float | None = None
    ) -> list[Quote]:
        """Return the history of one market in [start, end), oldest first.

        It starts with the quote in force at `start`, if any, followed by each stored quote as of its tick and each tick
        that ended the history. With `resample_seconds`, return the known quote at start, start + step, ... instead,
        whether the market was listed or not. Raises UnknownTickerError, and RangeError if the span or the grid is
        empty, the grid is too fine, or the end is after now.
        """
        check_ticker(ticker)
        first, last = micros_of(start), self._past(end)
        step = None if resample_seconds is None else seconds_of(resample_seconds, "resample_seconds")
        return self._source.ask(lambda connection: history.history(connection, ticker, first, last, step))

    def newest_history(self, ticker: str, limit: int) -> list[Quote]:
        """Return the newest quotes of a market, at most `limit`, oldest first; empty if none are stored."""
        check_ticker(ticker)
        most = counted(limit)
        return self._source.ask(lambda connection: history.newest_history(connection, ticker, most))

    def movers(self, window_seconds: float, at: Instant | None = None, limit: int = 20) -> list[Mover]:
        """Return the listed markets that moved most in the window that ends `at` an instant, by default the newest
        complete tick.

        Markets are ranked by the absolute change of the midpoint, then of the last price. Raises RangeError for an
        empty window.
        """
        end = None if at is None else self._past(at)
        seconds, most = seconds_of(window_seconds, "window_seconds"), counted(limit)
        return self._source.ask(lambda connection: movers.movers(connection, seconds, end, most))

    def movers_window(self, window_seconds: float) -> Window | None:
        """Return the span that `movers` compares, which ends at the newest complete tick; None without such a tick."""
        seconds = seconds_of(window_seconds, "window_seconds")
        return self._source.ask(lambda connection: movers.window_of(connection, seconds))

    def complete_tick(self, at: Instant) -> int | None:
        """Return the instant of the newest complete tick at or before one; None if there is none."""
        instant = micros_of(at)
        tick = self._source.ask(
            lambda connection: taken_ticks.newest_tick(connection, instant, is_complete=True)
        )
        return None if tick is None else tick.tick_at

    def begins_at(self) -> int | None:
        """Return the instant of the oldest tick with quotes; None if there is none."""
        return self._source.ask(taken_ticks.history_begins_at)

    def busiest_market(self) -> str | None:
        """Return the market with the most stored two-sided quotes; None if there is none."""
        return self._source.ask(catalogue.busiest_market)
