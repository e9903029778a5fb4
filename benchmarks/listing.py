"""The time to list every open market, by the number of windows, against the bound.

The bound is the larger of pages / rate (the rate limit) and latency x pages / windows. Each page is fetched over HTTP
with gzip and parsed, but not stored. Each walk is first done once unmeasured, without a limit, so that the exchange has
its answers ready.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.exchange import serving
from benchmarks.result import Options, Result, Row
from benchmarks.timing import wall_seconds
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.tiers import MARKETS_PAGE
from kalshi_pipeline.exchange.windows import Window, windows_between
from kalshi_pipeline.vocabulary import StatusFilter

RATE = 20
WINDOWS = (1, 2, 4, 8, 16)
LATENCIES = (0.1, 0.3)
_FULL = (100 * MARKETS_PAGE,)
_QUICK = (20 * MARKETS_PAGE,)
_NO_LIMIT = 1000.0


def group_of(latency: float) -> str:
    """Return the name of a latency's group."""
    return f"{latency * 1000:.0f} ms latency"


def label_of(windows: int) -> str:
    """Return the name of a row, by its number of windows."""
    return "1 window" if windows == 1 else f"{windows} windows"


def bound_seconds(pages: int, latency: float, windows: int) -> float:
    """Return the lower bound of the time."""
    return max(pages / RATE, latency * pages / windows)


def measure(options: Options) -> Result:
    """Walk the same listing once for each latency and number of windows."""
    (markets,) = options.sizes(_FULL, _QUICK)
    pages = -(-markets // MARKETS_PAGE)
    rows = []
    with serving(markets) as exchange:
        url = exchange.remembering_url
        ages = sorted(_walk(url, [], 1, None, _NO_LIMIT)[1])
        bounds = {windows: windows_between(_firsts(ages, windows)) for windows in WINDOWS}
        for windows in WINDOWS:
            options.report_progress(f"listing: {pages} pages, {label_of(windows)}, preparing the answers")
            _walk(url, bounds[windows], windows, None, _NO_LIMIT)
        for latency in LATENCIES:
            exchange.delay(latency)
            for windows in WINDOWS:
                options.report_progress(f"listing: {pages} pages, {group_of(latency)}, {label_of(windows)}")
                limit_file = options.folder / f"listing-{latency:g}-{windows}.limit"
                seconds, (walked, _) = wall_seconds(
                    partial(_walk, url, bounds[windows], windows, limit_file, RATE)
                )
                bound = bound_seconds(pages, latency, windows)
                also = {"s": seconds, "s is the bound": bound, "pages": float(walked)}
                rows.append(Row(group_of(latency), label_of(windows), seconds / bound, "x bound", also=also))
    return Result(f"Time to list {markets:,} markets at {RATE} requests a second, against the bound", rows)


def _firsts(ages: Sequence[int], windows: int) -> list[int]:
    """Return the instants that split the markets into windows of equal size."""
    return [ages[len(ages) * part // windows] for part in range(1, windows)]


def _walk(
    api_url: str, windows: Sequence[Window], at_once: int, limit_file: Path | None, rate: float
) -> tuple[int, list[int]]:
    """Walk the listing; return the number of its pages, and when its markets were created."""
    ages = []
    with KalshiClient(api_url, requests_per_second=rate, limit_file=limit_file) as client:
        listing = client.list_markets(
            status=StatusFilter.OPEN,
            mve_filter="exclude",
            windows=windows,
            at_once=at_once,
            max_pages=None,
            walk_seconds=3600,
        )
        for page in listing:
            ages += [market.created_at for market in page.records if market.created_at is not None]
    return listing.pages, ages
