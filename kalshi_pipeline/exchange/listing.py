"""All pages of an endpoint, and whether the listing was complete."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Generic, TypeVar

import httpx

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import DeadlineError, PaginationError, RefusedError
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Params
from kalshi_pipeline.records import Reject

Record = TypeVar("Record")
Fetch = Callable[[Params, float], tuple[Page[Record], int]]
_MOST_EMPTY_PAGES = 20


@dataclass(frozen=True)
class ListedPage(Generic[Record]):
    """One page of a listing, without the records that an earlier page had; `received_at` is an instant.

    `cursor` is where its walk continues, None at its end.
    """

    records: list[Record]
    rejects: list[Reject]
    received_at: int
    cursor: str | None = None


@dataclass
class CursorWalk(Generic[Record]):
    """The pages of one query, cursor by cursor. `may_hold` says whether a record can answer the query at all."""

    query: Params
    may_hold: Callable[[Record], bool] | None = None
    cursor: str | None = None
    empty_pages: int = 0
    cursors: set[str] = field(default_factory=set)

    def params(self) -> Params:
        """Return the query of the next page."""
        return self.query if self.cursor is None else {**self.query, "cursor": self.cursor}

    def turn(self, page: Page[Record], path: str) -> bool:
        """Move past a page, and return whether another one follows; PaginationError where the walk cannot end."""
        self.cursor = page.cursor
        if self.cursor is None:
            return False
        if self.cursor in self.cursors:
            raise PaginationError(
                f"{path} returned the cursor {self.cursor[:40]!r} twice: the walk would not end; run again"
            )
        self.cursors.add(self.cursor)
        self.empty_pages = 0 if page.records or page.rejects else self.empty_pages + 1
        if self.empty_pages > _MOST_EMPTY_PAGES:
            raise PaginationError(
                f"{path} returned {self.empty_pages} empty pages in a row, each with a cursor; run again"
            )
        return True


class Listing(Generic[Record]):
    """Iterate it once for its pages; afterwards `complete` says whether every page was seen, and `reason` why not.

    The next page is fetched and parsed while the caller stores the one before. Of several queries, up to `at_once` are
    walked at the same time, and pages come in the order of their arrival. If there are `windows`, they are walked
    instead of the queries; the queries follow only where the exchange refuses or ignores the windows, and
    `windows_failed` then says which.

    Pages may overlap, so records are made unique by `key`, which is their ticker unless another is named. They are
    compared with the last `remembered_pages` pages, or with all: a walk of millions leaves the rest to the key under
    which its records are stored. A short or an empty page does not end a walk, only an empty cursor does. Raises
    PaginationError where the cursors cannot end, DeadlineError after `walk_seconds`, and the errors of `fetch`; in
    each case the listing stays incomplete.
    """

    def __init__(
        self,
        path: str,
        fetch: Fetch[Record],
        queries: Sequence[Params],
        *,
        max_pages: int | None,
        walk_seconds: float,
        at_once: int = 1,
        windows: Sequence[CursorWalk[Record]] = (),
        key: Callable[[Record], str] = attrgetter("ticker"),
        remembered_pages: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.path = path
        self.pages = 0
        self.received = 0
        self.duplicates = 0
        self.complete = False
        self.reason: str | None = None
        self.windows = 1
        self.windows_failed: str | None = None
        self._fetch = fetch
        self._clock = clock
        self._key = key
        self._queries = queries
        self._max_pages = max_pages
        self._walk_seconds = walk_seconds
        # A cap means the first pages, and which pages those are must not depend on which walk is faster.
        self._at_once = at_once if max_pages is None else 1
        self._windows = list(windows) if max_pages is None else []
        self._seen: set[int] = set()
        self._last_pages: deque[set[int]] | None = (
            None if remembered_pages is None else deque(maxlen=remembered_pages)
        )

    def __iter__(self) -> Iterator[ListedPage[Record]]:
        deadline = self._clock.monotonic() + self._walk_seconds
        if self._windows:
            self.windows = len(self._windows)
            try:
                yield from self._walk(self._windows, deadline)
            except _WindowsFailedError as error:
                self.windows = 1
                self.windows_failed = str(error)
                yield from self._walk([CursorWalk(query) for query in self._queries], deadline)
        else:
            yield from self._walk([CursorWalk(query) for query in self._queries], deadline)
        self.complete = self.reason is None

    def _walk(self, walks: Sequence[CursorWalk[Record]], deadline: float) -> Iterator[ListedPage[Record]]:
        waiting = deque(walks)
        asked: dict[Future[tuple[Page[Record], int]], CursorWalk[Record]] = {}

        def ask() -> None:
            while waiting and len(asked) < self._at_once and not self._is_capped(len(asked)):
                walk = waiting.popleft()
                asked[self._ask(walk, deadline)] = walk

        ask()
        while asked:
            done, _ = wait(asked, timeout=self._left(deadline), return_when=FIRST_COMPLETED)
            for future in done:
                walk = asked.pop(future)
                page, received_at = self._answer(future, walk)
                self.pages += 1
                self.received += len(page.records) + len(page.rejects)
                endless: PaginationError | None = None
                try:
                    if walk.turn(page, self.path):
                        waiting.appendleft(walk)
                    ask()  # the next page is on its way while this one is stored
                except PaginationError as error:
                    endless = error
                yield ListedPage(self._new(page.records), page.rejects, received_at, page.cursor)
                if endless is not None:
                    raise endless
        if waiting:
            self.reason = f"truncated: stopped at KALSHI_MAX_PAGES={self._max_pages} with more to come"

    def _is_capped(self, pages_asked: int) -> bool:
        return self._max_pages is not None and self.pages + pages_asked >= self._max_pages

    def _ask(self, walk: CursorWalk[Record], deadline: float) -> Future[tuple[Page[Record], int]]:
        params, seconds_left = walk.params(), self._left(deadline)
        return _in_background(lambda: self._fetch(params, seconds_left))

    def _answer(
        self, future: Future[tuple[Page[Record], int]], walk: CursorWalk[Record]
    ) -> tuple[Page[Record], int]:
        try:
            page, received_at = future.result()
        except RefusedError as error:
            if walk.may_hold is not None and error.status == httpx.codes.BAD_REQUEST:
                raise _WindowsFailedError(f"the exchange refuses them: {error}") from error
            raise
        if walk.may_hold is not None and not all(map(walk.may_hold, page.records)):
            raise _WindowsFailedError("the exchange returned a market from outside its window")
        return page, received_at

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise DeadlineError(
                f"{self.path} was not walked within KALSHI_WALK_SECONDS={self._walk_seconds:g}: raise it, or narrow "
                "the collection by KALSHI_SERIES"
            )
        return left

    def _new(self, records: list[Record]) -> list[Record]:
        # Hashes instead of tickers: a set of half a million strings would be several times as large.
        keys = [hash(self._key(record)) for record in records]
        new_keys = set(keys)
        fresh = records
        if len(new_keys) < len(keys) or not self._seen.isdisjoint(new_keys):
            fresh = []
            for key, record in zip(keys, records, strict=True):
                if key not in self._seen:
                    self._seen.add(key)
                    fresh.append(record)
            self.duplicates += len(records) - len(fresh)
        if self._last_pages is None:
            self._seen |= new_keys
        else:
            self._last_pages.append(new_keys)
            self._seen = set().union(*self._last_pages)
        return fresh


class _WindowsFailedError(Exception):
    """The exchange does not list markets by the windows of the query."""


Result = TypeVar("Result")


def _in_background(work: Callable[[], Result]) -> Future[Result]:
    """Start one piece of work in a thread of its own, which never keeps a program from ending."""
    future: Future[Result] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  (raised again where the result is taken)
            future.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return future
