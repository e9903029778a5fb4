"""The two vocabularies of market state: the words that a query takes, and the words that a market carries.

Both are open: the exchange has added words before, and a word that is not here is stored as it came.
"""

from enum import StrEnum


class StatusFilter(StrEnum):
    """A word of the `status` query parameter; anything else is answered with 400."""

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


# kalshi/API.md §2. During trading hours a paused market (`inactive`) is listed among the open ones too.
STATUSES_OF: dict[StatusFilter, frozenset[MarketStatus]] = {
    StatusFilter.UNOPENED: frozenset({MarketStatus.INITIALIZED}),
    StatusFilter.OPEN: frozenset({MarketStatus.ACTIVE, MarketStatus.INACTIVE}),
    StatusFilter.PAUSED: frozenset({MarketStatus.INACTIVE}),
    StatusFilter.CLOSED: frozenset(
        {MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED}
    ),
    StatusFilter.SETTLED: frozenset({MarketStatus.FINALIZED}),
}
