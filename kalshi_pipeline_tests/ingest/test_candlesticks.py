"""Candlesticks of a day match the exchange, from both tiers, once, and one market's failure does not affect others."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from kalshi_pipeline.cli.reports import report_line
from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.ingest.candlestick_days import Day, markets_per_request
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.monitoring.checks import CANDLESTICKS_SANE, examine
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.parents import merge_markets
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, parse_instant
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.rewriting import Rewrite, rewritten_session
from kalshi_pipeline_tests.store.samples import market as market_row

SettingsFor = Callable[..., Settings]
DAY = date(2026, 10, 7)  # the last whole day of the sandbox's life, whose clock begins at noon of the 8th
NOON = parse_instant("2026-10-08T12:00:00Z") or 0
HOUR = 3600 * MICROS_PER_SECOND
BATCH = "/trade-api/v2/markets/candlesticks"


@pytest.fixture
def clock() -> ManualClock:
    """The time of the computer, and of the exchange."""
    return ManualClock(NOON)


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=250, combos=0)), now=clock.seconds) as running:
        yield running


@pytest.fixture
def choose(sandbox: Sandbox, settings_for: SettingsFor) -> Callable[..., Settings]:
    """Settings of a store with every open market, and a selection of them; by default every series."""
    with open_session(settings_for(sandbox.url), clock=ManualClock(NOON)) as session:
        take_snapshot(session, NOON)
    series = {row["ticker"] for row in plain_http.get(f"{sandbox.url}/series").json()["series"]}

    def make(**changes: Any) -> Settings:
        choice = {"candlestick_series": ",".join(series)} if "candlestick_markets" not in changes else {}
        return settings_for(sandbox.url, **{**choice, **changes})

    return make


def collect(
    settings: Settings, day: date = DAY, *, again: bool = False, clock: Clock | None = None
) -> Report:
    """Collect a day at the exchange's present, or at another time."""
    with open_session(settings, clock=clock or ManualClock(NOON)) as session:
        return collect_candlesticks(session, day, again=again)


def collect_rewritten(settings: Settings, rewrite: Rewrite) -> Report:
    with rewritten_session(settings, rewrite) as session:
        return collect_candlesticks(session, DAY)


def asked_of(sandbox: Sandbox, path: str) -> list[list[str]]:
    """The markets of each request to the batch endpoint, or the paths of other requests."""
    found = [request for request in sandbox.requests if request.path.startswith(path)]
    return [(request.query.get("market_tickers") or request.path).split(",") for request in found]


def whole_day_market(sandbox: Sandbox) -> str:
    """An open market that was open for all of the day and the one before."""
    markets = open_markets(sandbox.url).values()
    return min(str(market["ticker"]) for market in markets if market["open_time"] < "2026-10-06")


def busiest_trader(sandbox: Sandbox) -> tuple[str, list[dict[str, Any]]]:
    """The open market with the most trades on the day, with all its trades, read from the exchange directly."""
    start = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
    params: dict[str, Any] = {"limit": 1000, "min_ts": start, "max_ts": start + 86_400}
    trades = plain_http.get(f"{sandbox.url}/markets/trades", params=params).json()["trades"]
    ticker, _ = Counter(
        trade["ticker"] for trade in trades if trade["ticker"] in open_markets(sandbox.url)
    ).most_common(1)[0]
    return ticker, [trade for trade in trades if trade["ticker"] == ticker]


