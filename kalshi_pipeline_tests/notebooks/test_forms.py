"""Rows, Arrow, pandas, Polars and DuckDB give exactly the same values."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest

from kalshi_pipeline import Store, Table, open_store
from kalshi_pipeline.notebooks.parts import ViewPart
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.dialects.sqlite import Sqlite
from kalshi_pipeline.store.reading.streams import rows_of_view, view_columns
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.schema.views import definitions
from kalshi_pipeline_tests.store.samples import sqlite_url

VIEWS = [*definitions(Sqlite.words)]
ANSWERS: dict[str, Callable[[Store], Table]] = {
    "quotes": lambda store: store.quotes(),
    "history of a market": lambda store: store.history("KXFIXTURE-26-A"),
    "history of a series": lambda store: store.history(series="KXBTCMAX"),
    "grid": lambda store: store.quotes_on_grid(series="KXFIXTURE"),
    "movers": lambda store: store.movers("1d", "2026-11-27T03:12:40Z"),
    "trades": lambda store: store.trades(),
    "candlesticks": lambda store: store.candlesticks(),
    "search": lambda store: store.search("KX"),
    **{view: lambda store, view=view: store.view(view) for view in VIEWS},  # type: ignore[misc]
}


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with decimals without trailing zeros, for comparison by value and type."""
    return [
        {name: value + 0 if isinstance(value, Decimal) else value for name, value in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("decimals", [False, True], ids=["floats", "decimals"])
def test_arrow_has_the_values_of_the_rows(full: Store, name: str, decimals: bool) -> None:
    table = ANSWERS[name](full)
    rows = list(table.rows(decimals=decimals))
    arrow = table.arrow(decimals=decimals)
    assert arrow.column_names == table.columns
    assert plain(arrow.to_pylist()) == plain(rows)
    kinds = {type(value) for row in rows for value in row.values()}
    assert (Decimal if not decimals else None) not in kinds
    assert {field.type.tz for field in arrow.schema if pa.types.is_timestamp(field.type)} <= {"UTC"}


@pytest.mark.parametrize(
    "name",
    [
        "price_history",
        "price_history_filled",
        "market_catalogue",
        "tick_history",
        "fee_history",
        "latest_prices",
    ],
)
def test_more_rows_of_a_view_than_a_batch_have_the_same_values(landed: Path, name: str) -> None:
    """Another process reads them, which takes the types of columns from the first batch: here, that is one row."""
    with closing(ReadOnlyDatabase(sqlite_url(landed))) as database:
        columns = database.ask(view_columns)[name]
        part = ViewPart(database, rows_of_view(name, columns, {}, {}, ()), at_once=1)
        rows = list(Table(columns, part).rows(decimals=True))
        assert len(rows) > 1
        assert plain(Table(columns, part).arrow(decimals=True).to_pylist()) == plain(rows)


def test_history_of_a_series_is_streamed_to_arrow(store: Store) -> None:
    """Quotes are stored when they change. Values derived by column equal those derived by row."""
    for table in (
        store.history(),
        store.history(series="KXRAIN", start="2026-11-22T12:06:00Z"),
        store.trades(),
    ):
        for decimals in (False, True):
            assert plain(table.arrow(decimals=decimals).to_pylist()) == plain(
                list(table.rows(decimals=decimals))
            )
    assert store.trades().arrow().num_rows == 0
    assert store.history().arrow().num_rows == 12


def test_frames_have_the_values_of_the_rows(full: Store) -> None:
    table = full.quotes("2026-11-27T03:12:40Z")
    rows = list(table)
    assert len(rows) > 10
    frame = table.pandas()
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert (str(frame["yes_bid"].dtype), str(frame["is_listed"].dtype)) == ("float64", "boolean")
    assert frame["ticker"].tolist() == [row["ticker"] for row in rows]
    assert [None if pandas.isna(bid) else bid for bid in frame["yes_bid"]] == [row["yes_bid"] for row in rows]
    assert [moment.to_pydatetime() for moment in frame["quoted_at"]] == [row["quoted_at"] for row in rows]
    assert table.polars().to_dicts() == rows
    assert table.polars().schema["at"] == polars.Datetime("us", "UTC")
    exact = [value for value in table.pandas(decimals=True)["yes_bid"] if value is not None]
    assert {type(value) for value in exact} == {Decimal}


def test_floats_are_nearest_to_the_decimals(full: Store) -> None:
    for floats, decimals in zip(full.trades(), full.trades().rows(decimals=True), strict=True):
        for name in ("yes_price", "no_price", "contracts"):
            assert floats[name] == float(decimals[name]), name  # type: ignore[arg-type]


def test_batches_are_read_while_they_are_used(full: Store) -> None:
    """The reading process ends with the iteration."""
    batches = full.trades().batches()
    assert next(batches).num_rows == 20
    batches.close()
    assert full.trades().reader().read_all().num_rows == 20
    assert full.trades().head(3) == list(full.trades())[:3]


def test_duckdb_shows_every_table_and_view_with_types(full: Store) -> None:
    with full.duckdb() as opened:
        shown = {name for (name,) in opened.execute("SELECT view_name FROM duckdb_views()").fetchall()}
        assert shown >= {*metadata.tables, *VIEWS}
        for view in VIEWS:
            found = sorted(map(str, opened.execute(f"SELECT * FROM {view}").to_arrow_table().to_pylist()))
            assert found == sorted(map(str, full.view(view).arrow().to_pylist())), view
        for table in metadata.tables:
            opened.execute(f"SELECT * FROM {table}").fetchall()


def test_duckdb_counts_the_rows_of_every_table(full: Store, landed: Path) -> None:
    """This includes tables without rowid."""
    with full.duckdb() as opened, closing(sqlite3.connect(landed)) as connection:
        for name in metadata.tables:
            counting = f"SELECT count(*) FROM {name}"
            assert opened.execute(counting).fetchone() == connection.execute(counting).fetchone(), name


def test_duckdb_computes_with_answers(full: Store) -> None:
    """DuckDB reads a table as a stream."""
    trades = full.trades().reader()
    with duckdb.connect() as opened:
        found = opened.execute("SELECT count(*), sum(contracts) FROM trades").fetchone()
    rows = list(full.trades())
    assert found == (20, pytest.approx(sum(float(str(row["contracts"])) for row in rows)))
    del trades


@pytest.mark.parametrize(
    ("package", "form", "extra"),
    [
        ("pyarrow", "arrow()", "arrow"),
        ("pyarrow", "export('x.parquet')", "arrow"),
        ("adbc_driver_sqlite", "arrow()", "arrow"),
        ("pandas", "pandas()", "pandas"),
        ("polars", "polars()", "polars"),
        ("duckdb", None, "duckdb"),
        ("duckdb_extension_sqlite_scanner", None, "duckdb"),
    ],
)
def test_missing_extra_is_named(
    landed: Path, tmp_path: Path, package: str, form: str | None, extra: str
) -> None:
    """A separate program cannot import the package."""
    question = "store.duckdb()" if form is None else f"store.trades().{form}"
    code = f"""
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from kalshi_pipeline import open_store
from kalshi_pipeline.errors import MissingExtraError
with open_store({str(landed)!r}) as store:
    assert len(list(store.trades())) == 20
    try:
        {question}
    except MissingExtraError as error:
        print(error.extra, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{extra} ")
    assert f"kalshi-pipeline[{extra}]" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_reading_imports_no_library_that_it_does_not_need(landed: Path) -> None:
    code = f"""
import sys
from kalshi_pipeline import open_store
with open_store({str(landed)!r}) as store:
    list(store.quotes())
assert not {{"dagster", "pandas", "polars", "pyarrow", "duckdb", "httpx", "numpy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_store_opens_at_a_path_a_text_and_a_url(landed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (landed, str(landed), sqlite_url(landed)):
        with open_store(where) as store:
            assert len(list(store.trades())) == 20
    monkeypatch.setenv("KALSHI_DATABASE_URL", sqlite_url(landed))
    with closing(open_store()) as store:
        assert isinstance(next(iter(store.trades()))["created_at"], datetime)


def test_other_libraries_accept_a_table_directly(full: Store) -> None:
    """They use Arrow's C stream, which each library reads once."""
    trades = full.trades()
    expected = trades.arrow()
    assert pa.table(trades).equals(expected)
    assert pa.RecordBatchReader.from_stream(trades).read_all().equals(expected)
    assert polars.DataFrame(trades).equals(trades.polars())
    assert pandas.DataFrame.from_records(pa.table(trades).to_pylist()).shape == trades.pandas().shape
    with closing(duckdb.connect()) as connection:
        found = connection.execute("SELECT count(*), sum(contracts) FROM trades").fetchone()
    assert found == (expected.num_rows, sum(expected["contracts"].to_pylist()))
