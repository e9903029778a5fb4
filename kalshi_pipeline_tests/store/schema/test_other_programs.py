"""Every table and view opens in other programs, and its values have the documented types."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import duckdb
import pandas
import polars
import pytest
from datasette.app import Datasette
from sqlalchemy import create_engine

from kalshi_pipeline.store.dialects.sqlite import Sqlite
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.schema.view_columns import columns_of_views
from kalshi_pipeline.store.schema.view_reference import view_reference
from kalshi_pipeline.store.schema.views import definitions
from kalshi_pipeline_tests.store.migrations.stored import NEWEST, load
from kalshi_pipeline_tests.store.samples import sqlite_url

VIEWS = [*definitions(Sqlite.words)]
NAMES = [*metadata.tables, *VIEWS]
KINDS = {"TEXT": str, "REAL": float, "FLOAT": float, "INTEGER": int, "BIGINT": int, "BOOLEAN": int}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with rows in every table; read only."""
    return load(NEWEST, tmp_path_factory.mktemp("programs") / "kalshi.db")


@pytest.fixture(scope="module")
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def count(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])


def columns(connection: sqlite3.Connection, name: str) -> list[str]:
    return [column[0] for column in connection.execute(f"SELECT * FROM {name} LIMIT 0").description]


def test_values_of_views_have_their_documented_types(path: Path, connection: sqlite3.Connection) -> None:
    """This includes columns computed from several tables, which have no type in SQLite."""
    engine = create_engine(sqlite_url(path))
    with engine.connect() as opened:
        documented = dict(columns_of_views(opened))
    engine.dispose()
    assert list(documented) == VIEWS
    for view, described in documented.items():
        for column in described:
            found = {
                type(value)
                for (value,) in connection.execute(f"SELECT {column.name} FROM {view}")
                if value is not None
            }
            assert found <= {KINDS[column.type]}, (view, column)


def test_only_what_is_computed_from_several_tables_is_without_a_type(connection: sqlite3.Connection) -> None:
    """Values computed from one table are generated columns, whose type every program sees."""
    untyped = {
        name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})") if not row[2]]
        for name in (
            "price_history",
            "trade_history",
            "candlestick_history",
            "settlement_history",
            "tick_history",
        )
    }
    assert untyped == {
        "price_history": ["received_at"],
        "trade_history": ["trade_id"],
        "candlestick_history": [],
        "settlement_history": [],
        "tick_history": [],
    }


def test_pandas_and_polars_open_every_table_and_view(connection: sqlite3.Connection) -> None:
    for name in NAMES:
        expected = (count(connection, name), len(columns(connection, name)))
        sql = f"SELECT * FROM {name}"
        assert pandas.read_sql_query(sql, connection).shape == expected, name
        assert polars.read_database(sql, connection, infer_schema_length=None).shape == expected, name


@pytest.mark.parametrize("name", NAMES)
def test_polars_reads_the_values_of_sqlite(path: Path, connection: sqlite3.Connection, name: str) -> None:
    """In both ways that the docs name, whatever the first rows are."""
    sql = f"SELECT * FROM {name}"
    expected = connection.execute(sql).fetchall()
    by_adbc = polars.read_database_uri(sql, f"sqlite:///{path}", engine="adbc")
    assert by_adbc.rows() == expected
    assert polars.read_database(sql, connection, infer_schema_length=None).rows() == expected


def test_times_end_in_whole_seconds_where_the_docs_say_so(connection: sqlite3.Connection) -> None:
    reference = view_reference(Sqlite("sqlite:///scratch.db"))
    of_ticks = reference.split("Times of ticks (", 1)[1].split(")", 1)[0]
    in_seconds = set(re.findall(r"`(\w+)`", of_ticks))
    assert in_seconds > {"tick_at", "quoted_at", "quote_at"}
    for view in VIEWS:
        for name in columns(connection, view):
            if name.endswith("_at"):
                form = "YYYY-MM-DDTHH:MM:SSZ" if name in in_seconds else "YYYY-MM-DDTHH:MM:SS.ffffffZ"
                sql = f"SELECT {name} FROM {view} WHERE length({name}) <> ?"
                assert connection.execute(sql, (len(form),)).fetchall() == [], (view, name)


