"""A walk whose cursor is always new still ends, once it shows nothing new."""

from collections.abc import Sequence

import pytest

from kalshi_pipeline.errors import PaginationError
from kalshi_pipeline.exchange.cursor_walk import CursorWalk
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Answer, Params
from kalshi_pipeline.records import Reject, Series, Trade
from kalshi_pipeline.units import MICROS_PER_SECOND

IN_CIRCLES = (
    r"^/series returned 20 pages in a row without anything new, .* ignores the cursor; run again later"
)


def number_of(query: Params) -> int:
    return int(str(query.get("cursor", 0)))


class Texts:
    """Pages with a record for each letter; a digit is an unreadable record.

    Each page but the last has its own cursor. If `repeated`, they start again after the last page.
    """

    def __init__(self, texts: Sequence[str], *, repeated: bool = False) -> None:
        self._texts = texts
        self._repeated = repeated
        self.asked: list[Params] = []

    def __call__(self, query: Params, _seconds_left: float) -> Answer[Page[Series]]:
        self.asked.append(query)
        number = number_of(query)
        text = self._texts[number % len(self._texts)]
        is_last = number + 1 == len(self._texts) and not self._repeated
        page = Page(
            [Series(letter, None, None, None, None) for letter in text if letter.isalpha()],
            [Reject(None, letter, "no object") for letter in text if letter.isdigit()],
            None if is_last else str(number + 1),
        )
        return Answer(page, 0)


def listing_of(
    fetch: Texts, queries: Sequence[Params] = ({},), windows: Sequence[CursorWalk[Series]] = ()
) -> Listing[Series]:
    return Listing("/series", fetch, queries, max_pages=None, walk_seconds=60, windows=windows)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["AB", *["AB"] * 19, "C"], id="nineteen-repeats"),
        pytest.param(["AB", *["AB"] * 19, "C", *["C"] * 19, "D"], id="nineteen-twice"),
        pytest.param(["AB", *["AB"] * 20], id="the-twentieth-is-the-last-page"),
        pytest.param(["AB", *["AB"] * 19, "BC", "D"], id="the-twentieth-has-one-new"),
        pytest.param(["AB", *["", "AB", ""] * 6, "", "C"], id="nineteen-repeats-and-empty-pages"),
        pytest.param(["A", *["A1"] + ["A"] * 18, "2", "B"], id="an-unreadable-record-is-new"),
    ],
)
def test_up_to_nineteen_repeated_pages_are_accepted(texts: list[str]) -> None:
    listing = listing_of(Texts(texts))
    tickers = "".join(record.ticker for page in listing for record in page.records)
    assert (tickers, listing.complete) == ("".join(sorted({*"".join(texts)} - {*"12"})), True)


@pytest.mark.parametrize(
    ("texts", "pages"),
    [
        pytest.param(["AB"], 21, id="one-page"),
        pytest.param(["AB", "CD"], 22, id="two-pages-in-turn"),
        pytest.param(["AB", "CD", "AD", "BC"], 22, id="the-same-records-in-other-pages"),
        pytest.param(["A", "B", "C", "D", "E", "F", "G", "H", "I"], 29, id="nine-pages"),
        pytest.param(["AB", ""], 21, id="with-empty-pages-in-between"),
        pytest.param(["AB", *[""] * 19], 21, id="with-nineteen-empty-pages-in-between"),
        pytest.param(["12"], 21, id="unreadable-records"),
        pytest.param(["A1"], 21, id="with-an-unreadable-record"),
    ],
)
def test_walk_in_circles_ends_after_twenty_pages(texts: list[str], pages: int) -> None:
    """The records before are returned."""
    fetch = Texts(texts, repeated=True)
    listing = listing_of(fetch)
    given: set[str] = set()
    with pytest.raises(PaginationError, match=IN_CIRCLES):
        given.update(record.ticker for page in listing for record in page.records)
    assert given == {letter for text in texts for letter in text if letter.isalpha()}
    assert (len(fetch.asked), listing.pages, listing.complete) == (pages, pages, False)


def test_each_walk_has_its_own_count() -> None:
    """The second series repeats the first, page by page."""
    letters = [chr(ord("A") + number) for number in range(25)]
    listing = listing_of(Texts(letters), [{"series_ticker": "S"}, {"series_ticker": "T"}])
    assert sum(len(page.records) for page in listing) == 25
    assert (listing.pages, listing.duplicates, listing.complete) == (50, 25, True)


