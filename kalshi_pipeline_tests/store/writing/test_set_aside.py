"""Rows whose parents another program deleted are moved away, kept unchanged, and never attached to another parent."""

import json
from pathlib import Path

import pytest

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import latest_quotes, markets, set_aside_rows
from kalshi_pipeline.store.writing.set_aside import SetAside, set_aside_orphans
from kalshi_pipeline_tests.conftest import by_another_program
from kalshi_pipeline_tests.store.samples import (
    LATER,
    bid,
    contents,
    event,
    query,
    series_row,
    store_events,
    store_markets,
    store_series,
    take,
    tick,
)


def set_aside(database: Database) -> SetAside:
    with database.begin() as connection:
        return set_aside_orphans(connection, "ticks/9", LATER)


def test_sound_store_is_left_as_it_is(database: Database) -> None:
    take(database, tick(0), [bid(30, "M")])
    found = set_aside(database)
    assert (found.rows, found.events, found.sentence) == ({}, 0, None)
    assert contents(database, set_aside_rows) == []


def test_row_whose_market_was_deleted_is_kept_as_it_was(database: Database, path: Path) -> None:
    take(database, tick(0), [bid(30, "M"), bid(40, "N")])
    before, after = contents(database, latest_quotes)
    by_another_program(path, "DELETE FROM markets WHERE ticker = 'M'")

    found = set_aside(database)
    assert found.rows == {"latest_quotes": 1, "market_fingerprints": 1}
    assert contents(database, latest_quotes) == [after]
    kept = contents(database, set_aside_rows)
    of_quote = next(row for row in kept if row["table_name"] == "latest_quotes")
    assert json.loads(str(of_quote.pop("row"))) == before
    assert of_quote == {
        "id": of_quote["id"],
        "table_name": "latest_quotes",
        "why": "market_id 1 is in no row of markets",
        "run": "ticks/9",
        "set_aside_at": LATER,
    }
    assert set_aside(database).sentence is None


def test_key_that_may_be_unknown_becomes_null(database: Database, path: Path) -> None:
    """Otherwise changes of the event would fail, because they also write its series."""
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("E", "KXRAIN"))
    by_another_program(path, "DELETE FROM series")
    changed = event("E", None, title="Another one")
    with pytest.raises(StoreError) as failed:
        store_events(database, changed)
    assert failed.value.problem is StoreProblem.BROKEN_KEY

    assert set_aside(database).rows == {"events": 1}
    assert query(database, "SELECT why FROM set_aside_rows") == [("series_id 1 is in no row of series",)]
    store_events(database, changed)
    assert query(database, "SELECT title, series_id FROM events") == [("Another one", None)]


def test_missing_events_become_placeholders_that_keep_their_history(database: Database, path: Path) -> None:
    store_markets(database, bid(30, "M", "E"), bid(30, "N", "E"), bid(30, "O", "F"))
    by_another_program(path, "DELETE FROM events")
    found = set_aside(database)
    assert (found.rows, found.events) == ({}, 2)
    rows = "SELECT m.ticker, e.id, e.ticker, e.is_placeholder FROM markets m JOIN events e ON e.id = event_id"
    assert query(database, rows) == [("M", 1, "M", 1), ("N", 1, "M", 1), ("O", 2, "O", 1)]
    assert query(database, "SELECT count(*) FROM market_fingerprints WHERE fingerprint IS NOT NULL") == [(0,)]

    store_markets(database, bid(30, "M", "E"), at=LATER)
    assert query(database, f"{rows} WHERE m.ticker = 'M'") == [("M", 3, "E", 1)]


@pytest.mark.parametrize(
    "forgotten",
    [
        pytest.param("SELECT 1", id="as_it_happens"),
        pytest.param("DELETE FROM last_ids", id="with_the_record_of_keys"),
        pytest.param("UPDATE last_ids SET last_id = 0", id="with_a_record_of_keys_that_is_older"),
    ],
)
def test_history_of_a_deleted_market_never_becomes_another_ones(
    database: Database, path: Path, forgotten: str
) -> None:
    """SQLite reuses the largest key after its row was deleted."""
    take(database, tick(0), [bid(30, "M"), bid(40, "N")])
    by_another_program(path, "DELETE FROM markets WHERE ticker = 'N'", forgotten)
    take(database, tick(1), [bid(30, "M"), bid(50, "NEW")])
    history = "SELECT m.ticker, tick_id, yes_bid FROM price_snapshots LEFT JOIN markets m ON m.id = market_id"
    assert query(database, f"{history} ORDER BY tick_id, market_id") == [
        ("M", 1, 300_000),
        (None, 1, 400_000),
        ("NEW", 2, 500_000),
    ]
    assert [row["id"] for row in contents(database, markets)] == [1, 3]


def test_key_of_a_deleted_tick_is_not_given_again(database: Database, path: Path) -> None:
    take(database, tick(0), [bid(30, "M")])
    by_another_program(path, "DELETE FROM ticks", "DELETE FROM last_ids")
    take(database, tick(1), [bid(40, "M")])
    assert query(database, "SELECT id FROM ticks") == [(2,)]
    assert query(database, "SELECT tick_id, yes_bid FROM price_snapshots") == [(1, 300_000), (2, 400_000)]
