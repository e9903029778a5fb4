"""Faults of settlements, of the two tiers and of the cutoff between them."""

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk

ZERO = "0001-01-01T00:00:00Z"
PAST = {"markets": 100, "past_share": 4, "past_days": 6, "cutoff_days": 3}


def markets(client: httpx.Client, path: str, **parameters: object) -> dict[str, Row]:
    return {row["ticker"]: row for row in walk(client, path, "markets", limit=1000, **parameters)}


def trades(client: httpx.Client, path: str, **parameters: object) -> dict[str, Row]:
    return {row["trade_id"]: row for row in walk(client, path, "trades", limit=90, **parameters)}


def differing(one: Row, two: Row) -> set[str]:
    return {name for name in one | two if one.get(name) != two.get(name)}


def test_both_tiers_show_an_archived_market_in_two_versions(start: Start) -> None:
    sandbox, client = start(faults=Faults(both_tiers=True), **PAST)
    live, old = markets(client, "/markets"), markets(client, "/historical/markets")
    shared = live.keys() & old.keys()
    assert 0.2 < len(shared) / len(old) < 0.5
    assert {frozenset(differing(live[ticker], old[ticker])) for ticker in shared} >= {
        frozenset({"result", "settlement_value_dollars"}),
        frozenset({"volume_fp"}),
        frozenset({"settlement_ts"}),
    }
    ticker = min(shared)
    assert read(client, f"/markets/{ticker}")["market"] == live[ticker]
    assert read(client, f"/historical/markets/{ticker}")["market"] == old[ticker]
    assert markets(client, "/markets", tickers=ticker, status="settled") == {ticker: live[ticker]}
    assert ticker not in markets(client, "/markets", status="closed")
    sandbox.faults = Faults()
    assert markets(client, "/historical/markets") == old
    assert not markets(client, "/markets").keys() & old.keys()


def test_both_tiers_show_the_newest_trades_of_those_markets(start: Start) -> None:
    sandbox, client = start(faults=Faults(both_tiers=True), **PAST)
    live, old = trades(client, "/markets/trades"), trades(client, "/historical/trades")
    shared = live.keys() & old.keys()
    in_both = markets(client, "/markets").keys() & markets(client, "/historical/markets").keys()
    day_before = max(row["created_time"] for row in old.values())[:10]
    assert shared
    assert all(live[name] == old[name] for name in shared)
    assert {old[name]["ticker"] for name in shared} <= in_both
    assert any(row["ticker"] in in_both and row["created_time"] < day_before for row in old.values())
    ticker = old[min(shared)]["ticker"]
    of_one = {name for name, row in live.items() if row["ticker"] == ticker}
    assert trades(client, "/markets/trades", ticker=ticker).keys() == of_one
    sandbox.faults = Faults()
    assert not trades(client, "/markets/trades").keys() & trades(client, "/historical/trades").keys()


def test_no_tier_hides_a_share_of_the_closed_markets(start: Start) -> None:
    sandbox, client = start(**PAST)
    paths = ("/markets", "/historical/markets")
    before = {path: markets(client, path) for path in paths}
    traded = trades(client, "/historical/trades")
    sandbox.faults = Faults(no_tier=0.4)
    after = {path: markets(client, path) for path in paths}
    gone = {ticker for path in paths for ticker in before[path].keys() - after[path].keys()}
    statuses = {row["ticker"]: row["status"] for path in paths for row in before[path].values()}
    closed = [
        ticker for ticker, status in statuses.items() if status not in ("active", "inactive", "initialized")
    ]
    assert gone <= set(closed)
    assert 0.3 < len(gone) / len(closed) < 0.5
    row = next(row for path in paths for row in before[path].values() if row["ticker"] in gone)
    span = {"start_ts": 1, "end_ts": 2, "period_interval": 1}
    for path in (*paths, "/historical/markets"):
        assert client.get(f"{path}/{row['ticker']}").status_code == 404
        assert read(client, path, tickers=row["ticker"])["markets"] == []
    assert client.get(f"/historical/markets/{row['ticker']}/candlesticks", params=span).status_code == 404
    assert client.get(f"/markets/{row['ticker']}/orderbook").status_code == 404
    nested = walk(client, "/events", "events", with_nested_markets="true")
    assert not gone & {market["ticker"] for event in nested for market in event["markets"]}
    assert trades(client, "/historical/trades") == traded
    assert gone & {trade["ticker"] for trade in traded.values()}


