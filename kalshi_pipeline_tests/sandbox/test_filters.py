"""What filters select, and what listings exclude."""

from datetime import datetime

import httpx
import pytest

from kalshi_pipeline_tests.sandbox.walking import read, walk


@pytest.mark.parametrize(
    ("word", "states"),
    [
        ("unopened", {"initialized"}),
        ("open", {"active", "inactive"}),
        ("paused", {"inactive"}),
        ("closed", {"closed", "determined", "disputed", "amended"}),
        ("settled", {"finalized"}),
    ],
)
def test_status_filter_finds_its_statuses(client: httpx.Client, word: str, states: set[str]) -> None:
    found = {row["status"] for row in walk(client, "/markets", "markets", status=word, limit=1000)}
    assert found
    assert found <= states


def test_open_filter_includes_paused_markets(client: httpx.Client) -> None:
    found = {row["status"] for row in walk(client, "/markets", "markets", status="open", limit=1000)}
    assert found == {"active", "inactive"}


def test_events_exclude_combos_and_multivariate_events_are_only_combos(client: httpx.Client) -> None:
    listed = {row["event_ticker"] for row in walk(client, "/events", "events")}
    combos = {row["event_ticker"] for row in walk(client, "/events/multivariate", "events")}
    markets = walk(client, "/markets", "markets", mve_filter="only", limit=1000)
    assert not listed & combos
    assert {row["event_ticker"] for row in markets} == combos
    ticker = markets[0]["event_ticker"]
    assert read(client, f"/events/{ticker}")["markets"][0]["ticker"] == markets[0]["ticker"]


def test_event_filter_ignores_the_limit(client: httpx.Client) -> None:
    events = walk(client, "/events", "events", with_nested_markets="true")
    event = max(events, key=lambda row: len(row["markets"]))
    answer = read(client, "/markets", event_ticker=event["event_ticker"], limit=1)
    assert answer["cursor"] == ""
    assert len(answer["markets"]) == len(event["markets"]) > 1


def test_markets_are_nested_in_the_event_or_beside_it(client: httpx.Client) -> None:
    ticker = read(client, "/events", status="open", limit=1)["events"][0]["event_ticker"]
    beside = read(client, f"/events/{ticker}")
    inside = read(client, f"/events/{ticker}", with_nested_markets="true")
    assert "markets" not in beside["event"]
    assert inside["markets"] == []
    assert inside["event"]["markets"] == beside["markets"]
    assert inside["event"]["last_updated_ts"] == "0001-01-01T00:00:00Z"


def test_ticker_lists_find_markets_and_events(client: httpx.Client) -> None:
    markets = read(client, "/markets", limit=199)["markets"]
    tickers = ",".join(row["ticker"] for row in markets)
    assert read(client, "/markets", tickers=tickers + ",NOPE", limit=1000)["markets"] == markets
    events = read(client, "/events", limit=5)["events"]
    assert (
        read(client, "/events", tickers=",".join(row["event_ticker"] for row in events))["events"] == events
    )


def test_series_filter_agrees_with_the_events(client: httpx.Client) -> None:
    events = walk(client, "/events", "events", with_nested_markets="true")
    series = events[0]["series_ticker"]
    expected = {m["ticker"] for row in events if row["series_ticker"] == series for m in row["markets"]}
    rows = walk(client, "/markets", "markets", series_ticker=series, limit=5)
    assert {row["ticker"] for row in rows} == expected


@pytest.mark.parametrize(
    ("family", "field", "status"),
    [
        ("created", "created_time", "open"),
        ("close", "close_time", ""),
        ("settled", "settlement_ts", "settled"),
    ],
)
def test_time_bounds_are_exclusive(client: httpx.Client, family: str, field: str, status: str) -> None:
    rows = walk(client, "/markets", "markets", status=status, mve_filter="exclude", limit=1000)
    seconds = {row["ticker"]: datetime.fromisoformat(row[field]).timestamp() for row in rows if field in row}
    ordered = sorted(seconds.values())
    low, high = int(ordered[len(ordered) // 4]), int(ordered[3 * len(ordered) // 4])
    bounds = {f"min_{family}_ts": low, f"max_{family}_ts": high}
    found = walk(client, "/markets", "markets", status=status, mve_filter="exclude", limit=50, **bounds)
    assert {row["ticker"] for row in found} == {ticker for ticker, at in seconds.items() if low < at < high}
    assert found


def test_series_filters_are_exact(client: httpx.Client) -> None:
    everything = read(client, "/series")["series"]
    crypto = read(client, "/series", category="Crypto")["series"]
    assert crypto == [row for row in everything if "Crypto" in row["categories"]]
    assert read(client, "/series", category="crypto")["series"] == []
    tagged = read(client, "/series", tags="Football,Weather")["series"]
    assert tagged == [row for row in everything if {"Football", "Weather"} & set(row["tags"] or [])]
    assert any(row["tags"] is None for row in everything)


def test_unknown_parameters_are_ignored(client: httpx.Client) -> None:
    assert read(client, "/markets", limit=3, colour="red") == read(client, "/markets", limit=3)


def test_historical_tier_has_only_markets_that_left_the_live_tier(client: httpx.Client) -> None:
    cutoff = read(client, "/historical/cutoff")["market_settled_ts"]
    old = walk(client, "/historical/markets", "markets", limit=1000)
    live = {row["ticker"] for row in walk(client, "/markets", "markets", limit=1000)}
    assert old
    assert all(row["settlement_ts"] < cutoff and row["open_interest_fp"] == "0.00" for row in old)
    assert not live & {row["ticker"] for row in old}
    assert client.get(f"/markets/{old[0]['ticker']}").status_code == 404
    assert read(client, f"/events/{old[0]['event_ticker']}")["markets"] == []
