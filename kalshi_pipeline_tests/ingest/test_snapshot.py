"""Quotes of a tick are complete, exact and stored once, and never lost because of a missing parent."""

import json
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from kalshi_pipeline.cli.reports import report_line
from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.errors import DeadlineError, TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets, quote_of, stored_quote

SettingsFor = Callable[..., Settings]
NOON = parse_instant("2026-11-22T12:00:00Z") or 0
MINUTE = 60 * MICROS_PER_SECOND


def latest_prices(path: Path) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {row["ticker"]: dict(row) for row in connection.execute("SELECT * FROM latest_prices")}


def natural_rows(query: Query) -> dict[str, list[tuple[Any, ...]]]:
    """All rows by natural keys, without run records and times of writing."""
    quote = "yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest"
    return {
        "history": query(f"SELECT ticker, tick_at, {quote} FROM price_history ORDER BY 1, 2"),
        "latest": query(
            f"SELECT ticker, event_ticker, tick_at, status, {quote} FROM latest_prices ORDER BY 1"
        ),
        "events": query("SELECT ticker, is_placeholder, title FROM events ORDER BY 1"),
    }


def test_snapshot_alone_fills_an_empty_database_exactly(
    sandbox: Sandbox, settings_for: SettingsFor, database_path: Path, query: Query
) -> None:
    """Every listed market has its quote as it was sent, parents included."""
    with open_session(settings_for(sandbox.url, combos="include")) as session:
        report = take_snapshot(session, NOON)

    listed = open_markets(sandbox.url)
    stored = latest_prices(database_path)
    assert {ticker: stored_quote(row) for ticker, row in stored.items()} == {
        ticker: quote_of(market) for ticker, market in listed.items()
    }
    assert {row["tick_at"] for row in stored.values()} == {"2026-11-22T12:00:00Z"}
    assert report.is_complete
    assert query("PRAGMA foreign_key_check") == []
    combo_events = query("SELECT count(DISTINCT event_id) FROM markets WHERE is_combo")
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == combo_events


def test_snapshot_after_a_truncated_market_list_loses_nothing(
    sandbox: Sandbox, settings_for: SettingsFor, database_path: Path, query: Query
) -> None:
    """The failure that this product was written to fix."""
    with open_session(settings_for(sandbox.url, max_pages=1)) as session:
        assert sync_markets(session).state is State.PARTIAL
    with open_session(settings_for(sandbox.url, combos="include")) as session:
        assert take_snapshot(session, NOON).is_complete

    assert latest_prices(database_path).keys() == open_markets(sandbox.url).keys()
    assert query("PRAGMA foreign_key_check") == []


def test_snapshot_stores_just_what_changed(sandbox: Sandbox, session: Session, query: Query) -> None:
    take_snapshot(session, NOON)
    before = {
        ticker: quote_of(market) for ticker, market in open_markets(sandbox.url, mve_filter="exclude").items()
    }
    sandbox.world.step()
    report = take_snapshot(session, NOON + MINUTE)
    after = {
        ticker: quote_of(market) for ticker, market in open_markets(sandbox.url, mve_filter="exclude").items()
    }

    changed = {ticker for ticker, quote in after.items() if before.get(ticker) != quote}
    assert 0 < len(changed) < len(after)
    stored = query("SELECT ticker, is_terminal FROM price_history WHERE tick_at = '2026-11-22T12:01:00Z'")
    assert {ticker for ticker, is_terminal in stored if not is_terminal} == changed
    assert {ticker for ticker, is_terminal in stored if is_terminal} == before.keys() - after.keys()
    assert (report.tally.inserted, report.tally.unchanged) == (len(changed), len(after) - len(changed))
    assert report.tally.ended == len(before.keys() - after.keys()) > 0


@pytest.mark.parametrize("mode", ["changes", "every"])
def test_quotes_of_a_cached_answer_are_as_old_as_it_says(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, mode: str
) -> None:
    """They may be older than the tick. The ticks keep their order, and the run reports the age."""
    clock = ManualClock()
    sandbox.date_by(clock.seconds)
    sandbox.faults = Faults(answer_age_seconds=12)
    with open_session(settings_for(sandbox.url, snapshot_mode=mode), clock=clock) as session:
        started_at = clock.now()
        for minute in range(2):
            clock.advance(60 * minute)
            report = take_snapshot(session, started_at + minute * MINUTE)
            assert (report.state, report.answer_age_seconds, report.notes) == (State.COMPLETE, 12, [])
            assert "answers up to 12 s old" in report_line(report)
            assert run_metadata(report)["answer_age_seconds"] == 12
    [(first, last)] = query("SELECT min(received_ms), max(received_ms) FROM price_snapshots")
    assert -12_000 <= first <= last < 0
    newest = "SELECT DISTINCT tick_at, received_at < tick_at FROM quotes_by_tick ORDER BY 1"
    assert [is_before for _, is_before in query(newest)] == [1, 1]
    states = query("SELECT state, received_at < tick_at, count(*) FROM latest_prices GROUP BY 1, 2")
    assert states == [("observed", 1, len(open_markets(sandbox.url, mve_filter="exclude")))]


