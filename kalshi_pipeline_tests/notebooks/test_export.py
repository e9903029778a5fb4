"""Exported files are exact, and either complete or absent."""

import csv
import json
import signal
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
import pyarrow.parquet as parquet
import pytest

from kalshi_pipeline import Store
from kalshi_pipeline.errors import ConfigurationError, ExportError
from kalshi_pipeline_tests.notebooks.test_answers import as_printed
from kalshi_pipeline_tests.notebooks.test_forms import ANSWERS, VIEWS, plain

FORMATS = [".parquet", ".csv", ".jsonl"]


def as_json(value: Any) -> Any:
    """A value as in JSON, with its numbers as text."""
    match value:
        case None | bool():
            return value
        case Decimal() | int():
            return f"number {value:f}" if isinstance(value, Decimal) else f"number {value}"
        case float():
            return f"number {value}"
        case datetime():
            return as_printed(value)
        case _:
            return value


@pytest.mark.parametrize("name", ["trades", "history of a series", "candlesticks", "quotes", *VIEWS])
def test_files_have_the_exact_values_of_the_rows(full: Store, tmp_path: Path, name: str) -> None:
    table = ANSWERS[name](full)
    rows = list(table.rows(decimals=True))
    paths = [table.export(tmp_path / f"answer{ending}") for ending in FORMATS]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert plain(parquet.read_table(paths[0]).to_pylist()) == plain(rows)
    with paths[1].open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert lines == [table.columns, *([as_printed(value) for value in row.values()] for row in rows)]
    found = [
        json.loads(line, parse_float=lambda text: f"number {text}", parse_int=lambda text: f"number {text}")
        for line in paths[2].read_text(encoding="utf-8").splitlines()
    ]
    assert found == [{key: as_json(value) for key, value in row.items()} for row in rows]


def test_other_programs_read_the_files(full: Store, tmp_path: Path) -> None:
    paths = {ending: str(full.export("trade_history", tmp_path / f"trades{ending}")) for ending in FORMATS}
    prices = [row["yes_price"] for row in full.view("trade_history")]
    for frame in (
        pandas.read_parquet(paths[".parquet"]),
        pandas.read_csv(paths[".csv"]),
        pandas.read_json(paths[".jsonl"], lines=True, precise_float=True),
    ):
        assert [float(price) for price in frame["yes_price"]] == prices
    for polar in (
        polars.read_parquet(paths[".parquet"]),
        polars.read_csv(paths[".csv"], infer_schema_length=None),
        polars.read_ndjson(paths[".jsonl"]),
    ):
        assert [float(price) for price in polar["yes_price"]] == prices
    with duckdb.connect() as opened:
        for path in paths.values():
            found = opened.execute(f"SELECT yes_price FROM '{path}'").fetchall()
            assert [float(price) for (price,) in found] == prices, path


def test_answer_without_rows_is_a_file_without_rows(store: Store, tmp_path: Path) -> None:
    for ending in FORMATS:
        store.trades().export(tmp_path / f"none{ending}")
    assert parquet.read_table(tmp_path / "none.parquet").column_names == store.trades().columns
    assert (tmp_path / "none.csv").read_text().splitlines() == [",".join(store.trades().columns)]
    assert (tmp_path / "none.jsonl").read_text() == ""


def test_file_that_is_there_is_replaced_only_if_asked(full: Store, tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already: give another path, or replace it"):
        full.trades().export(path)
    assert path.read_text() == "mine"
    full.trades().export(path, overwrite=True)
    assert len(path.read_text().splitlines()) == 21
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("trades.xlsx", "has an unknown extension: choose one of .parquet, .csv, .jsonl"),
        ("trades", "has an unknown extension"),
        (f"{'x' * 300}.csv", "cannot be written .*: give another path"),
        ("trades\0.csv", "cannot be written .*: give another path"),
    ],
    ids=["other format", "none", "too long", "no text of a path"],
)
def test_path_that_cannot_be_written_is_refused(full: Store, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        full.trades().export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_folder_of_a_file_is_made_where_one_can_be(full: Store, tmp_path: Path) -> None:
    assert full.trades().export(tmp_path / "missing" / "trades.csv").exists()
    with pytest.raises(ConfigurationError, match=r"again\.csv' cannot be written"):
        full.trades().export(tmp_path / "missing" / "trades.csv" / "again.csv")


@pytest.mark.parametrize("ending", FORMATS)
def test_nothing_is_left_where_the_disk_is_full(landed: Path, tmp_path: Path, ending: str) -> None:
    """The process may only write small files, so writing fails in the middle, as on a full disk."""
    code = f"""
import resource, signal
from kalshi_pipeline import open_store
from kalshi_pipeline.errors import ExportError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import pyarrow.parquet
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with open_store({str(landed)!r}) as store:
    try:
        store.view("market_catalogue").export({str(tmp_path / f"markets{ending}")!r}, overwrite=True)
    except ExportError as error:
        print(error)
"""
    kept = tmp_path / f"markets{ending}"
    kept.write_text("before")
    with closing(sqlite3.connect(landed)) as connection:
        connection.execute("SELECT count(*) FROM ticks")  # so that the log's index exists
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False, timeout=60
        )
    assert "was not written" in done.stdout, done.stderr
    assert "free some space, or give a path on another disk" in done.stdout
    assert list(tmp_path.iterdir()) == [kept]
    assert kept.read_text() == "before"


