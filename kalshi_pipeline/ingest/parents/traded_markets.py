"""The markets that trades name: those not stored yet are looked up, and stored before the trades."""

from collections.abc import Sequence

from kalshi_pipeline.ingest.parents.events import UNLIMITED
from kalshi_pipeline.ingest.parents.lookup import MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.writing.parents import OrphanRow, insert_orphans
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import COMBO_PREFIX, Tier

_LOOK_UP_AGAIN = 86_400 * MICROS_PER_SECOND


class TradedMarkets:
    """Stores the markets that pages of trades name, so that no trade is lost because its market is missing."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._pages = MarketPages(session, report, UNLIMITED)
        self.asked_since = session.clock.now() - _LOOK_UP_AGAIN
        """Placeholders that were looked up since then are not looked up again."""

    def ensure(self, tickers: Sequence[str], first: Tier) -> int:
        """Look up markets, in the likelier tier first, and store them; return how many placeholders this took.

        A market that was not found becomes a placeholder.
        """
        if not tickers:
            return 0
        lookup = MarketLookup(self._session, tickers, first=first)
        placeholders, known = 0, set[str]()
        for answer in lookup:
            records = answer.page.records
            tally = store_looked_up(self._session, self._report, self._pages, answer, records)
            placeholders += tally.placeholders
            known.update(outcome.ticker for outcome in records)
        lookup.note_failures(self._report)
        at, gone = self._session.clock.now(), set(lookup.gone)
        orphans = [
            OrphanRow(ticker, ticker.startswith(COMBO_PREFIX), at if ticker in gone else None)
            for ticker in tickers
            if ticker not in known
        ]
        if orphans:
            with self._session.database.begin() as connection:
                placeholders += insert_orphans(connection, orphans, at)
        return placeholders
