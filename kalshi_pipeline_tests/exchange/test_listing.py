"""A walk over pages always ends, and knows whether it was complete."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import DeadlineError, PaginationError, RefusedError, TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.conditions import Condition
from kalshi_pipeline.exchange.cursor_walk import CursorWalk
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Answer, Params
from kalshi_pipeline.records import Reject, Series
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.sandbox.walking import walk

REJECT = Reject(None, "570", "record: no object")


class Script:
    """Pages by cursor, as an endpoint sends them, each after `takes_seconds`. Records the requests."""

    def __init__(self, pages: Mapping[str | None, Page[Series]], takes_seconds: float = 0) -> None:
        self.clock = ManualClock()
        self._pages = pages
        self._takes_seconds = takes_seconds
        self.asked: list[Params] = []
        self.seconds_left: list[float] = []

    def __call__(self, query: Params, seconds_left: float) -> Answer[Page[Series]]:
        self.asked.append(query)
        self.seconds_left.append(seconds_left)
        self.clock.advance(self._takes_seconds)
        cursor = query.get("cursor")
        return Answer(self._pages[None if cursor is None else str(cursor)], 1_000 + len(self.asked))


def page(tickers: str = "", cursor: str | None = None, rejects: int = 0, number: int = 570) -> Page[Series]:
    """A page with a record for each letter, and bare numbers as odd records."""
    reject = REJECT._replace(raw=str(number))
    return Page([Series(ticker, None, None, None, None) for ticker in tickers], [reject] * rejects, cursor)


@pytest.fixture
def no_threads() -> Iterator[None]:
    """Let every new thread need more memory than any computer has, so that none starts."""
    before = threading.stack_size(1 << 44)
    yield
    threading.stack_size(before)


def listing_of(
    fetch: Script,
    queries: Sequence[Params] = ({"limit": 2},),
    *,
    max_pages: int | None = None,
    seconds: float = 60,
) -> Listing[Series]:
    return Listing(
        "/series", fetch, list(queries), max_pages=max_pages, walk_seconds=seconds, clock=fetch.clock
    )


def letters(pages: list[ListedPage[Series]]) -> list[str]:
    return ["".join(record.ticker for record in page.records) for page in pages]


def counts(listing: Listing[Any]) -> tuple[int, int, int]:
    return listing.pages, listing.received, listing.duplicates


def test_listing_walks_until_the_cursor_is_empty() -> None:
    fetch = Script({None: page("AB", "one"), "one": page("CD", "two"), "two": page("E")})
    listing = listing_of(fetch)
    pages = list(listing)
    assert (letters(pages), [one.received_at for one in pages]) == (["AB", "CD", "E"], [1_001, 1_002, 1_003])
    assert fetch.asked == [{"limit": 2}, {"limit": 2, "cursor": "one"}, {"limit": 2, "cursor": "two"}]
    assert (counts(listing), listing.complete, listing.reason) == ((3, 5, 0), True, None)


@pytest.mark.usefixtures("no_threads")
def test_later_page_of_unrequested_records_stops_the_walk_before_it() -> None:
    """Its cursor belongs to another request, so a run that continues there would miss records."""
    unasked = Condition[Series]("status", lambda series: series.ticker.isupper())
    fetch = Script({None: page("AB", "one"), "one": page("abcdefghijklmnopqrstu", "two"), "two": page("E")})
    listing = Listing(
        "/series",
        fetch,
        [{"limit": 2}],
        max_pages=None,
        walk_seconds=60,
        clock=fetch.clock,
        conditions=(unasked,),
    )
    assert [found.cursor for found in listing] == ["one"]
    assert (listing.complete, listing.reason) == (
        False,
        "/series returned a page of 21 records of which none was requested, such as the answer to another request: "
        "run again",
    )
    assert len(fetch.asked) == 2


def test_listing_is_complete_where_no_thread_can_be_started() -> None:
    fetch = Script({None: page("AB", "one"), "one": page("C")})
    listing = listing_of(fetch)
    assert (letters(list(listing)), listing.complete) == (["AB", "C"], True)


@pytest.mark.usefixtures("no_threads")
def test_error_reaches_the_reader_where_no_thread_can_be_started() -> None:
    listing = listing_of(Script({}))
    with pytest.raises(KeyError):
        list(listing)


def test_listing_of_nothing_is_complete() -> None:
    listing = listing_of(Script({None: page()}))
    assert letters(list(listing)) == [""]
    assert (counts(listing), listing.complete) == ((1, 0, 0), True)


def test_listing_is_not_complete_before_its_end() -> None:
    listing = listing_of(Script({None: page("A", "one"), "one": page("B")}))
    pages = iter(listing)
    assert listing.complete is False
    next(pages)
    assert (listing.pages, listing.complete) == (1, False)
    next(pages)
    assert (listing.pages, listing.complete) == (2, False)
    assert list(pages) == []
    assert listing.complete is True


def test_short_page_does_not_end_the_walk() -> None:
    pages = list(listing_of(Script({None: page("A", "one"), "one": page("", "two"), "two": page("BC")})))
    assert letters(pages) == ["A", "", "BC"]


def test_overlapping_pages_are_counted_and_given_once() -> None:
    """Received = records + rejects + duplicates."""
    fetch = Script(
        {None: page("ABB", "one", rejects=1), "one": page("BCA", "two"), "two": page("CD", rejects=2)}
    )
    listing = listing_of(fetch)
    pages = list(listing)
    assert letters(pages) == ["AB", "C", "D"]
    assert [page.rejects for page in pages] == [[REJECT], [], [REJECT, REJECT]]
    assert counts(listing) == (3, 11, 4)
    assert listing.received == 4 + 3 + listing.duplicates


def test_queries_are_walked_in_turn_and_share_what_was_seen() -> None:
    fetch = Script({None: page("AB", "one"), "one": page("C")})
    listing = listing_of(fetch, [{"series_ticker": "S"}, {"series_ticker": "T"}])
    assert letters(list(listing)) == ["AB", "C", "", ""]
    assert fetch.asked == [
        {"series_ticker": "S"},
        {"series_ticker": "S", "cursor": "one"},
        {"series_ticker": "T"},
        {"series_ticker": "T", "cursor": "one"},
    ]
    assert (counts(listing), listing.complete) == ((4, 6, 3), True)


@pytest.mark.parametrize(
    ("max_pages", "given", "complete"),
    [
        pytest.param(1, ["A"], False, id="after-one"),
        pytest.param(2, ["A", "B"], False, id="after-two"),
        pytest.param(3, ["A", "B", "C"], True, id="just-enough"),
        pytest.param(4, ["A", "B", "C"], True, id="more-than-enough"),
        pytest.param(None, ["A", "B", "C"], True, id="no-cap"),
    ],
)
def test_cap_is_reported_as_truncation(max_pages: int | None, given: list[str], complete: bool) -> None:
    fetch = Script({None: page("A", "one"), "one": page("B", "two"), "two": page("C")})
    listing = listing_of(fetch, max_pages=max_pages)
    assert letters(list(listing)) == given
    assert len(fetch.asked) == len(given)
    reason = None if complete else f"truncated: stopped at KALSHI_MAX_PAGES={max_pages} with more to come"
    assert (listing.complete, listing.reason) == (complete, reason)


def test_cap_counts_the_pages_of_all_queries() -> None:
    listing = listing_of(Script({None: page("A")}), [{"n": 1}, {"n": 2}, {"n": 3}], max_pages=2)
    assert len(list(listing)) == 2
    assert listing.reason == "truncated: stopped at KALSHI_MAX_PAGES=2 with more to come"


def test_walk_past_its_deadline_is_an_error() -> None:
    """Pages in time are returned; the page after the deadline is not requested."""
    fetch = Script({None: page("A", "one"), "one": page("B", "two"), "two": page("C")}, takes_seconds=30)
    listing = listing_of(fetch, seconds=60)
    pages: list[ListedPage[Series]] = []
    with pytest.raises(DeadlineError) as late:
        pages.extend(listing)
    assert str(late.value) == (
        "/series was not walked within KALSHI_WALK_SECONDS=60: raise it, or select fewer series with KALSHI_SERIES"
    )
    assert (len(fetch.asked), letters(pages), listing.complete) == (2, ["A"], False)


def test_one_deadline_holds_for_all_pages_and_queries() -> None:
    """Each page has the time that earlier pages left."""
    fetch = Script({None: page("A", "one"), "one": page("B")}, takes_seconds=7)
    list(listing_of(fetch, [{"n": 1}, {"n": 2}], seconds=60))
    assert fetch.seconds_left == [60, 53, 46, 39]


@pytest.mark.parametrize(
    ("cursors", "given"),
    [
        pytest.param({None: "one", "one": "one"}, ["A", "A"], id="its-own"),
        pytest.param({None: "one", "one": "two", "two": "one"}, ["A", "A", "A"], id="an-earlier-one"),
    ],
)
def test_repeated_cursor_is_an_error(cursors: dict[str | None, str], given: list[str]) -> None:
    """The pages before it are returned."""
    fetch = Script({at: page("A", cursor) for at, cursor in cursors.items()})
    listing = listing_of(fetch)
    pages: list[ListedPage[Series]] = []
    with pytest.raises(PaginationError, match="/series returned the cursor 'one' twice"):
        pages.extend(listing)
    assert len(fetch.asked) == len(given)
    assert listing.complete is False


def test_cursor_of_one_query_may_come_again_in_another() -> None:
    listing = listing_of(Script({None: page("A", "one"), "one": page("B")}), [{"n": 1}, {"n": 2}])
    assert len(list(listing)) == 4
    assert listing.complete is True


def chain_of_empty_pages(count: int, rejects: int = 0) -> dict[str | None, Page[Series]]:
    """A page, some empty ones, and a last page."""
    pages: dict[str | None, Page[Series]] = {None: page("A", "0")}
    for number in range(count):
        pages[str(number)] = page("", str(number + 1), rejects, number)
    return {**pages, str(count): page("B")}


def test_empty_pages_with_a_cursor_are_walked_through() -> None:
    listing = listing_of(Script(chain_of_empty_pages(19)))
    assert letters(list(listing)) == ["A", *[""] * 19, "B"]
    assert listing.complete is True


def test_empty_pages_without_end_are_an_error() -> None:
    """A limited number of empty pages is accepted."""
    fetch = Script(chain_of_empty_pages(20))
    with pytest.raises(PaginationError, match="/series returned 20 empty pages in a row, each with a cursor"):
        list(listing_of(fetch))
    assert len(fetch.asked) == 21


def test_page_of_rejected_records_is_not_empty() -> None:
    listing = listing_of(Script(chain_of_empty_pages(30, rejects=1)))
    assert len(list(listing)) == 32
    assert (counts(listing), listing.complete) == ((32, 32, 0), True)


# Several walks at once.


class Meeting:
    """An endpoint that answers only once `parties` requests are in flight at the same time."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)

    def __call__(self, query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        self._barrier.wait(60)
        return Answer(page(f"{query['n']}"), 1_000)


def test_as_many_walks_as_wanted_run_at_once() -> None:
    queries: list[Params] = [{"n": number} for number in range(4)]
    listing = Listing("/series", Meeting(2), queries, max_pages=None, walk_seconds=60, at_once=2)
    assert sorted(letters(list(listing))) == ["0", "1", "2", "3"]
    assert (counts(listing), listing.complete) == ((4, 4, 0), True)


def test_next_page_is_on_its_way_while_one_is_stored() -> None:
    asked = threading.Event()

    def fetch(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        if "cursor" in query:
            asked.set()
            return Answer(page("B"), 1_000)
        return Answer(page("A", "one"), 1_000)

    pages = iter(Listing("/series", fetch, [{}], max_pages=None, walk_seconds=60))
    next(pages)
    assert asked.wait(60)


def test_cap_requests_pages_one_by_one_and_none_in_vain() -> None:
    """The first pages must not depend on the speed of the walks."""
    fetch = Script({None: page("A", "one"), "one": page("B", "two"), "two": page("C")})
    listing = Listing("/series", fetch, [{"n": 1}, {"n": 2}], max_pages=2, walk_seconds=60, at_once=8)
    assert letters(list(listing)) == ["A", "B"]
    assert fetch.asked == [{"n": 1}, {"n": 1, "cursor": "one"}]


def windowed(
    fetch: Callable[[Params, float], Answer[Page[Series]]], max_pages: int | None = None
) -> Listing[Series]:
    """A listing in two windows; each may hold the letters of its name."""
    windows = [
        CursorWalk[Series]({"window": name}, lambda record, name=name: record.ticker in name)  # type: ignore[misc]
        for name in ("ABC", "CDE")
    ]
    return Listing(
        "/markets", fetch, [{"all": 1}], max_pages=max_pages, walk_seconds=60, at_once=2, windows=windows
    )


def refusal(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
    if "window" in query:
        raise RefusedError("the exchange answered 400 (invalid created filter)", 400)
    return Answer(page("ABCDE"), 1_000)


def test_windows_are_walked_in_place_of_the_whole() -> None:
    def fetch(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        return Answer(page(str(query["window"])), 1_000)

    listing = windowed(fetch)
    assert sorted("".join(letters(list(listing)))) == ["A", "B", "C", "D", "E"]
    assert (counts(listing), listing.windows, listing.windows_failed) == ((2, 6, 1), 2, None)


def test_refused_windows_fall_back_to_one_walk() -> None:
    listing = windowed(refusal)
    assert letters(list(listing)) == ["ABCDE"]
    assert (listing.complete, listing.windows) == (True, 1)
    assert listing.windows_failed == (
        "the exchange refuses them: the exchange answered 400 (invalid created filter)"
    )


def test_row_from_outside_its_window_shows_that_windows_are_ignored() -> None:
    """Records that the windows returned before are returned once."""

    def fetch(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        if query.get("window") == "CDE" and "cursor" not in query:
            return Answer(page("C", "one"), 1_000)
        return Answer(page("DEA" if "cursor" in query else "ABC" if "window" in query else "ABCDE"), 1_000)

    listing = windowed(fetch)
    assert sorted("".join(letters(list(listing)))) == ["A", "B", "C", "D", "E"]
    assert (listing.complete, listing.windows) == (True, 1)
    assert listing.windows_failed == "the exchange returned a market from outside its window"


def test_refusal_of_the_whole_is_an_error() -> None:
    def fetch(_query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        raise RefusedError("the exchange answered 400", 400)

    listing = windowed(fetch)
    with pytest.raises(RefusedError):
        list(listing)
    assert listing.complete is False


def test_other_refusals_of_a_window_are_errors() -> None:
    def fetch(_query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        raise RefusedError("the exchange answered 403", 403)

    with pytest.raises(RefusedError):
        list(windowed(fetch))


def test_capped_listing_has_no_windows() -> None:
    listing = windowed(refusal, max_pages=1)
    assert letters(list(listing)) == ["ABCDE"]
    assert listing.windows_failed is None


def test_error_of_one_walk_does_not_stop_the_others() -> None:
    """It is raised at the end, with a note of which walks failed."""

    def fetch(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        if query.get("series_ticker") == "B":
            raise TransientExchangeError("the exchange could not be reached")
        return Answer(page(str(query["series_ticker"])), 1_000)

    queries: list[Params] = [{"series_ticker": name} for name in "ABCD"]
    listing = Listing("/markets", fetch, queries, max_pages=None, walk_seconds=60)
    found: list[str] = []
    with pytest.raises(TransientExchangeError) as failure:
        found.extend(record.ticker for listed in listing for record in listed.records)
    assert found == ["A", "C", "D"]
    assert failure.value.full_message == (
        "the exchange could not be reached; 1 of the 4 parts of the listing failed (series B)"
    )
    assert (listing.pages, listing.complete) == (3, False)


def test_walks_that_fail_one_after_the_other_stop_the_listing() -> None:
    asked: list[object] = []

    def fetch(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        asked.append(query["n"])
        if query["n"] in (2, 4, 5, 6):
            raise TransientExchangeError("down")
        return Answer(page("ABC"), 1_000)

    queries: list[Params] = [{"n": number} for number in range(9)]
    with pytest.raises(TransientExchangeError):
        list(Listing("/markets", fetch, queries, max_pages=None, walk_seconds=60))
    assert asked == [0, 1, 2, 3, 4, 5, 6]


def test_windows_of_which_one_fails_are_walked_to_their_end() -> None:
    def fetch(query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        if query.get("window") == "CDE":
            raise TransientExchangeError("the exchange could not be reached")
        return Answer(page("A" if "cursor" in query else "B", None if "cursor" in query else "next"), 1_000)

    listing, found = windowed(fetch), set[str]()
    with pytest.raises(TransientExchangeError):
        found.update(record.ticker for listed in listing for record in listed.records)
    assert (found, listing.complete, listing.windows_failed) == ({"A", "B"}, False, None)


# Refused pages.


class SmallPages:
    """An exchange that refuses windows, and pages above a number of records."""

    def __init__(self, largest: int) -> None:
        self.asked: list[tuple[object, object]] = []
        self._largest = largest

    def __call__(self, query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        self.asked.append((query.get("window", query.get("cursor", "")), query["limit"]))
        if "window" in query or int(str(query["limit"])) > self._largest:
            raise RefusedError("the exchange answered 400", 400)
        return Answer(page("B" if "cursor" in query else "A", None if "cursor" in query else "next"), 1_000)


@pytest.mark.parametrize(
    ("largest", "sizes"), [(500, [500]), (130, [500, 250, 125]), (100, [500, 250, 125, 100])]
)
def test_refused_page_is_requested_with_fewer_records_until_one_is_taken(
    largest: int, sizes: list[int]
) -> None:
    """Windows are dropped first, because they are the likelier reason. The walk continues with the accepted page
    size.
    """
    fetch = SmallPages(largest)
    windows = [CursorWalk[Series]({"window": "W", "limit": 1000}, lambda _: True)]
    listing = Listing("/markets", fetch, [{"limit": 1000}], max_pages=None, walk_seconds=60, windows=windows)
    assert letters(list(listing)) == ["A", "B"]
    assert fetch.asked == [
        ("W", 1000),
        *[("", size) for size in (1000, *sizes)],
        ("next", sizes[-1]),
    ]
    assert (listing.page_size, listing.complete, listing.windows) == (sizes[-1], True, 1)


def test_request_that_is_refused_with_the_smallest_page_is_an_error() -> None:
    fetch = SmallPages(50)
    listing = Listing("/markets", fetch, [{"limit": 200}], max_pages=None, walk_seconds=60)
    with pytest.raises(RefusedError):
        list(listing)
    assert [size for _, size in fetch.asked] == [200, 100]


# Against the sandbox exchange.


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=5_500, past_share=0.0))) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[KalshiClient]:
    with KalshiClient(sandbox.url, requests_per_second=1000, retry_seconds=0) as client:
        yield client


@pytest.fixture
def open_events(sandbox: Sandbox) -> list[str]:
    with httpx.Client(base_url=sandbox.url) as raw:
        return [row["event_ticker"] for row in walk(raw, "/events", "events", status="open")]


def events_of(client: KalshiClient, max_pages: int | None = None) -> Listing[Any]:
    return client.list_events(status=StatusFilter.OPEN, max_pages=max_pages, walk_seconds=60)


def tickers(pages: Sequence[ListedPage[Any]]) -> list[str]:
    return [record.ticker for page in pages for record in page.records]


@pytest.mark.parametrize(
    ("faults", "pages_of_one", "duplicates_of_one"),
    [
        pytest.param(Faults(), 1, 0, id="calm"),
        pytest.param(Faults(empty_pages=True), 2, 0, id="empty-pages"),
        pytest.param(Faults(overlap=25), 1, 25, id="overlapping-pages"),
    ],
)
def test_listing_yields_every_event_once(
    client: KalshiClient,
    sandbox: Sandbox,
    open_events: list[str],
    faults: Faults,
    pages_of_one: int,
    duplicates_of_one: int,
) -> None:
    """Each later page is split into several answers, and repeats some records of the previous page."""
    sandbox.faults = faults
    listing = events_of(client)
    assert tickers(list(listing)) == open_events
    behind_the_first = (listing.pages - 1) // pages_of_one
    assert behind_the_first >= 2
    assert listing.duplicates == behind_the_first * duplicates_of_one
    assert (listing.received, listing.complete) == (len(open_events) + listing.duplicates, True)


def test_listing_that_goes_in_circles_ends(client: KalshiClient, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(repeated_cursor=True)
    listing = events_of(client)
    with pytest.raises(
        PaginationError, match=r"/events returned the cursor '.{1,40}' twice: the walk would not end"
    ):
        list(listing)
    assert (listing.pages, listing.complete) == (2, False)


def test_listing_cut_by_a_cap_holds_the_first_pages(client: KalshiClient, open_events: list[str]) -> None:
    listing = events_of(client, max_pages=2)
    assert tickers(list(listing)) == open_events[:400]
    assert (listing.complete, listing.reason) == (
        False,
        "truncated: stopped at KALSHI_MAX_PAGES=2 with more to come",
    )
