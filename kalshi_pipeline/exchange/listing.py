"""A walk over all pages of an endpoint, which knows whether it was complete."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from kalshi_pipeline.errors import DeadlineError, PaginationError
from kalshi_pipeline.exchange.pages import Page, Reject
from kalshi_pipeline.exchange.payloads import Listed
from kalshi_pipeline.exchange.transport import Params

Record = TypeVar("Record", bound=Listed)
_MOST_EMPTY_PAGES = 20


@dataclass(frozen=True)
class ListedPage(Generic[Record]):
    """One page of a listing, without the records that an earlier page had; `received_at` is an instant."""

    records: list[Record]
    rejects: list[Reject]
    received_at: int


class Listing(Generic[Record]):
    """Iterate it once for its pages; afterwards `complete` tells whether every page was seen, `reason` why not.

    Records are unique by ticker: pages may overlap. A short or an empty page does not end the walk, only an
    empty cursor does. Raises PaginationError where the cursors cannot end, DeadlineError after `walk_seconds`,
    and whatever `fetch` raises; in each case the listing stays incomplete.
    """

    def __init__(
        self,
        path: str,
        fetch: Callable[[Params, float], tuple[Page[Record], int]],
        queries: list[Params],
        *,
        max_pages: int | None,
        walk_seconds: float,
    ) -> None:
        self.path = path
        self.pages = 0
        self.received = 0
        self.duplicates = 0
        self.complete = False
        self.reason: str | None = None
        self._fetch = fetch
        self._queries = queries
        self._max_pages = max_pages
        self._walk_seconds = walk_seconds
        # Hashes instead of tickers: a set of half a million strings would be several times as large.
        self._seen: set[int] = set()

    def __iter__(self) -> Iterator[ListedPage[Record]]:
        deadline = time.monotonic() + self._walk_seconds
        for query in self._queries:
            yield from self._walk(query, deadline)
            if self.reason is not None:
                return
        self.complete = True

    def _walk(self, query: Params, deadline: float) -> Iterator[ListedPage[Record]]:
        cursor: str | None = None
        cursors: set[str] = set()
        empty_pages = 0
        while True:
            if self._max_pages is not None and self.pages >= self._max_pages:
                self.reason = f"truncated: stopped at KALSHI_MAX_PAGES={self._max_pages} with more to come"
                return
            page, received_at = self._fetch(
                query if cursor is None else {**query, "cursor": cursor}, self._left(deadline)
            )
            self.pages += 1
            self.received += len(page.records) + len(page.rejects)
            yield ListedPage(self._new(page.records), page.rejects, received_at)
            cursor = page.cursor
            if cursor is None:
                return
            if cursor in cursors:
                raise PaginationError(
                    f"{self.path} gave the cursor {cursor[:40]!r} twice: the walk would not end; run again"
                )
            cursors.add(cursor)
            empty_pages = 0 if page.records or page.rejects else empty_pages + 1
            if empty_pages > _MOST_EMPTY_PAGES:
                raise PaginationError(
                    f"{self.path} gave {empty_pages} empty pages in a row, each with a cursor; run again"
                )

    def _left(self, deadline: float) -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlineError(
                f"{self.path} was not walked within KALSHI_WALK_SECONDS={self._walk_seconds:g}: raise it, or narrow "
                "the collection by KALSHI_SERIES"
            )
        return left

    def _new(self, records: list[Record]) -> list[Record]:
        fresh = []
        for record in records:
            key = hash(record.ticker)
            if key in self._seen:
                self.duplicates += 1
            else:
                self._seen.add(key)
                fresh.append(record)
        return fresh
