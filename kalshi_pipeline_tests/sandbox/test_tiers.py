"""Every trade and every settled market is in exactly one tier, on its side of the moving cutoff."""

from collections import Counter
from datetime import datetime

import httpx
import pytest

from kalshi_pipeline.sandbox import World, WorldConfig
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk

MICROS = 1_000_000
MINUTE_OF_A_DAY = 1 / 1440
# A market is determined two steps after its close, settles after two more, and is archived after another three.
QUICK = {"births_per_step": 0, "closes_per_step": 5, "cutoff_days": 3.5 * MINUTE_OF_A_DAY}


def tickers(client: httpx.Client, path: str, **parameters: object) -> set[str]:
    return {row["ticker"] for row in walk(client, path, "markets", limit=1000, **parameters)}


def trades(client: httpx.Client, path: str, **parameters: object) -> list[Row]:
    return walk(client, path, "trades", limit=1000, **parameters)


def seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def test_cutoff_moves_with_the_clock(start: Start) -> None:
    sandbox, client = start(cutoff_days=0.5)
    for _ in range(2):
        cutoff = read(client, "/historical/cutoff")
        assert seconds(cutoff["market_settled_ts"]) == sandbox.world.clock / MICROS - 43_200
        assert cutoff["trades_created_ts"] == cutoff["market_settled_ts"]
        sandbox.world.step()


def test_trades_are_once_on_their_side_of_the_cutoff(start: Start) -> None:
    sandbox, client = start(trades_per_day=300, trade_days=3, cutoff_days=1.5, change_share=0.5)
    everything = {row["trade_id"] for path in TRADES for row in trades(client, path)}
    for _ in range(3):
        cutoff = seconds(read(client, "/historical/cutoff")["trades_created_ts"])
        live, old = (trades(client, path) for path in TRADES)
        assert min(seconds(row["created_time"]) for row in live) >= cutoff
        assert max(seconds(row["created_time"]) for row in old) < cutoff
        assert len(live) > 400 < len(old)
        ids = Counter(row["trade_id"] for row in live + old)
        assert set(ids.values()) == {1}
        assert everything <= ids.keys()
        everything = set(ids)
        sandbox.world.step(60)


TRADES = ("/markets/trades", "/historical/trades")


def test_market_closes_settles_and_is_archived_within_a_few_steps(start: Start) -> None:
    sandbox, client = start(markets=60, **QUICK)
    places: dict[str, list[str]] = {ticker: [] for ticker in tickers(client, "/markets", status="open")}
    for _ in range(14):
        sandbox.world.step()
        cutoff = read(client, "/historical/cutoff")["market_settled_ts"]
        rows = walk(client, "/markets", "markets", limit=1000)
        old = walk(client, "/historical/markets", "markets", limit=1000)
        assert all(row["settlement_ts"] >= cutoff for row in rows if "settlement_ts" in row)
        assert all(row["settlement_ts"] < cutoff for row in old)
        where = {row["ticker"]: row["status"] for row in rows} | {row["ticker"]: "historical" for row in old}
        assert len(where) == len(rows) + len(old)
        for ticker, seen in places.items():
            if seen[-1:] != [where[ticker]]:
                seen.append(where[ticker])
    lives = Counter(tuple(seen) for seen in places.values())
    assert lives["active", "closed", "determined", "finalized", "historical"] > 5


def test_paused_exchange_still_archives_markets(start: Start) -> None:
    sandbox, client = start(markets=60, **QUICK)
    sandbox.world.step(6)
    assert tickers(client, "/markets", status="settled")
    sandbox.world.is_paused = True
    sandbox.world.step(10)
    assert not tickers(client, "/markets", status="settled")


