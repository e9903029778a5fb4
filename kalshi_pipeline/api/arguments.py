"""Checks of arguments: tickers, numbers of rows, lengths of time and names.

A value of another type would otherwise find nothing, or raise an error of a library.
"""

import contextlib
import difflib
import math
import operator
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import SupportsIndex

from kalshi_pipeline.errors import ConfigurationError, RangeError
from kalshi_pipeline.quoting import is_text, quoted
from kalshi_pipeline.tickers import check_ticker
from kalshi_pipeline.units import LARGEST_INTEGER

_MOST_NAMED = 3


def check_tickers(*tickers: str | None) -> None:
    """Raise ConfigurationError for a value that cannot be a ticker; None is none."""
    for ticker in tickers:
        if ticker is not None:
            check_ticker(ticker)


def check_text(text: object, name: str, example: str) -> None:
    """Raise ConfigurationError for an argument that is not text."""
    if not _is_text(text):
        raise ConfigurationError([f"{name}={quoted(text)} is not text: pass text such as {example}"])


def check_texts(texts: object, name: str) -> None:
    """Raise ConfigurationError for an argument that is not a list of texts; a single text is none."""
    if isinstance(texts, str) or not (isinstance(texts, Sequence) and all(map(_is_text, texts))):
        raise ConfigurationError(
            [f"{name}={quoted(texts)} is not a list of texts: pass one such as ['rain']"]
        )


def check_type(value: object, name: str, kind: type) -> None:
    """Raise ConfigurationError for an argument that is not of a type of this package."""
    if not isinstance(value, kind):
        raise ConfigurationError([f"{name}={quoted(value)} is not a {kind.__name__}: pass one"])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_text(value)


def check_word(word: str, what: str, known: Iterable[str]) -> None:
    """Raise ConfigurationError for an unknown name, with the most similar known names."""
    words = list(known)
    if not isinstance(word, str) or word not in words:
        near = difflib.get_close_matches(word, words, n=_MOST_NAMED) if isinstance(word, str) else ()
        raise ConfigurationError([f"{quoted(word)} is not a {what}: choose {', '.join(near or words)}"])


def check_flag(flag: object, name: str) -> None:
    """Raise ConfigurationError for a value other than True and False."""
    if not isinstance(flag, bool):
        raise ConfigurationError([f"{name}={quoted(flag)} is not a flag: pass True or False"])


def counted(limit: SupportsIndex, name: str = "limit") -> int:
    """Return a number of rows. Raises RangeError unless it is a whole number of at least 0."""
    count = whole_number(limit)
    if count is None or count < 0:
        raise RangeError(f"{name}={quoted(limit)} is not a number of rows: choose 0 or more")
    return min(count, LARGEST_INTEGER)


def at_most(limit: SupportsIndex | None) -> int | None:
    """Return a maximum number of rows, None for all. Raises RangeError for a value that cannot be one."""
    return None if limit is None else counted(limit)


def key_of(number: SupportsIndex, name: str) -> int:
    """Return the key of a row, such as a `tick_id`. Raises RangeError for a value that cannot be one."""
    key = whole_number(number)
    if key is None or not 0 <= key <= LARGEST_INTEGER:
        raise RangeError(f"{name}={quoted(number)} is not a key of a row: pass a whole number")
    return key


def whole_number(number: object) -> int | None:
    """Return a whole number as an int, None for anything else, also for a flag. Data frames have whole numbers as numpy
    numbers or floats.
    """
    if isinstance(number, bool):
        return None
    if isinstance(number, float) and number.is_integer():
        return int(number)
    try:
        return operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        return None


def positive_number(value: object) -> float | None:
    """Return a positive finite number, None for anything else."""
    number = math.nan
    if isinstance(value, Real) and not isinstance(value, bool):
        # A timedelta64 of numpy is a number to Python, and an integer may be too large.
        with contextlib.suppress(TypeError, OverflowError):
            number = float(value)
    return number if 0 < number < math.inf else None


def seconds_of(value: object, name: str) -> float:
    """Return a length of time in seconds. Raises RangeError unless it is a positive number."""
    seconds = positive_number(value)
    if seconds is None:
        raise RangeError(f"{name}={quoted(value)} is not a length of time: pass a positive number of seconds")
    return seconds