def test_pandas_reads_prices_as_floats(connection: sqlite3.Connection) -> None:
    frame = pandas.read_sql_query("SELECT * FROM price_history WHERE yes_bid IS NOT NULL", connection)
    assert str(frame["yes_bid"].dtype) == "float64"
    times = pandas.to_datetime(frame["tick_at"], utc=True)
    assert [time.value // 1000 // 1_000_000 for time in times] == [
        at // 1_000_000 for at in frame["tick_at_us"]
    ]


@pytest.fixture(scope="module")
def duck(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with its installed extension, without a network."""
    (extension,) = [
        found
        for folder in (files("duckdb_extension_sqlite_scanner") / "extensions").iterdir()
        for found in folder.iterdir()
    ]
    with duckdb.connect() as opened:
        opened.execute(f"LOAD '{extension}'")
        opened.execute(f"ATTACH '{path}' AS k (TYPE sqlite, READ_ONLY)")
        yield opened


def test_duckdb_lists_every_table_and_view(duck: duckdb.DuckDBPyConnection) -> None:
    """A single view that DuckDB cannot parse would hide the whole catalogue."""
    shown = duck.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'k'"
    ).fetchall()
    assert {name for (name,) in shown} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_duckdb_reads_what_sqlite_does(
    duck: duckdb.DuckDBPyConnection, connection: sqlite3.Connection, name: str
) -> None:
    """All rows of each attached table and view; views are also read by a query that SQLite runs."""
    rows = count(connection, name)
    for source in (f"k.{name}", *([f"sqlite_query('k', 'SELECT * FROM {name}')"] if name in VIEWS else [])):
        assert len(duck.execute(f"SELECT * FROM {source}").fetchall()) == rows, source


@pytest.mark.parametrize("table", ["trades", "price_snapshots", "candlesticks"])
def test_duckdb_counts_a_column_of_a_table_without_rowid(
    duck: duckdb.DuckDBPyConnection, connection: sqlite3.Connection, table: str
) -> None:
    """As documented, because `count(*)` needs the rowid."""
    found = duck.execute(f"SELECT count(market_id) FROM k.{table}").fetchone()
    assert found == (count(connection, table),) > (0,)
    with pytest.raises(duckdb.Error, match="ROWID"):
        duck.execute(f"SELECT count(*) FROM k.{table}")


def test_duckdb_shows_the_values_of_views_as_text(
    duck: duckdb.DuckDBPyConnection, connection: sqlite3.Connection
) -> None:
    """As documented, they are cast, and filtered in SQLite."""
    inner = "SELECT * FROM price_history WHERE tick_at_us > 0 AND yes_bid IS NOT NULL"
    sql = f"SELECT ticker, yes_bid::DOUBLE FROM sqlite_query('k', '{inner}') ORDER BY ALL"
    expected = connection.execute(inner.replace("*", "ticker, yes_bid") + " ORDER BY 1, 2").fetchall()
    assert duck.execute(sql).fetchall() == expected
    assert expected


@pytest.mark.parametrize("view", VIEWS)
def test_duckdb_scans_a_view_with_its_types(path: Path, duck: duckdb.DuckDBPyConnection, view: str) -> None:
    """No typed column of a view becomes a BLOB."""
    described = duck.execute(f"SELECT * FROM sqlite_scan('{path}', '{view}')").description
    scanned = {name: str(kind) for name, kind, *_ in described}
    with closing(sqlite3.connect(path)) as connection:
        typed = [row[1] for row in connection.execute(f"PRAGMA table_info({view})") if row[2]]
    assert [name for name in typed if scanned[name] == "BLOB"] == []


def test_datasette_shows_every_table_and_view(path: Path, connection: sqlite3.Connection) -> None:
    async def found() -> dict[str, int]:
        opened = Datasette([str(path)])
        answers = {
            name: await opened.client.get(f"/kalshi/{name}.json?_shape=objects&_size=max") for name in NAMES
        }
        return {name: len(answer.json()["rows"]) for name, answer in answers.items()}

    assert asyncio.run(found()) == {name: count(connection, name) for name in NAMES}
