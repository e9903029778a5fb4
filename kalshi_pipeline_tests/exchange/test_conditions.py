"""Responses are checked against the request, and a listing with too many other records stops."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.units import parse_instant
from kalshi_pipeline.vocabulary import MarketStatus, StatusFilter, Tier

Row = dict[str, Any]
ListIt = Callable[[KalshiClient], Listing[Any]]


def exchange_of(pages: Sequence[tuple[str, Sequence[Row]]]) -> httpx.MockTransport:
    """Pages of rows under a key."""

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("cursor", "0"))
        key, rows = pages[number]
        cursor = str(number + 1) if number + 1 < len(pages) else ""
        return httpx.Response(200, json={key: rows, "cursor": cursor})

    return httpx.MockTransport(answer)


@pytest.fixture
def listed() -> Iterator[Callable[[ListIt, str, Sequence[Sequence[Row]]], Listing[Any]]]:
    """Walk a listing with these pages; its records are in `found`."""
    clients: list[KalshiClient] = []

    def walk(list_it: ListIt, key: str, pages: Sequence[Sequence[Row]]) -> Listing[Any]:
        transport = exchange_of([(key, rows) for rows in pages])
        client = KalshiClient("http://exchange", requests_per_second=1000, transport=transport)
        clients.append(client)
        listing = list_it(client)
        found = [record for page in listing for record in page.records]
        assert listing.received == len(found) + listing.duplicates + listing.out_of_scope.total()
        return listing

    yield walk
    for client in clients:
        client.__exit__()


def market(**fields: Any) -> Row:
    return {
        "ticker": "KXA-26-T1",
        "event_ticker": "KXA-26",
        "status": "active",
        "yes_bid_dollars": None,
        **fields,
    }


COMBO = {"mve_collection_ticker": "KXMVE-R"}


def open_markets(client: KalshiClient, mve_filter: str | None = "exclude") -> Listing[Any]:
    return client.list_markets(
        status=StatusFilter.OPEN, mve_filter=mve_filter, max_pages=None, walk_seconds=60
    )


def settled(client: KalshiClient) -> Listing[Any]:
    since = parse_instant("2026-11-20T12:00:00Z")
    return client.tiers.list_settled(since=since, mve_filter="exclude", walk_seconds=60)


@pytest.mark.parametrize(
    ("list_it", "row", "contradicted"),
    [
        pytest.param(open_markets, market(), None, id="active"),
        pytest.param(open_markets, market(status="inactive"), None, id="paused"),
        pytest.param(open_markets, market(status="auctioning"), None, id="unknown-word"),
        pytest.param(open_markets, market(status=""), None, id="blank-status"),
        pytest.param(open_markets, market(status=None), None, id="no-status"),
        *(
            pytest.param(open_markets, market(status=word), "status", id=word)
            for word in MarketStatus
            if word not in ("active", "inactive")
        ),
        pytest.param(open_markets, market(**COMBO), "mve_filter", id="combo"),
        pytest.param(open_markets, market(status="finalized", **COMBO), "status", id="finalized-combo"),
        pytest.param(lambda client: open_markets(client, "only"), market(**COMBO), None, id="only-combos"),
        pytest.param(lambda client: open_markets(client, "only"), market(), "mve_filter", id="no-combo"),
        pytest.param(lambda client: open_markets(client, None), market(**COMBO), None, id="of-both-kinds"),
        pytest.param(settled, market(status="finalized"), None, id="settled-at-an-unknown-time"),
        pytest.param(settled, market(status="determined"), "status", id="determined"),
        pytest.param(settled, market(status="finalized", **COMBO), "mve_filter", id="settled-combo"),
        pytest.param(
            settled,
            market(status="finalized", settlement_ts="2026-11-20T11:59:57Z"),
            None,
            id="settled-at-the-bound-however-it-is-rounded",
        ),
        pytest.param(
            settled,
            market(status="finalized", settlement_ts="2026-11-20T11:59:56Z"),
            "min_settled_ts",
            id="settled-earlier",
        ),
        pytest.param(
            lambda client: client.tiers.list_historical(mve_filter="exclude", walk_seconds=60),
            market(status="finalized", **COMBO),
            "mve_filter",
            id="historical-combo",
        ),
        pytest.param(
            lambda client: client.tiers.list_historical(mve_filter="only", walk_seconds=60),
            market(status="finalized"),
            None,
            id="historical-where-the-kind-cannot-be-asked-for",
        ),
    ],
)
def test_market_is_checked_against_the_question(
    listed: Callable[..., Listing[Any]], list_it: ListIt, row: Row, contradicted: str | None
) -> None:
    listing = listed(list_it, "markets", [[row]])
    assert dict(listing.out_of_scope) == ({} if contradicted is None else {contradicted: 1})
    assert (listing.received, listing.complete) == (1, True)


def events_of_two_series(client: KalshiClient) -> Listing[Any]:
    return client.list_events(
        status=StatusFilter.OPEN, series=["KXA", "KXB"], max_pages=None, walk_seconds=60
    )


@pytest.mark.parametrize(
    ("series", "count"),
    [
        pytest.param("KXA", 0, id="asked-for"),
        pytest.param("KXB", 0, id="asked-for-beside-it"),
        pytest.param(None, 0, id="unknown"),
        pytest.param("KXC", 1, id="another"),
    ],
)
def test_event_of_another_series_is_left_out(
    listed: Callable[..., Listing[Any]], series: str | None, count: int
) -> None:
    """Two series are requested in turn, and the second answer repeats the first."""
    row = {"event_ticker": "KXA-26", "series_ticker": series}
    listing = listed(events_of_two_series, "events", [[row]])
    assert (listing.out_of_scope["series_ticker"], listing.duplicates) == (count, 1)


def test_listing_of_all_events_takes_any_series(listed: Callable[..., Listing[Any]]) -> None:
    def all_events(client: KalshiClient) -> Listing[Any]:
        return client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60)

    row = {"event_ticker": "KXA-26", "series_ticker": "KXC"}
    assert listed(all_events, "events", [[row]]).out_of_scope.total() == 0


@pytest.mark.parametrize(
    ("created", "contradicted"),
    [
        ("2026-11-20T11:59:57Z", None),
        ("2026-11-20T11:59:56.999999Z", "min_ts"),
        ("2026-11-20T13:00:02.999999Z", None),
        ("2026-11-20T13:00:03Z", "max_ts"),
    ],
)
def test_trade_is_checked_against_the_times(
    listed: Callable[..., Listing[Any]], created: str, contradicted: str | None
) -> None:
    """The request is a second wider on each side, because the exchange's rounding is unknown."""

    def of_an_hour(client: KalshiClient) -> Listing[Any]:
        start, end = parse_instant("2026-11-20T12:00:00Z") or 0, parse_instant("2026-11-20T13:00:00Z") or 0
        return client.tiers.list_trades(Tier.LIVE, start=start, end=end, walk_seconds=60)

    row = {
        "trade_id": "T",
        "ticker": "M",
        "created_time": created,
        "count_fp": "1.00",
        "yes_price_dollars": "0.55",
    }
    listing = listed(of_an_hour, "trades", [[row]])
    assert dict(listing.out_of_scope) == ({} if contradicted is None else {contradicted: 1})


