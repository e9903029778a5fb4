"""Markets that no listing tells of: looked up by their tickers, first in the live tier, then in the historical one.

A listing of open markets says nothing of those that left it. So that none stays open for ever, those that a
complete listing lacks are looked up at once, and those whose end is not known again and again, ever more rarely.
"""

import time
from collections.abc import Callable, Sequence

from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.exchange.markets import Market
from kalshi_pipeline.exchange.outcomes import Outcome
from kalshi_pipeline.exchange.statuses import STATUSES_OF, StatusFilter
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.ingest.markets import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.outcomes import merge_outcomes, prepare_outcomes
from kalshi_pipeline.ingest.parents import reject_rows
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.lookups import (
    ListedMarkets,
    Scope,
    mark_gone,
    record_market_lookups,
)
from kalshi_pipeline.store.rows import Tally
from kalshi_pipeline.store.runs import add_page, add_to_quarantine
from kalshi_pipeline.units import now

OPEN = tuple(status.value for status in STATUSES_OF[StatusFilter.OPEN])
# Beside its budget of requests: an exchange that answers slowly must not keep the next tick waiting.
_MOST_SECONDS = 20.0

Merge = Callable[[Connection, PreparedMarkets], Tally]


def reconcile(
    session: Session,
    report: Report,
    pages: MarketPages,
    listed: ListedMarkets,
    merge: Merge,
    *,
    everywhere: bool,
) -> None:
    """Look up what a complete listing lacks and what is due, within KALSHI_RECONCILE_REQUESTS, oldest first.

    `merge` is the run's own way to store a page: it also stores what is open although the listing lacked it, which
    then counts as listed. With `everywhere`, markets that are stored as open outside of the run's scope are due too.

    A market of neither tier is marked as gone. An exchange that fails leaves the rest to later runs, with a note.
    """
    lookup = _Lookup(session, report, pages, merge)
    scope = Scope(session.combos, session.settings.series)
    most = session.settings.reconcile_requests * TICKERS_PER_LOOKUP
    with session.database.stage() as connection:
        unlisted = listed.unlisted(connection, scope, OPEN)
        due = listed.due(connection, OPEN, now(), most, outside=scope if everywhere else None)
    lookup.unlisted = frozenset(unlisted)
    try:
        missing = lookup.ask([*unlisted, *due], Tier.LIVE)
        lookup.mark_gone(lookup.ask(missing, Tier.HISTORICAL))
    except ExchangeError as error:
        report.notes.append(f"markets are not looked up any more in this run, the next one goes on: {error}")
    if lost := report.counts["lost_by_listing"]:
        report.notes.append(f"{lost:,} markets are open and were lacking in the listing: they were looked up")


class _Lookup:
    def __init__(self, session: Session, report: Report, pages: MarketPages, merge: Merge) -> None:
        self.unlisted: frozenset[str] = frozenset()
        self._session = session
        self._report = report
        self._pages = pages
        self._merge = merge
        requests, most = session.client.requests, session.settings.reconcile_requests
        # A quarter is kept for the historical tier: else what only it has would never be found.
        self._last_request = {
            Tier.LIVE: requests + min(most, max(1, most - -(-most // 4))),
            Tier.HISTORICAL: requests + most,
        }
        self._deadline = time.monotonic() + _MOST_SECONDS

    def ask(self, tickers: Sequence[str], tier: Tier) -> list[str]:
        """Store what a tier has of these markets, and give those that it was asked for and does not have."""
        missing: list[str] = []
        for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
            asked = tickers[start : start + TICKERS_PER_LOOKUP]
            seconds_left = self._deadline - time.monotonic()
            if self._session.client.requests >= self._last_request[tier] or seconds_left <= 0:
                break
            missing += self._ask(asked, tier, seconds_left)
        return missing

    def _ask(self, asked: Sequence[str], tier: Tier, seconds_left: float) -> list[str]:
        known: set[str] = set()
        is_whole = True
        try:
            for page in self._session.client.tiers.iter_outcomes(asked, tier, walk_seconds=seconds_left):
                self._store(page, tier)
                known.update(outcome.ticker for outcome in page.records)
                known.update(reject.ticker for reject in page.rejects if reject.ticker is not None)
                is_whole = is_whole and all(reject.ticker for reject in page.rejects)
        except NotFoundError:
            if tier is Tier.LIVE:
                raise
            # This exchange has no historical tier: there is nowhere else to look.
        with self._session.database.begin() as connection:
            record_market_lookups(connection, asked, now())
        self._report.counts["looked_up"] += len(known)
        # A record that nobody can read, not even its ticker, may be any of them.
        return [ticker for ticker in asked if ticker not in known] if is_whole else []

    def mark_gone(self, tickers: Sequence[str]) -> None:
        """Mark what is nowhere. It is not asked for any more, and is back as soon as a listing shows it."""
        if not tickers:
            return
        at = now()
        with self._session.database.begin() as connection:
            self._report.counts["gone"] += mark_gone(connection, tickers, at)
            record_market_lookups(connection, tickers, at)

    def _store(self, page: ListedPage[Outcome], tier: Tier) -> None:
        lost = [outcome for outcome in page.records if self._is_lost(outcome)]
        others = [outcome for outcome in page.records if not self._is_lost(outcome)]
        if lost:
            self._store_lost(ListedPage([outcome.market for outcome in lost], [], page.received_at))
        rest = ListedPage(others, page.rejects, page.received_at)
        prepared = prepare_outcomes(self._pages, rest, tier, is_told_settled=tier is Tier.HISTORICAL)
        with self._session.database.begin() as connection:
            settled, _ = merge_outcomes(connection, self._pages, prepared)
            rejects = reject_rows(page.rejects)
            add_to_quarantine(connection, self._report.run, self._report.asset, rejects, page.received_at)
        self._report.counts["settled"] += settled.inserted

    def _is_lost(self, outcome: Outcome) -> bool:
        return outcome.market.status in OPEN and outcome.ticker in self.unlisted

    def _store_lost(self, page: ListedPage[Market]) -> None:
        prepared = self._pages.prepare(page)
        with self._session.database.begin() as connection:
            tally = Tally(received=len(page.records)) + self._merge(connection, prepared)
            add_page(connection, self._report.run, tally)
        self._report.tally += tally
        self._report.counts["lost_by_listing"] += len(page.records)
