"""The schema that migrations create, and the effect of one more migration on a file with data."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, inspect

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.records import Event, Market, Series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.dialects.sqlite import Sqlite
from kalshi_pipeline.store.schema.from_records import first_read_in
from kalshi_pipeline.store.schema.generated import GENERATED_INDEXES, generated_columns
from kalshi_pipeline.store.schema.tables import (
    events,
    latest_quotes,
    markets,
    metadata,
    price_snapshots,
    series,
    ticks,
)
from kalshi_pipeline_tests.store.migrations.next_release import next_release
from kalshi_pipeline_tests.store.migrations.stored import MIGRATIONS, empty_at
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    Row,
    contents,
    market,
    query,
    sqlite_url,
    take,
)

_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
_QUOTE = (
    "yes_bid",
    "yes_ask",
    "no_bid",
    "no_ask",
    "last_price",
    "yes_bid_size",
    "yes_ask_size",
    "volume",
    "open_interest",
)
_PARENTS = ("event_ticker", "series_ticker")
_MIDDLE = ("midpoint", "spread")
_MOVER = (
    "ticker",
    "title",
    "quoted_at",
    "base_quoted_at",
    "midpoint",
    "base_midpoint",
    "midpoint_change",
    "last_price",
    "base_last_price",
    "last_price_change",
    "volume_change",
    *_PARENTS,
)


def _is_stored(item: object, name: str, kind: str, *_: object) -> bool:
    """Whether a part of the schema takes space; generated columns are compared separately."""
    if kind == "index":
        return name not in GENERATED_INDEXES
    return not isinstance(item, Column) or item.computed is None


def test_migrations_make_the_generated_columns_that_the_code_knows(database: Database) -> None:
    """They take no space, and are not checked when a row is written."""
    for table in metadata.tables.values():
        generated = generated_columns(table, Sqlite.words)
        found = query(
            database,
            f"SELECT name, type FROM pragma_table_xinfo('{table.name}') WHERE hidden = 2 ORDER BY cid",
        )
        assert found == [(column.name, column.type) for column in generated]
        assert query(database, f"SELECT 1 FROM pragma_table_xinfo('{table.name}') WHERE hidden = 3") == []
        [(text,)] = query(database, f"SELECT sql FROM sqlite_schema WHERE name = '{table.name}'")
        assert [column for column in generated if column.definition not in str(text)] == []
        assert "CHECK" not in str(text)
    indexes = {
        name: query(database, f"SELECT name FROM pragma_index_info('{name}')") for name in GENERATED_INDEXES
    }
    assert indexes == {name: [(column,) for column in columns] for name, columns in GENERATED_INDEXES.items()}


def test_migrations_make_the_schema_that_the_code_knows(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_object": _is_stored,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrations_make_these_tables_and_views(database: Database) -> None:
    with database.read() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) == {*metadata.tables, "alembic_version"}
        assert set(inspector.get_view_names()) == {
            "latest_prices",
            "price_history",
            "quotes_by_tick",
            "movers_1h",
            "movers_24h",
            "trade_history",
            "market_change_history",
            "change_history",
            "settlement_history",
            "settlement_amendment_history",
            "candlestick_history",
            "candlestick_coverage",
            "price_history_filled",
            "order_book_history",
            "tick_history",
            "fee_history",
            "legs_of_combos",
            "void_unchanged_quotes",
            "unchanged_quotes",
            "stored_quotes",
            "repeated_quotes",
            "gaps_filled",
            "listing_history",
            "run_history",
            "coverage_by_day",
            "series_change_history",
            "event_change_history",
            "order_book",
            "events_with_fees",
            "fee_starts",
            "series_fee_starts",
            "market_catalogue",
            "event_catalogue",
        }


def test_migrations_name_foreign_keys_and_indexes_as_the_code_does(database: Database) -> None:
    """Autogenerate does not compare these names, but later migrations drop them by name."""
    with database.read() as connection:
        inspector = inspect(connection)
        for table in metadata.tables.values():
            [(text,)] = query(database, f"SELECT sql FROM sqlite_schema WHERE name = '{table.name}'")
            # Keys that were added to a table are not reflected by name.
            keys = set(re.findall(r"CONSTRAINT (\w+) (?:FOREIGN KEY|REFERENCES)", str(text)))
            assert keys == {constraint.name for constraint in table.foreign_key_constraints}
            indexes = {
                index["name"]: index["column_names"]
                for index in inspector.get_indexes(table.name)
                if index["name"] not in GENERATED_INDEXES
            }
            assert indexes == {index.name: [c.name for c in index.columns] for index in table.indexes}
            assert inspector.get_pk_constraint(table.name)["name"] == table.primary_key.name


def test_migrations_cluster_what_grows_by_its_key(database: Database) -> None:
    without_rowid = query(database, "SELECT name FROM pragma_table_list WHERE wr AND schema = 'main'")
    assert {name for (name,) in without_rowid} == {
        "candlestick_days",
        "candlesticks",
        "combo_legs",
        "document_fields",
        "event_documents",
        "event_fee_changes",
        "order_book_levels",
        "last_ids",
        "market_documents",
        "price_snapshots",
        "row_counts",
        "series_documents",
        "series_fee_changes",
        "subject_documents",
        "trades",
        "unchanged_blocks",
        "unlisted_spans",
        "void_snapshots",
        "void_unchanged_blocks",
    }
    for table, *key in (
        ("price_snapshots", "tick_id", "market_id"),
        ("unchanged_blocks", "tick_id", "block", "received_ms"),
    ):
        found = query(database, f"SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk")
        assert found == [(name,) for name in key]


def test_migrations_make_an_index_that_finds_a_markets_history(database: Database) -> None:
    plan = query(
        database, "EXPLAIN QUERY PLAN SELECT * FROM price_snapshots WHERE market_id = 7 AND tick_id <= 9"
    )
    assert len(plan) == 1
    assert "ix_price_snapshots_market_id_tick_id" in str(plan[0][-1])


def test_migrations_make_an_index_that_finds_the_ages_of_markets_that_trade(database: Database) -> None:
    """The index suffices; the table is not read."""
    active = "SELECT created_at FROM markets WHERE status = 'active' AND is_combo = 0 ORDER BY created_at"
    plan = query(database, f"EXPLAIN QUERY PLAN {active}")
    assert len(plan) == 1
    assert "COVERING INDEX ix_markets_active_created_at" in str(plan[0][-1])


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        pytest.param(
            "latest_prices",
            (
                "ticker",
                "event_ticker",
                "series_ticker",
                "title",
                "status",
                "tick_at",
                "received_at",
                *_QUOTE,
                "is_terminal",
                "confirmed_at",
                "is_observed",
                "is_tick_complete",
                "state",
                "tick_at_us",
                *_MIDDLE,
            ),
            id="latest_prices",
        ),
        pytest.param(
            "price_history",
            (
                "ticker",
                "tick_at",
                "received_at",
                *_QUOTE,
                "is_terminal",
                "is_tick_complete",
                *_PARENTS,
                "tick_id",
                "tick_at_us",
                *_MIDDLE,
            ),
            id="price_history",
        ),
        pytest.param(
            "quotes_by_tick",
            (
                "ticker",
                "tick_id",
                "tick_at",
                "quoted_at",
                "received_at",
                *_QUOTE,
                "is_observed",
                "is_tick_complete",
                "state",
                "confirmed_at",
                *_PARENTS,
                "tick_at_us",
                *_MIDDLE,
            ),
            id="quotes_by_tick",
        ),
        pytest.param("movers_1h", _MOVER, id="movers_1h"),
        pytest.param("movers_24h", _MOVER, id="movers_24h"),
        pytest.param(
            "tick_history",
            (
                "tick_id",
                "tick_at",
                "period_seconds",
                "state",
                "reason",
                "scope",
                "is_paused",
                "inactive_shards",
                "started_at",
                "finished_at",
                "pages",
                "windows",
                "received",
                "inserted",
                "unchanged",
                "keyframes",
                "ended",
                "gone",
                "paused",
                "unconfirmed",
                "out_of_scope",
                "quarantined",
                "duplicates",
                "placeholders",
                "healed",
                "tick_at_us",
                "started_at_us",
                "seconds",
            ),
            id="tick_history",
        ),
        pytest.param(
            "trade_history",
            (
                "ticker",
                "trade_id",
                "created_at",
                "yes_price",
                "no_price",
                "contracts",
                "taker_side",
                "is_block",
                *_PARENTS,
                "created_at_us",
            ),
            id="trade_history",
        ),
    ],
)
def test_view_has_exactly_these_columns(database: Database, view: str, columns: tuple[str, ...]) -> None:
    with database.read() as connection:
        assert tuple(connection.exec_driver_sql(f"SELECT * FROM {view}").keys()) == columns


def test_migrations_run_twice_change_nothing(database: Database, path: Path) -> None:
    before = query(database, _SCHEMA)
    with closing(Database(sqlite_url(path), migrate=True)) as again:
        assert query(again, _SCHEMA) == before
        assert query(again, "SELECT count(*) FROM alembic_version") == [(1,)]


def test_migrations_from_two_paths_give_one_schema(database: Database, tmp_path: Path) -> None:
    with closing(Database(sqlite_url(tmp_path / "other.db"), migrate=True)) as other:
        assert query(other, _SCHEMA) == query(database, _SCHEMA)


def test_migrations_are_in_files_that_begin_with_their_revisions() -> None:
    """Opening a database reads only the names, and treats the last one as the newest."""
    scripts = Config()
    scripts.set_main_option("script_location", str(MIGRATIONS))
    scripts.set_main_option("path_separator", "os")
    versions = list(ScriptDirectory.from_config(scripts).walk_revisions())
    revisions = [version.revision for version in versions]
    assert revisions == sorted(revisions, reverse=True)
    assert [Path(version.path).name[:5] for version in versions] == [f"{revision}_" for revision in revisions]
    assert len(revisions) == len(list((MIGRATIONS / "versions").glob("*.py")))


_QUOTES_OF_0001 = (
    # (tick, market, yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest, received_at)
    (1, 1, 290_000, 310_000, 12_050, 8_000, 300_000, 98_765, 43_210, NOON),
    (1, 2, None, None, None, None, None, None, None, NOON + 999),
    (2, 1, 0, 1_000_000, 0, 1, 999_999, 2**63 - 1, 2**53 + 1, LATER + 1_234_567),
    (2, 3, 290_000, 310_000, 12_050, 8_000, 300_000, 98_765, 43_210, LATER + 15 * MINUTE + 999_999),
)
_RECEIVED_MS: dict[tuple[object, object], int] = {(1, 1): 0, (1, 2): 0, (2, 1): 1234, (2, 3): 900_999}
_WIDE = "all series, no combos"
_AT_0001 = f"""
    INSERT INTO series VALUES (1, 'KXRAIN', 'Rain', 'Climate', 'daily', '["rain"]', 0, {NOON}, {NOON});
    INSERT INTO events VALUES (7, 'KXRAIN-26NOV23', 1, 'Rain?', NULL, 'Weather', 0, {LATER}, 0, {NOON}, {NOON});
    INSERT INTO events VALUES (8, 'LACKING', NULL, NULL, NULL, NULL, NULL, NULL, 1, {NOON}, {NOON});
    INSERT INTO event_lookups VALUES (8, {NOON});
    INSERT INTO markets (id, ticker, event_id, status, created_at, is_combo, is_placeholder, first_seen_at, changed_at)
    VALUES (1, 'M-1', 7, 'active', {NOON}, 0, 0, {NOON}, {NOON}), (2, 'M-2', 8, 'closed', NULL, 0, 0, {NOON}, {NOON}),
        (3, 'M-3', 7, 'active', {LATER}, 1, 0, {NOON}, {LATER});
    INSERT INTO ticks VALUES (1, {NOON}, 300.0, 0, '{_WIDE}', {NOON}, {NOON}, 'complete', NULL, 1, 2, 2, 0, 0, 0, 1, 0),
        (2, {LATER}, NULL, NULL, '{_WIDE}', {LATER}, NULL, 'partial', 'cut', 1, 5, 2, 1, 1, 1, 0, 0);
    INSERT INTO listings VALUES (1, 'markets', '{_WIDE}', {NOON}, {NOON}, 'failed', 'away', 1, 9, 3, 2, 1, 1, 1, 1, 4);
    INSERT INTO quarantine VALUES (1, 'markets', 'M-9', '{{}}', 'no ticker', 'ticks/2', {NOON}, {LATER});