# A listing stops if too many records were not requested.


def rows(page: int, asked: int, unasked: int) -> list[Row]:
    """Open markets, and finalized ones."""
    return [
        market(ticker=f"KXA-26-T{page}.{number}", status="active" if number < asked else "finalized")
        for number in range(asked + unasked)
    ]


@pytest.mark.parametrize(
    ("pages", "walked", "counts"),
    [
        pytest.param([(979, 21)], 1, None, id="one-page-21-of-1000"),
        pytest.param([(0, 20)], 1, None, id="20-of-20"),
        pytest.param([(0, 21)], 1, "21 of 21", id="21-of-21"),
        pytest.param([(399, 21)], 1, None, id="5-percent"),
        pytest.param([(398, 21)], 1, "21 of 419", id="more-than-5-percent"),
        pytest.param([(10, 0), (10, 22)], 2, "22 of 42", id="at-the-end-of-two-pages"),
        pytest.param([(10, 3)] * 10, 10, "30 of 130", id="at-the-end-of-ten-pages"),
        pytest.param([(10, 3)] * 12, 10, "30 of 130", id="after-ten-of-twelve-pages"),
        pytest.param([*[(10, 0)] * 9, (10, 21), (10, 0)], 10, "21 of 121", id="on-the-tenth-page"),
        pytest.param([*[(10, 0)] * 10, (10, 100)], 11, None, id="on-the-eleventh-page"),
        pytest.param([*[(10, 0)] * 8, (10, 21), (400, 0), (10, 99)], 11, None, id="few-of-the-first-ten"),
    ],
)
def test_listing_of_what_was_not_requested_stops(
    listed: Callable[..., Listing[Any]], pages: list[tuple[int, int]], walked: int, counts: str | None
) -> None:
    listing = listed(open_markets, "markets", [rows(number, *page) for number, page in enumerate(pages)])
    assert listing.pages == walked
    assert listing.complete is (counts is None)
    unasked = counts and counts.split()[0]
    assert listing.reason == (
        counts
        and f"the exchange returned {counts} records that were not requested ({unasked} by `status`): it ignores "
        "the filter `status`; check whether its API has changed"
    )


def test_nothing_more_is_requested_once_a_listing_stops() -> None:
    asked = 0
    pages = exchange_of([("markets", rows(number, 0, 5)) for number in range(12)])

    def count(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return pages.handle_request(request)

    with KalshiClient(
        "http://exchange", requests_per_second=1000, transport=httpx.MockTransport(count)
    ) as client:
        assert sum(len(page.records) for page in open_markets(client)) == 0
    assert asked == 10


def test_most_ignored_filter_is_named(listed: Callable[..., Listing[Any]]) -> None:
    finalized = rows(0, 0, 10)
    combos = [market(ticker=f"KXMVE-{number}", **COMBO) for number in range(1_200)]
    listing = listed(open_markets, "markets", [[*finalized, *combos]])
    assert listing.reason == (
        "the exchange returned 1,210 of 1,210 records that were not requested (1,200 by `mve_filter`, 10 by "
        "`status`): it ignores the filter `mve_filter`; check whether its API has changed"
    )


def test_repeated_records_count_once(listed: Callable[..., Listing[Any]]) -> None:
    listing = listed(open_markets, "markets", [rows(0, 0, 20), rows(0, 0, 20)])
    assert (listing.out_of_scope.total(), listing.duplicates, listing.complete) == (20, 20, True)


def test_caller_counts_what_it_finds() -> None:
    """Some parts of a request only the caller can check."""
    pages = exchange_of([("markets", rows(number, 10, 0)) for number in range(12)])
    with KalshiClient("http://exchange", requests_per_second=1000, transport=pages) as client:
        listing = open_markets(client)
        for page in listing:
            page.out_of_scope["series_ticker"] += 3
            assert page.received == 10
    assert (listing.pages, listing.complete) == (10, False)
    assert listing.reason == (
        "the exchange returned 30 of 100 records that were not requested (30 by `series_ticker`): it ignores the "
        "filter `series_ticker`; check whether its API has changed"
    )
