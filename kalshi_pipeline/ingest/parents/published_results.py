"""Looks up published results again, because the exchange may withdraw or amend them silently.

A market that goes back to `closed`, or whose result is amended without a new settlement time, is in no listing that a
run requests.
"""

from collections.abc import Collection

from kalshi_pipeline.exchange.batches import TICKERS_PER_LOOKUP
from kalshi_pipeline.ingest.parents.lookup import MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.reading.completeness import started_before
from kalshi_pipeline.store.reading.published_results import results_to_confirm
from kalshi_pipeline.vocabulary import StatusFilter

_NEWEST = 5 * TICKERS_PER_LOOKUP
_MOST_AGED = 50 * TICKERS_PER_LOOKUP
_MOST_SECONDS = 20.0


def confirm_results(session: Session, report: Report, pages: MarketPages, listed: Collection[str]) -> None:
    """Look up the newest settled markets that a run has not `listed`, and those that settled a day or a week ago.

    Their current records are stored. Markets that the exchange no longer has keep their results, because settled
    markets leave its tiers. Failed lookups are left to later runs, with a note.
    """
    with session.database.read() as connection:
        tickers = results_to_confirm(
            connection,
            session.scope(StatusFilter.SETTLED),
            listed,
            newest=_NEWEST,
            previous_at=started_before(connection, report.run),
            at=session.clock.now(),
            most=_MOST_AGED,
        )
    end = session.clock.monotonic() + _MOST_SECONDS
    lookup = MarketLookup(session, tickers, seconds_left=lambda _: end - session.clock.monotonic())
    for answer in lookup:
        store_looked_up(session, report, pages, answer, answer.page.records, are_stored=True)
        report.counts["looked_up"] += len(answer.page.records) + len(answer.page.rejects)
    lookup.note_failures(report)