def test_walk_in_place_of_failed_windows_may_repeat_them() -> None:
    letters = [chr(ord("A") + number) for number in range(26)]
    windows = [CursorWalk[Series]({"window": 1}, lambda record: record.ticker != "Z")]
    listing = listing_of(Texts(letters), windows=windows)
    assert sum(len(page.records) for page in listing) == 26
    assert listing.windows_failed == "the exchange returned a market from outside its window"
    assert (listing.pages, listing.duplicates, listing.complete) == (51, 25, True)


def test_walk_in_circles_in_one_window_ends_all() -> None:
    windows = [CursorWalk[Series]({"window": name}, lambda _: True) for name in ("one", "two")]
    listing = listing_of(Texts(["A"], repeated=True), windows=windows)
    with pytest.raises(PaginationError, match=IN_CIRCLES):
        list(listing)
    assert listing.complete is False


# Trades, of which the last pages are remembered only: newest first.

NOON = 12 * 3600 * MICROS_PER_SECOND


class Times:
    """Pages of trades by their times, in seconds after noon; the identifier of each is new."""

    def __init__(self, pages: Sequence[Sequence[float]], *, repeated: bool = False) -> None:
        self._pages = pages
        self._repeated = repeated

    def __call__(self, query: Params, _seconds_left: float) -> Answer[Page[Trade]]:
        number = number_of(query)
        trades = [
            Trade(f"{number}/{index}", "M", NOON + round(time * MICROS_PER_SECOND), 500_000, 100, "yes", None)
            for index, time in enumerate(self._pages[number % len(self._pages)])
        ]
        is_last = number + 1 == len(self._pages) and not self._repeated
        return Answer(Page(trades, cursor=None if is_last else str(number + 1)), 0)


def trades_of(fetch: Times) -> Listing[Trade]:
    return Listing(
        "/markets/trades",
        fetch,
        [{}],
        max_pages=None,
        walk_seconds=60,
        key=lambda trade: trade.trade_id,
        time=lambda trade: trade.created_at,
        remembered_pages=8,
    )


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([[-10 * page, -10 * page - 9] for page in range(50)], id="down"),
        pytest.param([[0, 0]] * 50, id="all-at-one-moment"),
        pytest.param([[0], *[[1]] * 49], id="up-by-a-second"),
        pytest.param([[-10 * page, -10 * page - 60] for page in range(50)], id="pages-that-overlap"),
        pytest.param([[0], [-100], *[[-50]] * 19, [-101]], id="nineteen-up"),
        pytest.param([[0], [-100], *[[-50]] * 19, [-101], *[[-50]] * 19, [-102]], id="nineteen-up-twice"),
        pytest.param([[0, -9000], *[[-10 * page] for page in range(1, 50)]], id="one-trade-much-too-early"),
        pytest.param(
            [[0], [-10, 500], *[[-10 * page] for page in range(2, 50)]], id="one-trade-much-too-late"
        ),
    ],
)
def test_trades_are_walked_down(pages: list[list[float]]) -> None:
    listing = trades_of(Times(pages))
    assert sum(len(page.records) for page in listing) == sum(map(len, pages))
    assert listing.complete is True


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        pytest.param([[-10 * page, -10 * page - 9] for page in range(12)], 32, id="a-circle-of-twelve-pages"),
        pytest.param([[-page] for page in range(30)], 50, id="a-circle-of-thirty-pages"),
        pytest.param([[0, -9]], 21, id="the-same-times-again"),
        pytest.param([[2 * page] for page in range(100)], 21, id="oldest-first"),
        pytest.param([[0], [-100], *[[-50]] * 20], 22, id="twenty-up"),
    ],
)
def test_trades_that_go_forward_in_time_end_after_twenty_pages(pages: list[list[float]], asked: int) -> None:
    """This holds although each trade's identifier is missing from the remembered pages."""
    listing = trades_of(Times(pages, repeated=True))
    with pytest.raises(
        PaginationError, match="/markets/trades returned 20 pages in a row without anything new"
    ):
        list(listing)
    assert (listing.pages, listing.complete) == (asked, False)
