"""Storing pages of markets, with the events that they refer to."""

from collections.abc import Callable, Sequence
from itertools import product
from operator import attrgetter
from typing import NamedTuple

from kalshi_pipeline.exchange.conditions import SERIES_FILTER
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.tiers import MARKETS_PAGE
from kalshi_pipeline.exchange.windows import Window, windows_between
from kalshi_pipeline.ingest.parents.events import EventLookup, FetchedEvents
from kalshi_pipeline.ingest.run.documents import MARKET
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import keep_unreadable
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.records import Market
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.parents import creation_bounds, series_of_events
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.parents import merge_events, merge_staged_markets
from kalshi_pipeline.store.writing.staged_pages import Staged, stage_listed, stage_markets, unknown_events
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import KNOWN_WORDS, StatusFilter, Tier

_WORDS = ("status", "market_type", "result")
_KNOWN = frozenset(product(*(KNOWN_WORDS[name] for name in _WORDS)))
# Three times as fast as a loop.
_is_mirrored, _has_negative_size = attrgetter("is_mirrored"), attrgetter("has_negative_size")
_words_of: Callable[[Market], tuple[str | None, ...]] = attrgetter(*_WORDS)


class PreparedMarkets(NamedTuple):
    """A page of markets, and the fetched events that it names and the database did not have.

    `rejected` has the tickers of unreadable records, `tier` returned the page, and `staged` describes the rows on the
    writer's connection.
    """

    markets: list[Market]
    events: FetchedEvents
    rejected: list[str]
    received_at: int
    tier: Tier
    staged: Staged


class MarketPages:
    """Stores listed markets with their parents, for both the markets asset and the snapshot.

    With `new_only`, descriptions that equal those of the last listing are not compared with the stored ones.
    """

    def __init__(
        self, session: Session, report: Report, event_lookups: int | None = None, *, new_only: bool = False
    ) -> None:
        self._session = session
        self._new_only = new_only
        self._report = report
        self.clock = session.clock
        self._lookup = EventLookup(session, report, event_lookups)

    def listing(self, status: StatusFilter = StatusFilter.OPEN) -> Listing[Market]:
        """Return the listing of the markets in the configured scope that have this status.

        Open markets are listed in windows if the store is large enough, or several series at once. Other markets are
        few, so they are walked serially.
        """
        if status is StatusFilter.OPEN:
            return list_markets(self._session, known_windows(self._session))
        return list_markets(self._session, [], status, at_once=1)

    def prepare(self, page: ListedPage[Market], tier: Tier = Tier.LIVE) -> PreparedMarkets:
        """Stage a page, and fetch its missing events while no transaction is open.

        Markets of other series than requested are omitted and counted.
        """
        with self._session.database.stage() as connection:
            staged = self._stage(connection, page.records, tier)
            missing = unknown_events(connection) if staged.compared else []
        fetched = self._lookup.fetch(missing)
        markets = page.records
        if page.series:
            markets, fetched = self._of_series(page, fetched)
        if len(markets) < len(page.records):
            page.out_of_scope[SERIES_FILTER] += len(page.records) - len(markets)
            kept = {market.ticker for market in markets}
            page.unasked.extend(market.ticker for market in page.records if market.ticker not in kept)
            with self._session.database.stage() as connection:
                staged = self._stage(connection, markets, tier)
        if staged.repaired:
            self._report.counts["fingerprints_repaired"] += staged.repaired
        self._session.documents.add_page(
            MARKET,
            page,
            staged.fingerprints,
            is_first_only=tier is not Tier.LIVE,
            are_counted=not self._new_only and tier is Tier.LIVE,
        )
        if tier is Tier.LIVE:
            self._session.documents.rely_on(staged.fingerprints)
        self._note_oddities(markets)
        rejected = [reject.ticker for reject in page.rejects if reject.ticker is not None]
        return PreparedMarkets(markets, fetched, rejected, page.received_at, tier, staged)

    def _stage(self, connection: Connection, markets: Sequence[Market], tier: Tier) -> Staged:
        stage = stage_listed if self._new_only and tier is Tier.LIVE else stage_markets
        return stage(connection, markets)

    def _of_series(
        self, page: ListedPage[Market], fetched: FetchedEvents
    ) -> tuple[list[Market], FetchedEvents]:
        """Return the markets and events that may belong to the requested series; tickers do not show the series."""
        with self._session.database.read() as connection:
            named = list({market.event_ticker for market in page.records})
            series: dict[str, str | None] = {**series_of_events(connection, named)}
        series |= {event.ticker: event.series_ticker for event in fetched.rows}
        wanted = {None, *page.series}
        markets = [market for market in page.records if series.get(market.event_ticker) in wanted]
        events = [event for event in fetched.rows if event.series_ticker in wanted]
        return markets, fetched._replace(rows=events)

    def merge(self, connection: Connection, page: PreparedMarkets) -> Tally:
        """Write the page, parents first. A parent that could not be fetched becomes a placeholder."""
        seen_at = self.clock.now()
        parents = merge_events(connection, page.events.rows, seen_at) if page.events.rows else Tally()
        is_live = page.tier is Tier.LIVE
        tally = merge_staged_markets(
            connection, page.staged, seen_at, are_listed=is_live, have_documents=is_live
        )
        if page.events.missing:
            record_event_lookups(connection, page.events.missing, seen_at)
        keep_unreadable(self._session, self._report, connection, "events", page.events.rejects, seen_at)
        return tally + Tally(placeholders=parents.placeholders, healed=parents.healed)

    def _note_oddities(self, markets: Sequence[Market]) -> None:
        """Count unknown words, and quotes with negative sizes or sides that do not mirror."""
        self._report.unmirrored += list(map(_is_mirrored, markets)).count(False)
        self._report.negative_sizes += list(map(_has_negative_size, markets)).count(True)
        if _KNOWN.issuperset(map(_words_of, markets)):
            return
        for name, known in KNOWN_WORDS.items():
            words = (getattr(market, name) for market in markets)
            self._report.unknown_words.update(cut(f"{name}={word}") for word in words if word not in known)


def known_windows(session: Session) -> list[Window]:
    """Return windows with about equal numbers of stored markets, at least a page each.

    Returns none if the store is small, if the scope names series, or if KALSHI_WINDOWS is 1.
    """
    settings = session.settings
    if settings.series or settings.windows == 1:
        return []
    with session.database.read() as connection:
        bounds = creation_bounds(connection, settings.windows, session.scope().kinds, at_least=MARKETS_PAGE)
    return windows_between(bounds)


def list_markets(
    session: Session,
    windows: Sequence[Window],
    status: StatusFilter = StatusFilter.OPEN,
    at_once: int | None = None,
) -> Listing[Market]:
    """Begin a walk over every market of the configured scope with a status: in windows, by series, or in one walk.

    Up to `at_once` walks run in parallel, by default KALSHI_WINDOWS.
    """
    settings = session.settings
    return session.client.list_markets(
        status=status,
        mve_filter=session.mve_filter,
        series=settings.series,
        windows=windows,
        at_once=at_once or settings.windows,
        max_pages=settings.max_pages,
        walk_seconds=settings.walk_seconds,
    )