def test_amended_results_change_before_they_are_final(start: Start) -> None:
    sandbox, client = start(
        markets=120, births_per_step=0, closes_per_step=6, faults=Faults(amended=1.0), cutoff_days=1
    )
    lives: dict[str, list[tuple[str, str, str | None]]] = {}
    for _ in range(20):
        sandbox.world.step()
        for ticker, row in markets(client, "/markets").items():
            life = lives.setdefault(ticker, [])
            seen = (row["status"], row["result"], row.get("settlement_value_dollars"))
            if not life or life[-1] != seen:
                life.append(seen)
    amended = [life for life in lives.values() if life[-1][0] == "finalized" and life[0][0] == "active"]
    assert len(amended) > 20
    flips, values = 0, 0
    for life in amended:
        assert [status for status, _, _ in life[-5:]] == [
            "closed",
            "determined",
            "disputed",
            "amended",
            "finalized",
        ]
        _, first, second, third, final = life[-5:]
        assert first[1:] == second[1:]
        assert third[1:] == final[1:]
        assert first[2] != final[2]
        flips += {first[1], final[1]} == {"yes", "no"}
        values += first[1] == final[1] == "scalar"
    assert flips > 30
    assert values > 0
    exclusive = {
        row["event_ticker"] for row in walk(client, "/events", "events") if row["mutually_exclusive"]
    }
    winners = [
        row["event_ticker"]
        for row in markets(client, "/markets", status="settled").values()
        if row["result"] == "yes" and row["event_ticker"] in exclusive
    ]
    assert len(winners) == len(set(winners))


def test_scalar_without_value_omits_the_payout(start: Start) -> None:
    sandbox, client = start(**PAST)
    before = markets(client, "/historical/markets")
    sandbox.faults = Faults(scalar_without_value=True)
    after = markets(client, "/historical/markets")
    for ticker, row in before.items():
        expected = {"settlement_value_dollars"} if row["result"] == "scalar" else set()
        assert differing(row, after[ticker]) == expected
    ticker = next(ticker for ticker, row in before.items() if row["result"] == "scalar")
    assert read(client, f"/historical/markets/{ticker}")["market"] == after[ticker]


def test_zero_times_appear_in_a_share_of_the_rows(start: Start) -> None:
    sandbox, client = start(**PAST)
    before, traded = markets(client, "/historical/markets"), trades(client, "/historical/trades")
    sandbox.faults = Faults(zero_times=True)
    after = markets(client, "/historical/markets")
    times = {"created_time", "updated_time", "settlement_ts"}
    changed = [ticker for ticker in before if before[ticker] != after[ticker]]
    assert 0.08 < len(changed) / len(before) < 0.25
    for ticker in changed:
        assert differing(before[ticker], after[ticker]) == times
        assert {after[ticker][name] for name in times} == {ZERO}
    assert read(client, f"/historical/markets/{changed[0]}")["market"] == after[changed[0]]
    zero = [row for row in trades(client, "/historical/trades").values() if row["created_time"] == ZERO]
    assert 0.08 < len(zero) / len(traded) < 0.25


def test_cutoff_jumps_during_a_walk(start: Start) -> None:
    sandbox, client = start(trades_per_day=300, trade_days=6, **PAST)
    live, old = trades(client, "/markets/trades"), trades(client, "/historical/trades")
    before = sandbox.world.cutoff
    sandbox.faults = Faults(cutoff_jump_seconds=14_400, cutoff_jump_every=3, paths=("/markets/trades",))
    sandbox.requests.clear()
    walked = trades(client, "/markets/trades")
    pages = len(sandbox.requests)
    read(client, "/historical/cutoff")
    assert sandbox.world.cutoff - before == pages // 3 * 14_400 * 10**6 > 0
    sandbox.faults = Faults()
    left = trades(client, "/historical/trades")
    assert walked.keys() < live.keys()
    assert left.keys() >= old.keys() | (live.keys() - walked.keys())
    assert left.keys() | trades(client, "/markets/trades").keys() == live.keys() | old.keys()


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_historical_errors_answer_for_the_whole_tier(start: Start, status: int) -> None:
    _, client = start(faults=Faults(historical_errors=status, error_body="nested"))
    for path in ("/cutoff", "/markets", "/trades", "/markets/A", "/markets/A/candlesticks"):
        assert client.get(f"/historical{path}").status_code == status
    expected: object = {404: {"code": "not_found", "message": "not found"}, 429: "too many requests"}.get(
        status
    )
    if expected:
        assert client.get("/historical/trades").json() == {"error": expected}
    assert client.get("/markets/trades").status_code == 200


def test_tier_faults_are_parsed_from_texts() -> None:
    texts = ["both_tiers", "no-tier=0.2", "amended=0.5", "scalar_without_value=yes", "zero_times=on"]
    texts += ["cutoff_jump_seconds=60", "cutoff_jump_every=4", "historical_errors=503"]
    assert Faults.parse(texts) == Faults(
        both_tiers=True,
        no_tier=0.2,
        amended=0.5,
        scalar_without_value=True,
        zero_times=True,
        cutoff_jump_seconds=60.0,
        cutoff_jump_every=4,
        historical_errors=503,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no_tier=2", "fault no_tier is a share from 0 to 1"),
        ("amended=-0.1", "fault amended is a share from 0 to 1"),
        ("cutoff_jump_seconds=-1", "fault cutoff_jump_seconds cannot be negative"),
        ("cutoff_jump_every=0", "cutoff_jump_every under 1"),
        ("historical_errors=200", "fault historical_errors is a status from 400 to 599, not 200"),
    ],
)
def test_bad_tier_fault_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Faults.parse([text])
