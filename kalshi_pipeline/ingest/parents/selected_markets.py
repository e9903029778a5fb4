"""Markets that a person chose by ticker: stored with their events where the store lacks them, from either tier."""

from collections.abc import Sequence

from kalshi_pipeline.ingest.parents.lookup import MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.writing.candlesticks import unstored_markets


def store_chosen(session: Session, report: Report, tickers: Sequence[str]) -> dict[str, str]:
    """Fetch and store those of the markets that the store lacks; say of each that could not be had why.

    Where none is there, and the exchange fails to tell of them, its error is raised: there is nothing to go on with.
    """
    with session.database.read() as connection:
        missing = unstored_markets(connection, tickers)
    pages, lookup = MarketPages(session, report), MarketLookup(session, missing)
    for answer in lookup:
        store_looked_up(session, report, pages, answer, answer.page.records)
    with session.database.read() as connection:
        unstored = unstored_markets(connection, missing)
    if lookup.failed and len(unstored) == len(tickers):
        raise next(iter(lookup.failed.values()))
    return {ticker: lookup.why_lacking(ticker) for ticker in unstored}