def test_candlesticks_are_what_the_exchange_says_to_the_last_digit(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    report = collect(choose())
    stored = {
        (row[0], row[1]): row[2:]
        for row in query(
            "SELECT ticker, end_at, yes_bid_low, yes_ask_high, price_close, price_mean, price_previous, volume, "
            "open_interest FROM candlestick_history"
        )
    }
    ticker, _ = busiest_trader(sandbox)
    start = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
    params: dict[str, Any] = {"start_ts": start + 1, "end_ts": start + 86_400, "period_interval": 60}
    body = plain_http.get(
        f"{sandbox.url}/markets/candlesticks", params={**params, "market_tickers": ticker}
    ).json()
    sent = body["markets"][0]["candlesticks"]

    def decimal(value: str | None) -> Decimal | None:
        return None if value is None else Decimal(value)

    for candle in sent:
        end_at = f"{datetime_of(candle['end_period_ts'] * MICROS_PER_SECOND):%Y-%m-%dT%H:%M:%S}.000000Z"
        price = candle["price"]
        assert tuple(
            None if number is None else Decimal(str(number)) for number in stored[ticker, end_at]
        ) == (
            Decimal(candle["yes_bid"]["low_dollars"]),
            Decimal(candle["yes_ask"]["high_dollars"]),
            decimal(price.get("close_dollars")),
            decimal(price.get("mean_dollars")),
            decimal(price.get("previous_dollars")),
            Decimal(candle["volume_fp"]),
            Decimal(candle["open_interest_fp"]),
        )
    assert len(sent) == sum(1 for of_ticker, _ in stored if of_ticker == ticker) > 0
    assert (report.state, report.reason, report.failures) == (State.COMPLETE, None, 0)
    assert report.tally.received == report.tally.inserted == report.rows == len(stored) > 5_000
    assert query("SELECT DISTINCT state, tier FROM candlestick_coverage") == [("complete", "live")]


def test_volume_of_a_period_is_the_sum_of_its_trades(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """Each trade belongs to the hour that ends at or after its second; hours without trades have only `previous`."""
    ticker, trades = busiest_trader(sandbox)
    collect(choose())
    expected: dict[str, Decimal] = {}
    for trade in trades:
        at = (parse_instant(trade["created_time"]) or 0) // MICROS_PER_SECOND * MICROS_PER_SECOND
        end_at = f"{datetime_of(-(-at // HOUR) * HOUR):%Y-%m-%dT%H:%M:%S}.000000Z"
        expected[end_at] = expected.get(end_at, Decimal(0)) + Decimal(trade["count_fp"])
    rows = query(
        "SELECT end_at, volume, price_open, price_previous FROM candlestick_history WHERE ticker = ? ORDER BY end_at",
        ticker,
    )
    assert {at: Decimal(str(volume)) for at, volume, *_ in rows if volume} == expected
    assert expected
    assert {is_open is None for _, volume, is_open, _ in rows if not volume} == {True}
    first_trade = min(expected)
    assert all(previous is not None for at, _, _, previous in rows if at > first_trade)


def test_volume_of_a_period_is_the_difference_of_two_snapshots_and_the_sum_of_its_trades(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """Three separately fetched sources agree. An hour includes its last second, but not its first."""
    tickers = ",".join(open_markets(sandbox.url))
    settings = settings_for(sandbox.url, snapshot_mode="every", candlestick_markets=tickers)
    with open_session(settings) as session:
        take_snapshot(session, NOON)
        sandbox.world.step(60)
        take_snapshot(session, NOON + HOUR)
        collect_candlesticks(session, date(2026, 10, 8))
        collect_trades(session, date(2026, 10, 8))
    rows = query(
        """
        SELECT c.volume, after.volume, before.volume, (
            SELECT sum(contracts) FROM trade_history AS t WHERE t.ticker = c.ticker
            AND substr(t.created_at, 1, 19) > '2026-10-08T12:00:00'
            AND substr(t.created_at, 1, 19) <= '2026-10-08T13:00:00'
        )
        FROM candlestick_history AS c
        JOIN price_history AS before ON before.ticker = c.ticker AND before.tick_at = '2026-10-08T12:00:00Z'
        JOIN price_history AS after ON after.ticker = c.ticker AND after.tick_at_us = c.end_at_us
        WHERE c.end_at = '2026-10-08T13:00:00.000000Z' AND NOT after.is_terminal
        """
    )
    assert len(rows) > 150
    assert sum(1 for volume, *_ in rows if volume) > 20
    for volume, after, before, traded in rows:
        assert Decimal(str(volume)) == Decimal(str(after)) - Decimal(str(before))
        assert Decimal(str(volume)) == Decimal(str(traded or 0)).quantize(Decimal("0.01"))


def test_second_run_requests_nothing_and_one_that_asks_again_changes_nothing(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    first = collect(choose())
    before = query("SELECT * FROM candlesticks")
    sandbox.requests.clear()
    second = collect(choose())
    assert (second.state, second.tally.received, len(sandbox.requests)) == (State.COMPLETE, 0, 1)
    assert second.notes == ["250 of 250 markets were already stored"]
    again = collect(choose(), again=True)
    assert (again.tally.received, again.tally.unchanged) == (first.tally.received, first.tally.inserted)
    assert query("SELECT * FROM candlesticks") == before


def test_requests_hold_as_many_markets_as_both_limits_allow(
    sandbox: Sandbox, choose: Callable[..., Settings]
) -> None:
    """100 tickers, and 10,000 candlesticks: a day has 1,440 minutes."""
    assert [markets_per_request(minutes) for minutes in (1, 60, 1440)] == [6, 100, 100]
    collect(choose())
    assert [len(tickers) for tickers in asked_of(sandbox, "/markets/candlesticks")] == [100, 100, 50]

    sandbox.requests.clear()
    thirteen = ",".join(sorted(open_markets(sandbox.url))[:13])
    report = collect(choose(candlestick_markets=thirteen, candlestick_minutes=1))
    assert [len(tickers) for tickers in asked_of(sandbox, "/markets/candlesticks")] == [6, 6, 1]
    assert report.tally.inserted > 13 * 1_000
    assert all("include_latest_before_start" not in request.query for request in sandbox.requests)


def test_daily_candlesticks_end_at_midnight_in_new_york(
    choose: Callable[..., Settings], query: Query
) -> None:
    """That is 04:00 UTC in summer. A candlestick belongs to the UTC day of its end, also for markets that closed the
    day before.
    """
    collect(choose(candlestick_minutes=1440))
    assert query("SELECT DISTINCT end_at FROM candlestick_history") == [("2026-10-07T04:00:00.000000Z",)]
    start = parse_instant("2026-10-07T00:00:00Z") or 0
    day = Day.seen_at(DAY, 1440, NOON)
    assert day.alive == (start - 24 * HOUR, start + 24 * HOUR)


def test_day_is_seen_as_far_as_it_is_over() -> None:
    """A period that ended less than a minute ago may still change."""
    start = parse_instant("2026-10-07T00:00:00Z") or 0
    seen = [Day.seen_at(DAY, 60, start + seconds * MICROS_PER_SECOND) for seconds in (-5, 30, 3_660, 86_460)]
    assert [(day.end - start) // MICROS_PER_SECOND for day in seen] == [0, 0, 3_600, 86_400]
    assert [day.is_over for day in seen] == [False, False, False, True]
    assert seen[0].alive == (start, start)


def test_day_that_continues_is_partial_and_requested_again(
    choose: Callable[..., Settings], clock: ManualClock, query: Query
) -> None:
    today = datetime_of(NOON).date()
    for hour in ("11:59:00", "14:00:00"):
        report = collect(choose(), today, clock=clock)
        assert report.state is State.PARTIAL
        assert report.reason == f"the day is not over: stored up to {hour} UTC"
        assert report.failures == 0
        clock.advance(2 * 3600 + 60)
    tomorrow = collect(choose(), today + timedelta(days=1), clock=clock)
    assert (tomorrow.state, tomorrow.tally.pages) == (State.PARTIAL, 0)
    assert {state for (state,) in query("SELECT state FROM candlestick_coverage")} <= {"partial"}


def test_market_of_the_historical_tier_is_found_there(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """The market is missing in the store; its fields have the historical names."""
    archived = plain_http.get(f"{sandbox.url}/historical/markets", params={"limit": 1000}).json()["markets"]
    trades = plain_http.get(f"{sandbox.url}/historical/trades", params={"limit": 1000}).json()["trades"]
    tickers = {market["ticker"] for market in archived}
    traded = next(trade for trade in trades if trade["ticker"] in tickers)
    settings = choose(candlestick_markets=traded["ticker"])
    day = date.fromisoformat(traded["created_time"][:10])
    report = collect(settings, day)

    assert (report.state, report.notes) == (State.COMPLETE, [])
    assert query("SELECT ticker, state, tier FROM candlestick_coverage") == [
        (traded["ticker"], "complete", "historical")
    ]
    of_market = [trade for trade in trades if trade["ticker"] == traded["ticker"]]
    of_day = [
        Decimal(trade["count_fp"]) for trade in of_market if trade["created_time"][:10] == day.isoformat()
    ]
    assert query("SELECT sum(volume) FROM candlesticks") == [(int(sum(of_day) * 100),)]
    assert query("SELECT count(*) FROM markets WHERE is_placeholder") == [(0,)]

    # Its settlement was stored too, so the live tier is not queried.
    assert query("SELECT ticker, tier FROM settlement_history") == [(traded["ticker"], "historical")]
    assert asked_of(sandbox, "/markets/candlesticks") == []
    assert collect(settings, day, again=True).tally.unchanged == report.tally.inserted
    assert asked_of(sandbox, "/markets/candlesticks") == []


def test_market_that_settled_wrongly_early_is_found_in_the_live_tier(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    ticker = whole_day_market(sandbox)
    settings = choose(candlestick_markets=ticker)
    with open_session(settings) as session, session.database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO settlements (market_id, settled_at, settled_at_source, tier, first_seen_at) "
            "SELECT id, 1, 'settlement_ts', 'historical', 0 FROM markets WHERE ticker = ?",
            (ticker,),
        )
    assert collect(settings).tally.inserted == 24
    assert query("SELECT state, tier FROM candlestick_coverage") == [("complete", "live")]


@pytest.mark.parametrize("is_left_out", [False, True], ids=["given empty", "left out"])
def test_live_tier_that_answers_emptily_for_archived_markets_hides_none(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query, is_left_out: bool
) -> None:
    """The live tier is queried first for a market without a known settlement, and its answer is unknown."""
    archived = plain_http.get(f"{sandbox.url}/historical/markets", params={"limit": 1}).json()["markets"][0]
    ticker, day = archived["ticker"], date.fromisoformat(archived["open_time"][:10]) + timedelta(days=1)
    settings = choose(candlestick_markets=ticker)
    collect(settings, day)
    with open_session(settings) as session, session.database.begin() as connection:
        for table in ("settlements", "candlesticks", "candlestick_days"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    sandbox.requests.clear()

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == BATCH:
            answer["markets"] = [] if is_left_out else [{"market_ticker": ticker, "candlesticks": []}]
        return answer

    with rewritten_session(settings, rewrite) as session:
        assert collect_candlesticks(session, day).tally.inserted == 24
    assert asked_of(sandbox, "/markets/candlesticks") == [[ticker]]
    assert query("SELECT state, tier FROM candlestick_coverage") == [("complete", "historical")]


def test_market_known_to_neither_tier_is_recorded(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """One is stored, because the exchange deletes provisional markets; the other never existed."""
    settings = choose(candlestick_markets="KXGONE-1,KXTYPO-1," + whole_day_market(sandbox))
    gone = market_row("KXGONE-1", "KXGONE", open_at=NOON - 90 * 24 * HOUR, close_at=NOON + HOUR)
    with open_session(settings) as session, session.database.begin() as connection:
        merge_markets(connection, [gone], NOON)
    report = collect(settings)

    assert report.state is State.PARTIAL
    assert report.reason == ("KXTYPO-1: neither tier knows it; check the ticker, or run again")
    assert report.notes == ["neither tier knows KXGONE-1 any more"]
    assert report.failures == 1
    assert query("SELECT ticker, state, reason FROM candlestick_coverage ORDER BY state") == [
        (whole_day_market(sandbox), "complete", None),
        ("KXGONE-1", "unknown", "neither tier knows it"),
    ]
    assert query("SELECT state, reason FROM listings WHERE asset = 'candlesticks'") == [
        ("partial", report.reason)
    ]


def test_market_that_is_known_and_has_no_candlestick_is_complete(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    ticker = whole_day_market(sandbox)

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return {"markets": []} if request.url.path == BATCH else answer

    report = collect_rewritten(choose(candlestick_markets=ticker), rewrite)
    assert (report.state, report.tally.inserted) == (State.COMPLETE, 0)
    assert query("SELECT state, reason FROM candlestick_coverage") == [
        ("complete", "neither tier has a candlestick of it")
    ]


def test_market_that_fails_does_not_affect_others_and_is_requested_by_the_next_run(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    poison = sorted(open_markets(sandbox.url))[70]
    requests: list[int] = []

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path != BATCH:
            return answer
        tickers = request.url.params["market_tickers"].split(",")
        requests.append(len(tickers))
        return 500 if poison in tickers else answer

    report = collect_rewritten(choose(), rewrite)
    assert report.state is State.PARTIAL
    assert report.reason == f"{poison} failed (see candlestick_coverage): run again"
    assert report.failures == 1
    assert query("SELECT state, count(*) FROM candlestick_coverage GROUP BY 1") == [
        ("complete", 249),
        ("failed", 1),
    ]
    ((reason,),) = query("SELECT reason FROM candlestick_coverage WHERE state = 'failed'")
    assert "answered 500" in reason
    assert len(requests) <= 3 + 2 * 7, "a hundred markets are halved seven times"

    sandbox.requests.clear()
    assert collect(choose()).state is State.COMPLETE
    assert asked_of(sandbox, "/markets/candlesticks") == [[poison]]


def test_exchange_that_is_down_ends_the_run_soon(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """If the exchange answers no request, the run stops before it has tried every market."""
    sandbox.faults = Faults(server_errors=1, paths=("/markets/candlesticks",))
    sandbox.requests.clear()
    with pytest.raises(TransientExchangeError, match="run again"):
        collect(choose())
    assert len(asked_of(sandbox, "/markets/candlesticks")) == 5
    assert query("SELECT state FROM listings WHERE asset = 'candlesticks'") == [("failed",)]

    sandbox.faults = Faults()
    assert collect(choose()).state is State.COMPLETE


def test_day_of_which_every_market_fails_is_an_error(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """There are too few markets for the number of failures that counts as an outage."""
    tickers = ",".join(sorted(open_markets(sandbox.url))[:2])
    sandbox.faults = Faults(server_errors=1, paths=("/markets/candlesticks",))
    with pytest.raises(TransientExchangeError):
        collect(choose(candlestick_markets=tickers))
    assert query("SELECT state, count(*) FROM candlestick_coverage") == [("failed", 2)]


def test_odd_candlestick_is_quarantined_and_the_others_are_stored(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """One candlestick is sent twice, and another was not requested."""
    ticker = whole_day_market(sandbox)

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == BATCH:
            candles = answer["markets"][0]["candlesticks"]
            candles[3]["yes_bid"]["low_dollars"] = "cheap"
            candles.append(candles[5])
            candles.append({**candles[5], "end_period_ts": candles[0]["end_period_ts"] - 3_600})
        return answer

    settings = choose(candlestick_markets=ticker)
    sandbox.date_by(lambda: SYSTEM_CLOCK.now() / MICROS_PER_SECOND)
    report = collect_rewritten(settings, rewrite)
    tally = report.tally
    assert report.state is State.COMPLETE
    assert (tally.received, tally.inserted, tally.quarantined, tally.duplicates) == (26, 23, 1, 1)
    assert tally.out_of_scope == 1
    assert report.notes == ["1 candlesticks that were not requested were dropped"]
    assert query("SELECT kind, record_key, error FROM quarantine") == [
        ("candlesticks", f"{ticker}/1791345600", "yes_bid.low_dollars: 'cheap' is not a decimal number")
    ]


def test_candlesticks_that_cannot_be_true_are_stored_and_counted(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    ticker = whole_day_market(sandbox)
    odd: list[Callable[[dict[str, Any]], object]] = [
        lambda candle: candle["yes_bid"].update(low_dollars="-0.0100"),
        lambda candle: candle["yes_ask"].update(high_dollars="1.0100"),
        lambda candle: candle.update(volume_fp="-3.00"),
        lambda candle: candle.update(open_interest_fp="-0.01"),
        lambda candle: candle["price"].update(mean_dollars="9223372036854.5"),
        lambda candle: candle["yes_bid"].update(low_dollars="0.9900", close_dollars="0.9800"),
    ]

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == BATCH:
            candles = answer["markets"][0]["candlesticks"]
            for candle, damage in zip(candles, odd, strict=False):
                damage(candle)
            candles.append({**candles[10], "volume_fp": "17.50"})
        return answer

    settings = choose(candlestick_markets=ticker)
    sandbox.date_by(lambda: SYSTEM_CLOCK.now() / MICROS_PER_SECOND)
    with rewritten_session(settings, rewrite) as session:
        report = collect_candlesticks(session, DAY)
        (finding,) = examine(session, report, [CANDLESTICKS_SANE])
    faults = {"prices_out_of_range": 3, "sizes_out_of_range": 2, "unordered": 1, "second_values": 1}
    assert (finding.passed, finding.numbers) == (False, faults)
    assert (report.state, report.tally.inserted, report.tally.duplicates) == (State.COMPLETE, 24, 1)
    assert "3 prices_out_of_range, 2 sizes_out_of_range, 1 unordered, 1 second_values" in report_line(report)
    assert query("SELECT count(*) FROM candlestick_history WHERE volume = 17.5") == [(1,)]
    assert query("SELECT count(*) FROM candlestick_history WHERE yes_bid_low = -0.01") == [(1,)]


def test_nothing_is_selected_so_nothing_is_asked(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    report = collect(settings_for(sandbox.url))
    assert (report.state, report.requests, report.rows) == (State.COMPLETE, 1, 0)
    assert report.notes[0].startswith(
        "no market is selected, so nothing is stored: set KALSHI_CANDLESTICK_SERIES"
    )
    assert query("SELECT state, scope_id, day, selection FROM listings") == [
        ("complete", None, "2026-10-07", "60 min, no series and 0 markets")
    ]


def test_series_without_a_stored_market_is_reported(sandbox: Sandbox, settings_for: SettingsFor) -> None:
    report = collect(settings_for(sandbox.url, candlestick_series="KXTYPO"))
    assert report.notes == [
        "no market of KXTYPO is stored: check the ticker of the series, then run `kalshi data sync`"
    ]


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_candlesticks_of_every_shape_come_through_faults(
    shape: Shape, settings_for: SettingsFor, clock: ManualClock, query: Query
) -> None:
    """January's exchange had no tiers."""
    faults = Faults(too_many=0.1, server_errors=0.1, resets=0.05, truncated=0.05, not_json=0.05)
    world = World(WorldConfig(markets=40, combos=0, shape=shape))
    with Sandbox(world, faults=faults, now=clock.seconds) as sandbox:
        with open_session(settings_for(sandbox.url, retry_seconds=300), clock=clock) as session:
            take_snapshot(session, NOON)
        tickers = ",".join(ticker for (ticker,) in query("SELECT ticker FROM markets"))
        report = collect(
            settings_for(sandbox.url, candlestick_markets=tickers, retry_seconds=300), clock=clock
        )
    assert (report.state, report.tally.quarantined) == (State.COMPLETE, 0)
    assert query(
        "SELECT count(*) > 500, count(volume) = count(*), count(yes_bid_close) = count(*) FROM candlesticks"
    ) == [(1, 1, 1)]


def test_requests_that_are_too_long_are_made_shorter(
    sandbox: Sandbox, choose: Callable[..., Settings], query: Query
) -> None:
    """More refusals in a row than the failures that end a run."""
    settings = choose()
    sandbox.faults = Faults(longest_url=700, paths=("/markets/candlesticks",))
    report = collect(settings)
    assert (report.state, report.failures) == (State.COMPLETE, 0)
    (markets,) = query("SELECT count(DISTINCT market_id) FROM candlestick_days WHERE state = 'complete'")[0]
    assert markets > 200
