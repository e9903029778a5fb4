"""Tickers as callers pass them: which values can be one.

Whether a ticker is stored is a question for `store`.
"""

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import is_text, quoted

_EXAMPLE = "KXRAIN-26NOV23-T1"
_LONGEST = 300
"""In characters. The exchange's longest tickers have a quarter of this, and messages repeat a ticker."""


def check_ticker(value: object, name: str = "the ticker") -> None:
    """Raise ConfigurationError for a value that cannot be a ticker, such as a missing value of a data frame.

    `name` is the argument's, for a blank one.
    """
    if isinstance(value, str) and not value.strip():
        raise ConfigurationError([f"{name} is blank: pass one such as {_EXAMPLE}"])
    if not (isinstance(value, str) and is_text(value) and len(value) <= _LONGEST):
        raise ConfigurationError([f"{quoted(value)} is not a ticker: pass text such as {_EXAMPLE}"])


def typed_ticker(text: str, name: str = "the ticker") -> str:
    """Return a ticker without what was pasted around it. Raises ConfigurationError for one that cannot be a ticker."""
    check_ticker(text, name)
    return text.strip()
