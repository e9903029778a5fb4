"""Answers that may be mistakes of the exchange although they can be read: what is requested again, and what is refused.

A page that ends a walk by mistake, or is empty by mistake, would be a gap in a complete listing.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from kalshi_pipeline.exchange.json_text import UNPARSABLE
from kalshi_pipeline.exchange.pages import LIST_OF_RECORDS, Page, page_size_in

_NAMED = ("tickers", "market_tickers")
_OBJECT = re.compile(r"\s*\{\s*\"")
# Only of these names, because an answer may have numbers of pages and the like.
_CURSOR = re.compile("cursor|next|has_?more", re.IGNORECASE)
_BLANK = frozenset({b"null", b'""', b"false", b"0", b"[]", b"{}"})
# Beside the events of a page, whether it has any or not.
_OTHER_LISTS = frozenset({"milestones"})
UNUSUAL = 3
_ENDING = 2
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Doubts:
    """Decides how often a page of one exchange is requested before it is believed.

    What an exchange confirms about the end of its listings is believed from then on, except where `is_confirmed`.
    """

    def __init__(self) -> None:
        self._omits_cursors = False
        self._ends_with_empty_pages = False

    def times(self, page: Page[Any], params: Mapping[str, object], *, is_confirmed: bool) -> int:
        """Return how many times in a row a page must come to be believed; 1 for an ordinary one.

        It is three times for a page that is unusual: with a null or an unreadable list, empty although a cursor led to
        it, or the end of a listing although it is full or has no cursor. If the end of a listing `is_confirmed`, an
        empty listing is unusual, too, and any other end must come twice.
        """
        if page.is_doubtful or _is_unreadable(page):
            return UNUSUAL
        size = page_size_in(params)
        count = len(page.records) + len(page.rejects)
        if any(name in params for name in _NAMED):
            return 1
        if not count and (is_confirmed or page.cursor is not None):
            return UNUSUAL
        if size is None or page.cursor is not None:
            return 1
        if not count:
            is_usual = "cursor" not in params or self._ends_with_empty_pages
        else:
            is_usual = count < size and (page.has_cursor or (self._omits_cursors and not is_confirmed))
        if is_usual:
            return _ENDING if is_confirmed else 1
        return UNUSUAL

    def settle(self, page: Page[Any]) -> None:
        """Learn from a page that stayed the same."""
        if page.cursor is None:
            self._omits_cursors |= not page.has_cursor
            self._ends_with_empty_pages |= not (page.records or page.rejects)


def misplaced(body: bytes, page: Page[Any]) -> str | None:
    """Return where an answer has the records, or the cursor, that its page has not; None if nowhere."""
    is_empty = not page.records and not page.rejects
    if not is_empty and page.has_cursor:
        return None
    try:
        members = _read_members(body)
    except UNPARSABLE:  # an odd envelope that only the slower reader understands
        return None
    for name, value in members.items():
        part = bytes(value)
        if is_empty and name not in _OTHER_LISTS and LIST_OF_RECORDS.search(part):
            return f"has its records under {name!r}"
        if page.cursor is None and not page.has_cursor and _CURSOR.search(name) and part not in _BLANK:
            return f"has no cursor but {name!r}"
    return None


def _is_unreadable(page: Page[Any]) -> bool:
    """Return whether no record of a page could be read, or one of them is not even an object."""
    if not page.rejects:
        return False
    return not page.records or not all(_OBJECT.match(reject.raw) for reject in page.rejects)
