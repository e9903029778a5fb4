"""How many tickers one URL names: gateways refuse long ones, many of them above 8 kB."""

from collections.abc import Sequence
from urllib.parse import quote

TICKERS_PER_LOOKUP = 200
_MOST_BYTES = 6_000
COMMA = "%2C"
REPEATED = "&tickers="
"""What is between two tickers in a URL."""


def ticker_batches(
    tickers: Sequence[str], most: int = TICKERS_PER_LOOKUP, separator: str = COMMA
) -> list[Sequence[str]]:
    """Return tickers in their order, in batches of `most` and of a bounded number of bytes; each has at least one."""
    batches: list[Sequence[str]] = []
    start = size = 0
    for number, ticker in enumerate(tickers):
        needed = len(quote(ticker, safe="")) + len(separator)
        if number > start and (number - start == most or size + needed > _MOST_BYTES):
            batches.append(tickers[start:number])
            start, size = number, 0
        size += needed
    return [*batches, tickers[start:]] if tickers else []
