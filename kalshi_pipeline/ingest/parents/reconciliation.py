"""Looks up markets that left the listing, by ticker, until their end is known.

Markets missing from a complete listing are looked up immediately, and a sample of them shows whether the listing was
complete. Markets without a known end are looked up again, ever more rarely.
"""

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import NamedTuple

from kalshi_pipeline.exchange.batches import TICKERS_PER_LOOKUP, ticker_batches
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.parents.lookup import LookedUp, MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.parents.plausibility import contradiction, is_open, sample_of
from kalshi_pipeline.ingest.run.documents import MARKET
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Market, Outcome
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import listed_before
from kalshi_pipeline.store.writing.lookups import (
    Due,
    ListedMarkets,
    Unlisted,
    forget_found,
    mark_gone,
    record_lost,
    record_market_lookups,
)
from kalshi_pipeline.store.writing.runs import add_page
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import STATUSES_OF, MarketStatus, StatusFilter, Tier

# Also limited in time, so that a slow exchange does not delay the next tick.
_MOST_SECONDS = 20.0
# The share of both that is reserved for markets that wait for their result.
_WAITING_SHARE = 5

_MAY_HAVE_MORE = (
    "the listing ended with a full page and has no cursor, not even an empty one: there may be more"
)

Merge = Callable[[Connection, PreparedMarkets], Tally]


def reconcile(
    session: Session,
    report: Report,
    pages: MarketPages,
    listed: ListedMarkets,
    merge: Merge,
    *,
    period_seconds: float,
    everywhere: bool,
    ended_without_cursor: bool = False,
) -> None:
    """Look up markets missing from a complete listing, and markets due again, within KALSHI_RECONCILE_REQUESTS.

    A sample of the vanished markets comes first. If it contradicts the listing, the report becomes partial, and the
    rest is not requested. `merge` stores a page of the run. It also stores open markets of the scope that the listing
    missed; these then count as listed, even if they were gone or had ended. With `everywhere`, markets outside the
    run's scope that are stored as open are due too. A listing that `ended_without_cursor`, with a full page, is partial
    unless a vanished market confirms it. So is a listing much shorter than the last complete one, if no lookup
    succeeds. Failed lookups are left to later runs, with a note.
    """
    scope, at = session.scope(), session.clock.now()
    requests = session.settings.reconcile_requests_within(period_seconds)
    with session.database.stage() as connection:
        unlisted = listed.unlisted(connection, scope)
        due = listed.due(connection, at, requests * TICKERS_PER_LOOKUP, scope, everywhere=everywhere)
    known = {market.ticker for market in unlisted}
    # A market with an unknown status is in both.
    due = [market for market in due if market.ticker not in known]
    vanished = [market for market in unlisted if market.vanished]
    plan = LookupPlan.of(requests, len(unlisted), len(due))
    budget = _Budget(session, plan)
    reconciling = _Reconciling(session, report, pages, merge, budget, unlisted, due)
    sample = sample_of(vanished, at, Random())  # noqa: S311  (nothing secret)
    listed_records = report.tally.new
    reason = reconciling.judge(sample)
    if reason is None and ended_without_cursor and not reconciling.is_answered:
        reason = _MAY_HAVE_MORE
    if reason is None and reconciling.all_failed:
        reason = _why_short(session, report, listed_records)
    if reason is not None:
        report.leave_partial(reason)
    else:
        asked = {market.ticker for market in sample}
        reconciling.look_up([market.ticker for market in unlisted if market.ticker not in asked])
        budget.begin_waiting()
        reconciling.look_up([market.ticker for market in due])
    reconciling.conclude()


def _why_short(session: Session, report: Report, listed: int) -> str | None:
    """Return why a listing is too short to be complete; None if it is not.

    Use it only if no vanished market could be looked up, because ended markets would explain a short listing.
    """
    with session.database.read() as connection:
        before = listed_before(connection, report.run) or 0
    if listed >= before // 2:
        return None
    return (
        f"the listing has {listed:,} records, the last complete one had {before:,}, and the others "
        "could not be looked up"
    )


