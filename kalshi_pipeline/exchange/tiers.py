"""Outcomes, trades, candlesticks and order books of markets, from both of the exchange's tiers.

The live endpoints have markets until about two months after they settle, `/historical/*` has older ones, and
`/historical/cutoff` returns the boundary.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.books import parse_book, parse_books
from kalshi_pipeline.exchange.candlesticks import Candlesticks, parse_batch, parse_market
from kalshi_pipeline.exchange.conditions import Conditions, outcome_conditions, outcomes_of, trades_between
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.exchange.pages import Page, parse_object
from kalshi_pipeline.exchange.payloads import CutoffPayload
from kalshi_pipeline.exchange.trades import TRADES
from kalshi_pipeline.exchange.transport import Answer, Params, Transport
from kalshi_pipeline.records import OrderBook, Outcome, Trade
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import MveFilter, StatusFilter, Tier

Record = TypeVar("Record")

# The largest page of each endpoint; a larger `limit` returns 400.
MARKETS_PAGE = 1000
TRADES_PAGE = 1000
_REMEMBERED_PAGES = 8
CANDLESTICK_TICKERS = 100
MOST_CANDLESTICKS = 10_000
BOOK_TICKERS = 100


_MARKETS = {Tier.LIVE: "/markets", Tier.HISTORICAL: "/historical/markets"}


class Tiers:
    """Requests for past data. Instants are sent as whole seconds, the finest bounds of the exchange."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def fetch_cutoff(self) -> CutoffPayload:
        """Fetch the start of the live tier. Raises NotFoundError if the exchange has no tiers."""
        return self._transport.fetch(
            "/historical/cutoff", {}, lambda body: parse_object(body, None, CutoffPayload)
        ).content

    def iter_outcomes(
        self, tickers: Sequence[str], tier: Tier, *, walk_seconds: float
    ) -> Iterator[ListedPage[Outcome]]:
        """Look up markets of any status by ticker, up to TICKERS_PER_LOOKUP; markets not in the tier are omitted.

        Unrequested markets are omitted and counted. An answer with unrequested markets is walked only while its pages
        also have requested ones, and does not prove that a missing market does not exist. Raises PayloadError if it has
        only unrequested markets.
        """
        path, missing, has_others = _MARKETS[tier], set(tickers), False
        params: Params = {"tickers": ",".join(tickers)}
        for page in self._outcomes(path, params, None, None, walk_seconds, outcomes_of(frozenset(tickers))):
            has_others = has_others or bool(page.out_of_scope)
            missing.difference_update(outcome.ticker for outcome in page.records)
            if has_others and len(missing) == len(tickers):
                raise PayloadError(
                    f"{path} returned only markets that were not requested: the exchange ignores `tickers`; compare "
                    "the answer with the API's documentation"
                )
            yield page
            if has_others and not (page.records and missing):
                return

    def list_settled(
        self,
        *,
        since: int | None,
        mve_filter: str | None,
        series: str | None = None,
        cursor: str | None = None,
        max_pages: int | None = None,
        walk_seconds: float,
    ) -> Listing[Outcome]:
        """List the settled markets of the live tier, of one series or of all, starting at a cursor.

        With `since` (an instant), only markets that settled then or later.
        """
        params: Params = {"status": StatusFilter.SETTLED.value}
        min_settled_ts = None
        if since is not None:
            params["min_settled_ts"] = min_settled_ts = since // MICROS_PER_SECOND - 1  # exclusive
        if series is not None:
            params["series_ticker"] = series
        if mve_filter is not None:
            params["mve_filter"] = mve_filter
        conditions = outcome_conditions(StatusFilter.SETTLED, mve_filter, min_settled_ts)
        return self._outcomes(_MARKETS[Tier.LIVE], params, cursor, max_pages, walk_seconds, conditions)

    def list_historical(
        self,
        *,
        mve_filter: str | None,
        series: str | None = None,
        cursor: str | None = None,
        max_pages: int | None = None,
        walk_seconds: float,
    ) -> Listing[Outcome]:
        """List the markets of the historical tier, of one series or of all, starting at a cursor.

        The endpoint accepts one filter at a time, and of `mve_filter` only `exclude`; the caller applies other filters.
        """
        params: Params = {}
        conditions: Conditions[Outcome] = ()
        if series is not None:
            params["series_ticker"] = series
        elif mve_filter == MveFilter.EXCLUDE:
            params["mve_filter"] = mve_filter
            conditions = outcome_conditions(mve_filter=mve_filter)
        return self._outcomes(_MARKETS[Tier.HISTORICAL], params, cursor, max_pages, walk_seconds, conditions)

    def list_trades(
        self, tier: Tier, *, start: int, end: int, cursor: str | None = None, walk_seconds: float
    ) -> Listing[Trade]:
        """Walk a tier's trades of [start, end), extended by up to three seconds, newest first, starting at a cursor."""
        path = "/markets/trades" if tier is Tier.LIVE else "/historical/trades"
        min_ts, max_ts = start // MICROS_PER_SECOND - 1, -(-end // MICROS_PER_SECOND) + 1
        params: Params = {"limit": TRADES_PAGE, "min_ts": min_ts, "max_ts": max_ts}
        return Listing(
            path,
            self._transport.fetching(path, TRADES.parse, is_confirmed=True),
            [_from(params, cursor)],
            max_pages=None,
            walk_seconds=walk_seconds,
            conditions=trades_between(min_ts, max_ts),
            key=_execution_of,
            time=_traded_at,
            remembered_pages=_REMEMBERED_PAGES,
            clock=self._transport.clock,
        )

    def fetch_candlesticks(
        self, tickers: Sequence[str], *, start: int, end: int, period_minutes: int
    ) -> Answer[Page[Candlesticks]]:
        """Fetch live candlesticks that end in [start, end], of up to CANDLESTICK_TICKERS markets.

        Their tickers can be in a list. Markets that are not in the live tier are omitted. An answer has at most
        MOST_CANDLESTICKS candlesticks.
        """
        params: Params = {"market_tickers": ",".join(tickers), **_range(start, end, period_minutes)}
        return self._transport.fetch("/markets/candlesticks", params, parse_batch)

    def fetch_candlesticks_alone(
        self, ticker: str, series: str, *, start: int, end: int, period_minutes: int
    ) -> Answer[Page[Candlesticks]]:
        """Fetch live candlesticks of one market of a series, whose ticker cannot be in a list.

        Raises NotFoundError if it is not in that tier.
        """
        return self._transport.fetch(
            f"/series/{quote(series, safe='')}/markets/{quote(ticker, safe='')}/candlesticks",
            _range(start, end, period_minutes),
            lambda body: parse_market(body, ticker),
        )

    def fetch_historical_candlesticks(
        self, ticker: str, *, start: int, end: int, period_minutes: int
    ) -> Answer[Page[Candlesticks]]:
        """Fetch a market's candlesticks from the historical tier. Raises NotFoundError if it is not in that tier."""
        return self._transport.fetch(
            f"/historical/markets/{quote(ticker, safe='')}/candlesticks",
            _range(start, end, period_minutes),
            lambda body: parse_market(body, ticker),
        )

    def fetch_order_books(self, tickers: Sequence[str]) -> Answer[Page[OrderBook]]:
        """Fetch the books of up to BOOK_TICKERS markets; unknown markets are omitted."""
        return self._transport.fetch("/markets/orderbooks", {"tickers": list(tickers)}, parse_books)

    def fetch_order_book(self, ticker: str) -> Answer[Page[OrderBook]]:
        """Fetch one market's book. Raises NotFoundError if the exchange does not know it."""
        path = f"/markets/{quote(ticker, safe='')}/orderbook"
        return self._transport.fetch(path, {}, lambda body: parse_book(body, ticker))

    def _outcomes(
        self,
        path: str,
        params: Params,
        cursor: str | None,
        max_pages: int | None,
        walk_seconds: float,
        conditions: Conditions[Outcome],
    ) -> Listing[Outcome]:
        return Listing(
            path,
            self._transport.fetching(
                path, OUTCOMES.parse, is_cached=path == _MARKETS[Tier.LIVE], is_confirmed=True
            ),
            [_from({"limit": MARKETS_PAGE, **params}, cursor)],
            max_pages=max_pages,
            walk_seconds=walk_seconds,
            conditions=conditions,
            remembered_pages=_REMEMBERED_PAGES,
            clock=self._transport.clock,
        )


def _execution_of(trade: Trade) -> str:
    """Return the key of a trade with its price, because a second price under one identifier is not a repetition."""
    return f"{trade.trade_id} {trade.yes_price} {trade.contracts}"


def _traded_at(trade: Trade) -> int:
    return trade.created_at


def _from(params: Params, cursor: str | None) -> Params:
    return params if cursor is None else {**params, "cursor": cursor}


def _range(start: int, end: int, period_minutes: int) -> Params:
    return {
        "start_ts": start // MICROS_PER_SECOND,
        "end_ts": end // MICROS_PER_SECOND,
        "period_interval": period_minutes,
    }
