"""Runs succeed on a store in which another program has deleted rows, and report what they set aside."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kalshi_pipeline.ingest.collect import last_steps, sync_steps
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.run.steps import Step
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.scope import Combos
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.conftest import Query, by_another_program
from kalshi_pipeline_tests.ingest.listed import open_markets, quote_of, stored_quote

SettingsFor = Callable[..., Settings]
NOON = parse_instant("2026-11-22T12:00:00Z") or 0
LATER = NOON + 300 * MICROS_PER_SECOND
_QUOTE = "yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest"


def broken_tables(query: Query) -> set[str]:
    return {str(row[0]) for row in query("PRAGMA foreign_key_check")}


def test_snapshot_after_markets_were_deleted_stores_them_again_and_keeps_their_history(
    sandbox: Sandbox, settings_for: SettingsFor, database_path: Path, query: Query
) -> None:
    with open_session(settings_for(sandbox.url)) as session:
        take_snapshot(session, NOON)
        before = query("SELECT * FROM price_snapshots ORDER BY tick_id, market_id")
        by_another_program(database_path, "DELETE FROM markets WHERE id % 100 = 7")
        deleted = query("SELECT market_id FROM latest_quotes WHERE market_id NOT IN (SELECT id FROM markets)")
        report = take_snapshot(session, LATER)

    assert report.state is State.COMPLETE
    assert report.counts["set_aside"] == 2 * len(deleted) + len(deleted)  # with fingerprints and documents
    assert [note for note in report.notes if "22 rows of latest_quotes were set aside" in note]
    assert query("SELECT * FROM price_snapshots WHERE tick_id = 1 ORDER BY market_id") == before
    assert broken_tables(query) == {"price_snapshots"}
    assert query("SELECT table_name, run, count(*) FROM set_aside_rows GROUP BY 1, 2 ORDER BY 1") == [
        (table, "ticks/2", len(deleted))
        for table in ("latest_quotes", "market_documents", "market_fingerprints")
    ]
    stored = {
        str(row[0]): stored_quote(dict(zip(_QUOTE.split(", "), row[1:], strict=True)))
        for row in query(f"SELECT ticker, {_QUOTE} FROM latest_prices")
    }
    listed = open_markets(sandbox.url, mve_filter="exclude")
    assert stored == {ticker: quote_of(market) for ticker, market in listed.items()}


def test_tick_whose_row_is_deleted_while_it_runs_is_taken_again(
    sandbox: Sandbox, settings_for: SettingsFor, database_path: Path, query: Query
) -> None:
    """A foreign key of the next page fails, and the run starts again without its cached knowledge."""
    left = ["DELETE FROM ticks"]

    def delete_tick(_: str) -> None:
        if left:
            by_another_program(database_path, left.pop())

    with open_session(settings_for(sandbox.url)) as session:
        report = take_snapshot(replace(session, report_progress=delete_tick), NOON)

    assert report.state is State.COMPLETE
    assert report.counts["set_aside"] > 0
    assert query("SELECT id, state, inserted FROM ticks") == [(2, "complete", 2_200)]
    assert query("SELECT DISTINCT tick_id FROM latest_quotes") == [(2,)]
    assert query("SELECT count(*) FROM price_snapshots WHERE tick_id = 2") == [(2_200,)]
    assert broken_tables(query) == {"price_snapshots"}  # stored by the first attempt


Filled = tuple[Sandbox, Path]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A small exchange, and a fully synced database."""
    path = tmp_path_factory.mktemp("filled") / "kalshi.db"
    with Sandbox(World(WorldConfig(markets=150, combos=20))) as sandbox:
        with open_session(settings_of(sandbox, path)) as session:
            run_all(session, NOON)
        yield sandbox, path


def settings_of(sandbox: Sandbox, path: Path) -> Settings:
    return Settings(
        api_url=sandbox.url,
        database_url=f"sqlite:///{path}",
        requests_per_second=1000,
        retry_seconds=0,
        combos=Combos.INCLUDE,
    )


def run_all(session: Session, tick_at: int) -> set[State]:
    """Run the steps of `collect`."""
    steps = [
        *sync_steps(session),
        Step("price_snapshots", lambda: take_snapshot(session, tick_at)),
        Step("settlements", lambda: sync_settlements(session)),
        *last_steps(session),
    ]
    return {step.run().state for step in steps}


@pytest.mark.parametrize(
    "table",
    [
        *("markets", "events", "series", "ticks", "scopes", "listings", "texts"),
        *("latest_quotes", "price_snapshots", "market_fingerprints", "document_blocks"),
        *("document_dictionaries", "document_subjects", "market_documents", "last_ids", "row_counts"),
    ],
)
def test_no_run_fails_after_the_rows_of_a_table_were_deleted(
    filled: Filled, database_path: Path, query: Query, table: str
) -> None:
    sandbox, path = filled
    shutil.copyfile(path, database_path)
    by_another_program(database_path, f"DELETE FROM {table}")
    with open_session(settings_of(sandbox, database_path)) as session:
        assert run_all(session, LATER) == {State.COMPLETE}

    assert query("SELECT count(*) FROM latest_quotes JOIN markets ON id = market_id") == [
        (len(open_markets(sandbox.url)),)
    ]


def test_market_without_its_event_is_moved_to_it_by_the_next_run(
    sandbox: Sandbox, settings_for: SettingsFor, database_path: Path, query: Query
) -> None:
    with open_session(settings_for(sandbox.url)) as session:
        sync_markets(session)
        events = query("SELECT m.ticker, e.ticker FROM markets m JOIN events e ON e.id = m.event_id")
        by_another_program(database_path, "DELETE FROM events WHERE id % 2 = 1")
        sync_markets(session)

    assert query("SELECT m.ticker, e.ticker FROM markets m JOIN events e ON e.id = m.event_id") == events