class LookupPlan(NamedTuple):
    """The requests of a run for markets missing from its listing, and for markets that wait for their result.

    A fifth is reserved for waiting markets if they need it; they also get what the missing ones leave.
    """

    missing: int
    total: int

    @classmethod
    def of(cls, requests: int, missing: int, waiting: int) -> "LookupPlan":
        """Divide the requests of a run between the numbers of `missing` and `waiting` markets."""
        share = min(-(-requests // _WAITING_SHARE), requests // 2)  # a single one goes to `missing`
        kept = min(share, -(-waiting // TICKERS_PER_LOOKUP)) if missing else requests
        return cls(requests - kept, requests)


class _Budget:
    """The requests and the time left for the lookups of one run.

    The live tier may not spend what the historical tier needs; otherwise markets that are only in that tier would never
    be found.
    """

    def __init__(self, session: Session, plan: LookupPlan) -> None:
        self._client, self._clock = session.client, session.clock
        self._plan = plan
        self._first_request = session.client.requests
        self._last_request = self._first_request + plan.missing
        now = self._clock.monotonic()
        self._end = now + _MOST_SECONDS
        is_shared = plan.missing < plan.total
        self._deadline = now + _MOST_SECONDS * (_WAITING_SHARE - is_shared) / _WAITING_SHARE

    def begin_waiting(self) -> None:
        """Continue with the markets that wait for their result."""
        self._last_request = self._first_request + self._plan.total
        self._deadline = self._end

    def seconds_left(self, tier: Tier, missing: Sequence[str]) -> float:
        """Return the seconds that the next batch of a tier may take; 0 if its requests are spent."""
        kept = len(ticker_batches(missing)) if tier is Tier.LIVE else 0
        is_spent = self._client.requests + kept >= self._last_request
        return 0 if is_spent else self._deadline - self._clock.monotonic()


class _Reconciling:
    """Stores the results of one run's lookups."""

    def __init__(
        self,
        session: Session,
        report: Report,
        pages: MarketPages,
        merge: Merge,
        budget: _Budget,
        unlisted: Collection[Unlisted],
        due: Collection[Due],
    ) -> None:
        self._session = session
        self._report = report
        self._pages = pages
        self._merge = merge
        self._budget = budget
        self._stored_status = {market.ticker: market.status for market in unlisted}
        self._covered = {market.ticker for market in due if market.is_covered}
        self._status_of: dict[str, str | None] = {}
        self._lost: list[str] = []
        self.is_answered = False
        """Whether the exchange answered for any market of the sample."""
        self.all_failed = False
        """Whether every request for the sample failed."""

    def judge(self, sample: Sequence[Unlisted]) -> str | None:
        """Look up a sample of vanished markets, and return why it contradicts the listing, if it does."""
        if not sample:
            return None
        lookup = self._ask([market.ticker for market in sample])
        self.is_answered = bool(self._status_of or lookup.gone or lookup.unreadable)
        self.all_failed = bool(lookup.failed) and not self.is_answered
        reason = contradiction(sample, self._status_of, {*lookup.gone, *lookup.failed})
        self._finish(lookup, are_believed=reason is None)
        return reason

    def look_up(self, tickers: Sequence[str]) -> None:
        """Look up markets, and store them."""
        self._finish(self._ask(tickers), are_believed=True)

    def conclude(self) -> None:
        """Note what the lookups found about the listing, and forget lost markets that have ended."""
        with self._session.database.begin() as connection:
            forget_found(connection)
        if lost := self._report.counts["lost_by_listing"]:
            self._report.notes.append(
                f"{lost:,} open markets were missing from the listing and were looked up"
            )

    def _ask(self, tickers: Sequence[str]) -> MarketLookup:
        lookup = MarketLookup(self._session, tickers, seconds_left=self._seconds_left)
        self._lookup, self._lost = lookup, []
        for answer in lookup:
            self._store(answer)
        return lookup

    def _seconds_left(self, tier: Tier) -> float:
        return self._budget.seconds_left(tier, self._lookup.missing)

    def _finish(self, lookup: MarketLookup, *, are_believed: bool) -> None:
        """Record markets that were not found.

        A market that keeps failing is queued behind waiting ones. Only a complete listing makes open markets lost.
        """
        at = self._session.clock.now()
        with self._session.database.begin() as connection:
            record_market_lookups(connection, [*lookup.failed, *lookup.unreadable], at, are_missing=None)
            if are_believed:
                record_lost(connection, self._lost, at)
                gone = Tally(gone=mark_gone(connection, lookup.gone, at))
                record_market_lookups(connection, lookup.gone, at, are_missing=True)
                add_page(connection, self._report.run, gone)
                self._report.tally += gone
        lookup.note_failures(self._report)

    def _store(self, answer: LookedUp) -> None:
        """Store an answer. Open markets that the listing missed are stored as a page of it."""
        page = answer.page
        self._status_of |= {outcome.ticker: outcome.market.status for outcome in page.records}
        alive = [outcome for outcome in page.records if self._is_alive(outcome)]
        others = [outcome for outcome in page.records if not self._is_alive(outcome)]
        if alive:
            markets = [outcome.market for outcome in alive]
            self._store_alive(ListedPage(markets, [], page.received_at, sources=page.sources))
        store_looked_up(self._session, self._report, self._pages, answer, others, are_stored=True)
        found = [outcome.ticker for outcome in page.records]
        with self._session.database.begin() as connection:
            record_market_lookups(connection, found, self._session.clock.now(), are_missing=False)
        self._report.counts["looked_up"] += len(page.records) + len(page.rejects)

    def _is_alive(self, outcome: Outcome) -> bool:
        ticker, status = outcome.ticker, outcome.market.status
        if ticker in self._stored_status:
            return status == MarketStatus.INACTIVE or is_open(status, self._stored_status[ticker])
        return ticker in self._covered and status in STATUSES_OF[StatusFilter.OPEN]

    def _store_alive(self, page: ListedPage[Market]) -> None:
        prepared = self._pages.prepare(page)
        self._session.documents.store_kind(MARKET)
        with self._session.database.begin() as connection:
            tally = Tally(received=len(page.records)) + self._merge(connection, prepared)
            add_page(connection, self._report.run, tally)
        self._report.tally += tally
        # The exchange's documents do not say whether the listing shows a paused market.
        lost = [market.ticker for market in page.records if market.status != MarketStatus.INACTIVE]
        self._lost += lost
        self._report.counts["lost_by_listing"] += len(lost)
