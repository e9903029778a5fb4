"""Markets by their tickers, from both of the exchange's tiers: the one place that asks for them, and stores them.

Which markets are worth asking for is the business of its callers.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.parents.outcomes import merge_outcomes, prepare_outcomes
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Outcome
from kalshi_pipeline.store.writing.runs import add_to_quarantine
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import Tier

# So many batches in a row that fail are no fault of single ones: the exchange is down, or refuses them all.
_MOST_FAILURES_IN_A_ROW = 3

# A market moves from the live tier to the historical one, and never back: whoever begins with the historical one
# asks it again in the end, or what moves in between would seem to be nowhere.
_ORDER = {
    Tier.LIVE: (Tier.LIVE, Tier.HISTORICAL),
    Tier.HISTORICAL: (Tier.HISTORICAL, Tier.LIVE, Tier.HISTORICAL),
}


class LookedUp(NamedTuple):
    """What one tier has of a batch of markets that it was asked for."""

    tier: Tier
    asked: Sequence[str]
    page: ListedPage[Outcome]


class MarketLookup:
    """Asks for markets by ticker, batch by batch, in the other tier for those that the `first` one lacks.

    Iterate it once for its answers. Afterwards each market that none of them holds is in `gone`, since neither tier
    has it; in `failed`, with the error, since a request for it failed; in `unreadable`; or in `unasked`, since
    `seconds_left` gave a tier no more time, or the exchange is down. A batch that fails costs no other one.
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
        self._session = session
        self._tickers = tickers
        self._first = first
        self._seconds_left = seconds_left or (lambda _: session.settings.walk_seconds)

    def __iter__(self) -> Iterator[LookedUp]:
        lacking = self._tickers
        for tier in _ORDER[self._first]:
            lacking = yield from self._ask(lacking, tier)
        self.gone = list(lacking)

    def tell(self, report: Report) -> None:
        """Tell a run how many could not be asked for, and once the reason."""
        count = len(self.failed) + len(self.unasked)
        if count and not report.counts["not_looked_up"]:
            reason = next(map(str, self.failed.values()), "the requests or the time for it are spent")
            report.notes.append(
                f"{count:,} markets could not be looked up, and are left to later runs: {reason}"
            )
        if count:
            report.counts["not_looked_up"] += count

    def why_lacking(self, ticker: str) -> str:
        """Say why a market that was asked for is not there."""
        if ticker in self.failed:
            return str(self.failed[ticker])
        if ticker in self.unreadable:
            return "the exchange's record of it cannot be read"
        return "neither tier knows it" if ticker in self.gone else "it was not asked for: the exchange fails"

    def _ask(self, tickers: Sequence[str], tier: Tier) -> Generator[LookedUp, None, list[str]]:
        """Ask a tier, and give those that it was asked for and does not have."""
        lacking: list[str] = []
        failures_in_a_row = 0
        for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
            asked = tickers[start : start + TICKERS_PER_LOOKUP]
            seconds_left = self._seconds_left(tier)
            if seconds_left <= 0 or failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
                self.unasked += tickers[start:]
                break
            try:
                page = self._fetch(asked, tier, seconds_left)
            except ExchangeError as error:
                failures_in_a_row += 1
                self.failed |= dict.fromkeys(asked, error)
                continue
            failures_in_a_row = 0
            yield LookedUp(tier, asked, page)
            lacking += self._lacking(asked, page)
        return lacking

    def _fetch(self, asked: Sequence[str], tier: Tier, seconds_left: float) -> ListedPage[Outcome]:
        """Fetch a whole batch: of half a batch nobody could say who is missing."""
        try:
            pages = list(self._session.client.tiers.iter_outcomes(asked, tier, walk_seconds=seconds_left))
        except NotFoundError:
            if tier is Tier.LIVE:
                raise
            pages = []  # an exchange without a historical tier has nothing there
        return ListedPage(
            [outcome for page in pages for outcome in page.records],
            [reject for page in pages for reject in page.rejects],
            pages[-1].received_at if pages else self._session.clock.now(),
        )

    def _lacking(self, asked: Sequence[str], page: ListedPage[Outcome]) -> list[str]:
        known = {outcome.ticker for outcome in page.records}
        rejected = {reject.ticker for reject in page.rejects}
        unknown = [ticker for ticker in asked if ticker not in known]
        # A record that nobody can read, not even its ticker, may be any of them.
        unreadable = set(unknown) if None in rejected else rejected.intersection(unknown)
        self.unreadable.update(ticker for ticker in unknown if ticker in unreadable)
        return [ticker for ticker in unknown if ticker not in unreadable]


def store_looked_up(
    session: Session, report: Report, pages: MarketPages, answer: LookedUp, outcomes: Sequence[Outcome]
) -> Tally:
    """Store some outcomes of an answer with their events and settlements, and its unreadable records; count them."""
    page = ListedPage(list(outcomes), answer.page.rejects, answer.page.received_at)
    prepared = prepare_outcomes(pages, page, answer.tier, is_told_settled=answer.tier is Tier.HISTORICAL)
    with session.database.begin() as connection:
        tally, _ = merge_outcomes(connection, pages, prepared)
        add_to_quarantine(connection, report.run, "markets", page.rejects, page.received_at)
    report.counts["settled"] += tally.inserted
    return tally