"""


@pytest.fixture
def path_at_0001(tmp_path: Path) -> Path:
    """A database of the first schema, with a row of every kind."""
    path = empty_at("0001", tmp_path / "older.db")
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("PRAGMA foreign_keys = ON")
        older.executescript(_AT_0001)
        marks = ", ".join("?" * len(_QUOTES_OF_0001[0]))
        older.executemany(f"INSERT INTO price_snapshots VALUES ({marks})", _QUOTES_OF_0001)
        older.execute(
            "INSERT INTO latest_quotes SELECT market_id, tick_id, yes_bid, yes_ask, yes_bid_size, yes_ask_size,"
            " last_price, volume, open_interest, received_at FROM price_snapshots WHERE (tick_id, market_id)"
            " IN (VALUES (2, 1), (1, 2), (2, 3))"
        )
    return path


_TABLES_OF_0001 = (
    "series",
    "events",
    "event_lookups",
    "markets",
    "ticks",
    "listings",
    "price_snapshots",
    "latest_quotes",
    "quarantine",
)


def _rows(path: Path) -> dict[str, list[Row]]:
    """The rows of the first schema's tables, with all columns in the file."""
    with closing(sqlite3.connect(path)) as connection:

        def rows(table: str) -> list[Row]:
            # Generated columns are not among those of `table_info`.
            columns = ", ".join(name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})"))
            cursor = connection.cursor()
            cursor.row_factory = sqlite3.Row
            return [dict(row) for row in cursor.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2")]

        return {name: rows(name) for name in _TABLES_OF_0001}


def _at_newest(table: str, row: Row) -> Row:
    """A row of the first schema in the form of the newest."""
    added: dict[str, Row] = {
        "listings": {"windows": 1, "out_of_scope": 0, "day": None, "selection": None},
        "ticks": {
            "windows": 1,
            **dict.fromkeys(("keyframes", "ended", "out_of_scope", "paused", "unconfirmed", "gone"), 0),
            **dict.fromkeys(("run_id", "inactive_shards")),
        },
        "markets": {"gone_at": None},
        "quarantine": {"digest": "", "bytes": 2, "times": 1, "replayed_at": None},
    }
    if table in ("series", "events", "markets"):
        record: type[NamedTuple] = {"series": Series, "events": Event, "markets": Market}[table]
        since = first_read_in(record)
        read_since = dict.fromkeys(name for name, version in since.items() if version > 1)
        added[table] = {**added.get(table, {}), **read_since, "reading": 0}
    changed = {**row, **added.get(table, {})}
    if changed.pop("scope", None) is not None:
        # The scope of former ticks has a row of its own.
        changed["scope_id"] = {"ticks": 1, "listings": 2}[table]
    if changed.pop("received_at", None) is not None:
        changed["received_ms"] = _RECEIVED_MS[row["tick_id"], row["market_id"]]
        changed["is_terminal"] = 0
    return changed


def test_first_schema_is_migrated_with_every_row(path_at_0001: Path) -> None:
    """The instant of each answer is kept to the millisecond, relative to its tick."""
    before = _rows(path_at_0001)
    assert all(before.values())
    with pytest.raises(StoreError, match="older schema 0001"):
        Database(sqlite_url(path_at_0001))
    assert _rows(path_at_0001) == before
    with closing(Database(sqlite_url(path_at_0001), migrate=True)) as database:
        assert query(database, "PRAGMA foreign_key_check") == []
        assert query(database, "PRAGMA integrity_check") == [("ok",)]
        shown = query(database, "SELECT ticker, tick_at, received_at FROM price_history ORDER BY 2, 1")
    assert _rows(path_at_0001) == {
        table: [_at_newest(table, row) for row in rows] for table, rows in before.items()
    }
    assert shown == [
        ("M-1", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00.000000Z"),
        ("M-2", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00.000000Z"),
        ("M-1", "2026-11-22T12:05:00Z", "2026-11-22T12:05:01.234000Z"),
        ("M-3", "2026-11-22T12:05:00Z", "2026-11-22T12:20:00.999000Z"),
    ]


def test_first_schema_is_migrated_to_that_of_an_empty_database(
    path_at_0001: Path, database: Database
) -> None:
    with closing(Database(sqlite_url(path_at_0001), migrate=True)) as migrated:
        assert query(migrated, _SCHEMA) == query(database, _SCHEMA)
        assert _current(migrated) == _current(database)
    with closing(Database(sqlite_url(path_at_0001), migrate=True)) as again:
        assert query(again, _SCHEMA) == query(database, _SCHEMA)


def test_histories_of_the_first_schema_continue(path_at_0001: Path) -> None:
    """An unchanged quote adds nothing, and a market that is no longer listed ends, even one from before."""
    with closing(Database(sqlite_url(path_at_0001), migrate=True)) as database:
        assert take(database, LATER + 5 * MINUTE, [market("M-3"), market("M-4")]) == 1
        assert query(database, "SELECT tick_id, market_id FROM price_snapshots WHERE is_terminal") == [
            (3, 1),
            (3, 2),
        ]
        assert query(database, "SELECT inserted, ended FROM ticks WHERE id = 3") == [(1, 2)]
        assert query(database, "PRAGMA foreign_key_check") == []


_ADDS_A_COLUMN = """
    op.add_column("markets", sa.Column("next_column", sa.Text()))
"""
_FAILS_HALFWAY = """
    op.add_column("markets", sa.Column("next_column", sa.Text()))
    op.execute("DROP TABLE latest_quotes")
    op.execute("DROP TABLE no_such_table")
"""


def _current(database: Database) -> str:
    return str(query(database, "SELECT version_num FROM alembic_version")[0][0])


_TABLES = (series, events, markets, ticks, price_snapshots, latest_quotes)


def test_older_schema_is_migrated_only_on_demand_and_keeps_its_rows(database: Database, path: Path) -> None:
    """The database is written by this version, migrated by the next, and then refused by this one."""
    take(database, NOON, [market("KXRAIN-26NOV23-T1"), market("KXRAIN-26NOV23-T2", yes_bid=None)])
    rows = [contents(database, table) for table in _TABLES]
    schema, current = query(database, _SCHEMA), _current(database)
    with next_release(path.parent / "next", current, _ADDS_A_COLUMN, path) as ask:
        assert ask("open") == (
            f"{path} has the older schema {current}, this version needs 9999; run "
            "`kalshi data init`, which keeps a copy of it"
        )
        assert query(database, _SCHEMA) == schema

        assert ask("migrate") == "opened"
        assert _current(database) == "9999"
        assert [contents(database, table) for table in _TABLES] == rows
        assert query(database, "SELECT next_column FROM markets") == [(None,), (None,)]
        assert query(database, "PRAGMA foreign_key_check") == []
        assert ask("open") == "opened"

    with pytest.raises(StoreError) as caught:
        Database(sqlite_url(path))
    assert str(caught.value) == (
        f"{path} was written by a newer version of kalshi-pipeline (schema 9999, this one knows {current})"
    )
    assert caught.value.problem is StoreProblem.NEWER_SCHEMA


def test_migration_that_fails_leaves_the_older_schema_and_its_rows(database: Database, path: Path) -> None:
    take(database, NOON, [market("KXRAIN-26NOV23-T1")])
    rows = [contents(database, table) for table in _TABLES]
    schema, current = query(database, _SCHEMA), _current(database)
    with next_release(path.parent / "next", current, _FAILS_HALFWAY, path) as ask:
        assert ask("migrate").startswith(f"database {path}: no such table: no_such_table")
    assert query(database, _SCHEMA) == schema
    assert _current(database) == current
    assert [contents(database, table) for table in _TABLES] == rows
    with closing(Database(sqlite_url(path))) as again:
        assert [contents(again, table) for table in _TABLES] == rows
