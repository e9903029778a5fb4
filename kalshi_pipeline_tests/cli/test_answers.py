"""The output of commands that read, other than quotes: lists of markets, trades, books, changes, gaps, status."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kalshi_pipeline.cli.answers.market_lists import event
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.ingest.event_metadata import ASSET as EVENT_METADATA
from kalshi_pipeline.ingest.related import RELATED
from kalshi_pipeline.monitoring.overview import LISTED
from kalshi_pipeline.records import Settlement
from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.settlements import merge_staged_settlements, stage_settlements
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_SECOND, datetime_of, iso_of
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.store.samples import (
    bid,
    market,
    record,
    series_row,
    sqlite_url,
    store_events,
    store_markets,
    store_series,
    take,
    tick,
)
from kalshi_pipeline_tests.store.samples import event as event_row

EVENT = "KXRAIN-26NOV23"
_HOUR = 3600 * MICROS_PER_SECOND


@pytest.fixture
def database(database_path: Path) -> Iterator[Database]:
    with closing(Database(sqlite_url(database_path))) as opened:
        yield opened


def rows_of(run: Run, *arguments: str) -> list[dict[str, str]]:
    """Return the rows that a command writes to a pipe. It must succeed without other output."""
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))


def json_of(run: Run, *arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.fixture
def rain(database: Database) -> None:
    """An event of three outcomes: one is closed, and one is quoted on one side."""
    store_events(database, event_row(EVENT, mutually_exclusive=True))
    now = SYSTEM_CLOCK.now()
    later = market(f"{EVENT}-B", yes_bid=200_000, yes_ask=None, close_at=now + 2 * 3600 * MICROS_PER_SECOND)
    sooner = bid(35, f"{EVENT}-A", close_at=now + 3600 * MICROS_PER_SECOND)
    take(database, tick(0), [sooner, later, bid(5, f"{EVENT}-C")])
    take(database, tick(1), [sooner, later])


@pytest.mark.usefixtures("rain")
def test_event_has_its_outcomes_their_sums_and_changes(run: Run) -> None:
    found = json_of(run, "event", EVENT.lower())
    assert [(row["ticker"], row["yes_bid"], row["yes_ask"]) for row in found["outcomes"]] == [
        (f"{EVENT}-A", 0.35, 0.37),
        (f"{EVENT}-B", 0.2, None),
        (f"{EVENT}-C", None, None),
    ]
    about = found["event"]
    assert (about["ticker"], about["mutually_exclusive"]) == (EVENT, True)
    # An unquoted outcome has no sum, and a closed one does not count.
    assert (about["sum_of_yes_asks"], about["sum_of_yes_bids"]) == (None, 0.55)
    assert json_of(run, "event", f"{EVENT}-A")["event"] == about


@pytest.mark.usefixtures("rain")
def test_event_says_on_a_terminal_what_its_sums_are(database_path: Path) -> None:
    answer = event(Asked(str(database_path)), EVENT, SYSTEM_CLOCK.now())
    assert answer.notes == [
        "buying YES of all 2 open outcomes: 1 of them not quoted",
        "selling YES of all 2 open outcomes: 0.55 dollars",
        "at most one of them ends YES",
    ]


@pytest.mark.usefixtures("rain")
def test_event_of_an_earlier_instant_has_the_quotes_of_then(run: Run) -> None:
    found = json_of(run, "event", EVENT, "--at", "2026-11-22T12:01:00Z")
    assert {row["ticker"]: row["yes_bid"] for row in found["outcomes"]}[f"{EVENT}-C"] == 0.05


def test_settled_markets_are_in_the_order_of_time_with_what_they_paid(run: Run, database: Database) -> None:
    now = SYSTEM_CLOCK.now()
    ago = {"A": 3, "B": 1, "OLD": 30, "TAKEN-BACK": 2}
    store_markets(database, *(market(name, status="finalized", result="yes") for name in ago))
    rows = [
        Settlement(name, "yes", 500_000, now - hours * _HOUR, "settlement_ts", "live", is_current_tier=True)
        for name, hours in ago.items()
    ]
    rows[1] = rows[1]._replace(result="no", settlement_value=None)
    with database.begin() as connection:
        stage_settlements(connection, rows)
        merge_staged_settlements(connection, len(rows), now)
    store_markets(database, market("TAKEN-BACK"), at=now)
    found = rows_of(run, "settled")
    assert [(row["ticker"], row["result"], row["settlement_value"]) for row in found] == [
        ("A", "yes", "0.5"),
        ("B", "no", ""),
    ]
    assert found == rows_of(run, "market", "settled", "--since", "24h")
    assert [row["ticker"] for row in rows_of(run, "settled", "--since", "2h")] == ["B"]
    assert [row["ticker"] for row in rows_of(run, "settled", "--since", "2d", "--limit", "1")] == ["B"]


@pytest.mark.usefixtures("rain")
def test_closing_markets_are_in_the_order_of_their_close(run: Run) -> None:
    assert [row["ticker"] for row in rows_of(run, "closing", "--within", "3h")] == [
        f"{EVENT}-A",
        f"{EVENT}-B",
    ]
    assert [row["ticker"] for row in rows_of(run, "closing", "--within", "90m")] == [f"{EVENT}-A"]
    nothing = run("closing", "--within", "30m")
    assert nothing.returncode == 0
    assert re.fullmatch(
        rf"no open market closes within 30 min: the next one, {EVENT}-A, closes in \d+ min\n", nothing.stderr
    )


@pytest.mark.usefixtures("rain")
def test_search_finds_words_or_says_what_it_looked_for(run: Run) -> None:
    assert [row["ticker"] for row in rows_of(run, "search", "new", "YORK")] == [f"{EVENT}-A", f"{EVENT}-B"]
    assert len(rows_of(run, "search", "rain", "--all")) == 3
    assert [row["ticker"] for row in rows_of(run, "search", "rain", "--limit", "1")] == [f"{EVENT}-A"]
    nothing = run("search", "snow", "boston")
    assert (nothing.returncode, nothing.stderr) == (
        0,
        "no open market has 'snow' and 'boston' in its titles or tickers; --all also searches the others\n",
    )


@pytest.mark.usefixtures("rain")
@pytest.mark.parametrize(
    "words", ['"', "*", "AND", "NEAR(a b", "-", "title: x", "🌧️", "x" * 10_000, "%", "ra*"]
)
def test_search_for_odd_words_finds_nothing_and_says_so(run: Run, words: str) -> None:
    nothing = run("search", "--", words)
    assert (nothing.returncode, len(nothing.stdout.splitlines())) == (0, 1 if words != "-" else 3)
    assert "Traceback" not in nothing.stderr
    assert len(nothing.stderr) < 500


@pytest.mark.usefixtures("rain")
@pytest.mark.parametrize("words", ["", " ", "\u0301"], ids=repr)
def test_search_for_no_word_is_refused(run: Run, words: str) -> None:
    refused = run("search", words)
    assert refused.returncode != 0
    assert refused.stderr == ("the text has no words: search for one, such as a part of a title\n")


def test_empty_store_says_what_to_do(run: Run) -> None:
    for command in (["search", "rain"], ["closing"]):
        result = run(*command)
        assert (result.returncode, result.stderr) == (
            0,
            "no market is stored yet: run `kalshi data sync` first\n",
        )
    for command in (["ticks"], ["gaps"]):
        result = run(*command)
        assert (result.returncode, result.stderr) == (
            0,
            "no tick is stored yet: run `kalshi data snapshot` first\n",
        )


def test_trades_of_a_span_are_shown_or_how_to_get_them(run: Run, query: Query) -> None:
    assert run("snapshot").returncode == 0
    assert run("backfill", "trades", "--start", "2026-10-01").returncode == 0
    ((ticker, count),) = query(
        "SELECT ticker, count(*) FROM trade_history GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    )
    span = ("--start", "2026-10-01", "--end", "2026-10-02")
    found = rows_of(run, "trades", ticker.lower(), *span)
    stored = query(
        "SELECT created_at, yes_price, contracts, taker_side FROM trade_history WHERE ticker = ? ORDER BY 1, trade_id",
        ticker,
    )
    assert len(found) == count
    assert [
        (row["created_at"], float(row["yes_price"]), float(row["contracts"]), row["taker_side"])
        for row in found
    ] == stored
    assert rows_of(run, "trades", ticker, *span, "--limit", "1") == found[-1:]
    nothing = run("trades", ticker, "--start", "2026-09-01", "--end", "2026-09-03")
    assert nothing.stderr == (
        f"no trade of {ticker} is stored from 2026-09-01 00:00:00Z to 2026-09-03 00:00:00Z; "
        "`kalshi data backfill trades --start 2026-09-01 --end 2026-09-02` collects what is missing\n"
    )


def test_market_has_each_word_of_its_category_once(run: Run, database: Database) -> None:
    store_series(database, series_row("KXRAIN", category="Climate", frequency="daily", tags="Climate,Rain"))
    store_events(database, event_row(EVENT))
    store_markets(database, market("M"))
    assert json_of(run, "market", "get", "M", "--offline")["category"] == "Climate, daily, Rain"


def test_book_is_fetched_on_demand_and_shown_from_the_top(run: Run, query: Query) -> None:
    assert run("snapshot").returncode == 0
    ticker = rows_of(run, "quotes", "--limit", "1")[0]["ticker"]
    nothing = run("book", ticker.lower())
    assert nothing.stderr == (
        f"no order book of {ticker} is stored: `kalshi market book {ticker} --fetch` fetches it\n"
    )
    fetched = rows_of(run, "book", ticker.lower(), "--fetch")
    assert rows_of(run, "book", ticker) == fetched
    prices = [float(row["yes_price"]) for row in fetched]
    assert prices == sorted(prices, reverse=True)
    levels = query(
        "SELECT CASE side WHEN 'yes' THEN price ELSE round(1 - price, 6) END, size FROM order_book_history"
    )
    assert {(float(row["yes_price"]), float(row["size"])) for row in fetched} == set(levels)
    assert [row["side"] for row in fetched] == sorted(row["side"] for row in fetched)
    unknown = run("book", "KXNOPE", "--fetch")
    assert (unknown.returncode, unknown.stdout) == (5, "")
    assert "answered 404 (not found): the exchange does not know it" in unknown.stderr
    near = run("book", f"{ticker}9", "--fetch")
    assert (near.returncode, near.stdout) == (5, "")
    assert near.stderr.startswith(f"the exchange does not know {ticker}9; did you mean {ticker}")


def test_changes_are_those_since_an_instant(run: Run, database: Database) -> None:
    noon, later = tick(0), tick(100)
    store_markets(database, market("M"), market("N"), at=noon)
    store_markets(database, market("M", close_at=tick(500)), at=tick(1))
    store_markets(database, market("N", title="Another title?"), at=later)
    found = rows_of(run, "changes", "--since", "2026-11-22")
    assert [(row["ticker"], row["field"], row["seen_at"], row["after"]) for row in found] == [
        ("M", "close_at", iso_of(tick(1)), iso_of(tick(500))),
        ("N", "title", iso_of(later), "Another title?"),
    ]
    assert rows_of(run, "changes", "--since", iso_of(later)) == found[1:]
    assert rows_of(run, "changes", "m", "--since", "2026-11-22") == found[:1]
    assert rows_of(run, "changes", "--since", "2026-11-22", "--limit", "1") == found[1:]
    nothing = run("changes", "M", "--since", iso_of(later))
    assert nothing.stderr == f"no change of M was seen since {datetime_of(later):%Y-%m-%d %H:%M:%SZ}\n"


def scheduled(database: Database, at: int, state: State = State.COMPLETE) -> None:
    take(database, at, [market("M")], state=state, period_seconds=300)


@pytest.fixture
def now() -> int:
    """A minute of the wall clock that has just begun; ticks of five minutes before it."""
    return SYSTEM_CLOCK.now() // (60 * MICROS_PER_SECOND) * 60 * MICROS_PER_SECOND


def test_status_of_a_collector_on_time(run: Run, database: Database, now: int) -> None:
    for minutes in (10, 5, 0):
        scheduled(database, now - minutes * 60 * MICROS_PER_SECOND)
    state = json_of(run, "data", "status")["state"]
    assert (state["collecting"], state["is_late"], state["gaps_of_the_last_day"]) == (
        "on time",
        False,
        "none",
    )
    assert state["last_complete_tick_at"] == iso_of(now)
    assert state["request_limit_in_force"] == "1000 a second"
    assert state["next_tick_at"] == iso_of(now + 300 * MICROS_PER_SECOND)
    assert run("gaps").stderr.startswith("no gap since ")


def test_status_of_a_collector_that_is_late(run: Run, database: Database, now: int) -> None:
    """It is late since the tick that was due after the newest complete one."""
    complete_at = now - 3 * 3600 * MICROS_PER_SECOND
    scheduled(database, complete_at)
    scheduled(database, complete_at + 300 * MICROS_PER_SECOND, State.PARTIAL)
    state = json_of(run, "status")["state"]
    since = datetime_of(complete_at + 300 * MICROS_PER_SECOND)
    assert state["collecting"] == (
        f"late since {since:%Y-%m-%d %H:%M:%SZ}, 3 h: no complete tick since then, but one is due every 5 min"
    )
    assert state["is_late"] is True
    assert state["ticks"] == "1 complete, 1 partial"
    assert state["gaps_of_the_last_day"] == "1 (1 tick lost): `kalshi data gaps` shows them"
    (gap,) = rows_of(run, "gaps", "--since", "yesterday")
    assert (gap["start_at"], gap["end_at"], gap["states"]) == (iso_of(complete_at), "", "1 partial")


def test_status_of_an_empty_store_and_of_manual_snapshots(run: Run, database: Database, now: int) -> None:
    state = json_of(run, "status")["state"]
    assert state["collecting"] == "not begun: no tick is complete yet; run `kalshi data collect --once`"
    take(database, now - 3 * MICROS_PER_DAY, [market("M")])
    state = json_of(run, "status")["state"]
    assert state["collecting"] == "manual: the newest complete tick was taken 3 d ago; none is scheduled"


def test_status_names_runs_that_are_not_complete(run: Run, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/events/fee_changes",))
    assert run("sync").returncode == 3
    found = json_of(run, "status")
    assert found["state"]["incomplete_runs"] == "event_fee_changes partial"
    states = {row["run"]: row["state"] for row in found["runs"]}
    assert set(states) == {*LISTED, "last tick"}
    assert (states["markets"], states["settlements"], states["last tick"]) == ("complete", "never", "never")
    assert {row["table"]: row["rows"] for row in found["rows"]}["markets"] == 120


def test_ticks_are_the_newest_with_their_results(run: Run, database: Database) -> None:
    take(database, tick(0), [market("M"), market("N")])
    record(database, tick(1), State.MISSED)
    found = rows_of(run, "ticks")
    assert [(row["tick_at"], row["state"], row["inserted"]) for row in found] == [
        (iso_of(tick(0)), "complete", "2"),
        (iso_of(tick(1)), "missed", "0"),
    ]
    assert rows_of(run, "ticks", "--limit", "1") == found[1:]


def test_overview_names_every_asset_that_is_listed() -> None:
    assert LISTED[-len(RELATED) - 1 :] == (*(related.asset for related in RELATED), EVENT_METADATA)
