"""Series, events and markets as the exchange lists them."""

import http.server
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from dagster import MetadataValue

from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.errors import NotFoundError, StoreError, TransientExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.monitoring.checks import QUARANTINE_SHARE, examine
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.search_index import events_to_search
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.ticks import open_tick
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session

SettingsFor = Callable[..., Settings]
CATALOG = ("series", "events", "markets", "quarantine")


@contextmanager
def refusing(api_url: str, refused: str) -> Iterator[str]:
    """A proxy to another exchange that returns 404 for one path."""
    base = api_url.removesuffix("/trade-api/v2")

    class Passing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_refused = self.path.split("?")[0].endswith(refused)
            answer = httpx.Response(404, json={}) if is_refused else plain_http.get(base + self.path)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/trade-api/v2"
        server.shutdown()
        thread.join()


def sync_all(session: Session) -> None:
    for sync in (sync_series, sync_events, sync_markets):
        assert sync(session).is_complete


def test_sync_stores_every_open_market_with_its_parents(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    sync_all(session)

    listed = open_markets(sandbox.url, mve_filter="exclude")
    stored = query("SELECT m.ticker, e.ticker FROM markets m JOIN events e ON e.id = m.event_id")
    assert dict(stored) == {ticker: market["event_ticker"] for ticker, market in listed.items()}
    assert query("SELECT count(*) FROM events WHERE is_placeholder OR series_id IS NULL") == [(0,)]
    assert query("PRAGMA foreign_key_check") == []


def test_every_market_has_a_category_through_its_parents_after_a_sync(session: Session, query: Query) -> None:
    sync_all(session)

    categories = query(
        "SELECT count(*), sum(s.category IS NOT NULL) FROM markets m"
        " JOIN events e ON e.id = m.event_id JOIN series s ON s.id = e.series_id"
    )
    assert categories == [(2_200, 2_200)]


def test_sync_twice_leaves_the_same_rows(session: Session, query: Query) -> None:
    sync_all(session)
    before = {table: query(f"SELECT * FROM {table}") for table in CATALOG}
    sync_all(session)

    assert {table: query(f"SELECT * FROM {table}") for table in CATALOG} == before


def test_sync_of_markets_fills_the_index_of_searches_and_a_snapshot_does_not(
    session: Session, database_path: Path, query: Query
) -> None:
    index = database_path.with_name(f"{database_path.name}.search")
    take_snapshot(session, session.clock.now(), run_id="run")
    assert not index.exists()
    sync_all(session)
    ((ticker,),) = query("SELECT ticker FROM markets ORDER BY id DESC LIMIT 1")
    (event_id,) = query("SELECT event_id FROM markets ORDER BY id DESC LIMIT 1")[0]
    indexed = session.database.ask(lambda c: events_to_search(c, [str(ticker).lower()]))
    assert indexed is not None
    assert event_id in indexed
    assert len(indexed) < 20


def test_statistics_wait_until_the_store_has_many_ticks(session: Session, query: Query) -> None:
    """A reader that stays connected would plan its queries for a store of one tick."""
    analyzed = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"
    take_snapshot(session, NOON)
    sync_markets(session)
    assert query(analyzed) == [(0,)]

    with session.database.begin() as connection:
        for minute in range(1, 100):
            tick_at = NOON + minute * 60 * MICROS_PER_SECOND
            open_tick(connection, tick_at, None, session.scope(), tick_at)
    sync_markets(session)
    assert query(analyzed) == [(1,)]


def test_index_that_cannot_be_filled_is_a_note_of_the_sync(session: Session, database_path: Path) -> None:
    index = database_path.with_name(f"{database_path.name}.search")
    index.mkdir()
    report = sync_markets(session)
    assert report.is_complete
    assert [note for note in report.notes if str(index) in note]


def test_sync_counts_every_record_it_received(sandbox: Sandbox, session: Session) -> None:
    """With pages that overlap and records that cannot be read."""
    sandbox.faults = Faults(overlap=7, unreadable=0.05)
    for sync in (sync_events, sync_markets):
        tally = sync(session).tally
        assert 0 < tally.duplicates <= 7 * (tally.pages - 1)
        assert tally.quarantined > 0
        assert tally.received == (
            tally.inserted + tally.changed + tally.unchanged + tally.quarantined + tally.duplicates
        )


@pytest.mark.parametrize(
    ("sync", "fields"),
    [
        pytest.param(sync_series, {"title", "category", "tags"}, id="series"),
        pytest.param(sync_events, {"title", "sub_title", "category"}, id="events"),
        pytest.param(sync_markets, {"close_time", "open_time", "open_interest_fp"}, id="markets"),
    ],
)
def test_odd_fields_lose_no_record_and_are_counted_by_name(
    sandbox: Sandbox, session: Session, sync: Callable[[Session], Report], fields: set[str]
) -> None:
    sandbox.faults = Faults(odd_fields=0.2)
    report = sync(session)
    assert (report.tally.received, report.tally.quarantined) == (report.tally.inserted, 0)
    assert report.odd_fields.keys() >= fields
    assert 0 < report.odd_fields.total() < report.tally.received / 2
    assert run_metadata(report)["odd_fields"] == MetadataValue.json(dict(report.odd_fields))


def test_unreadable_records_without_room_are_counted(
    sandbox: Sandbox, settings_for: Callable[..., Settings], query: Query
) -> None:
    sandbox.faults = Faults(unreadable=0.05)
    with open_session(settings_for(sandbox.url, quarantine_mb=0.01)) as session:
        report = sync_markets(session)
        (finding,) = examine(session, report, [QUARANTINE_SHARE])
    ((size,),) = query("SELECT sum(bytes) FROM quarantine")
    not_kept = report.counts["quarantine_full"]
    assert 0 < size <= 10_000
    assert report.tally.quarantined > 50
    assert not_kept > 50
    assert f"{not_kept:,} (parents included) were not kept because of KALSHI_QUARANTINE_MB" in finding.text


def test_unreadable_records_are_kept_and_the_page_continues(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    sandbox.faults = Faults(unreadable=0.05)
    report = sync_markets(session)

    assert report.is_complete
    assert report.rows + report.tally.quarantined == 2_200
    kept = query("SELECT run, raw, error FROM quarantine WHERE kind = 'markets'")
    assert 0 < len(kept) <= report.tally.quarantined
    assert {run for run, _, _ in kept} == {report.run.name}
    assert all(raw.startswith(("{", "[", '"')) or raw.isdigit() for _, raw, _ in kept)
    assert all(error for _, _, error in kept)


def test_unknown_words_are_stored_as_they_came_and_counted(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    sandbox.faults = Faults(unknown_words=True)
    report = sync_markets(session)

    stored: dict[str, int] = dict(query("SELECT 'status=' || status, count(*) FROM markets GROUP BY status"))
    unknown = {word: count for word, count in report.unknown_words.items() if word.startswith("status=")}
    assert unknown
    assert unknown == {word: stored[word] for word in unknown}


def test_cap_truncates_visibly_and_parents_are_ensured(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """The listing of events is cut before the events of the listed markets."""
    with open_session(settings_for(sandbox.url, max_pages=1, event_lookups=0, healing_requests=0)) as session:
        events, markets = sync_events(session), sync_markets(session)

    reason = "truncated: stopped at KALSHI_MAX_PAGES=1 with more to come"
    assert [(report.state, report.reason) for report in (events, markets)] == [(State.PARTIAL, reason)] * 2
    assert markets.rows == 1_000
    assert query("SELECT asset, state, reason, pages FROM listings ORDER BY id") == [
        ("events", "partial", reason, 1),
        ("markets", "partial", reason, 1),
    ]
    assert query("PRAGMA foreign_key_check") == []


def test_lookups_fetch_the_events_that_are_missing_in_a_truncated_list(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    report = sync_markets(session)

    assert report.tally.placeholders == len({*query("SELECT series_id FROM events")})  # series only
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == [(0,)]
    assert all("tickers" in request.query for request in sandbox.requests if request.path.endswith("/events"))


def test_placeholders_of_combos_are_filled_by_the_same_run(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """`/events` never shows the events of combos, `/events/multivariate` does."""
    with open_session(settings_for(sandbox.url, combos="include")) as session:
        sync_all(session)
        report = sync_markets(session)

    assert query("SELECT count(*) FROM markets WHERE is_combo") == [(40,)]
    assert report.open_placeholders == 0
    assert query("SELECT sum(healed), sum(placeholders) >= sum(healed) FROM listings") == [(40, 1)]


def test_combos_only_collects_nothing_else(sandbox: Sandbox, settings_for: SettingsFor, query: Query) -> None:
    with open_session(settings_for(sandbox.url, combos="only")) as session:
        sync_all(session)

    assert query("SELECT count(*), sum(is_combo) FROM markets") == [(40, 40)]
    assert query(
        "SELECT DISTINCT series, combos, status_filter FROM listings JOIN scopes AS s ON s.id = scope_id"
    ) == [("", "only", "open")]


def test_placeholders_that_cannot_be_fetched_stay_marked_and_are_requested_last(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    sandbox.faults = Faults(fail_first=1_000, paths=("/events",))
    with open_session(settings_for(sandbox.url, combos="include")) as session:
        report = sync_markets(session)
    assert report.is_complete
    assert report.open_placeholders == query("SELECT count(*) FROM events")[0][0]
    assert any("events could not be looked up" in note for note in report.notes)
    assert any(note.startswith("stopped filling placeholders") for note in report.notes)
    assert query("SELECT DISTINCT title, category, series_id FROM events") == [(None, None, None)]

    sandbox.faults = Faults()
    with open_session(settings_for(sandbox.url, combos="include")) as session:
        healed = sync_events(session)
    assert query("SELECT count(*) FROM events WHERE is_placeholder OR title IS NULL") == [(0,)]
    assert healed.tally.healed + healed.tally.changed >= report.open_placeholders


def test_refused_way_of_filling_placeholders_leaves_the_others(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """An exchange without `/events/multivariate`: the events of combos are asked for one by one."""
    with open_session(settings_for(sandbox.url, combos="include", healing_requests=0)) as session:
        sync_series(session)
        assert sync_markets(session).open_placeholders == 40
    with refusing(sandbox.url, "/events/multivariate") as url, open_session(settings_for(url)) as session:
        report = sync_events(session)
    assert (report.tally.healed, report.open_placeholders) == (40, 0)
    assert [note.split(":")[0] for note in report.notes] == [
        "the exchange refuses one way of filling placeholders"
    ]
    assert query("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("refused", [False, True], ids=["in_bulk", "one_by_one"])
def test_many_series_are_filled_in_bulk_if_the_exchange_allows(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, refused: bool
) -> None:
    """There are markets but no series, as after a first snapshot or backfill."""
    with open_session(settings_for(sandbox.url, healing_requests=0)) as session:
        open_before = sync_markets(session).open_placeholders
    assert query("SELECT count(*), sum(is_placeholder) FROM series") == [(open_before, open_before)]
    assert open_before > 20
    with (
        refusing(sandbox.url, "/series" if refused else "/nothing") as url,
        open_session(settings_for(url)) as session,
    ):
        report = sync_markets(session)
    assert (report.tally.healed, report.open_placeholders) == (open_before, 0)
    asked = [request.path for request in sandbox.requests if "/series" in request.path]
    assert len(asked) == (open_before if refused else 1)
    assert len(report.notes) == refused


def test_series_setting_narrows_everything(sandbox: Sandbox, settings_for: SettingsFor, query: Query) -> None:
    all_series = plain_http.get(f"{sandbox.url}/series").json()["series"]
    events = plain_http.get(f"{sandbox.url}/events", params={"status": "open"}).json()["events"]
    wanted = sorted({event["series_ticker"] for event in events})[:2]
    assert len(all_series) > len(wanted)

    with open_session(settings_for(sandbox.url, series=",".join(wanted))) as session:
        sync_all(session)

    assert sorted(ticker for (ticker,) in query("SELECT ticker FROM series")) == wanted
    stored = query(
        "SELECT DISTINCT s.ticker FROM markets m JOIN events e ON e.id = m.event_id JOIN series s ON s.id = e.series_id"
    )
    assert sorted(ticker for (ticker,) in stored) == wanted


def test_unknown_series_is_an_error_that_names_it(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    with (
        open_session(settings_for(sandbox.url, series="KXNOSUCHSERIES")) as session,
        pytest.raises(NotFoundError, match="KXNOSUCHSERIES answered 404"),
    ):
        sync_series(session)
    assert query("SELECT state, pages FROM listings") == [("failed", 0)]


def test_series_that_is_answered_with_another_one_is_missing(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    first, second = sorted(row["ticker"] for row in plain_http.get(f"{sandbox.url}/series").json()["series"])[
        :2
    ]
    other = plain_http.get(f"{sandbox.url}/series/{second}").json()

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return other if request.url.path.endswith(f"/series/{first}") else answer

    with rewritten_session(settings_for(sandbox.url, series=f"{first},{second}"), rewrite) as session:
        report = sync_series(session)
    assert (report.state, report.reason) == (State.PARTIAL, f"the exchange did not return {first}: run again")
    assert query("SELECT ticker FROM series") == [(second,)]


def test_pages_before_an_outage_are_kept_and_the_run_is_partial(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    """Exactly the pages before the failure are stored, and the next run ends like an undisturbed one."""
    sandbox.faults = Faults(unreachable_after=1)
    report = sync_markets(session)

    assert isinstance(report.error, TransientExchangeError)
    assert report.shortfall == f"markets is partial: {report.error}"
    assert (report.state, report.rows, report.requests) == (State.PARTIAL, 1_000, len(sandbox.requests))
    assert query("SELECT count(*) FROM markets") == [(1_000,)]
    assert query("SELECT state, pages, reason LIKE '%could not be reached%' FROM listings") == [
        ("partial", 1, 1)
    ]

    sandbox.faults = Faults()
    assert sync_markets(session).is_complete
    assert query("SELECT count(*) FROM markets") == [(2_200,)]


def test_database_that_fails_after_a_page_is_raised(
    session: Session, database_path: Path, query: Query
) -> None:
    """Unlike after an error of the exchange, running the other steps would not help."""
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER refusal BEFORE INSERT ON markets WHEN (SELECT count(*) FROM markets) >= 1000 "
            "BEGIN SELECT RAISE(ABORT, 'no more'); END"
        )
    with pytest.raises(StoreError, match="no more") as failure:
        sync_markets(session)

    assert failure.value.__notes__ == ["1 page is stored of markets; the run is partial"]
    assert query("SELECT state, pages FROM listings") == [("partial", 1)]


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_sync_reads_every_shape(shape: Shape, settings_for: SettingsFor, query: Query) -> None:
    config = WorldConfig(markets=150, combos=20, shape=shape)
    with (
        Sandbox(World(config)) as sandbox,
        open_session(settings_for(sandbox.url, combos="include")) as session,
    ):
        sync_all(session)
    assert query("SELECT count(*), sum(is_combo) FROM markets") == [(170, 20)]
    assert query("SELECT count(*) FROM quarantine") == [(0,)]
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == [(0,)]
