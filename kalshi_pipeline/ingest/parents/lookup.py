"""Looks up markets by ticker in both of the exchange's tiers, and stores them.

Callers decide which markets to look up.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError, NotFoundError, PayloadError
from kalshi_pipeline.exchange.batches import can_be_listed
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.parents.outcomes import merge_outcomes, prepare_outcomes
from kalshi_pipeline.ingest.run.documents import MARKET
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.ticker_batches import TickerBatches
from kalshi_pipeline.ingest.run.unreadable import keep_unreadable
from kalshi_pipeline.records import Outcome
from kalshi_pipeline.store.writing.runs import add_page
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import Tier

# Markets move only from the live tier to the historical one. A lookup that begins with the historical tier therefore
# queries it again at the end: a market that moved in between would otherwise seem to be in neither.
_ORDER = {
    Tier.LIVE: (Tier.LIVE, Tier.HISTORICAL),
    Tier.HISTORICAL: (Tier.HISTORICAL, Tier.LIVE, Tier.HISTORICAL),
}


class LookedUp(NamedTuple):
    """One tier's answer for a batch of markets."""

    tier: Tier
    page: ListedPage[Outcome]


class MarketLookup:
    """Looks up markets by ticker in batches, first in the tier `first`, then the missing ones in the other.

    Iterate it once for its answers. Afterwards each market without an answer is in `gone` (neither tier has it), in
    `failed` with the error of its request, in `unreadable`, or in `unasked` (`seconds_left` allowed no more time, or
    the exchange is down). A failing batch does not affect the others.
    """

    def __init__(
        self,
        session: Session,
        tickers: Sequence[str],
        *,
        first: Tier = Tier.LIVE,
        seconds_left: Callable[[Tier], float] | None = None,
    ) -> None:
        self.gone: list[str] = []
        self.failed: dict[str, ExchangeError] = {}
        self.unreadable: set[str] = set()
        self.unasked: list[str] = []
        self.missing: list[str] = []
        """The markets that the current tier does not have, so far."""
        self._session = session
        self._tickers = tickers
        self._first = first
        self._seconds_left = seconds_left or (lambda _: session.settings.walk_seconds)

    def __iter__(self) -> Iterator[LookedUp]:
        missing = self._tickers
        for tier in _ORDER[self._first]:
            missing = yield from self._ask(missing, tier)
        self.gone = list(missing)

    def note_failures(self, report: Report) -> None:
        """Count the markets that could not be looked up in a run's report, with a note the first time."""
        count = len(self.failed) + len(self.unasked)
        if count and not report.counts["not_looked_up"]:
            reason = next(map(str, self.failed.values()), "the limit of requests or time was reached")
            report.notes.append(
                f"{count:,} markets could not be looked up and are left to later runs: {reason}"
            )
        if count:
            report.counts["not_looked_up"] += count

    def why_missing(self, ticker: str) -> str:
        """Return why a market was not found."""
        if ticker in self.failed:
            return str(self.failed[ticker])
        if ticker in self.unreadable:
            return "the exchange's record of it is unreadable"
        return (
            "neither tier knows it"
            if ticker in self.gone
            else "it was not looked up, because the exchange failed"
        )

    def _ask(self, tickers: Sequence[str], tier: Tier) -> Generator[LookedUp, None, list[str]]:
        """Query a tier, and return the tickers that it does not have."""
        self.missing = missing = []
        batches = TickerBatches(tickers)
        for asked in batches:
            seconds_left = self._seconds_left(tier)
            if seconds_left <= 0:
                batches.stop(asked)
                break
            try:
                page = self._fetch(asked, tier, seconds_left)
            except ExchangeError as error:
                batches.fail(asked, error)
                continue
            batches.succeed()
            yield LookedUp(tier, page)
            unknown = self._missing(asked, page)
            if page.out_of_scope:
                reason = PayloadError(
                    "the exchange returned markets that were not requested, so those that are missing may "
                    "exist; check whether its API has changed"
                )
                self.failed |= dict.fromkeys(unknown, reason)
            else:
                missing += unknown
        self.failed |= batches.failed
        self.unasked += batches.unasked
        return missing

    def _fetch(self, asked: Sequence[str], tier: Tier, seconds_left: float) -> ListedPage[Outcome]:
        """Fetch a complete batch, because a part does not show which markets are missing."""
        if not can_be_listed(asked[0]):
            return self._fetch_one(asked[0], tier)
        try:
            pages = list(self._session.client.tiers.iter_outcomes(asked, tier, walk_seconds=seconds_left))
        except NotFoundError:
            if tier is Tier.LIVE:
                raise
            pages = []  # the exchange has no historical tier
        return ListedPage(
            [outcome for page in pages for outcome in page.records],
            [reject for page in pages for reject in page.rejects],
            pages[-1].received_at if pages else self._session.clock.now(),
            out_of_scope=sum((page.out_of_scope for page in pages), Counter()),
            sources=tuple(source for page in pages for source in page.sources),
        )

    def _fetch_one(self, ticker: str, tier: Tier) -> ListedPage[Outcome]:
        try:
            return self._session.client.fetch_market(ticker, tier)
        except NotFoundError:
            return ListedPage([], [], self._session.clock.now())

    def _missing(self, asked: Sequence[str], page: ListedPage[Outcome]) -> list[str]:
        known = {outcome.ticker for outcome in page.records}
        rejected = {reject.ticker for reject in page.rejects}
        unknown = [ticker for ticker in asked if ticker not in known]
        # A record without a readable ticker may be any of them.
        unreadable = set(unknown) if None in rejected else rejected.intersection(unknown)
        self.unreadable.update(ticker for ticker in unknown if ticker in unreadable)
        return [ticker for ticker in unknown if ticker not in unreadable]


def store_looked_up(
    session: Session,
    report: Report,
    pages: MarketPages,
    answer: LookedUp,
    outcomes: Sequence[Outcome],
    *,
    are_stored: bool = False,
) -> Tally:
    """Store outcomes of an answer with their events and settlements, and its unreadable records.

    Count unrequested markets. Return the counts of the settlements. With `are_stored`, all markets are already stored,
    and their documents are stored first: if the run is killed in between, the markets are looked up again.
    """
    page = ListedPage(
        list(outcomes), answer.page.rejects, answer.page.received_at, sources=answer.page.sources
    )
    prepared = prepare_outcomes(
        pages, page, answer.tier, are_listed_as_settled=answer.tier is Tier.HISTORICAL
    )
    if are_stored:
        session.documents.store_kind(MARKET)
    count = answer.page.out_of_scope.total()
    unasked = Tally(received=count, out_of_scope=count)
    with session.database.begin() as connection:
        tally, _ = merge_outcomes(connection, pages, prepared)
        keep_unreadable(session, report, connection, "markets", page.rejects, page.received_at)
        add_page(connection, report.run, unasked)
    if not are_stored:
        session.documents.store()
    report.tally += unasked
    report.counts["settled"] += tally.inserted
    return tally
