"""How many tickers one URL names: gateways refuse long ones, many of them above 8 kB."""

from collections.abc import Sequence
from urllib.parse import quote

TICKERS_PER_LOOKUP = 200
_MOST_BYTES = 6_000
COMMA = "%2C"
REPEATED = "&tickers="
"""What is between two tickers in a URL."""


def can_be_listed(ticker: str) -> bool:
    """Return whether a list that is separated by commas can name a ticker; the exchange would read it as several."""
    return "," not in ticker


def ticker_batches(
    tickers: Sequence[str], most: int = TICKERS_PER_LOOKUP, separator: str = COMMA
) -> list[Sequence[str]]:
    """Return tickers in their order, in batches of `most` and of a bounded number of bytes; each has at least one.

    A ticker that a list cannot name is in a batch of its own.
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
