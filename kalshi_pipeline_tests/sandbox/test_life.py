"""The world changes like an exchange, and reproducibly."""

from collections import Counter
from decimal import Decimal

import httpx
import pytest

from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk

QUOTE = ("yes_bid_dollars", "yes_ask_dollars", "yes_bid_size_fp", "yes_ask_size_fp")
TRADED = ("volume_fp", "last_price_dollars", "open_interest_fp")
PATHS = (
    "/markets?limit=1000",
    "/events?with_nested_markets=true",
    "/events/multivariate",
    "/series",
    "/markets/trades?limit=1000",
    "/historical/markets?limit=1000",
    "/historical/trades",
    "/historical/cutoff",
    "/exchange/status",
    "/series/fee_changes?show_historical=true",
    "/milestones?limit=500",
    "/structured_targets",
    "/multivariate_event_collections",
    "/incentive_programs",
)


def listed(client: httpx.Client, **parameters: object) -> dict[str, Row]:
    return {row["ticker"]: row for row in walk(client, "/markets", "markets", limit=1000, **parameters)}


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_equal_worlds_answer_equal_bytes(shape: str) -> None:
    config = WorldConfig(
        markets=150,
        combos=30,
        births_per_step=2,
        combos_per_step=3,
        edits_per_step=9,
        shape=shape,  # type: ignore[arg-type]
    )
    answers = []
    for steps in ((10,), (4, 6)):
        world = World(config)
        for count in steps:
            world.step(count)
        with Sandbox(world) as sandbox, plain_http.open_client(sandbox.url) as client:
            answers.append([client.get(path).content for path in PATHS])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_caches_do_not_change_answers(shape: str) -> None:
    config = {"markets": 100, "combos": 15, "births_per_step": 2, "combos_per_step": 2, "closes_per_step": 9}
    config["edits_per_step"] = 14
    world = World(WorldConfig(**config, shape=shape, step_seconds=7_200, change_share=0.5))  # type: ignore[arg-type]
    with (
        Sandbox(world) as old,
        Sandbox(world) as new,
        plain_http.open_client(old.url) as returning,
        plain_http.open_client(new.url) as first,
    ):
        for _ in range(20):
            assert [returning.get(path).status_code for path in PATHS[:2]] == [200, 200]
            world.step()
        for path in PATHS:
            assert returning.get(path).content == first.get(path).content


def test_other_seed_makes_another_world() -> None:
    one, two = (World(WorldConfig(seed=seed, markets=50)) for seed in (1, 2))
    assert one.markets.bid != two.markets.bid


