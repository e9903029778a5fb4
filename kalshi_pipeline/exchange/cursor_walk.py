"""One walk over the pages of a query, cursor by cursor, with detection of endless walks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kalshi_pipeline.errors import PaginationError
from kalshi_pipeline.exchange.conditions import SERIES_FILTER
from kalshi_pipeline.exchange.pages import PAGE_SIZES, Page, page_size_in
from kalshi_pipeline.exchange.transport import Params
from kalshi_pipeline.exchange.walk_memory import WalkMemory
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of

Record = TypeVar("Record")
_MOST_REPEATED_PAGES = 20
_TELLING = {
    SERIES_FILTER: "series {}",
    "min_created_ts": "created after {:%Y-%m-%d %H:%M:%SZ}",
    "max_created_ts": "created before {:%Y-%m-%d %H:%M:%SZ}",
}
"""Descriptions of a walk's parameters; times are seconds since 1970."""


def _instant_if_number(value: object) -> object:
    return datetime_of(value * MICROS_PER_SECOND) if isinstance(value, int) else value


@dataclass
class CursorWalk(Generic[Record]):
    """The pages of one query, cursor by cursor. `may_hold` returns whether a record can match the query."""

    query: Params
    may_hold: Callable[[Record], bool] | None = None
    cursor: str | None = None
    empty_pages: int = 0
    cursors: set[str] = field(default_factory=set)
    memory: WalkMemory = field(default_factory=WalkMemory)

    def params(self, most_records: int | None = None) -> Params:
        """Return the query for the next page, of at most `most_records` records."""
        query = self.query if self.cursor is None else {**self.query, "cursor": self.cursor}
        sizes = {name: most_records for name in PAGE_SIZES if name in query} if most_records else {}
        return {**query, **sizes}

    def page_size(self, most_records: int | None = None) -> int | None:
        """Return the page size; None if the exchange decides."""
        return page_size_in(self.params(most_records))

    @property
    def name(self) -> str:
        """The part of the listing that the walk covers, in words; blank for all of it."""
        return ", ".join(
            words.format(_instant_if_number(self.query[name]))
            for name, words in _TELLING.items()
            if name in self.query
        )

    def turn(self, page: Page[Record], path: str) -> bool:
        """Move past a page, and return whether another one follows. Raises PaginationError if the walk would not
        end.
        """
        self.cursor = page.cursor
        if self.cursor is None:
            return False
        if self.cursor in self.cursors:
            raise PaginationError(
                f"{path} returned the cursor {self.cursor[:40]!r} twice: the walk would not end; run again"
            )
        self.cursors.add(self.cursor)
        self.empty_pages = 0 if page.records or page.rejects else self.empty_pages + 1
        if self.empty_pages >= _MOST_REPEATED_PAGES:
            raise PaginationError(
                f"{path} returned {self.empty_pages} empty pages in a row, each with a cursor; run again"
            )
        if self.memory.repeated_pages >= _MOST_REPEATED_PAGES:
            raise PaginationError(
                f"{path} returned {self.memory.repeated_pages} pages in a row without anything new, each with a new "
                "cursor: the exchange ignores the cursor; run again later, and if that does not help, check whether "
                "its API has changed"
            )
        return True
