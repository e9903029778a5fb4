"""The exchange's endpoints as functions that list, look up and fetch.

All data is public and needs no key. `ingest` decides what to request and what to do with it.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.conditions import Conditions, events_of, market_conditions, series_of
from kalshi_pipeline.exchange.cursor_walk import CursorWalk
from kalshi_pipeline.exchange.document_pages import DocumentEndpoint, parse_bare
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.fee_changes import EVENT_FEE_CHANGES, SERIES_FEE_CHANGES, change_id_of
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.markets import MARKETS, OUTCOMES
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.exchange.status import ExchangeStatus, fetch_status
from kalshi_pipeline.exchange.tiers import MARKETS_PAGE, Tiers
from kalshi_pipeline.exchange.transport import BYTES_PER_MB, Answer, AnswerAges, Params, Transport
from kalshi_pipeline.exchange.windows import Window
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.records import Document, Event, EventFeeChange, Market, Outcome, Series, SeriesFeeChange
from kalshi_pipeline.vocabulary import StatusFilter, Tier

Record = TypeVar("Record")

# The largest page of each endpoint, like those in `tiers`; a larger `limit` returns 400.
EVENTS_PAGE = 200
FEE_CHANGES_PAGE = 1000


class KalshiClient:
    """A client of the exchange at one address. Use one for a whole run, as a context manager: it reuses its
    connections.

    A failing request is retried for `retry_seconds`, with growing, jittered pauses, and then raises
    TransientExchangeError. Pauses that the exchange requests (see `waiting_at_most`) come on top. `on_retry` is called
    with one line for each retry, `on_wait` every ten seconds of a longer pause. A response larger than
    `max_response_mb` when decoded counts as a failed attempt.

    Clients with the same `limit_file`, in any process, share one request limit; those with a `share` below 1 together
    get at most that part of it. `transport` is an httpx transport for tests.
    """

    def __init__(
        self,
        api_url: str,
        *,
        requests_per_second: float = 15,
        limit_file: Path | None = None,
        share: float = 1,
        timeout_seconds: float = 30,
        retry_seconds: float = 30,
        max_response_mb: float = 64,
        on_retry: Callable[[str], None] = lambda _: None,
        on_wait: Callable[[str], None] = lambda _: None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._transport = Transport(
            api_url,
            requests_per_second=requests_per_second,
            limit_file=limit_file,
            share=share,
            timeout_seconds=timeout_seconds,
            retry_seconds=retry_seconds,
            most_bytes=round(max_response_mb * BYTES_PER_MB),
            on_retry=on_retry,
            on_wait=on_wait,
            http_transport=transport,
            clock=clock,
        )
        self.tiers = Tiers(self._transport)
        self._retry_seconds = retry_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def requests(self) -> int:
        """The number of requests sent, retries included."""
        return self._transport.requests

    @property
    def retries(self) -> int:
        """The number of retries."""
        return self._transport.retries

    @property
    def too_many(self) -> int:
        """The number of requests refused as too many."""
        return self._transport.too_many

    @property
    def requests_per_second(self) -> float:
        """The request limit in force, per second: for some minutes after a refusal, it is below the setting."""
        return self._transport.rate.requests_per_second

    @property
    def limit_problem(self) -> str | None:
        """Why the request limit is not shared with other processes; None if it is."""
        return self._transport.limit_problem

    @contextlib.contextmanager
    def waiting_at_most(self, seconds: float, at_least_seconds: float | None = None) -> Iterator[None]:
        """Let the requests of a block wait as long as the exchange requests (`Retry-After`), but not past the block's
        time.

        After that, each is still retried for `at_least_seconds`, by default `retry_seconds`.
        """
        least = self._retry_seconds if at_least_seconds is None else at_least_seconds
        with self._transport.waiting_at_most(seconds, least):
            yield

    def take_answer_ages(self) -> AnswerAges:
        """Return the ages of the answers of `/markets` since the last call."""
        return self._transport.take_ages()

    def take_odd_fields(self) -> Counter[str]:
        """Return the counts of unreadable fields since the last call, by the API's names."""
        return self._transport.take_odd_fields()

    def list_markets(
        self,
        *,
        status: StatusFilter,
        mve_filter: str | None,
        series: Sequence[str] = (),
        windows: Sequence[Window] = (),
        at_once: int = 1,
        max_pages: int | None,
        walk_seconds: float,
    ) -> Listing[Market]:
        """Walk `/markets`, newest first: once for each of `series`, in disjoint `windows`, or once for all.

        Up to `at_once` walks run in parallel.
        """
        query: Params = {"limit": MARKETS_PAGE, "status": status.value}
        if mve_filter is not None:
            query["mve_filter"] = mve_filter
        return Listing(
            "/markets",
            self._transport.fetching("/markets", MARKETS.parse, is_cached=True),
            _each(query, series),
            max_pages=max_pages,
            walk_seconds=walk_seconds,
            at_once=at_once,
            windows=[_windowed(query, window) for window in windows],
            conditions=market_conditions(status, mve_filter),
            clock=self._transport.clock,
        )

    def list_events(
        self, *, status: StatusFilter, series: Sequence[str] = (), max_pages: int | None, walk_seconds: float
    ) -> Listing[Event]:
        """Walk `/events`, which never shows the events of combos, once for each of `series` or once for all."""
        query: Params = {"limit": EVENTS_PAGE, "status": status.value}
        return self._listing(
            "/events",
            EVENTS,
            _each(query, series),
            max_pages,
            walk_seconds,
            events_of(series),
            is_confirmed=not series,
        )

    def list_combo_events(self, *, max_pages: int, walk_seconds: float) -> Listing[Event]:
        """Walk `/events/multivariate`: the events of combos in every status, because it takes no status filter."""
        return self._listing(
            "/events/multivariate", EVENTS, [{"limit": EVENTS_PAGE}], max_pages, walk_seconds
        )

    def list_series(self, *, series: Sequence[str] = (), walk_seconds: float) -> Listing[Series]:
        """Read `/series`, which is one body without pages; or only the given `series`, which must all exist."""
        if not series:
            return self._listing("/series", SERIES, [{}], None, walk_seconds)

        def fetch(query: Params, seconds_left: float) -> Answer[Page[Series]]:
            return self._fetch_one(
                _path("series", str(query["series_ticker"])), SERIES, "series", seconds_left
            )

        return Listing(
            "/series",
            fetch,
            _each({}, series),
            max_pages=None,
            walk_seconds=walk_seconds,
            conditions=series_of(series),
            clock=self._transport.clock,
        )

    def list_series_fee_changes(self, *, walk_seconds: float) -> Listing[SeriesFeeChange]:
        """Read `/series/fee_changes`, past and scheduled, in one body. Raises NotFoundError if it is not offered."""
        return self._listing(
            "/series/fee_changes",
            SERIES_FEE_CHANGES,
            [{"show_historical": "true"}],
            None,
            walk_seconds,
            key=change_id_of,
            is_confirmed=True,
        )

    def list_event_fee_changes(
        self, *, max_pages: int | None, walk_seconds: float
    ) -> Listing[EventFeeChange]:
        """Walk `/events/fee_changes`, the changes of overrides. Raises NotFoundError if it is not offered."""
        return self._listing(
            "/events/fee_changes",
            EVENT_FEE_CHANGES,
            [{"limit": FEE_CHANGES_PAGE}],
            max_pages,
            walk_seconds,
            key=change_id_of,
            is_confirmed=True,
        )

    def list_documents(
        self, endpoint: DocumentEndpoint, *, max_pages: int | None, walk_seconds: float
    ) -> Listing[Document]:
        """Walk a listing of documents. Raises NotFoundError if it is not offered."""
        return Listing(
            endpoint.path,
            self._transport.fetching(endpoint.path, endpoint.parse, is_confirmed=True),
            [endpoint.query],
            max_pages=max_pages,
            walk_seconds=walk_seconds,
            clock=self._transport.clock,
        )

    def fetch_event_metadata(self, ticker: str, seconds_left: float) -> Answer[Page[Document]]:
        """Fetch the metadata of an event. Raises NotFoundError if the exchange has none for it, or for any event."""
        return self._transport.fetch(
            f"{_path('events', ticker)}/metadata", {}, lambda body: parse_bare(body, ticker), seconds_left
        )

    def iter_events(
        self, tickers: Sequence[str], seconds_left: float = float("inf")
    ) -> Iterator[ListedPage[Event]]:
        """Look up the events of up to TICKERS_PER_LOOKUP tickers.

        Events that the exchange does not return are omitted; others are omitted and counted. An answer may have several
        pages. A page without any requested event ends the walk, because the exchange ignores `tickers`.
        """
        wanted, missing = frozenset(tickers), set(tickers)
        params: Params = {"limit": EVENTS_PAGE, "tickers": ",".join(tickers)}
        while True:
            answer = self._transport.fetch("/events", params, EVENTS.parse, seconds_left)
            page = answer.content
            new = {event.ticker: event for event in page.records if event.ticker in missing}
            missing -= new.keys()
            unasked = [event.ticker for event in page.records if event.ticker not in wanted]
            out_of_scope = Counter(["tickers"] * len(unasked))
            yield ListedPage(
                list(new.values()),
                page.rejects,
                answer.received_at,
                page.cursor,
                out_of_scope=out_of_scope,
                sources=page.sources,
            )
            if page.cursor is None or not new or not missing:
                return
            params = {**params, "cursor": page.cursor}

    def fetch_series(self, ticker: str) -> ListedPage[Series]:
        """Fetch one series as a page.

        Raises NotFoundError if the exchange does not know it, PayloadError if it returns another.
        """
        return _checked(ticker, self._fetch_one(_path("series", ticker), SERIES, "series"))

    def fetch_event(self, ticker: str, seconds_left: float = float("inf")) -> ListedPage[Event]:
        """Fetch one event, which may be a combo's, as a page; errors as in `fetch_series`."""
        return _checked(ticker, self._fetch_one(_path("events", ticker), EVENTS, "event", seconds_left))

    def fetch_market(self, ticker: str, tier: Tier = Tier.LIVE) -> ListedPage[Outcome]:
        """Fetch one market of a tier, with its outcome, as a page; errors as in `fetch_series`."""
        path, is_live = _path("markets", ticker), tier is Tier.LIVE
        answer = self._fetch_one(
            path if is_live else f"/historical{path}", OUTCOMES, "market", is_cached=is_live
        )
        return _checked(ticker, answer)

    def fetch_exchange_status(self, *, is_uncached: bool = False) -> ExchangeStatus:
        """Request the exchange's status and time, as `fetch_status` does."""
        return fetch_status(self._transport, self._retry_seconds, is_uncached=is_uncached)

    def _listing(
        self,
        path: str,
        reader: PageReader[Record],
        queries: Sequence[Params],
        max_pages: int | None,
        walk_seconds: float,
        conditions: Conditions[Record] = (),
        key: Callable[[Record], str] = attrgetter("ticker"),
        *,
        is_confirmed: bool = False,
    ) -> Listing[Record]:
        return Listing(
            path,
            self._transport.fetching(path, reader.parse, is_confirmed=is_confirmed),
            queries,
            max_pages=max_pages,
            walk_seconds=walk_seconds,
            conditions=conditions,
            key=key,
            clock=self._transport.clock,
        )

    def _fetch_one(
        self,
        path: str,
        reader: PageReader[Record],
        key: str,
        seconds_left: float = float("inf"),
        *,
        is_cached: bool = False,
    ) -> Answer[Page[Record]]:
        return self._transport.fetch(
            path, {}, lambda body: reader.parse_one(body, key), seconds_left, is_cached=is_cached
        )


def _path(kind: str, ticker: str) -> str:
    return f"/{kind}/{quote(ticker, safe='')}"


def _checked(asked: str, answer: Answer[Page[Any]]) -> ListedPage[Any]:
    """Return a single record. Raises PayloadError if the exchange returned another one than requested."""
    (record,) = answer.content.records
    if record.ticker != asked:
        raise PayloadError(
            f"the exchange returned {cut(record.ticker)} instead of {cut(asked)}; check the ticker, and "
            "compare the answer with the API's documentation"
        )
    return ListedPage([record], [], answer.received_at, sources=answer.content.sources)


def _windowed(query: Params, window: Window) -> CursorWalk[Market]:
    return CursorWalk({**query, **window.params()}, lambda market: window.may_hold(market.created_at))


def _each(query: Params, series: Sequence[str]) -> list[Params]:
    return [{**query, "series_ticker": ticker} for ticker in series] or [query]