def test_step_moves_only_the_configured_share_of_quotes(start: Start) -> None:
    sandbox, client = start(markets=1_000, change_share=0.1, births_per_step=0, closes_per_step=0)
    before = listed(client)
    sandbox.world.step()
    after = listed(client)
    moved = [
        ticker
        for ticker, row in after.items()
        if [row[k] for k in QUOTE] != [before[ticker][k] for k in QUOTE]
    ]
    assert 90 <= len(moved) <= 100
    traded = [t for t, row in after.items() if [row[k] for k in TRADED] != [before[t][k] for k in TRADED]]
    named = {
        row["ticker"]
        for row in read(client, "/markets/trades", min_ts=sandbox.world.clock // 10**6 - 61)["trades"]
    }
    assert set(traded) == named
    assert 0 < len(traded) < len(moved)


def test_world_starts_with_the_configured_numbers(start: Start) -> None:
    _, client = start(markets=300, combos=40)
    assert len(listed(client, status="open", mve_filter="exclude")) == 300
    assert len(listed(client, status="open", mve_filter="only")) == 40


def test_step_creates_markets_with_their_events(start: Start) -> None:
    sandbox, client = start(births_per_step=4, closes_per_step=0)
    before = listed(client)
    sandbox.world.step(5)
    created = {ticker: row for ticker, row in listed(client).items() if ticker not in before}
    assert len(created) == 20
    assert {"active", "initialized"} == {row["status"] for row in created.values()}
    known = {row["event_ticker"] for row in walk(client, "/events", "events")}
    assert {row["event_ticker"] for row in created.values()} <= known
    sandbox.world.step(10)
    after = listed(client)
    assert {after[ticker]["status"] for ticker in created} <= {"active", "inactive"}


def test_markets_close_are_determined_and_finalized(start: Start) -> None:
    sandbox, client = start(markets=120, births_per_step=0, closes_per_step=4)
    open_before = listed(client, status="open")
    seen: dict[str, list[str]] = {ticker: [] for ticker in open_before}
    for _ in range(25):
        sandbox.world.step()
        for ticker, row in listed(client).items():
            if ticker in seen and (not seen[ticker] or seen[ticker][-1] != row["status"]):
                seen[ticker].append(row["status"])
    lives = Counter(tuple(states[-3:]) for states in seen.values())
    assert lives["closed", "determined", "finalized"] > 40
    final = [row for row in listed(client, status="settled").values() if row["ticker"] in seen]
    assert {row["result"] for row in final} >= {"yes", "no"}
    for row in final:
        assert (row["yes_bid_dollars"], row["yes_ask_dollars"], row["no_ask_dollars"]) == (
            "0.0000",
            "1.0000",
            "1.0000",
        )
        assert row["settlement_value_dollars"] == {"yes": "1.0000", "no": "0.0000"}.get(
            row["result"], row["settlement_value_dollars"]
        )


def test_scalar_results_pay_between_zero_and_one_dollar(client: httpx.Client) -> None:
    rows = [
        row for row in walk(client, "/historical/markets", "markets", limit=1000) if row["result"] == "scalar"
    ]
    assert rows
    assert all(0 < Decimal(row["settlement_value_dollars"]) < 1 for row in rows)


def test_exclusive_events_have_at_most_one_winner(client: httpx.Client) -> None:
    exclusive = {r["event_ticker"] for r in walk(client, "/events", "events") if r["mutually_exclusive"]}
    rows = walk(client, "/historical/markets", "markets", limit=1000)
    winners = Counter(row["event_ticker"] for row in rows if row["result"] == "yes")
    assert all(count == 1 for event, count in winners.items() if event in exclusive)


def test_settled_markets_leave_the_live_tier(start: Start) -> None:
    sandbox, client = start(step_seconds=86_400, births_per_step=0, closes_per_step=2)
    settled = set(listed(client, status="settled"))
    assert settled
    sandbox.world.step(70)
    archived = {row["ticker"] for row in walk(client, "/historical/markets", "markets", limit=1000)}
    assert settled <= archived
    assert not settled & set(listed(client))
    event = read(client, f"/historical/markets/{min(settled)}")["market"]["event_ticker"]
    assert read(client, f"/events/{event}")["event"]["event_ticker"] == event


def test_combos_are_created_listed_newest_first_and_closed(start: Start) -> None:
    sandbox, client = start(combos=50, combos_per_step=5, births_per_step=0)
    before = listed(client, mve_filter="only")
    sandbox.world.step()
    newest = read(client, "/markets", status="open", limit=5)["markets"]
    assert all(row["mve_collection_ticker"] and row["ticker"] not in before for row in newest)
    event = read(client, f"/events/{newest[0]['event_ticker']}")["event"]
    assert event["event_ticker"] == newest[0]["event_ticker"]
    sandbox.world.step(40)
    assert listed(client, status="settled", mve_filter="only")
    assert len(listed(client, status="open", mve_filter="only")) < 50 + 41 * 5


def test_volume_is_the_sum_of_the_trades(start: Start) -> None:
    sandbox, client = start(markets=100, change_share=0.5)
    sandbox.world.step(20)
    trades = walk(client, "/markets/trades", "trades", limit=1000) + walk(
        client, "/historical/trades", "trades", limit=1000
    )
    sums: Counter[str] = Counter()
    last: dict[str, str] = {}
    for trade in trades:
        sums[trade["ticker"]] += round(Decimal(trade["count_fp"]) * 100)
        last.setdefault(trade["ticker"], trade["yes_price_dollars"])
    for ticker, row in listed(client).items():
        assert Decimal(row["volume_fp"]) * 100 == sums[ticker]
        assert row["last_price_dollars"] == last.get(ticker, "0.0000")
        assert Decimal(row["open_interest_fp"]) <= Decimal(row["volume_fp"])


def test_best_levels_of_the_order_book_are_the_quote(client: httpx.Client) -> None:
    for row in read(client, "/markets", status="open", mve_filter="exclude", limit=40)["markets"]:
        book = read(client, f"/markets/{row['ticker']}/orderbook")["orderbook_fp"]
        yes, no = book["yes_dollars"], book["no_dollars"]
        assert yes == sorted(yes)
        if Decimal(row["yes_bid_dollars"]) > 0:
            assert yes[-1] == [row["yes_bid_dollars"], row["yes_bid_size_fp"]]
        else:
            assert yes == []
        if Decimal(row["yes_ask_dollars"]) < 1:
            assert no[-1] == [row["no_bid_dollars"], row["yes_ask_size_fp"]]
        shallow = read(client, f"/markets/{row['ticker']}/orderbook", depth=1)["orderbook_fp"]
        assert shallow["yes_dollars"] == yes[-1:]


def test_hourly_candles_contain_exactly_the_trades(calm: Sandbox, client: httpx.Client) -> None:
    trade = read(client, "/markets/trades", limit=1)["trades"][0]
    market = read(client, f"/markets/{trade['ticker']}")["market"]
    now = calm.world.clock // 1_000_000
    answer = read(
        client,
        "/markets/candlesticks",
        market_tickers=trade["ticker"],
        start_ts=now - 40 * 86_400,
        end_ts=now + 3_600,
        period_interval=60,
    )
    candles = answer["markets"][0]["candlesticks"]
    assert sum(Decimal(candle["volume_fp"]) for candle in candles) == Decimal(market["volume_fp"])
    assert candles[-1]["price"]["close_dollars"] == market["last_price_dollars"]
    assert candles[-1]["yes_bid"]["close_dollars"] == market["yes_bid_dollars"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"markets": -1}, "markets is -1"),
        ({"shape": "2025"}, "shape is '2025'"),
        ({"change_share": 2.0}, "must be a share from 0 to 1"),
        ({"created_within_seconds": -1.0}, "created_within_seconds is -1.0"),
    ],
)
def test_bad_config_is_explained(config: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WorldConfig(**config)  # type: ignore[arg-type]
