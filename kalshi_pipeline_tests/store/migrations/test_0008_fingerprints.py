"""The eighth revision: described markets have a fingerprint that is not trusted yet, and tables have row counts."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from kalshi_pipeline_tests.store.migrations.stored import load, stored, upgrade


def test_described_markets_are_compared_once_more(path: Path) -> None:
    with closing(sqlite3.connect(load("0007", path))) as connection:
        connection.execute("UPDATE markets SET is_placeholder = 1 WHERE id IN (3, 7)")
        connection.commit()
    upgrade(path)
    tables = stored(path).tables
    described: list[Any] = [row["id"] for row in tables["markets"] if not row["is_placeholder"]]
    assert len(described) == len(tables["markets"]) - 2
    assert tables["market_fingerprints"] == [
        {"market_id": market_id, "version": 0, "fingerprint": None} for market_id in sorted(described)
    ]


def test_sizes_are_those_of_the_tables(path: Path) -> None:
    upgrade(load("0007", path))
    tables = stored(path).tables
    counted = {str(row["table_name"]): row["row_count"] for row in tables["row_counts"]}
    assert counted == {
        name: len(tables[name]) for name in ("series", "events", "markets", "settlements", "order_books")
    }
    assert all(counted.values())
