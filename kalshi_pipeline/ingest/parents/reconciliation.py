"""Markets that are in no listing: looked up by their tickers until their end is known.

A listing of open markets says nothing about those that left it. So that no market stays open for ever, those that are
missing in a complete listing are looked up at once, and those whose end is unknown again and again, ever more rarely.
"""

from collections.abc import Callable, Sequence

from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.ingest.parents.lookup import LookedUp, MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Market, Outcome
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.lookups import (
    ListedMarkets,
    mark_gone,
    record_market_lookups,
)
from kalshi_pipeline.store.writing.runs import add_page
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import STATUSES_OF, StatusFilter, Tier

OPEN = tuple(status.value for status in STATUSES_OF[StatusFilter.OPEN])
# Limited in time as well as in requests: an exchange that answers slowly must not delay the next tick.
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
    """Look up markets missing in a complete listing, and those due again, within KALSHI_RECONCILE_REQUESTS.

    Those that were looked up longest ago come first. `merge` is the run's own way to store a page; it also stores
    markets that are open although the listing missed them, which then count as listed. With `everywhere`, markets
    that are stored as open outside of the run's scope are due too.

    A market that is in neither tier is marked as gone. Lookups that fail are left to later runs, with a note.
    """
    scope = session.scope()
    most = session.settings.reconcile_requests * TICKERS_PER_LOOKUP
    with session.database.stage() as connection:
        unlisted = listed.unlisted(connection, scope)
        due = listed.due(connection, session.clock.now(), most, outside=scope if everywhere else None)
    lookup = MarketLookup(session, [*unlisted, *due], seconds_left=_Budget(session).seconds_left)
    reconciling = _Reconciling(session, report, pages, merge, frozenset(unlisted))
    for answer in lookup:
        reconciling.store(answer)
    # A market that fails again and again goes behind those that wait for their turn.
    reconciling.note_asked([*lookup.failed])
    reconciling.mark_gone(lookup.gone)
    lookup.note_failures(report)
    if lost := report.counts["lost_by_listing"]:
        report.notes.append(f"{lost:,} open markets were missing in the listing and were looked up")


class _Budget:
    """The requests and the time of one run's lookups."""

    def __init__(self, session: Session) -> None:
        self._client, self._clock = session.client, session.clock
        requests, most = session.client.requests, session.settings.reconcile_requests
        # A quarter is kept for the historical tier; otherwise markets that only it has would never be found.
        self._last_request = {
            Tier.LIVE: requests + min(most, max(1, most - -(-most // 4))),
            Tier.HISTORICAL: requests + most,
        }
        self._deadline = self._clock.monotonic() + _MOST_SECONDS

    def seconds_left(self, tier: Tier) -> float:
        """Return how long the next batch of a tier may take; 0 if its requests are spent."""
        is_spent = self._client.requests >= self._last_request[tier]
        return 0 if is_spent else self._deadline - self._clock.monotonic()


class _Reconciling:
    """Stores what the lookups of one run found."""

    def __init__(
        self, session: Session, report: Report, pages: MarketPages, merge: Merge, unlisted: frozenset[str]
    ) -> None:
        self._session = session
        self._report = report
        self._pages = pages
        self._merge = merge
        self._unlisted = unlisted

    def store(self, answer: LookedUp) -> None:
        """Store an answer; markets that are open although the listing missed them are stored as a page of it."""
        page = answer.page
        lost = [outcome for outcome in page.records if self._is_lost(outcome)]
        others = [outcome for outcome in page.records if not self._is_lost(outcome)]
        if lost:
            self._store_lost(ListedPage([outcome.market for outcome in lost], [], page.received_at))
        store_looked_up(self._session, self._report, self._pages, answer, others)
        self.note_asked(answer.asked)
        self._report.counts["looked_up"] += len(page.records) + len(page.rejects)

    def note_asked(self, tickers: Sequence[str]) -> None:
        """Record that these were looked up, with any result."""
        with self._session.database.begin() as connection:
            record_market_lookups(connection, tickers, self._session.clock.now())

    def mark_gone(self, tickers: Sequence[str]) -> None:
        """Mark markets that are in neither tier: they are not looked up again unless a listing shows them again."""
        if not tickers:
            return
        at = self._session.clock.now()
        with self._session.database.begin() as connection:
            self._report.counts["gone"] += mark_gone(connection, tickers, at)
            record_market_lookups(connection, tickers, at)

    def _is_lost(self, outcome: Outcome) -> bool:
        return outcome.market.status in OPEN and outcome.ticker in self._unlisted

    def _store_lost(self, page: ListedPage[Market]) -> None:
        prepared = self._pages.prepare(page)
        with self._session.database.begin() as connection:
            tally = Tally(received=len(page.records)) + self._merge(connection, prepared)
            add_page(connection, self._report.run, tally)
        self._report.tally += tally
        self._report.counts["lost_by_listing"] += len(page.records)
