"""The exchange's words on which the pipeline decides something.

Every vocabulary is open: the exchange has added words before, and one that is not here is stored as it came.
"""

from collections.abc import Mapping
from enum import StrEnum


class MveFilter(StrEnum):
    """A word of the `mve_filter` query parameter; without it markets of both kinds are listed."""

    EXCLUDE = "exclude"
    ONLY = "only"


class StatusFilter(StrEnum):
    """A word of the `status` query parameter. These are not the words that a market carries."""

    UNOPENED = "unopened"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"


class MarketStatus(StrEnum):
    """A word of a market's `status` field."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"


# During trading hours a paused market (`inactive`) is listed among the open ones too.
STATUSES_OF: Mapping[StatusFilter, frozenset[MarketStatus]] = {
    StatusFilter.UNOPENED: frozenset({MarketStatus.INITIALIZED}),
    StatusFilter.OPEN: frozenset({MarketStatus.ACTIVE, MarketStatus.INACTIVE}),
    StatusFilter.PAUSED: frozenset({MarketStatus.INACTIVE}),
    StatusFilter.CLOSED: frozenset(
        {MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED}
    ),
    StatusFilter.SETTLED: frozenset({MarketStatus.FINALIZED}),
}


NOT_OPEN = frozenset(MarketStatus) - STATUSES_OF[StatusFilter.OPEN]
"""The statuses that prove that a market is not open; a word that this version does not know proves nothing."""


DETERMINED = frozenset({MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED})
"""The statuses of a market whose result is published and not final."""

BEFORE_RESULT: frozenset[MarketStatus] = STATUSES_OF[StatusFilter.OPEN] | STATUSES_OF[StatusFilter.UNOPENED]
"""The statuses of a market that has no result in force, whatever was published before."""


class MarketType(StrEnum):
    """A word of a market's `market_type` field."""

    BINARY = "binary"
    SCALAR = "scalar"


class Result(StrEnum):
    """A word of a market's `result` field, which is empty until the outcome is determined."""

    YES = "yes"
    NO = "no"
    SCALAR = "scalar"


class Tier(StrEnum):
    """Where the exchange keeps a market or a trade."""

    LIVE = "live"
    HISTORICAL = "historical"


class SettledAtSource(StrEnum):
    """Where the time of a settlement is from: the exchange's own field for it, or what is nearest to it."""

    SETTLEMENT_TS = "settlement_ts"
    CLOSE_TIME = "close_time"
    FIRST_SEEN = "first_seen"


class FeeType(StrEnum):
    """A word of the `fee_type` of series and of fee changes."""

    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"


KNOWN_WORDS: Mapping[str, frozenset[str | None]] = {
    "status": frozenset({None, *MarketStatus}),
    "market_type": frozenset({None, *MarketType}),
    "result": frozenset({None, "", *Result}),
}
"""The words of a market's fields that this version knows; a market with others is stored, and they are reported."""
