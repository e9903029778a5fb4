"""Candlesticks agree with the trades and with the quotes that listings served."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import httpx
import pytest

from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.sandbox.world.quote_log import Quote, QuoteLog
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk

MICROS = 1_000_000
OHLC = ("open", "low", "high", "close")
PLAIN = {"accept-encoding": "identity"}  # compression would only take time
START = datetime(2026, 10, 8, 11, 52, tzinfo=UTC)  # an hour begins during the test


@dataclass
class Watch:
    """An exchange, and all rows that its listing served, with their times in seconds."""

    sandbox: Sandbox
    client: httpx.Client
    served: dict[str, list[tuple[float, Row]]] = field(default_factory=lambda: defaultdict(list))
    clocks: list[float] = field(default_factory=list)

    def look(self) -> None:
        now = self.sandbox.world.clock / MICROS
        self.clocks.append(now)
        for row in walk(self.client, "/markets", "markets", limit=1000):
            self.served[row["ticker"]].append((now, row))

    def step(self, count: int) -> None:
        for _ in range(count):
            self.sandbox.world.step()
            self.look()

    def rows_at(self, ticker: str, since: float, until: float) -> list[Row]:
        """Return the row in force at `since` (or else the first row), and the following ones up to `until`."""
        seen = self.served[ticker]
        before = [row for at, row in seen if at <= since] or [seen[0][1]]
        return [before[-1], *(row for at, row in seen if since < at <= until)]

    def candles(self, tickers: list[str], minutes: int) -> dict[str, list[Row]]:
        """Return the candles whose period is over and did not begin before the world did."""
        span = {"start_ts": int(self.clocks[0]) + 60 * minutes, "end_ts": int(self.clocks[-1])}
        found: dict[str, list[Row]] = {}
        for index in range(0, len(tickers), 100):
            names = ",".join(tickers[index : index + 100])
            answer = read(
                self.client, "/markets/candlesticks", market_tickers=names, period_interval=minutes, **span
            )
            found |= {row["market_ticker"]: row["candlesticks"] for row in answer["markets"]}
        return found


def watch(sandbox: Sandbox, client: httpx.Client, steps: int) -> Watch:
    seen = Watch(sandbox, client)
    seen.look()
    seen.step(steps)
    return seen


@pytest.fixture(scope="module")
def watched() -> Iterator[Watch]:
    """Seventy minutes in steps of half a minute; markets are created, paused, closed and settled meanwhile."""
    config = WorldConfig(
        markets=90,
        combos=10,
        change_share=0.5,
        closes_per_step=1,
        combos_per_step=1,
        start=START,
        step_seconds=30,
    )
    with Sandbox(World(config)) as sandbox, plain_http.open_client(sandbox.url, headers=PLAIN) as client:
        yield watch(sandbox, client, 140)


@pytest.mark.parametrize("minutes", [1, 7, 60])
def test_candle_has_the_quotes_that_were_served(watched: Watch, minutes: int) -> None:
    count, moved, ended = 0, 0, 0
    for ticker, candles in watched.candles(list(watched.served), minutes).items():
        for candle in candles:
            end = candle["end_period_ts"]
            rows = watched.rows_at(ticker, end - 60 * minutes, end)
            for side in ("yes_bid", "yes_ask"):
                prices = [row[f"{side}_dollars"] for row in rows]
                expected = dict(zip(OHLC, (prices[0], min(prices), max(prices), prices[-1]), strict=True))
                assert candle[side] == {f"{name}_dollars": price for name, price in expected.items()}
                moved += len(set(prices)) > 1
            ended += rows[-1]["status"] not in ("active", "inactive", "initialized")
            count += 1
    assert count > 100
    assert moved > 80
    assert ended > 10


@pytest.mark.parametrize("minutes", [1, 60])
def test_candle_has_the_volume_that_the_listing_gained(watched: Watch, minutes: int) -> None:
    trades: dict[str, list[tuple[float, Decimal]]] = defaultdict(list)
    for row in walk(watched.client, "/markets/trades", "trades", limit=1000):
        at = datetime.fromisoformat(row["created_time"]).timestamp()
        trades[row["ticker"]].append((at, Decimal(row["count_fp"])))
    traded = 0
    for ticker, candles in watched.candles(list(watched.served), minutes).items():
        for candle in candles:
            end = candle["end_period_ts"]
            begin = end - 60 * minutes
            rows = watched.rows_at(ticker, begin, end)
            gained = Decimal(rows[-1]["volume_fp"])
            if watched.served[ticker][0][0] <= begin:
                gained -= Decimal(rows[0]["volume_fp"])
            assert Decimal(candle["volume_fp"]) == gained
            assert sum(count for at, count in trades[ticker] if begin < at <= end) == gained
            assert candle["open_interest_fp"] == rows[-1]["open_interest_fp"]
            assert ("close_dollars" in candle["price"]) == (gained > 0)
            traded += gained > 0
    assert traded > 50


def test_candles_cover_all_trading_time_of_a_market_without_a_gap(watched: Watch) -> None:
    now = int(watched.clocks[-1])
    for ticker, candles in watched.candles(list(watched.served), 1).items():
        ends = [candle["end_period_ts"] for candle in candles]
        assert ends == list(range(ends[0], ends[-1] + 60, 60)) if ends else True
        last = watched.served[ticker][-1][1]
        if last["status"] == "active" and datetime.fromisoformat(last["open_time"]).timestamp() < now - 60:
            assert ends[-1] == now


def test_candles_of_a_closed_market_end_at_its_close(watched: Watch) -> None:
    closed = read(watched.client, "/markets", status="closed", mve_filter="exclude", limit=100)["markets"]
    candles = watched.candles([row["ticker"] for row in closed], 1)
    assert closed
    for row in closed:
        close = datetime.fromisoformat(row["close_time"]).timestamp()
        if close > watched.clocks[0] + 60:
            assert candles[row["ticker"]][-1]["end_period_ts"] - 60 < close
            assert candles[row["ticker"]][-1]["end_period_ts"] >= close
            assert candles[row["ticker"]][-1]["yes_bid"]["close_dollars"] == "0.0000"


def test_candle_of_the_current_period_ends_with_the_current_quote(watched: Watch) -> None:
    watched.step(1)  # within a minute
    now = int(watched.clocks[-1])
    rows = read(watched.client, "/markets", status="open", mve_filter="exclude", limit=100)["markets"]
    names = ",".join(row["ticker"] for row in rows)
    span = {"start_ts": now, "end_ts": now + 600, "period_interval": 1}
    answer = read(watched.client, "/markets/candlesticks", market_tickers=names, **span)
    for row, entry in zip(rows, answer["markets"], strict=True):
        assert [candle["end_period_ts"] for candle in entry["candlesticks"]] == [now - now % 60 + 60]
        for side in ("yes_bid", "yes_ask"):
            assert entry["candlesticks"][0][side]["close_dollars"] == row[f"{side}_dollars"]
    watched.step(1)


@cache
def series_of(client: httpx.Client, ticker: str) -> str:
    event = read(client, f"/markets/{ticker}")["market"]["event_ticker"]
    series: str = read(client, f"/events/{event}")["event"]["series_ticker"]
    return series


def candles_of(client: httpx.Client, ticker: str, since: int, until: int, minutes: int) -> list[Row]:
    path = f"/series/{series_of(client, ticker)}/markets/{ticker}/candlesticks"
    rows: list[Row] = read(client, path, start_ts=since, end_ts=until, period_interval=minutes)[
        "candlesticks"
    ]
    return rows


def folded(parts: list[Row], side: str) -> Row:
    """Combine consecutive distributions into one."""
    lows, highs = ([part[side][f"{name}_dollars"] for part in parts] for name in ("low", "high"))
    return {
        "open_dollars": parts[0][side]["open_dollars"],
        "low_dollars": min(lows),
        "high_dollars": max(highs),
        "close_dollars": parts[-1][side]["close_dollars"],
    }


@pytest.mark.parametrize("status", ["open", "settled"])
def test_minute_candles_add_up_to_hours_before_and_after_the_start(start: Start, status: str) -> None:
    sandbox, client = start(
        markets=100, change_share=0.8, past_days=1, cutoff_days=20, trades_per_day=2_000, trade_days=2
    )
    now = sandbox.world.clock // MICROS
    sandbox.world.step(90)
    listed = read(client, "/markets", status=status, mve_filter="exclude", limit=1000)["markets"]
    moves = 0
    for row in sorted(listed, key=lambda row: -Decimal(row["volume_fp"]))[:3]:
        ticker, since = row["ticker"], now - 30 * 3_600
        hours = candles_of(client, ticker, since, now + 3_600, 60)
        minutes = candles_of(client, ticker, since - 3_540, now + 3_600, 1)
        for hour in hours:
            end = hour["end_period_ts"]
            parts = [part for part in minutes if end - 3_600 < part["end_period_ts"] <= end]
            for side in ("yes_bid", "yes_ask"):
                if len(parts) == 60:
                    assert hour[side] == folded(parts, side)
                moves += hour[side]["low_dollars"] != hour[side]["high_dollars"]
            assert Decimal(hour["volume_fp"]) == sum(Decimal(part["volume_fp"]) for part in parts)
        assert len(hours) > 3
    assert moves > 10


def test_synthetic_quotes_are_stable_and_continue_into_the_real_ones(start: Start) -> None:
    sandbox, client = start(markets=100, change_share=1.0)
    now = sandbox.world.clock // MICROS
    quoted = read(client, "/markets", status="open", limit=12)["markets"]
    before = {row["ticker"]: candles_of(client, row["ticker"], now - 5 * 3_600, now, 60) for row in quoted}
    sandbox.world.step(30)
    for row in quoted:
        candles = before[row["ticker"]]
        assert candles_of(client, row["ticker"], now - 5 * 3_600, now, 60) == candles
        assert candles[-1]["yes_bid"]["close_dollars"] == row["yes_bid_dollars"]
        assert candles[-1]["yes_ask"]["close_dollars"] == row["yes_ask_dollars"]
        following = candles_of(client, row["ticker"], now + 60, now + 60, 1)
        assert following[0]["yes_bid"]["open_dollars"] == row["yes_bid_dollars"]
        for candle in candles:
            for name in ("low", "high"):
                bid, ask = candle["yes_bid"][f"{name}_dollars"], candle["yes_ask"][f"{name}_dollars"]
                assert bid < ask


@pytest.mark.parametrize("minutes", [1, 60, 1440])
def test_archived_candles_equal_those_of_the_live_tier(start: Start, minutes: int) -> None:
    sandbox, client = start(markets=60, change_share=1.0, closes_per_step=20, cutoff_days=12 / 1440)
    since = sandbox.world.clock // MICROS - min(2 * 86_400, 200 * 60 * minutes)
    sandbox.world.step(8)
    settled = read(client, "/markets", status="settled", limit=21)["markets"]
    live = {
        row["ticker"]: candles_of(client, row["ticker"], since, since + 3 * 86_400, minutes)
        for row in settled
    }
    sandbox.world.step(20)
    assert len(live) == 21
    for ticker, candles in live.items():
        assert client.get(f"/markets/{ticker}").status_code == 404
        span = {"start_ts": since, "end_ts": since + 3 * 86_400, "period_interval": minutes}
        archived = read(client, f"/historical/markets/{ticker}/candlesticks", **span)
        assert archived["ticker"] == ticker
        assert archived["candlesticks"] == [in_the_archive(candle) for candle in candles]
    assert sum(Decimal(candle["volume_fp"]) for candles in live.values() for candle in candles) > 0


def in_the_archive(candle: Row) -> Row:
    """Return the same candle with the names of the historical tier and its explicit nulls."""
    price = dict.fromkeys((*OHLC, "mean", "previous"))
    return {
        "end_period_ts": candle["end_period_ts"],
        "open_interest": candle["open_interest_fp"],
        "volume": candle["volume_fp"],
        "price": price | bare(candle["price"]),
        "yes_bid": bare(candle["yes_bid"]),
        "yes_ask": bare(candle["yes_ask"]),
    }


def bare(members: Row) -> Row:
    return {name.removesuffix("_dollars"): value for name, value in members.items()}


def test_latest_candle_before_the_start_is_found_at_any_age(start: Start) -> None:
    sandbox, client = start(markets=60, closes_per_step=20, cutoff_days=20)
    sandbox.world.step(60)
    now = sandbox.world.clock // MICROS
    settled = read(client, "/markets", status="settled", limit=1000)["markets"]
    for row in sorted(settled, key=lambda row: -Decimal(row["volume_fp"]))[:5]:
        answer = read(
            client,
            "/markets/candlesticks",
            market_tickers=row["ticker"],
            start_ts=now,
            end_ts=now + 60,
            period_interval=1,
            include_latest_before_start="true",
        )
        (candle,) = answer["markets"][0]["candlesticks"]
        assert candle["end_period_ts"] == now
        assert candle["price"] == {"previous_dollars": row["last_price_dollars"]}
        assert (candle["volume_fp"], candle["open_interest_fp"]) == ("0.00", row["open_interest_fp"])


def test_daily_candle_can_have_25_hours(start: Start) -> None:
    _, client = start(markets=60, start=datetime(2026, 11, 1, 4, 30, tzinfo=UTC))  # half past midnight
    ticker = read(client, "/markets", status="open", limit=1)["markets"][0]["ticker"]
    midnight = int(datetime(2026, 11, 2, 5, 0, tzinfo=UTC).timestamp())
    candles = candles_of(client, ticker, midnight - 86_400, midnight, 1440)
    assert [candle["end_period_ts"] for candle in candles] == [midnight]
    far = 10**15
    assert candles_of(client, ticker, far, far + 60, 1440) == []


def test_quote_log_warns_when_it_is_full_and_forgets_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    log = QuoteLog(start=0, most=3)
    log.append(10, [(5, 1, 2), (6, 7, 8)])
    log.append(20, [(5, 3, 4)])
    assert log.history(5, 5, 6, since=0) == [Quote(0, 1, 2), Quote(10, 3, 4), Quote(20, 5, 6)]
    assert log.history(5, 5, 6, since=15) == [Quote(10, 3, 4), Quote(20, 5, 6)]
    assert log.history(5, 5, 6, since=20) == [Quote(20, 5, 6)]
    assert log.history(99, 0, 9, since=5) == [Quote(0, 0, 9)]
    assert (caplog.messages, log.known_since) == ([], 0)
    log.append(30, [(6, 9, 9), (5, 5, 6)])
    assert (len(log), log.known_since) == (3, 10)
    assert caplog.messages == ["The log of quotes is full at 3 changes: from now on it forgets the oldest."]
    assert log.history(5, 0, 9, since=0) == [Quote(10, 3, 4), Quote(20, 5, 6), Quote(30, 0, 9)]
    assert log.history(6, 1, 1, since=0) == [Quote(10, 9, 9), Quote(30, 1, 1)]


def test_candles_are_exact_as_far_back_as_the_quote_log(start: Start) -> None:
    sandbox, client = start(markets=100, change_share=1.0, quote_changes_kept=500)
    seen = watch(sandbox, client, 20)
    log = sandbox.world.quote_log
    assert len(log) == 500
    assert sandbox.world.start < log.known_since < sandbox.world.clock
    for ticker, candles in seen.candles(list(seen.served), 1).items():
        for candle in candles:
            end = candle["end_period_ts"]
            rows = seen.rows_at(ticker, end - 60, end)
            assert end * MICROS < log.known_since or (
                candle["yes_bid"]["close_dollars"] == rows[-1]["yes_bid_dollars"]
            )
            if (end - 60) * MICROS >= log.known_since:
                assert candle["yes_bid"]["open_dollars"] == rows[0]["yes_bid_dollars"]
