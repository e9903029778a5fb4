"""Markets that a person chose by ticker: stored with their events where the store lacks them, from either tier."""

import contextlib
from collections.abc import Iterator, Sequence

from kalshi_pipeline.errors import NotFoundError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.exchange.outcomes import Outcome
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.ingest.markets import MarketPages
from kalshi_pipeline.ingest.parents import reject_rows
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.store.candlesticks import unstored_markets
from kalshi_pipeline.store.runs import add_to_quarantine
from kalshi_pipeline.units import now


def store_chosen(session: Session, report: Report, tickers: Sequence[str]) -> list[str]:
    """Fetch and store those of the markets that the store lacks; give those that neither tier knows."""
    with session.database.read() as connection:
        missing = unstored_markets(connection, tickers)
    pages = MarketPages(session, report)
    for page in iter_known(session, missing):
        at = now()
        markets = pages.prepare(ListedPage([outcome.market for outcome in page.records], page.rejects, at))
        with session.database.begin() as connection:
            pages.merge(connection, markets)
            add_to_quarantine(connection, report.run, "markets", reject_rows(page.rejects), at)
    with session.database.read() as connection:
        return unstored_markets(connection, missing)


def iter_known(session: Session, tickers: Sequence[str]) -> Iterator[ListedPage[Outcome]]:
    """Ask both tiers for markets by ticker, the historical one for those that the live one lacks."""
    missing = dict.fromkeys(tickers)
    for page in _iter_known_to(Tier.LIVE, session, tickers):
        for outcome in page.records:
            missing.pop(outcome.ticker, None)
        yield page
    with contextlib.suppress(NotFoundError):  # an exchange of before the tiers has just the live one
        yield from _iter_known_to(Tier.HISTORICAL, session, list(missing))


def _iter_known_to(tier: Tier, session: Session, tickers: Sequence[str]) -> Iterator[ListedPage[Outcome]]:
    for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
        yield from session.client.tiers.iter_outcomes(
            tickers[start : start + TICKERS_PER_LOOKUP], tier, walk_seconds=session.settings.walk_seconds
        )