def test_past_markets_settle_and_trade_on_both_sides_of_the_cutoff(start: Start) -> None:
    sandbox, client = start(past_share=3, past_days=6, cutoff_days=2)
    live, old = tickers(client, "/markets", status="settled"), tickers(client, "/historical/markets")
    assert len(old) > 300
    assert 100 < len(live) < len(old)
    traded = [row for path in TRADES for row in trades(client, path) if row["ticker"] in live | old]
    days = Counter(
        int(sandbox.world.clock // MICROS - seconds(row["created_time"])) // 86_400 for row in traded
    )
    assert all(days[day] > 50 for day in range(1, 6))
    assert max(days) < 8


def test_trades_per_day_fill_the_days_before_the_start() -> None:
    world = World(WorldConfig(markets=500, combos=50, trades_per_day=2_000, trade_days=2.5))
    plain = World(WorldConfig(markets=500, combos=50))
    now, day = world.clock, 86_400 * MICROS
    added = [
        sum(now - (age + 1) * day <= at < now - age * day for at in world.tape.at)
        - sum(now - (age + 1) * day <= at < now - age * day for at in plain.tape.at)
        for age in range(4)
    ]
    assert added == pytest.approx([2_000, 2_000, 1_000, 0], abs=60)
    for row, market in enumerate(world.tape.market):
        assert world.markets.created[market] <= world.tape.at[row] < world.markets.close_at[market]
    sums: Counter[int] = Counter()
    for market, count in zip(world.tape.market, world.tape.contracts, strict=True):
        sums[market] += count
    assert [sums[market] for market in range(len(world.markets))] == list(world.markets.volume)


def test_moved_cutoff_archives_markets_and_trades(start: Start) -> None:
    sandbox, client = start(past_share=1, past_days=6, cutoff_days=4)
    before = tickers(client, "/markets", status="settled")
    sandbox.world.move_cutoff(2 * 86_400)
    cutoff = read(client, "/historical/cutoff")["trades_created_ts"]
    assert seconds(cutoff) == sandbox.world.clock / MICROS - 2 * 86_400
    after = tickers(client, "/markets", status="settled")
    assert after < before
    assert before - after <= tickers(client, "/historical/markets")
    assert all(row["created_time"] >= cutoff for row in trades(client, "/markets/trades"))
    sandbox.world.move_cutoff(10**9)
    assert seconds(read(client, "/historical/cutoff")["trades_created_ts"]) == sandbox.world.clock / MICROS


@pytest.mark.parametrize("path", TRADES)
def test_trade_filters_agree_with_the_whole_tape(client: httpx.Client, path: str) -> None:
    everything = trades(client, path)
    times = sorted(seconds(row["created_time"]) for row in everything)
    low, high = int(times[len(times) // 4]), int(times[3 * len(times) // 4])
    found = walk(client, path, "trades", limit=7, min_ts=low, max_ts=high)
    assert found == [row for row in everything if low < seconds(row["created_time"]) < high]
    assert found
    ticker = Counter(row["ticker"] for row in everything).most_common(1)[0][0]
    of_one = [row for row in everything if row["ticker"] == ticker]
    assert walk(client, path, "trades", limit=1, ticker=ticker) == of_one
    bounds = {"min_ts": int(seconds(of_one[-1]["created_time"])) + 1, "ticker": ticker}
    assert walk(client, path, "trades", limit=1, **bounds) == [
        row for row in of_one if seconds(row["created_time"]) > bounds["min_ts"]
    ]
    assert walk(client, path, "trades", ticker="NOPE") == []
    for is_block in (True, False):
        only = walk(client, path, "trades", limit=1000, is_block_trade=str(is_block).lower())
        assert only == [row for row in everything if row["is_block_trade"] == is_block]


def test_historical_markets_are_found_by_ticker_event_and_series(client: httpx.Client) -> None:
    everything = walk(client, "/historical/markets", "markets", limit=1000)
    names = ",".join(row["ticker"] for row in everything[:200])
    found = walk(client, "/historical/markets", "markets", tickers=names, limit=30)
    assert found == everything[:200]
    assert read(client, "/markets", tickers=names, limit=1000)["markets"] == []
    event = everything[0]["event_ticker"]
    assert walk(client, "/historical/markets", "markets", event_ticker=event, limit=1) == [
        row for row in everything if row["event_ticker"] == event
    ]
    series = read(client, f"/events/{event}")["event"]["series_ticker"]
    of_series = walk(client, "/historical/markets", "markets", series_ticker=series, limit=3)
    assert everything[0] in of_series
    events = {row["event_ticker"] for row in walk(client, "/events", "events", series_ticker=series)}
    assert of_series == [row for row in everything if row["event_ticker"] in events]


def test_historical_markets_can_exclude_combos(start: Start) -> None:
    sandbox, client = start(markets=50, combos=40, combos_per_step=9, cutoff_days=MINUTE_OF_A_DAY)
    sandbox.world.step(50)
    everything = walk(client, "/historical/markets", "markets", limit=1000)
    plain = walk(client, "/historical/markets", "markets", limit=11, mve_filter="exclude")
    assert plain == [row for row in everything if not row.get("mve_collection_ticker")]
    assert 0 < len(plain) < len(everything)


def test_order_books_of_a_hundred_markets_are_served_at_once(client: httpx.Client) -> None:
    rows = read(client, "/markets", status="open", limit=99)["markets"]
    names = [row["ticker"] for row in rows]
    answer = client.get("/markets/orderbooks", params={"tickers": [*names, "NOPE"]}).json()
    assert [book["ticker"] for book in answer["orderbooks"]] == names
    single = read(client, f"/markets/{names[0]}/orderbook")
    assert answer["orderbooks"][0]["orderbook_fp"] == single["orderbook_fp"]
    assert client.get("/markets/orderbooks", params={"tickers": names[:1] * 101}).status_code == 400


def test_candles_of_a_hundred_markets_are_served_up_to_ten_thousand(client: httpx.Client) -> None:
    rows = read(client, "/markets", status="open", mve_filter="exclude", limit=100)["markets"]
    names = ",".join(row["ticker"] for row in rows)
    last = 1_791_460_800 - 60
    span: dict[str, str | int] = {
        "market_tickers": names,
        "start_ts": last - 99 * 60,
        "end_ts": last,
        "period_interval": 1,
    }
    found = read(client, "/markets/candlesticks", **span)["markets"]
    assert [row["market_ticker"] for row in found] == [row["ticker"] for row in rows]
    assert 5_000 < sum(len(row["candlesticks"]) for row in found) <= 10_000
    span["start_ts"] = last - 200 * 60
    assert client.get("/markets/candlesticks", params=span).status_code == 400
    span["market_tickers"] = names + ",NOPE"
    assert client.get("/markets/candlesticks", params=span).status_code == 400
