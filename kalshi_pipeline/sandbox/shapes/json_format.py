"""How the exchange writes numbers, times and texts in JSON (docs/exchange-api.md, Prices and Times)."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from kalshi_pipeline.sandbox.world.prices import PriceStructure
from kalshi_pipeline.units import MICROS_PER_DOLLAR, MICROS_PER_SECOND

ZERO_TIME = "0001-01-01T00:00:00Z"
TEN_THOUSANDTHS = tuple(f"{number // 10_000}.{number % 10_000:04d}" for number in range(10_001))
HUNDREDTHS = tuple(f".{number:02d}" for number in range(100))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=65_536)
def format_time(micros: int) -> str:
    """Return RFC 3339 in UTC with `Z`, without trailing zeros in the fraction, as Go's encoder writes it."""
    minutes, micros = divmod(micros, 60 * MICROS_PER_SECOND)
    seconds, fraction = divmod(micros, MICROS_PER_SECOND)
    if not fraction:
        return f"{_format_minute(minutes)}:{seconds:02d}Z"
    return f"{_format_minute(minutes)}:{seconds:02d}.{fraction:06d}".rstrip("0") + "Z"


@lru_cache(maxsize=65_536)
def _format_minute(minutes: int) -> str:
    """Format a minute since 1970; most rows of a page share a few."""
    moment = _EPOCH + timedelta(minutes=minutes)
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M}"


def format_dollars(micros: int) -> str:
    """Return dollars with four decimals, or with six where four would lose digits: "0.0150", "0.123456"."""
    if 0 <= micros <= MICROS_PER_DOLLAR and not micros % 100:
        return TEN_THOUSANDTHS[micros // 100]
    return format_six_decimals(micros)


def format_six_decimals(micros: int) -> str:
    return f"{micros // MICROS_PER_DOLLAR}.{micros % MICROS_PER_DOLLAR:06d}"


def format_contracts(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def format_text(text: str) -> str:
    """Return a JSON string in its quotes, with non-ASCII letters unescaped."""
    return json.dumps(text, ensure_ascii=False)


def format_price_ranges(structure: PriceStructure) -> str:
    """Return the `price_ranges` of a market."""
    ranges = (
        f'{{"end":"{format_dollars(end)}","start":"{format_dollars(start)}","step":"{format_dollars(step)}"}}'
        for (start, end), step in zip(pairwise(structure.edges), structure.steps, strict=True)
    )
    return f"[{','.join(ranges)}]"
