"""Compares a listing in windows with serial ones, because the exchange documents neither order nor bounds."""

from collections.abc import Iterator

from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.parents.market_pages import known_windows, list_markets
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.monitoring.checks import Check, Finding
from kalshi_pipeline.records import Market

WINDOWS_SEE_EVERYTHING = Check(
    "windows_see_everything",
    "A listing in windows misses no market that serial listings before and after it both show.",
    is_error=True,
)
_EXAMPLES = 5


def compare_listings(session: Session) -> Finding:
    """List open markets serially, in windows, and serially again.

    Markets of both serial walks must be in the windows; those that open or close meanwhile are in only one of the
    walks. Nothing is stored.
    """
    windows = known_windows(session)
    if not windows:
        return _finding(passed=True, text="markets are listed in a single walk: there is nothing to compare")
    serial, windowed, again = (list_markets(session, some) for some in ([], windows, []))
    # Hashes, because twice half a million tickers would take several times the memory.
    before = {hash(ticker) for ticker in _tickers(session, serial)}
    in_windows = {hash(ticker) for ticker in _tickers(session, windowed)}
    lost = [
        ticker
        for ticker in _tickers(session, again)
        if hash(ticker) in before and hash(ticker) not in in_windows
    ]
    numbers = {"serial": len(before), "windowed": len(in_windows), "windows": len(windows), "lost": len(lost)}
    reason = next((listing.reason for listing in (serial, windowed, again) if listing.reason), None)
    if reason is not None:
        return _finding(
            passed=False, text=f"a listing was cut short, so nothing can be compared: {reason}", **numbers
        )
    if windowed.windows_failed is not None:
        return _finding(
            passed=False,
            text=f"windows fail, and a single walk replaces them: {windowed.windows_failed}",
            **numbers,
        )
    if lost:
        examples = ", ".join(lost[:_EXAMPLES])
        return _finding(
            passed=False,
            text=f"{len(lost):,} markets are missing in the windows ({examples}): set KALSHI_WINDOWS=1",
            **numbers,
        )
    return _finding(
        passed=True, text=f"{len(in_windows):,} markets in {len(windows)} windows, none missing", **numbers
    )


def _tickers(session: Session, listing: Listing[Market]) -> Iterator[str]:
    for page in listing:
        session.report_progress(f"comparing listings: {listing.pages} pages")
        yield from (market.ticker for market in page.records)


def _finding(*, passed: bool, text: str, **numbers: int) -> Finding:
    return Finding(WINDOWS_SEE_EVERYTHING, passed, text, numbers)
