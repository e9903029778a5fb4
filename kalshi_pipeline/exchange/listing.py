"""Walks all pages of an endpoint, and records whether the listing was complete."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from itertools import compress
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

import httpx

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import DeadlineError, ExchangeError, PaginationError, RefusedError
from kalshi_pipeline.exchange.conditions import SERIES_FILTER, Conditions
from kalshi_pipeline.exchange.cursor_walk import CursorWalk
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Answer, Params
from kalshi_pipeline.exchange.walk_failures import WalkFailures
from kalshi_pipeline.exchange.walk_memory import WalkMemory

Record = TypeVar("Record")
Fetch = Callable[[Params, float], Answer[Page[Record]]]
"""Fetches the page of a query within a number of seconds."""

# If the first pages have more unrequested records than both of these, the listing is not the requested one.
_FIRST_PAGES = 10
_MOST_UNASKED = 20
_MOST_UNASKED_SHARE = 0.05
_NONE: Counter[str] = Counter()
# A refused page is requested again with fewer records: 500, 250, 125, then 100.
_SMALLEST_PAGE = 100
_LARGE_PAGES = (400, 413)


class Listing(Generic[Record]):
    """The pages of a listing.

    Iterate it once; afterwards `complete` says whether every page was seen, and `reason` why not. Records that do not
    match the `conditions` are omitted and counted in `out_of_scope`. Too many of them in the first pages stop the
    listing. The next page is fetched and parsed while the caller stores the previous one. Up to `at_once` queries are
    walked in parallel, and pages come in order of arrival. A failed walk does not stop the others, unless several fail
    in a row; its error is raised at the end. If there are `windows`, they are walked instead of the queries. If the
    exchange refuses or ignores them, the queries follow, and `windows_failed` has the reason. A refused page is
    requested again with fewer records, and `page_size` then has their number. Pages may overlap, so records are made
    unique by `key`, by default their ticker. They are compared with the last `remembered_pages` pages, or with all
    pages; in a walk of millions, the store's keys find older duplicates. Only an empty cursor ends a walk, not a short
    or an empty page. Raises PaginationError if a walk would not end, DeadlineError after `walk_seconds`, and the errors
    of `fetch`; the listing then stays incomplete. `time` is for newest-first listings, in which going forward in time
    counts as not ending. `ended_without_cursor` says that a walk ended with a full page without a cursor key, so there
    may be more.
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
        conditions: Conditions[Record] = (),
        key: Callable[[Record], str] = attrgetter("ticker"),
        time: Callable[[Record], int] | None = None,
        remembered_pages: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.path = path
        self.pages = 0
        self.received = 0
        self.duplicates = 0
        self.out_of_scope: Counter[str] = Counter()
        self.complete = False
        self.reason: str | None = None
        self.windows = 1
        self.windows_failed: str | None = None
        self.page_size: int | None = None
        self.ended_without_cursor = False
        self._fetch = fetch
        self._clock = clock
        self._conditions = conditions
        self._key = key
        self._time = time
        self._queries = queries
        self._series = frozenset(str(query[SERIES_FILTER]) for query in queries if SERIES_FILTER in query)
        self._max_pages = max_pages
        self._walk_seconds = walk_seconds
        # A cap means the first pages, which must not depend on the speed of the walks.
        self._at_once = at_once if max_pages is None else 1
        self._windows = list(windows) if max_pages is None else []
        self._remembered_pages = remembered_pages
        self._memories: list[WalkMemory] = []
        self._deadline = 0.0
        self._waiting: deque[CursorWalk[Record]] = deque()
        self._asked: dict[Future[Answer[Page[Record]]], _Asked[Record]] = {}
        self._failures = WalkFailures(0)

    def __iter__(self) -> Iterator[ListedPage[Record]]:
        self._deadline = self._clock.monotonic() + self._walk_seconds
        if self._windows:
            self.windows = len(self._windows)
            try:
                yield from self._walk(self._windows)
            except _WindowsFailedError as error:
                self.windows = 1
                self.windows_failed = str(error)
                yield from self._walk([CursorWalk(query) for query in self._queries])
        else:
            yield from self._walk([CursorWalk(query) for query in self._queries])
        self.complete = self.reason is None

    def _walk(self, walks: Sequence[CursorWalk[Record]]) -> Iterator[ListedPage[Record]]:
        for walk in walks:
            walk.memory = WalkMemory(self._remembered_pages)
            self._memories.append(walk.memory)
        self._waiting, self._asked, self._failures = deque(walks), {}, WalkFailures(len(walks))
        self._ask()
        while self._asked and self.reason is None:
            done, _ = wait(self._asked, timeout=self._seconds_left(), return_when=FIRST_COMPLETED)
            for future in done:
                asked = self._asked.pop(future)
                answer = self._answer_or_none(future, asked)
                if answer is not None:
                    yield from self._yielded(answer, asked)
                if self.reason is not None:
                    return
                self._ask()
        self._failures.raise_first()
        self._judge(at_end=True)
        if self._waiting and self.reason is None:
            self.reason = f"truncated: stopped at KALSHI_MAX_PAGES={self._max_pages} with more to come"

    def _ask(self) -> None:
        """Request the next page of each waiting walk, up to the limit."""
        while self._waiting and len(self._asked) < self._at_once and not self._is_capped:
            walk = self._waiting.popleft()
            fetch = partial(self._fetch, walk.params(self.page_size), self._seconds_left())
            self._asked[_in_background(fetch)] = _Asked(walk, walk.page_size(self.page_size))

    @property
    def _is_capped(self) -> bool:
        return self._max_pages is not None and self.pages + len(self._asked) >= self._max_pages

    def _yielded(self, answer: Answer[Page[Record]], asked: "_Asked[Record]") -> Iterator[ListedPage[Record]]:
        """Yield a page while the next one is requested. Set aside a walk that would not end."""
        listed = self._listed(answer, asked.walk.memory)
        if asked.walk.cursor is not None and _is_unasked(listed):
            # Not yielded, because its cursor would lead the walk elsewhere.
            self.reason = (
                f"{self.path} returned a page of {listed.out_of_scope.total():,} records of which none was requested, "
                "such as the answer to another request: run again"
            )
            return
        endless = self._turn(answer.content, asked)
        self._judge(listed.out_of_scope)
        if endless is None and self.reason is None:
            self._ask()
        yield listed
        self.out_of_scope += listed.out_of_scope
        self._judge()
        if endless is not None and self.reason is None:
            self._failures.add(asked.walk, endless)

    def _turn(self, page: Page[Record], asked: "_Asked[Record]") -> PaginationError | None:
        """Queue a walk's next page, if it has one. Return why the walk would not end, if so."""
        is_full = asked.size is not None and len(page.records) + len(page.rejects) >= asked.size
        self.ended_without_cursor |= is_full and not page.has_cursor
        try:
            if asked.walk.turn(page, self.path):
                self._waiting.appendleft(asked.walk)
        except PaginationError as error:
            return error
        return None

    def _answer_or_none(
        self, future: Future[Answer[Page[Record]]], asked: "_Asked[Record]"
    ) -> Answer[Page[Record]] | None:
        """Return a page; None if it failed. It is then requested again with fewer records, or its walk is set aside."""
        try:
            answer = self._answer(future, asked.walk)
        except ExchangeError as error:
            if self._may_be_smaller(error, asked.size):
                self._waiting.appendleft(asked.walk)
            else:
                self._failures.add(asked.walk, error)
            return None
        self._failures.in_a_row = 0
        return answer

    def _may_be_smaller(self, error: ExchangeError, size: int | None) -> bool:
        """Return whether a refused page of a size is worth requesting with fewer records."""
        is_refused = isinstance(error, RefusedError) and error.status in _LARGE_PAGES
        if not is_refused or size is None or size <= _SMALLEST_PAGE:
            return False
        # Another walk may have found a smaller size meanwhile.
        self.page_size = min(self.page_size or size, max(_SMALLEST_PAGE, size // 2))
        return True

    def _listed(self, answer: Answer[Page[Record]], memory: WalkMemory) -> ListedPage[Record]:
        """Count a page, and return its new records that match the conditions."""
        page = answer.content
        self.pages += 1
        self.received += len(page.records) + len(page.rejects)
        out_of_scope: Counter[str] = Counter()
        keys: list[str] = []
        records = self._new(page, memory)
        for condition in self._conditions:
            holds = list(map(condition.may_hold, records))
            if not all(holds):
                keys += [
                    self._key(record) for record, may_hold in zip(records, holds, strict=True) if not may_hold
                ]
                records = list(compress(records, holds))
                out_of_scope[condition.name] += holds.count(False)
        return ListedPage(
            records,
            page.rejects,
            answer.received_at,
            page.cursor,
            self._series,
            out_of_scope,
            keys,
            page.sources,
        )

    def _judge(self, of_page: Counter[str] = _NONE, *, at_end: bool = False) -> None:
        """Set the reason if too many records of the first pages were not requested; `of_page` is not counted elsewhere
        yet.
        """
        if self.pages != _FIRST_PAGES and not (at_end and self.pages < _FIRST_PAGES):
            return
        out_of_scope = self.out_of_scope + of_page
        unasked, records = out_of_scope.total(), self.received - self.duplicates
        if unasked <= _MOST_UNASKED or unasked <= _MOST_UNASKED_SHARE * records:
            return
        by_filter = ", ".join(f"{count:,} by `{name}`" for name, count in out_of_scope.most_common())
        ((ignored, _),) = out_of_scope.most_common(1)
        self.reason = (
            f"the exchange returned {unasked:,} of {records:,} records that were not requested ({by_filter}): it "
            f"ignores the filter `{ignored}`; check whether its API has changed"
        )

    def _answer(self, future: Future[Answer[Page[Record]]], walk: CursorWalk[Record]) -> Answer[Page[Record]]:
        try:
            answer = future.result()
        except RefusedError as error:
            if walk.may_hold is not None and error.status == httpx.codes.BAD_REQUEST:
                raise _WindowsFailedError(f"the exchange refuses them: {error}") from error
            raise
        if walk.may_hold is not None and not all(map(walk.may_hold, answer.content.records)):
            raise _WindowsFailedError("the exchange returned a market from outside its window")
        return answer

    def _seconds_left(self) -> float:
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise DeadlineError(
                f"{self.path} was not walked within KALSHI_WALK_SECONDS={self._walk_seconds:g}: raise it, or "
                "select fewer series with KALSHI_SERIES"
            )
        return left

    def _new(self, page: Page[Record], memory: WalkMemory) -> list[Record]:
        """Return the records that no earlier page had, each once."""
        keys = list(map(hash, map(self._key, page.records)))
        new_keys = set(keys)
        known: set[int] = set().union(*(other.keys & new_keys for other in self._memories))
        memory.add(
            new_keys.union(hash(reject.raw) for reject in page.rejects),
            [] if self._time is None else list(map(self._time, page.records)),
        )
        if not known and len(new_keys) == len(keys):
            return page.records
        fresh: list[Record] = []
        for key, record in zip(keys, page.records, strict=True):
            if key not in known:
                known.add(key)
                fresh.append(record)
        self.duplicates += len(page.records) - len(fresh)
        return fresh


def _is_unasked(listed: ListedPage[Any]) -> bool:
    return not listed.records and not listed.rejects and listed.out_of_scope.total() > _MOST_UNASKED


class _Asked(NamedTuple, Generic[Record]):
    """A requested page: its walk, and its page size, if known."""

    walk: CursorWalk[Record]
    size: int | None


class _WindowsFailedError(Exception):
    """The exchange refuses or ignores the windows."""


Result = TypeVar("Result")


def _in_background(work: Callable[[], Result]) -> Future[Result]:
    """Start one task in a separate daemon thread, which never prevents the program from ending.

    If the system has no thread left, the task is done at once, which only takes longer.
    """
    future: Future[Result] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (raised again by `result`)
            future.set_exception(error)

    try:
        threading.Thread(target=do, daemon=True).start()
    except RuntimeError:
        do()
    return future
