"""The states of a market, the words for them, and the words of the `status` filter that find them.

The two vocabularies differ (docs/exchange-api.md, Statuses and filters).
"""

INITIALIZED, INACTIVE, ACTIVE, CLOSED, DETERMINED, DISPUTED, AMENDED, FINALIZED, ARCHIVED = range(9)

STATUS_WORDS = (
    "initialized",
    "inactive",
    "active",
    "closed",
    "determined",
    "disputed",
    "amended",
    "finalized",
    "finalized",  # archived: still finalized, but in the historical tier only
)

# A market that the exchange has paused is found by `open` as well as by `paused`. Archived markets are in the
# historical tier, which has no status filter: `historical` is a word of the sandbox's own.
FILTER_OF_STATE = (
    "unopened",
    "open",
    "open",
    "closed",
    "closed",
    "closed",
    "closed",
    "settled",
    "historical",
)
LIVE_FILTERS = ("unopened", "open", "closed", "settled")
STATE_OF_WORD = {word: state for state, word in reversed(list(enumerate(STATUS_WORDS)))}

NO_RESULT, YES, NO, SCALAR = range(4)
RESULT_WORDS = ("", "yes", "no", "scalar")
