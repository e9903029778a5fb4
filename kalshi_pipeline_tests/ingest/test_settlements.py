"""Settlements from both tiers are stored exactly and once, and a walk continues where the last one stopped."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.ingest.collect import collect_steps
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.settlements import backfill_settlements, sync_settlements
from kalshi_pipeline.sandbox import Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant, tick_iso_of
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.outcomes import changed, is_historical, move, rewritten
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session

SettingsFor = Callable[..., Settings]
SETTLED = (
    "SELECT ticker, result, settlement_value, settled_at, settled_at_source, tier FROM settlement_history"
)
HOUR = 3600
YES = 1


@pytest.fixture(scope="module")
def world() -> World:
    """902 settled markets in the live tier, 1,326 on two pages in the historical one."""
    return World(WorldConfig(markets=2_200, past_share=1.0, births_per_step=0, closes_per_step=0))


@pytest.fixture
def large(world: World) -> Iterator[Sandbox]:
    with Sandbox(world) as running:
        yield running


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    config = WorldConfig(markets=200, combos=20, past_share=0.5, births_per_step=0, closes_per_step=0)
    with Sandbox(World(config)) as running:
        yield running


def sent_settlements(api_url: str, path: str, **params: str) -> dict[str, tuple[str, Decimal, str]]:
    """The settled markets of a tier, read without any code of the pipeline: result, value, and time to the second."""
    found = {}
    query = {"limit": "1000", **params}
    while True:
        page = plain_http.get(f"{api_url}{path}", params=query).json()
        for market in page["markets"]:
            value = Decimal(market["settlement_value_dollars"])
            found[market["ticker"]] = (market["result"], value, market["settlement_ts"][:19])
        if not page.get("cursor"):
            return found
        query["cursor"] = page["cursor"]


def live(api_url: str) -> dict[str, tuple[str, Decimal, str]]:
    return sent_settlements(api_url, "/markets", status="settled", mve_filter="exclude")


def historical(api_url: str) -> dict[str, tuple[str, Decimal, str]]:
    return sent_settlements(api_url, "/historical/markets", mve_filter="exclude")


def stored(query: Query, tier: str) -> dict[str, tuple[str, Decimal, str]]:
    rows = query(f"{SETTLED} WHERE tier = ? AND settled_at_source = 'settlement_ts'", tier)
    return {row[0]: (row[1], Decimal(str(row[2])), row[3][:19]) for row in rows}


def natural_rows(query: Query) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "settlements": query(f"{SETTLED} ORDER BY ticker"),
        "markets": query(
            "SELECT m.ticker, e.ticker, status, result, close_at FROM markets m JOIN events e ON e.id = event_id "
            "ORDER BY 1"
        ),
        "events": query("SELECT ticker, is_placeholder, title FROM events ORDER BY 1"),
    }


def test_backfill_of_an_empty_database_stores_both_tiers_exactly(
    large: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """Every settled market is stored with its parents."""
    with open_session(settings_for(large.url)) as session:
        report = backfill_settlements(session)

    assert (report.state, report.rows, report.notes) == (State.COMPLETE, 2_228, [])
    assert (report.tally.received, report.tally.inserted, report.tally.pages) == (2_228, 2_228, 3)
    assert stored(query, "live") == live(large.url)
    assert stored(query, "historical") == historical(large.url)
    assert query("PRAGMA foreign_key_check") == []
    assert query("SELECT name, state, cursor, received FROM backfill_progress ORDER BY id") == [
        ("settlements/live", "complete", None, 902),
        ("settlements/historical", "complete", None, 1_326),
    ]


def test_backfill_that_was_stopped_continues_and_ends_like_an_undisturbed_one(
    large: Sandbox, settings_for: SettingsFor, query: Query, tmp_path: Path
) -> None:
    """Neither the live tier nor the stored historical page is walked again."""

    def cut(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if "cursor" in request.url.params:
            raise httpx.ConnectError("down")
        return rows

    with rewritten(settings_for(large.url), cut) as failing:
        stopped = backfill_settlements(failing)
    assert (stopped.state, isinstance(stopped.error, TransientExchangeError)) == (State.PARTIAL, True)
    ((name, cursor),) = query("SELECT name, cursor FROM backfill_progress WHERE state = 'partial'")
    assert (name, cursor is not None) == ("settlements/historical", True)
    assert query("SELECT count(*) FROM settlements") == [(1_902,)]

    large.requests.clear()
    with open_session(settings_for(large.url)) as session:
        report = backfill_settlements(session)
    asked = [(r.path, r.query.get("cursor")) for r in large.requests if r.path.endswith("/markets")]
    assert asked == [("/historical/markets", cursor)] * 2  # the last page is requested twice
    assert (report.state, report.tally.inserted) == (State.COMPLETE, 326)

    undisturbed = tmp_path / "undisturbed.db"
    with open_session(settings_for(large.url, database_url=f"sqlite:///{undisturbed}")) as other:
        backfill_settlements(other)
    with closing(sqlite3.connect(undisturbed)) as connection:
        assert natural_rows(query) == natural_rows(lambda sql, *_: connection.execute(sql).fetchall())


def test_cursor_that_the_exchange_refuses_restarts_the_walk(
    large: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    with open_session(settings_for(large.url, max_pages=1)) as session:
        assert backfill_settlements(session).state is State.PARTIAL
        with session.database.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE backfill_progress SET cursor = 'spoilt' WHERE cursor IS NOT NULL"
            )
    with open_session(settings_for(large.url)) as session:
        report = backfill_settlements(session)
    assert (report.state, report.rows) == (State.COMPLETE, 2_228)
    assert report.notes[0].startswith(
        "settlements/historical restarts from the beginning, because the exchange refused"
    )
    assert query("SELECT count(*) FROM backfill_progress WHERE state = 'complete'") == [(2,)]


@pytest.mark.parametrize("fetch", [sync_settlements, backfill_settlements])
def test_second_run_changes_nothing(
    sandbox: Sandbox, session: Session, query: Query, fetch: Callable[[Session], Any]
) -> None:
    fetch(session)
    before = natural_rows(query)
    report = fetch(session)
    assert (report.tally.inserted, report.tally.changed) == (0, 0)
    assert natural_rows(query) == before
    assert query("SELECT count(*) FROM market_changes") == [(0,)]
    assert stored(query, "live") == live(sandbox.url)


def test_later_runs_request_new_settlements(sandbox: Sandbox, session: Session, query: Query) -> None:
    """They start at the newest settlement of the last complete walk, minus an hour."""

    def asked() -> list[dict[str, str]]:
        requests = [r.query for r in sandbox.requests if r.path == "/markets" and "tickers" not in r.query]
        sandbox.requests.clear()
        return requests

    first = sync_settlements(session)
    assert asked() == [{"limit": "1000", "status": "settled", "mve_filter": "exclude"}] * 2
    assert "are in the historical tier: `kalshi data backfill settlements`" in first.notes[0]

    newest = parse_instant(query("SELECT max(settled_at) FROM settlement_history")[0][0])
    assert newest is not None
    ticker = next(iter(open_markets(sandbox.url, mve_filter="exclude")))
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    sandbox.requests.clear()
    second = sync_settlements(session)
    since = newest // MICROS_PER_SECOND - HOUR - 1  # the exchange's bound is exclusive
    assert [request["min_settled_ts"] for request in asked()] == [str(since)] * 2
    assert (second.tally.inserted, second.notes) == (1, [])

    sync_settlements(session)
    since = sandbox.world.clock // MICROS_PER_SECOND - HOUR - 1
    assert [request["min_settled_ts"] for request in asked()] == [str(since)] * 2


def test_cut_run_is_continued_and_moves_no_watermark(
    large: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """The next walk does not skip what this one has not seen."""
    with open_session(settings_for(large.url)) as session:
        report = sync_settlements(session, walk_seconds=1e-9)
        assert report.state is State.PARTIAL
        assert "the next run continues it" in str(report.reason)
        assert sync_settlements(session).tally.inserted == 902
    assert query("SELECT state FROM backfill_progress") == [("complete",)]


def test_gap_that_the_live_tier_no_longer_shows_is_reported(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    """The pipeline was off for longer than the live tier reaches back."""
    sync_settlements(session)
    newest = parse_instant(query("SELECT max(settled_at) FROM settlement_history")[0][0]) or 0
    sandbox.world.clock += 90 * 24 * HOUR * MICROS_PER_SECOND
    report = sync_settlements(session)
    since, cutoff = tick_iso_of(newest - HOUR * MICROS_PER_SECOND), tick_iso_of(sandbox.world.cutoff)
    assert report.notes == [
        f"settlements from {since} to {cutoff} left the live tier before a run saw them: "
        "`kalshi data backfill settlements` stores them"
    ]


def test_amended_result_is_marked_and_kept(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, query: Query
) -> None:
    sync_settlements(session)
    ticker = query("SELECT ticker FROM settlement_history WHERE result = 'yes' AND tier = 'live' LIMIT 1")[0][
        0
    ]
    amended = changed(ticker, result="no", settlement_value_dollars="0.0000")
    with rewritten(settings_for(sandbox.url), amended) as other:
        backfill_settlements(other)
        backfill_settlements(other)
    assert query(
        "SELECT result, settlement_value, amended_at IS NOT NULL FROM settlement_history WHERE ticker = ?",
        ticker,
    ) == [("no", 0.0, 1)]
    assert query(
        "SELECT field, before, after FROM market_change_history WHERE ticker = ? ORDER BY 1", ticker
    ) == [
        ("result", "yes", "no"),
        ("settlement_value", "1.0", "0.0"),
    ]


def test_market_of_both_tiers_is_stored_as_its_current_tier_has_it(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """It settled after the cutoff, so the live tier's record counts, and the other tier changes nothing."""
    twin = plain_http.get(f"{sandbox.url}/markets", params={"status": "settled", "limit": "1"}).json()[
        "markets"
    ][0]

    def both(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*rows, {**twin, "result": "maybe", "title": "Other"}] if is_historical(request) else rows

    with rewritten(settings_for(sandbox.url), both) as session:
        reports = [backfill_settlements(session) for _ in range(2)]
    assert [report.counts["outranked"] for report in reports] == [1, 1]
    assert query("SELECT result, tier FROM settlement_history WHERE ticker = ?", twin["ticker"]) == [
        (twin["result"], "live")
    ]
    assert query("SELECT result, title FROM markets WHERE ticker = ?", twin["ticker"]) == [
        (twin["result"], twin["title"])
    ]
    assert query("SELECT count(*) FROM market_changes") == [(0,)]


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", None, ""], ids=["zero", "null", "blank"])
def test_missing_time_is_replaced_and_overwrites_nothing(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, query: Query, zero: str | None
) -> None:
    """The source is stored beside it."""
    twin, other = plain_http.get(f"{sandbox.url}/markets", params={"status": "settled", "limit": "2"}).json()[
        "markets"
    ]

    def without_times(_: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        times = {twin["ticker"]: {"settlement_ts": zero}}
        times[other["ticker"]] = {"settlement_ts": zero, "close_time": zero}
        return [{**row, **times.get(row["ticker"], {})} for row in rows]

    with rewritten(settings_for(sandbox.url), without_times) as first:
        sync_settlements(first)
    sources = "SELECT settled_at_source, settled_at = first_seen_at, substr(settled_at, 1, 19) FROM settlement_history"
    assert query(f"{sources} WHERE ticker = ?", twin["ticker"]) == [
        ("close_time", 0, twin["close_time"][:19])
    ]
    assert query(f"{sources} WHERE ticker = ?", other["ticker"])[0][:2] == ("first_seen", 1)

    for with_times in (session, session):
        backfill_settlements(with_times)
    with rewritten(settings_for(sandbox.url), without_times) as last:
        backfill_settlements(last)
    for market in (twin, other):
        assert query(f"{sources} WHERE ticker = ?", market["ticker"]) == [
            ("settlement_ts", 0, market["settlement_ts"][:19])
        ]


def test_future_close_never_replaces_a_settlement_time(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """Most markets settle days before their announced close."""
    twin = plain_http.get(f"{sandbox.url}/markets", params={"status": "settled", "limit": "1"}).json()[
        "markets"
    ][0]
    sources = "SELECT settled_at_source, settled_at = first_seen_at FROM settlement_history WHERE ticker = ?"
    early = changed(twin["ticker"], settlement_ts=None, close_time="2099-12-31T00:00:00Z")
    with rewritten(settings_for(sandbox.url), early) as session:
        sync_settlements(session)
        assert query(sources, twin["ticker"]) == [("first_seen", 1)]
    closed = changed(twin["ticker"], settlement_ts=None, close_time=twin["close_time"])
    with rewritten(settings_for(sandbox.url), closed) as session:
        backfill_settlements(session)
        backfill_settlements(session)  # the first one continues what was not complete
    assert query(sources, twin["ticker"]) == [("close_time", 0)]


def test_failed_cutoff_request_at_the_end_does_not_fail_the_run(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """Whether the cutoff moved is only worth a note; everything is stored by then."""
    asked: list[str] = []

    def fail_later(request: httpx.Request, answer: Any) -> Any:
        asked.append(request.url.path)
        is_second = request.url.path.endswith("/cutoff") and asked.count(request.url.path) > 1
        return 503 if is_second else answer

    with rewritten_session(settings_for(sandbox.url), fail_later) as session:
        report = sync_settlements(session)
    assert (report.is_complete, query("SELECT state FROM listings")) == (True, [("complete",)])
    assert any(note.startswith("the present start of the live tier is unknown:") for note in report.notes)


def test_scalar_without_a_value_is_null_and_counted(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    twin = plain_http.get(f"{sandbox.url}/markets", params={"status": "settled", "limit": "1"}).json()[
        "markets"
    ][0]
    scalar = changed(twin["ticker"], result="scalar", settlement_value_dollars="")
    with rewritten(settings_for(sandbox.url), scalar) as session:
        report = sync_settlements(session)
    assert report.counts["scalars_without_value"] == 1
    assert query(
        "SELECT result, settlement_value FROM settlement_history WHERE ticker = ?", twin["ticker"]
    ) == [("scalar", None)]


def test_combos_alone_are_picked_from_the_historical_tier(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """The tier has no filter for combos; every record is still counted."""
    combo = next(iter(open_markets(sandbox.url, mve_filter="only")))
    move(sandbox, combo, "finalized", result=YES, value=1_000_000, is_archived=True)
    with open_session(settings_for(sandbox.url, combos="only")) as session:
        tally = backfill_settlements(session).tally
    assert query("SELECT ticker FROM settlement_history") == [(combo,)]
    assert tally.received == tally.inserted + tally.out_of_scope > 1


def test_series_narrow_the_settlements_too(sandbox: Sandbox, settings_for: SettingsFor, query: Query) -> None:
    by_series = (
        "SELECT s.ticker, count(*) FROM settlements JOIN markets m ON m.id = market_id "
        "JOIN events e ON e.id = event_id JOIN series s ON s.id = series_id GROUP BY 1 ORDER BY 1 LIMIT 2"
    )
    with open_session(settings_for(sandbox.url)) as session:
        backfill_settlements(session)
        counts = query(by_series)
        with session.database.begin() as connection:
            for table in ("settlements", "backfill_progress"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
    assert len(counts) == 2
    narrowed = tuple(ticker for ticker, _ in counts)
    with open_session(settings_for(sandbox.url, series=narrowed)) as session:
        backfill_settlements(session)
    assert query(by_series.removesuffix(" LIMIT 2")) == counts
    walked = (
        "SELECT name, series FROM backfill_progress AS b JOIN scopes AS s ON s.id = scope_id ORDER BY b.id"
    )
    assert query(walked) == [
        (f"settlements/{tier}", ticker) for ticker in narrowed for tier in ("live", "historical")
    ]


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_settlements_of_every_shape_are_read(shape: Shape, settings_for: SettingsFor, query: Query) -> None:
    """In January 2026 there was one tier, and the run notes it."""
    config = WorldConfig(markets=200, past_share=0.5, shape=shape)
    with Sandbox(World(config)) as sandbox, open_session(settings_for(sandbox.url)) as session:
        reports = [*(step.run() for step in collect_steps(session)), backfill_settlements(session)]
        expected = live(sandbox.url)
    assert all(report.is_complete for report in reports)
    assert stored(query, "live").keys() == expected.keys()
    one_tier = "this exchange has no historical tier: everything that settled is in the live one"
    assert (one_tier in reports[-1].notes) == (shape == "2026-01")
    assert (query("SELECT count(*) FROM settlements WHERE tier = 'historical'") == [(0,)]) == (
        shape == "2026-01"
    )
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == [(0,)]
