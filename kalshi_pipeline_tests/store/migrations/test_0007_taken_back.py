"""The seventh migration withdraws settlements of reopened markets, and keeps flips of results."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Table

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import settlement_amendments, settlements
from kalshi_pipeline_tests.store.migrations.stored import empty_at
from kalshi_pipeline_tests.store.samples import LATER, MINUTE, NOON, query, sqlite_url

AMENDED = NOON + MINUTE

# (key, status, result of the market; amended_at)
MARKETS = (
    (1, "finalized", "no", None),
    (2, "active", "", None),
    (3, "inactive", "", AMENDED),
    (4, "initialized", None, None),
    (5, "closed", "", None),
    (6, "closed", None, None),
    (7, "determined", "yes", None),
    (8, "auctioned", "yes", AMENDED),
)
# (market, seen_at, field, before, after)
CHANGES = (
    (1, NOON + 1, "result", "", "yes"),
    (1, NOON + 2, "result", "yes", "no"),
    (1, NOON + 3, "status", "determined", "finalized"),
    (7, NOON + 4, "result", "yes", ""),
    (7, NOON + 5, "result", "", "yes"),
    (8, NOON + 6, "result", "no", ""),
    (8, NOON + 7, "result", "", "yes"),
    (9, NOON + 8, "result", "yes", "no"),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database of the sixth schema with settlements, upgraded."""
    path = empty_at("0006", tmp_path / "older.db")
    with closing(sqlite3.connect(path)) as older, older:
        older.execute(
            f"INSERT INTO events VALUES (1, 'EV', NULL, NULL, NULL, NULL, NULL, NULL, 1, {NOON}, {NOON})"
        )
        for key, status, result, amended_at in (*MARKETS, (9, "active", "no", None)):
            older.execute(
                "INSERT INTO markets (id, ticker, event_id, status, result, is_combo, is_placeholder, first_seen_at, "
                "changed_at) VALUES (?, ?, 1, ?, ?, 0, 0, ?, ?)",
                (key, f"M-{key}", status, result, NOON, LATER + key),
            )
            if key != 9:
                older.execute(
                    "INSERT INTO settlements VALUES (?, 'yes', ?, ?, 'close_time', 'live', ?, ?)",
                    (key, 1_000_000 - key, NOON - key, NOON + key, amended_at),
                )
        older.executemany(
            "INSERT INTO market_changes (market_id, seen_at, field, before, after) VALUES (?, ?, ?, ?, ?)",
            CHANGES,
        )
    with closing(Database(sqlite_url(path), migrate=True)) as migrated:
        yield migrated


def stored_columns(table: Table) -> str:
    """The columns that take space, without generated ones."""
    return ", ".join(table.columns.keys())


def test_every_settlement_is_kept_and_those_of_open_markets_are_withdrawn(database: Database) -> None:
    """The time is that of the market's last observed change."""
    amended = {1: NOON + 2, 3: AMENDED, 8: AMENDED}
    assert query(database, f"SELECT {stored_columns(settlements)} FROM settlements ORDER BY market_id") == [
        (
            *(key, "yes", 1_000_000 - key, NOON - key, "close_time", "live", NOON + key, amended.get(key)),
            LATER + key if key in (2, 3, 4, 5) else None,
        )
        for key, *_ in MARKETS
    ]
    assert query(database, "SELECT ticker FROM settlement_history ORDER BY 1") == [
        (f"M-{key}",) for key in (1, 6, 7, 8)
    ]


def test_flips_of_published_results_become_amendments(database: Database) -> None:
    """Only for markets with a settlement; the payouts of earlier results were not stored."""
    assert query(
        database, f"SELECT {stored_columns(settlement_amendments)} FROM settlement_amendments ORDER BY id"
    ) == [
        (1, 1, NOON + 2, "yes", "no", None, None),
        (2, 8, NOON + 7, "no", "yes", None, None),
    ]