def test_nothing_is_left_of_an_export_that_is_stopped(full: Store, tmp_path: Path) -> None:
    class StoppedTable:
        """A table whose reader is interrupted in the middle."""

        columns = full.trades().columns

        def rows(self, *, decimals: bool) -> Any:
            for number, row in enumerate(full.trades().rows(decimals=decimals)):
                if number == 10:
                    raise KeyboardInterrupt
                yield row

        reader = full.trades().reader

    from kalshi_pipeline.notebooks.files import write_file

    with pytest.raises(KeyboardInterrupt):
        write_file(StoppedTable(), tmp_path / "trades.csv", overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no files without names")
@pytest.mark.parametrize("stopped_by", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("ending", FORMATS)
def test_nothing_is_left_of_an_export_whose_process_is_killed(
    landed: Path, tmp_path: Path, ending: str, stopped_by: str
) -> None:
    code = f"""
import os, pyarrow, signal
from pathlib import Path
from kalshi_pipeline import open_store
from kalshi_pipeline.notebooks.files import write_file

class KilledTable:
    def rows(self, *, decimals):
        yield from found.head(10)
        os.kill(os.getpid(), signal.{stopped_by})

    def reader(self, *, decimals):
        batches = found.reader(decimals=decimals)
        def until_killed():
            yield from batches
            os.kill(os.getpid(), signal.{stopped_by})
        return pyarrow.RecordBatchReader.from_batches(batches.schema, until_killed())

with open_store({str(landed)!r}) as store:
    found = store.view("market_catalogue")
    table = KilledTable()
    table.columns = found.columns
    write_file(table, Path({str(tmp_path / f"markets{ending}")!r}), overwrite=True)
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.Signals[stopped_by], done.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_of_that_name_is_not_replaced(full: Store, tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.mkdir()
    with pytest.raises(ExportError, match=r"was not written .*: give another path"):
        full.trades().export(path, overwrite=True)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("is_dangling", [False, True], ids=["to a file", "to nothing"])
def test_link_is_replaced_itself_and_only_if_asked(full: Store, tmp_path: Path, is_dangling: bool) -> None:
    """Its target is unchanged, because it may be in a shared folder."""
    other, link = tmp_path / "other.csv", tmp_path / "trades.csv"
    if not is_dangling:
        other.write_text("as it was")
    link.symlink_to(other)
    with pytest.raises(ConfigurationError, match="exists already"):
        full.trades().export(link)
    assert link.is_symlink()
    full.trades().export(link, overwrite=True)
    assert not link.is_symlink()
    assert len(link.read_text().splitlines()) == len(list(full.trades())) + 1
    assert other.exists() is not is_dangling
    assert is_dangling or other.read_text() == "as it was"


def test_exported_file_has_the_permissions_of_any_other(full: Store, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    path = full.export(full.trades(), tmp_path / "trades.csv")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_command_exports_views_and_answers(
    full: Store, landed: Path, tmp_path: Path, run: Callable[..., str]
) -> None:
    db = ("--db", str(landed))
    run("export", "trade_history", str(tmp_path / "view.csv"), "--series", " kxbtcmax ", *db)
    run("export", "trades", str(tmp_path / "answer.csv"), "--series", "kxbtcmax", *db)
    run("analysis", "export", "quotes", str(tmp_path / "quotes.jsonl"), "--at", "2026-11-27T03:12:40Z", *db)
    expected = tmp_path / "expected.csv"
    full.trades(series="KXBTCMAX").export(expected)
    assert (tmp_path / "answer.csv").read_bytes() == expected.read_bytes()
    assert len((tmp_path / "view.csv").read_text().splitlines()) == len(expected.read_text().splitlines()) > 5
    assert len((tmp_path / "quotes.jsonl").read_text().splitlines()) == len(
        list(full.quotes("2026-11-27T03:12:40Z"))
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["price_histroy", "x.csv"], 2, "'price_histroy' is not a view: choose price_history"),
        (["trades", "x.xls"], 2, "'x.xls' has an unknown extension: choose one of .parquet, .csv, .jsonl"),
        (["quotes", "x.csv", "--start", "2026-11-27T03:12:40Z"], 2, "quotes takes no --start: leave it out"),
        (["trade_history", "x.csv", "--end", "2026-11-27T03:12:40Z"], 2, "a view takes no --end"),
        (["trades", "x.csv", "--start", "someday"], 2, "--start 'someday' is not a time"),
        (["price_history", "x.csv", "--ticker", " "], 2, "--ticker is blank: pass one such as"),
        (
            ["price_history", "x.csv", "--ticker", "KXFIXTURE-26-C"],
            5,
            "KXFIXTURE-26-C is not stored; did you mean",
        ),
        (["history", "x.csv", "--ticker", "KXFIXTURE-26-C"], 5, "KXFIXTURE-26-C is not stored; did you mean"),
    ],
)
def test_command_refuses_in_one_line(
    landed: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    command = [sys.executable, "-m", "kalshi_pipeline.cli", "export", *arguments, "--db", str(landed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
