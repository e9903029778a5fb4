"""Every listing shows each row once and in order, for every page size."""

from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from statistics import quantiles

import httpx
import pytest

from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, read_pages, walk


@pytest.mark.parametrize(
    ("limit", "mve_filter"),
    [(1, "only"), (7, "only"), (7, "exclude"), (1000, "exclude"), (7, ""), (1000, "")],
)
def test_markets_are_listed_once_and_newest_first(client: httpx.Client, limit: int, mve_filter: str) -> None:
    rows = walk(client, "/markets", "markets", limit=limit, status="open", mve_filter=mve_filter)
    keys = [(row["created_time"], row["ticker"]) for row in rows]
    assert len(set(keys)) == len(keys)
    times = [_padded(row["created_time"]) for row in rows]
    assert times == sorted(times, reverse=True)
    tied = [(one, two) for one, two in pairwise(rows) if one["created_time"] == two["created_time"]]
    assert all(one["ticker"] < two["ticker"] for one, two in tied)


def _padded(time: str) -> str:
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<6}"


def test_unfiltered_markets_are_the_union_of_the_status_filters(client: httpx.Client) -> None:
    everything = {row["ticker"] for row in walk(client, "/markets", "markets", limit=90)}
    parts = [
        {row["ticker"] for row in walk(client, "/markets", "markets", limit=1000, status=status)}
        for status in ("unopened", "open", "closed", "settled")
    ]
    assert all(parts)
    assert sum(map(len, parts)) == len(set().union(*parts))
    assert set().union(*parts) == everything


@pytest.mark.parametrize(
    ("path", "key", "identifier"),
    [
        ("/events", "events", "event_ticker"),
        ("/events/multivariate", "events", "event_ticker"),
        ("/markets/trades", "trades", "trade_id"),
        ("/historical/markets", "markets", "ticker"),
        ("/historical/trades", "trades", "trade_id"),
    ],
)
def test_small_and_large_pages_show_the_same_rows(
    client: httpx.Client, path: str, key: str, identifier: str
) -> None:
    large = [row[identifier] for row in walk(client, path, key, limit=200)]
    pages = read_pages(client, path, key, limit=13)
    assert [row[identifier] for page in pages for row in page] == large
    assert len(set(large)) == len(large) > 13
    assert all(len(page) == 13 for page in pages[:-1])


def test_trades_are_listed_newest_first(client: httpx.Client) -> None:
    times = [_padded(row["created_time"]) for row in walk(client, "/markets/trades", "trades", limit=1000)]
    assert times == sorted(times, reverse=True)


def test_open_events_are_listed_soonest_close_first(calm: Sandbox, client: httpx.Client) -> None:
    rows = walk(client, "/events", "events", status="open", limit=20)
    closes = [_close(calm, row) for row in rows]
    assert closes == sorted(closes)
    unfiltered = [_close(calm, row) for row in walk(client, "/events", "events")]
    assert unfiltered == sorted(unfiltered, reverse=True)


def _close(sandbox: Sandbox, event: Row) -> int:
    events = sandbox.world.events
    return events.close_at[events.position[event["event_ticker"]]]


def test_walk_excludes_markets_created_meanwhile(start: Start) -> None:
    sandbox, client = start(markets=300, births_per_step=20, closes_per_step=0, change_share=0)
    before = {row["ticker"] for row in walk(client, "/markets", "markets", status="open", limit=1000)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = read(client, "/markets", status="open", limit=50, **({"cursor": cursor} if cursor else {}))
        seen += [row["ticker"] for row in page["markets"]]
        sandbox.world.step()
        if not (cursor := page["cursor"]):
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == before
    next_walk = [row["ticker"] for row in walk(client, "/markets", "markets", status="open", limit=50)]
    assert before < set(next_walk)
    assert len(next_walk) == len(set(next_walk)) > len(seen) + 50


@pytest.mark.parametrize("within", [0, 0.000_02, 1, 90], ids=str)
def test_markets_created_close_together_are_listed_once_and_in_order(start: Start, within: float) -> None:
    sandbox, client = start(markets=100, combos=20, created_within_seconds=within)
    for _ in range(2):
        keys = [
            (_padded(row["created_time"]), row["ticker"])
            for row in walk(client, "/markets", "markets", status="open", limit=7)
        ]
        # Newest first, ties by ticker; sorting is stable.
        assert keys == sorted(sorted(keys, key=itemgetter(1)), key=itemgetter(0), reverse=True)
        assert len(set(keys)) == len(keys) >= 115
        sandbox.world.step()


@pytest.mark.parametrize("within", [0, 1], ids=str)
def test_all_open_markets_can_be_created_within_one_second(start: Start, within: float) -> None:
    _, client = start(markets=100, combos=20, created_within_seconds=within)
    rows = walk(client, "/markets", "markets", status="open", limit=1000)
    times = {row["created_time"] for row in rows}
    assert len(rows) == 120
    assert (len(times) == 1) == (within == 0)
    seconds = {int(datetime.fromisoformat(time).timestamp()) for time in times}
    second = min(seconds)
    assert seconds == {second}
    around = {"min_created_ts": second - 1, "max_created_ts": second + 1}
    assert walk(client, "/markets", "markets", status="open", limit=50, **around) == rows
    after = walk(client, "/markets", "markets", status="open", limit=50, min_created_ts=second)
    assert after == [row for row in rows if "." in row["created_time"]]


def test_created_times_spread_over_weeks(start: Start) -> None:
    sandbox, client = start(markets=2_000, combos=100)
    ages = [
        sandbox.world.clock / 1e6 - datetime.fromisoformat(row["created_time"]).timestamp()
        for row in walk(client, "/markets", "markets", status="open", mve_filter="exclude", limit=1000)
    ]
    assert ages == sorted(ages)
    day, days = 86_400, [seconds / 86_400 for seconds in quantiles(ages, n=10)]
    assert days == pytest.approx([3 * tenth for tenth in range(1, 10)], abs=0.5)
    assert ages[0] < day / 2 < 29 * day < ages[-1]


def test_many_markets_can_be_walked(start: Start, is_full: bool) -> None:
    count = 20_000 if is_full else 3_000
    _, client = start(markets=count)
    tickers = [
        row["ticker"]
        for row in walk(client, "/markets", "markets", status="open", mve_filter="exclude", limit=1000)
    ]
    assert len(tickers) == len(set(tickers)) == count
