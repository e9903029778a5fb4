"""The markets that trades name: those that the store lacks are asked for in both tiers, with their events."""

from collections.abc import Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import NotFoundError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.outcomes import Outcome
from kalshi_pipeline.exchange.pages import Reject
from kalshi_pipeline.exchange.payloads import COMBO_PREFIX
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.ingest.markets import market_row
from kalshi_pipeline.ingest.parents import EventLookup, FetchedEvents, reject_rows
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.store.catalog import (
    insert_orphans,
    merge_events,
    merge_markets,
    stage_markets,
    unknown_events,
)
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.rows import MarketTuple, OrphanRow
from kalshi_pipeline.store.runs import add_to_quarantine, record_lookups
from kalshi_pipeline.units import MICROS_PER_SECOND, now

_ASK_AGAIN = 86_400 * MICROS_PER_SECOND


class TradedMarkets(NamedTuple):
    """Markets that were lacking, with their events; those that no tier gives; and what could not be read."""

    markets: list[MarketTuple]
    events: FetchedEvents
    orphans: list[OrphanRow]
    rejects: list[Reject]


_NONE = TradedMarkets([], FetchedEvents([], [], []), [], [])


class MarketLookup:
    """Fetches the markets that pages name and the store lacks, while no transaction is open; then writes them."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._events = EventLookup(session, report)
        self.asked_since = now() - _ASK_AGAIN
        """Placeholders that were asked for since then are not asked for again."""

    def fetch(self, tickers: Sequence[str], first: Tier) -> TradedMarkets:
        """Ask both tiers for markets, the likelier one first, and for the events that those need."""
        if not tickers:
            return _NONE
        found: dict[str, Outcome] = {}
        rejects: list[Reject] = []
        for tier in sorted(Tier, key=lambda tier: tier is not first):
            missing = [ticker for ticker in tickers if ticker not in found]
            self._ask(missing, tier, found, rejects)
        rows = [market_row(outcome.market) for outcome in found.values()]
        with self._session.database.stage() as connection:
            stage_markets(connection, rows)
            events = unknown_events(connection)
        unreadable = {reject.ticker for reject in rejects}
        orphans = [
            OrphanRow(ticker, ticker.startswith(COMBO_PREFIX), None if ticker in unreadable else now())
            for ticker in tickers
            if ticker not in found
        ]
        return TradedMarkets(rows, self._events.fetch(events), orphans, rejects)

    def _ask(
        self, tickers: Sequence[str], tier: Tier, found: dict[str, Outcome], rejects: list[Reject]
    ) -> None:
        for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
            try:
                for page in self._session.client.tiers.iter_outcomes(
                    tickers[start : start + TICKERS_PER_LOOKUP],
                    tier,
                    walk_seconds=self._session.settings.walk_seconds,
                ):
                    found.update({outcome.ticker: outcome for outcome in page.records})
                    rejects.extend(page.rejects)
            except NotFoundError:  # an exchange without a historical tier
                return

    def merge(self, connection: Connection, page: TradedMarkets) -> int:
        """Write what was fetched, parents first, and placeholders for the rest; give how many those are."""
        if page is _NONE:
            return 0
        seen_at, run = now(), self._report.run
        placeholders = merge_events(connection, page.events.rows, seen_at).placeholders
        placeholders += merge_markets(connection, page.markets, seen_at).placeholders
        placeholders += insert_orphans(connection, page.orphans, seen_at)
        record_lookups(connection, page.events.missing, seen_at)
        add_to_quarantine(connection, run, "events", reject_rows(page.events.rejects), seen_at)
        add_to_quarantine(connection, run, "markets", reject_rows(page.rejects), seen_at)
        return placeholders