def test_snapshot_mode_every_stores_every_quote(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    with open_session(settings_for(sandbox.url, snapshot_mode="every")) as session:
        for minute in range(2):
            take_snapshot(session, NOON + minute * MINUTE)
    assert query("SELECT count(*) FROM price_history GROUP BY tick_at") == [(2_200,), (2_200,)]


def test_tick_taken_again_adds_and_changes_nothing(sandbox: Sandbox, session: Session, query: Query) -> None:
    """Even if the quotes have moved meanwhile."""
    take_snapshot(session, NOON)
    before = natural_rows(query)
    sandbox.world.step()
    report = take_snapshot(session, NOON)

    assert (report.state, report.tally.inserted, report.rows, report.reason) == (
        State.COMPLETE,
        0,
        2_200,
        "this tick was already complete",
    )
    assert natural_rows(query) == before


def test_tick_that_was_cut_continues_and_ends_like_an_undisturbed_one(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, tmp_path: Path, query: Query
) -> None:
    sandbox.faults = Faults(unreachable_after=1)
    cut = take_snapshot(session, NOON)
    assert isinstance(cut.error, TransientExchangeError)
    assert (cut.state, cut.reason, cut.rows) == (State.PARTIAL, str(cut.error), 1_000)
    assert query("SELECT state, pages, inserted FROM ticks") == [("partial", 1, 1_000)]

    sandbox.faults = Faults()
    resumed = take_snapshot(session, NOON)
    assert (resumed.state, resumed.tally.inserted, resumed.tally.unchanged) == (State.COMPLETE, 1_200, 1_000)

    undisturbed = tmp_path / "undisturbed.db"
    with open_session(settings_for(sandbox.url, database_url=f"sqlite:///{undisturbed}")) as other:
        take_snapshot(other, NOON)
    with closing(sqlite3.connect(undisturbed)) as connection:
        assert natural_rows(query) == natural_rows(lambda sql, *_: connection.execute(sql).fetchall())


def test_manual_run_continues_its_own_tick_and_waits_for_a_second_that_is_free(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    clock = ManualClock(NOON + 400_000)
    sandbox.date_by(clock.seconds)
    with open_session(settings_for(sandbox.url), clock=clock) as session:
        sandbox.faults = Faults(unreachable_after=1)
        created_at = clock.now()
        assert take_snapshot(session, created_at, run_id="first").state is State.PARTIAL
        sandbox.faults = Faults()
        retried = take_snapshot(session, created_at, run_id="first")
        assert (retried.state, retried.tick_at, retried.tally.unchanged) == (State.COMPLETE, NOON, 1_000)

        other = take_snapshot(session, created_at, run_id="second")
    assert (other.state, other.tick_at) == (State.COMPLETE, NOON + MICROS_PER_SECOND)
    started = query("SELECT run_id, tick_at, started_at >= tick_at FROM ticks ORDER BY id")
    assert started == [("first", NOON, 1), ("second", NOON + MICROS_PER_SECOND, 1)]


def test_tick_that_a_newer_one_has_overtaken_is_skipped(session: Session, query: Query) -> None:
    take_snapshot(session, NOON + MINUTE)
    report = take_snapshot(session, NOON)

    assert report.state is State.SKIPPED
    assert query("SELECT state FROM ticks ORDER BY tick_at") == [("skipped",), ("complete",)]
    assert query("SELECT DISTINCT tick_at FROM price_history") == [("2026-11-22T12:01:00Z",)]


def test_scheduled_tick_that_comes_too_late_is_skipped(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """A run can wait in a queue for longer than its period. A missed tick is never taken later."""
    clock = ManualClock(NOON + 29 * MICROS_PER_SECOND)
    sandbox.date_by(clock.seconds)
    with open_session(settings_for(sandbox.url), clock=clock) as session:
        assert take_snapshot(session, NOON - 2 * MINUTE, period_seconds=60).state is State.SKIPPED
        assert take_snapshot(session, NOON, period_seconds=60).is_complete

    states = query("SELECT state FROM ticks ORDER BY tick_at")
    assert states == [("skipped",), ("missed",), ("complete",)]
    assert query("SELECT reason FROM ticks WHERE state = 'skipped'") == [
        ("its run started 149 s late, when a later tick was due",)
    ]


@pytest.mark.parametrize(("late_micros", "state"), [(0, State.PARTIAL), (1, State.SKIPPED)])
@pytest.mark.parametrize(("period_seconds", "most_seconds"), [(15, 60), (60, 60), (300, 300)])
def test_tick_is_taken_until_its_period_or_a_minute_is_over(
    sandbox: Sandbox,
    settings_for: SettingsFor,
    period_seconds: float,
    most_seconds: int,
    late_micros: int,
    state: State,
) -> None:
    """To the microsecond. The ticks are partial here, because one page is enough."""
    clock = ManualClock(NOON + most_seconds * MICROS_PER_SECOND + late_micros)
    sandbox.date_by(clock.seconds)
    with open_session(settings_for(sandbox.url, max_pages=1), clock=clock) as session:
        assert take_snapshot(session, NOON, period_seconds).state is state


def test_snapshots_at_the_same_time_give_the_rows_of_a_serial_run(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """Three threads, each with its own session, on the same and on different ticks."""
    states: list[State] = []

    def run(tick_at: int) -> None:
        with open_session(settings_for(sandbox.url)) as session:
            states.append(take_snapshot(session, tick_at).state)

    threads = [threading.Thread(target=run, args=(NOON + minute * MINUTE,)) for minute in (0, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(states) == 3
    assert set(states) <= {State.COMPLETE, State.SKIPPED}
    assert query("SELECT count(*), count(DISTINCT ticker) FROM price_history") == [(2_200, 2_200)]
    assert query("PRAGMA foreign_key_check") == []


def test_paused_exchange_is_read_and_the_tick_says_so(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    sandbox.faults = Faults(paused=True)
    report = take_snapshot(session, NOON)

    assert report.is_paused is True
    (note,) = report.notes
    assert re.fullmatch(
        r"the exchange says that trading is paused, so quotes do not move; it expects to resume at \S+Z", note
    )
    assert query("SELECT is_paused, state, inserted FROM ticks") == [(1, "complete", 2_200)]


def test_paused_shards_are_kept_with_the_tick_and_noted(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    sandbox.faults = Faults(paused_shards=("1", "3"))
    report = take_snapshot(session, NOON)

    assert report.is_paused is False
    assert report.notes == ["the exchange says that trading is paused on its shards 1, 3"]
    ((is_paused, shards),) = query("SELECT is_paused, inactive_shards FROM tick_history")
    assert (is_paused, [shard["exchange_index"] for shard in json.loads(shards)]) == (0, [1, 3])
    assert run_metadata(report)["inactive_shards"] == dg.MetadataValue.json(json.loads(shards))

    sandbox.faults = Faults()
    take_snapshot(session, NOON + MINUTE)
    assert query("SELECT inactive_shards FROM tick_history WHERE tick_id = 2") == [(None,)]


def test_status_that_fails_costs_no_quote(sandbox: Sandbox, session: Session, query: Query) -> None:
    sandbox.faults = Faults(server_errors=1, error_body="html", paths=("/exchange/status",))
    report = take_snapshot(session, NOON)

    assert report.is_complete
    assert query("SELECT is_paused, inserted FROM ticks") == [(None, 2_200)]
    assert re.match("clock not checked: http.*/exchange/status answered 50[0-9] .*, after", report.notes[0])
    assert report.notes[1:] == ["it is unknown whether trading is paused"]


def test_events_that_cannot_be_fetched_cost_no_quote(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/events",))
    report = take_snapshot(session, NOON)

    assert (report.state, report.tally.inserted) == (State.COMPLETE, 2_200)
    assert query("SELECT count(*) = sum(is_placeholder) FROM events") == [(1,)]
    assert query("PRAGMA foreign_key_check") == []


def test_lookups_stay_within_their_budget(sandbox: Sandbox, settings_for: SettingsFor, query: Query) -> None:
    with open_session(settings_for(sandbox.url, event_lookups=1)) as session:
        take_snapshot(session, NOON)

    lookups = [request for request in sandbox.requests if request.path.endswith("/events")]
    assert len(lookups) == 1
    assert (
        query("SELECT sum(is_placeholder) BETWEEN 1 AND count(*) - 1 FROM events") == [(1,)]
        or len(query("SELECT * FROM events")) <= 200
    )


def test_walk_that_takes_too_long_is_partial(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """The stored pages are kept, and no further page is requested."""
    clock, over = ManualClock(NOON), threading.Event()

    class Stuck(httpx.BaseTransport):
        """Returns the first page of markets, and delays the second until the test is over."""

        def __init__(self) -> None:
            self._transport = plain_http.open_transport()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if "cursor" in request.url.params:
                over.wait()
                raise httpx.ReadError("cut off")
            return self._transport.handle_request(request)

        def close(self) -> None:
            self._transport.close()

    settings = settings_for(sandbox.url, walk_seconds=900)
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(sandbox.url, requests_per_second=1000, transport=Stuck(), clock=clock) as client,
    ):
        # Progress is reported once a page is stored; the walk's time is then over.
        session = Session(client, database, settings, lambda _: clock.advance(900), clock)
        report = take_snapshot(session, NOON)
        over.set()
    assert isinstance(report.error, DeadlineError)
    assert query("SELECT state, pages, reason LIKE '%KALSHI_WALK_SECONDS%' FROM ticks") == [("partial", 1, 1)]


class _Rewriting(httpx.BaseTransport):
    """The exchange's answers about markets, changed on their way."""

    def __init__(self, rewrite: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        self._rewrite = rewrite
        self._transport = plain_http.open_transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        if not request.url.path.endswith("/markets"):
            return response
        response.read()
        answer = response.json()
        answer["markets"] = self._rewrite(answer["markets"])
        return httpx.Response(200, json=answer)

    def close(self) -> None:
        self._transport.close()


@pytest.mark.parametrize(
    "rewrite",
    [
        pytest.param(
            lambda rows: [{**row, "yes_bid_dollars": "nonsense"} for row in rows], id="none can be read"
        ),
        pytest.param(lambda _: [], id="none is listed"),
    ],
)
def test_history_does_not_end_where_the_exchange_is_in_trouble(
    sandbox: Sandbox,
    settings_for: SettingsFor,
    query: Query,
    rewrite: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    """A market with an unreadable record is still listed, and an exchange without any market is failing."""
    settings = settings_for(sandbox.url)
    with open_session(settings) as session:
        take_snapshot(session, NOON)
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(sandbox.url, requests_per_second=1000, transport=_Rewriting(rewrite)) as client,
    ):
        report = take_snapshot(Session(client, database, settings, lambda _: None), NOON + MINUTE)
    assert (report.is_complete, report.tally.ended) == (False, 0)
    assert query("SELECT count(*) FROM latest_quotes WHERE is_terminal") == [(0,)]
    assert query("SELECT count(*) FROM latest_prices WHERE confirmed_at > tick_at") == [(0,)]


class _LockProbe(httpx.BaseTransport):
    """Takes the database's write lock at each request, and fails if it is not released in time.

    A page that is being stored at that moment finishes soon, unless it waits for this request.
    """

    def __init__(self, path: Path) -> None:
        self.requests = 0
        self._path = path
        self._transport = plain_http.open_transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        self.requests += 1
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


def test_no_transaction_is_open_across_a_request(
    sandbox: Sandbox, settings_for: SettingsFor, database_path: Path
) -> None:
    settings = settings_for(sandbox.url, combos="include")
    probe = _LockProbe(database_path)
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(settings.api_url, requests_per_second=1000, retry_seconds=0, transport=probe) as client,
    ):
        session = Session(client, database, settings, lambda _: None)
        sync_markets(session)
        take_snapshot(session, NOON)
    assert probe.requests > 6


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_snapshot_survives_every_fault_at_once(shape: Shape, settings_for: SettingsFor, query: Query) -> None:
    config = WorldConfig(markets=400, combos=600, shape=shape)
    faults = Faults(
        too_many=0.1,
        server_errors=0.1,
        resets=0.05,
        truncated=0.05,
        not_json=0.05,
        overlap=3,
        empty_pages=True,
    )
    clock = ManualClock(NOON)
    with (
        Sandbox(World(config), faults=faults, now=clock.seconds) as sandbox,
        open_session(settings_for(sandbox.url, combos="include", retry_seconds=300), clock=clock) as session,
    ):
        report = take_snapshot(session, NOON)
    assert (report.state, report.rows) == (State.COMPLETE, 1_000)
    assert query("PRAGMA foreign_key_check") == []
