"""Batches of tickers for bounded URLs, because many gateways refuse URLs above 8 kB."""

from collections.abc import Sequence
from urllib.parse import quote

TICKERS_PER_LOOKUP = 200
_MOST_BYTES = 6_000
COMMA = "%2C"
REPEATED = "&tickers="
"""The separator of tickers in a URL."""


def can_be_listed(ticker: str) -> bool:
    """Return whether a comma-separated list can contain a ticker; a ticker with a comma would become several."""
    return "," not in ticker


def ticker_batches(
    tickers: Sequence[str], most: int = TICKERS_PER_LOOKUP, separator: str = COMMA
) -> list[Sequence[str]]:
    """Return tickers in order, in non-empty batches of at most `most` tickers and a bounded number of bytes.

    A ticker that cannot be in a list has its own batch.
    """
    batches: list[Sequence[str]] = []
    start = size = 0
    was_alone = False
    for number, ticker in enumerate(tickers):
        needed, is_alone = len(quote(ticker, safe="")) + len(separator), not can_be_listed(ticker)
        is_full = number - start == most or size + needed > _MOST_BYTES
        if number > start and (is_full or is_alone or was_alone):
            batches.append(tickers[start:number])
            start, size = number, 0
        was_alone = is_alone
        size += needed
    return [*batches, tickers[start:]] if tickers else []
