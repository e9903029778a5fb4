"""The life of a market in words: status words, and the other words that the `status` filter takes (API.md §2)."""

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
    "finalized",  # archived: still finalized, but only /historical/* knows it
)

# A market paused by the exchange is in `open` as well as in `paused` (API.md §2: Nov 2025 changelog).
SHELF_OF_STATE = ("unopened", "open", "open", "closed", "closed", "closed", "closed", "settled", "historical")
LIVE_SHELVES = ("unopened", "open", "closed", "settled")
STATE_OF_WORD = {word: state for state, word in reversed(list(enumerate(STATUS_WORDS)))}

NO_RESULT, YES, NO, SCALAR = range(4)
RESULT_WORDS = ("", "yes", "no", "scalar")
