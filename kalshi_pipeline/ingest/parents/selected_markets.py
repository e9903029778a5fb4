"""Fetches and stores markets that the user selected by ticker, if they are not stored yet, from either tier."""

from collections.abc import Sequence

from kalshi_pipeline.ingest.parents.lookup import MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.writing.candlesticks import unstored_markets


def store_selected(session: Session, report: Report, tickers: Sequence[str]) -> dict[str, str]:
    """Fetch and store the markets that are not stored yet, and return the reason for each failure.

    If none could be stored because requests failed, the error is raised.
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
    return {ticker: lookup.why_missing(ticker) for ticker in unstored}
