"""The words of the exchange that affect what the pipeline does.

Every vocabulary is open: the exchange adds words, and unknown ones are stored unchanged.
"""

from collections.abc import Mapping
from enum import StrEnum


class MveFilter(StrEnum):
    """A word of the `mve_filter` query parameter. Without it, markets of both kinds are listed."""

    EXCLUDE = "exclude"
    ONLY = "only"


class StatusFilter(StrEnum):
    """A word of the `status` query parameter, which differs from the words of a market's `status` field."""

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


# During trading hours, listings of open markets also contain paused (`inactive`) ones.
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
"""The statuses that prove that a market is not open. An unknown word proves nothing."""


DETERMINED = frozenset({MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED})
"""The statuses of a market with a published result that is not final."""

BEFORE_RESULT: frozenset[MarketStatus] = STATUSES_OF[StatusFilter.OPEN] | STATUSES_OF[StatusFilter.UNOPENED]
"""The statuses of a market without a result in force, even if one was published before."""


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
    """The source of a settlement's time: the exchange's own field, or the nearest substitute."""

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
"""The known words of a market's fields. A market with other words is stored, and the words are reported."""
