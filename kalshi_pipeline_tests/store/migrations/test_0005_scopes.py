"""The fifth migration: sentences become scopes, walks get scopes as keys, and the largest keys are recorded."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.scopes import scope_id, stored_scopes
from kalshi_pipeline.store.writing.backfill_progress import WalkKey, WalkState, walk_of
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.store.migrations.stored import empty_at
from kalshi_pipeline_tests.store.samples import NOON, query, sqlite_url

_NOT_OVER = "the day is not over: what is still to come is added by running it again"
_WALK = "INSERT INTO walks VALUES (?, ?, ?, ?, ?, NULL, ?, ?, NULL, 1, 2, 3, 0)"

TICKS = (
    "all series, no combos",
    "KXB,KXA, with combos",
    "KXA,KXB, with combos",
    "KXA, only combos",
    "whatever a version in development wrote",
)
LISTINGS = (
    ("markets", "all series, no combos"),
    ("settlements", "all series, no combos"),
    ("settlements backfill", "KXA, no combos"),
    ("trades", "2026-11-20, KXB,KXA, with combos"),
    ("candlesticks", "2026-11-20, 60 min, KXA,KXB and 2 markets"),
    ("order_books", "3 markets"),
)
WALKS = (
    ("trades/2026-11-20/live/all series, no combos", "partial", _NOT_OVER, 1),
    ("trades/2026-11-20/live/KXA,KXB, no combos", "partial", "the connection broke", 5),
    ("trades/2026-11-20/live/KXB,KXA, no combos", "complete", None, 3),
    ("settlements/live/exclude", "complete", None, 2),
    ("settlements/historical/KXA", "running", None, 2),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the fourth schema, empty except for runs, walks and a few parents."""
    path = empty_at("0004", tmp_path / "older.db")
    counts = {
        "pages",
        "received",
        "inserted",
        "unchanged",
        "quarantined",
        "duplicates",
        "placeholders",
        "healed",
    }
    names, zeros = ", ".join(sorted(counts)), ", ".join("0" for _ in counts)
    with closing(sqlite3.connect(path)) as older, older:
        for number, scope in enumerate(TICKS, 1):
            older.execute(
                f"INSERT INTO ticks (id, tick_at, scope, state, {names}) VALUES (?, ?, ?, 'complete', {zeros})",
                (number, NOON + number, scope),
            )
        for number, (asset, scope) in enumerate(LISTINGS, 1):
            older.execute(
                f"INSERT INTO listings (id, asset, scope, state, changed, left_out, {names})"
                f" VALUES (?, ?, ?, 'complete', 0, 7, {zeros})",
                (number, asset, scope),
            )
        for number, (name, state, reason, started_at) in enumerate(WALKS, 1):
            cursor = f"cursor-{number}"
            older.execute(_WALK, (number, name, state, reason, cursor, started_at, started_at))
        older.execute(
            f"INSERT INTO events VALUES (4, 'EV', 99, NULL, NULL, NULL, NULL, NULL, 1, {NOON}, {NOON})"
        )
        older.execute(
            f"INSERT INTO settlements VALUES (123, 'yes', 1, 1, 'close_time', 'live', {NOON}, NULL)"
        )
        older.execute("INSERT INTO sightings VALUES (5, 321, 7)")
    return path


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(Database(sqlite_url(path), migrate=True)) as migrated:
        yield migrated


def test_sentences_of_ticks_become_former_scopes_of_open_markets(database: Database) -> None:
    """Their series keep their order. A scope that cannot be parsed covers nothing, not even itself."""
    values = "series, combos, status_filter, is_former"
    shown = query(
        database, f"SELECT {values} FROM ticks JOIN scopes ON scopes.id = scope_id ORDER BY ticks.id"
    )
    assert shown == [
        ("", "exclude", "open", 1),
        ("KXB,KXA", "include", "open", 1),
        ("KXA,KXB", "include", "open", 1),
        ("KXA", "only", "open", 1),
        (None, None, None, 0),
    ]
    sentences = query(database, "SELECT scope FROM tick_history ORDER BY tick_id")
    assert [scope for (scope,) in sentences] == [
        "open markets of all series, no combos",
        "open markets of KXB, KXA, with combos",
        "open markets of KXA, KXB, with combos",
        "open markets of KXA, only combos",
        "whatever a version in development wrote",
    ]


def test_scopes_are_those_that_new_runs_store(database: Database) -> None:
    with database.begin() as connection:
        known = stored_scopes(connection)
        assert len(known) == 6
        for key, scope in known.items():
            assert scope_id(connection, scope) == key
            assert query(database, f"SELECT sentence FROM scopes WHERE id = {key}") == [(scope.sentence,)]


def test_listings_keep_their_day_and_selection_apart(database: Database) -> None:
    columns = "asset, sentence, day, selection, out_of_scope"
    shown = query(
        database,
        f"SELECT {columns} FROM listings LEFT JOIN scopes ON scope_id = scopes.id ORDER BY listings.id",
    )
    assert shown == [
        ("markets", "open markets of all series, no combos", None, None, 7),
        ("settlements", "settled markets of all series, no combos", None, None, 7),
        ("settlements backfill", "settled markets of KXA, no combos", None, None, 7),
        ("trades", "all markets of KXA, KXB, with combos", "2026-11-20", None, 7),
        ("candlesticks", None, "2026-11-20", "60 min, KXA,KXB and 2 markets", 7),
        ("order_books", None, None, "3 markets", 7),
    ]


def test_walks_are_found_by_their_scope(database: Database) -> None:
    """If two differ only in the order of their series, the complete one is kept."""
    day = "trades/2026-11-20/live"
    expected = {
        WalkKey(day, Scope((), Combos.EXCLUDE)): (1, WalkState.CAUGHT_UP, "cursor-1"),
        WalkKey(day, Scope(("KXA", "KXB"), Combos.EXCLUDE)): (3, WalkState.COMPLETE, "cursor-3"),
        WalkKey("settlements/live", Scope((), Combos.EXCLUDE, StatusFilter.SETTLED)): (
            4,
            WalkState.COMPLETE,
            "cursor-4",
        ),
    }
    with database.read() as connection:
        for key, (walk_id, state, cursor) in expected.items():
            found = walk_of(connection, key)
            assert found is not None
            assert (found.id, found.state, found.cursor) == (walk_id, state, cursor)
    rest = "SELECT name, sentence, combos FROM backfill_progress AS b JOIN scopes ON scopes.id = scope_id"
    assert query(database, f"{rest} WHERE b.id = 5") == [("settlements/historical", "KXA", None)]
    assert query(database, "SELECT count(*) FROM backfill_progress") == [(4,)]


def test_largest_keys_are_noted_with_those_that_other_tables_hold(database: Database) -> None:
    assert {row[0]: row[1] for row in query(database, "SELECT * FROM last_ids")} == {
        "events": 4,
        "listings": 6,
        "markets": 321,
        "order_books": 0,
        "scopes": query(database, "SELECT max(id) FROM scopes")[0][0],
        "series": 99,
        "ticks": 5,
    }


def test_unchanged_quotes_keep_their_rows(database: Database) -> None:
    assert query(database, "SELECT * FROM unchanged_quotes") == [(5, 321, 7)]
