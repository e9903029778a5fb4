"""The twelfth revision: lives stored in blocks, compared with the same lives with a row for each unchanged quote."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline_tests.ingest.recomputing import live
from kalshi_pipeline_tests.store.migrations.stored import (
    LANDED,
    Stored,
    in_whole_seconds,
    load,
    stored,
    upgrade,
)
from kalshi_pipeline_tests.store.samples import Row

# Lives of which every quote is kept.
_DENSE = (2, 4, 6, 10, 12, 15, 16, 17, 18, 23, 24, 27, 35, 36, 38, 39)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Live a few lives, or in full many."""
    if "seed" in metafunc.fixturenames:
        seeds = _DENSE if metafunc.config.getoption("full") else _DENSE[:2]
        metafunc.parametrize("seed", seeds, ids="seed {}".format)


def empty_older(path: Path) -> Path:
    """Create the schema and the views of the tenth revision, without rows."""
    with closing(sqlite3.connect(path)) as connection:
        text = (LANDED / "0010.sql").read_text(encoding="utf-8")
        statements = re.split(r"(?<=;)\n(?=INSERT|CREATE|COMMIT|DELETE|ANALYZE)", text)
        connection.executescript("\n".join(line for line in statements if not line.startswith("INSERT")))
        connection.execute("INSERT INTO alembic_version VALUES ('0010')")
        connection.commit()
    return path


def copy_as_older(newer: Stored, path: Path) -> Path:
    """Store the rows of a database as the tenth revision did."""
    rows = {**newer.tables, "unchanged_quotes": newer.views["unchanged_quotes"]}
    with closing(sqlite3.connect(path)) as connection, connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if table != "alembic_version":
                names = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})",
                    [tuple(row[name] for name in names) for row in rows[table]],
                )
    return path


def only(rows: list[Row], names: Iterable[str]) -> list[str]:
    return sorted(repr([row[name] for name in names]) for row in rows)


def begin_keys_at(first_id: int, path: Path) -> None:
    """Let new markets get keys from a number on."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO last_ids VALUES ('markets', ?)", (first_id - 1,))


def test_lives_in_blocks_are_those_with_a_row_for_each_quote(
    seed: int, database_path: Path, tmp_path: Path
) -> None:
    """All views of the previous revision agree, and an upgrade turns those rows into the same blocks."""
    begin_keys_at(120, database_path)
    assert live(seed, database_path).differences == []
    newer = stored(database_path)
    assert len({row["block"] for row in newer.tables["unchanged_blocks"]}) > 1
    assert len(newer.views["unchanged_quotes"]) > len(newer.tables["unchanged_blocks"])
    older = copy_as_older(newer, empty_older(tmp_path / "older.db"))
    views = stored(older).views
    upgrade(older)
    upgraded = stored(older)
    for name in ("latest_prices", "price_history", "quotes_by_tick"):
        assert views[name]
        columns = sorted(views[name][0])
        expected = only(list(map(in_whole_seconds, views[name])), columns)
        assert only(newer.views[name], columns) == expected
        assert only(upgraded.views[name], columns) == expected
    assert upgraded.tables["unchanged_blocks"] == newer.tables["unchanged_blocks"]
    assert upgraded.views["unchanged_quotes"] == newer.views["unchanged_quotes"]


def test_unchanged_quotes_of_several_answers_and_blocks_are_all_kept(path: Path) -> None:
    """Cases: one market at two ticks, markets of one answer in two blocks, and markets of two answers in one block."""
    rows = [(8, 1, 5), (9, 1, 7), (9, 127, 7), (9, 128, 7), (9, 130, 6), (9, 383, -4), (9, 255, 7)]
    load("0010", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM unchanged_quotes")
        connection.executemany("INSERT INTO unchanged_quotes VALUES (?, ?, ?)", rows)
    upgrade(path)
    with closing(sqlite3.connect(path)) as connection:
        blocks = connection.execute(
            "SELECT tick_id, block, received_ms, remainders FROM unchanged_blocks"
        ).fetchall()
        assert blocks == [
            (8, 0, 5, b"\x01"),
            (9, 0, 7, b"\x01\x7f"),
            (9, 1, 6, b"\x02"),
            (9, 1, 7, b"\x00\x7f"),
            (9, 2, -4, b"\x7f"),
        ]
        shown = connection.execute("SELECT * FROM unchanged_quotes").fetchall()
        assert sorted(shown) == sorted(rows)
