"""New keys are larger than any key that a table ever had, so the key of a deleted row is never reused."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Table

from kalshi_pipeline.records import OrderBook
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import (
    events,
    listings,
    markets,
    order_books,
    scopes,
    series,
    ticks,
)
from kalshi_pipeline.store.scopes import scope_id
from kalshi_pipeline.store.writing.ids import insert_many
from kalshi_pipeline.store.writing.order_books import append_order_books
from kalshi_pipeline.store.writing.orphans import OrphanRow, insert_orphans
from kalshi_pipeline.store.writing.runs import Subject, open_listing
from kalshi_pipeline_tests.store.samples import (
    NOON,
    SCOPE,
    contents,
    event,
    market,
    open_run,
    query,
    series_row,
    store_events,
    store_markets,
    store_series,
    tick,
)

Add = Callable[[Database, int], object]
"""Adds the n-th row of a table."""


def add_orphan(database: Database, number: int) -> None:
    with database.begin() as connection:
        insert_orphans(connection, [OrphanRow(f"M-{number}", None)], NOON)


def add_listing(database: Database, number: int) -> None:
    with database.begin() as connection:
        open_listing(connection, "markets", Subject(SCOPE), tick(number), 0)


def add_order_book(database: Database, number: int) -> None:
    store_markets(database, market("M"))
    with database.begin() as connection:
        append_order_books(connection, [OrderBook("M", [])], tick(number))


def add_scope(database: Database, number: int) -> None:
    with database.begin() as connection:
        scope_id(connection, Scope((f"S-{number}",)))


ADDED = [
    pytest.param(series, lambda db, n: store_series(db, series_row(f"S-{n}")), id="series"),
    pytest.param(series, lambda db, n: store_events(db, event(f"E-{n}", f"S-{n}")), id="series of an event"),
    pytest.param(events, lambda db, n: store_events(db, event(f"E-{n}")), id="events"),
    pytest.param(events, lambda db, n: store_markets(db, market(f"M-{n}", f"E-{n}")), id="event of a market"),
    pytest.param(events, add_orphan, id="event of an orphan"),
    pytest.param(markets, lambda db, n: store_markets(db, market(f"M-{n}")), id="markets"),
    pytest.param(markets, add_orphan, id="orphans"),
    pytest.param(ticks, lambda db, n: open_run(db, tick(n)), id="ticks"),
    pytest.param(listings, add_listing, id="listings"),
    pytest.param(order_books, add_order_book, id="order books"),
    pytest.param(scopes, add_scope, id="scopes"),
]


def ids(database: Database, table: Table) -> list[object]:
    return [row["id"] for row in contents(database, table)]


def change(path: Path, sql: str) -> None:
    """Change the file like another program, which does not know about keys."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


@pytest.mark.parametrize(("table", "add"), ADDED)
def test_key_of_a_deleted_row_is_not_given_again(
    database: Database, path: Path, table: Table, add: Add
) -> None:
    """Neither the key of the newest row nor any other."""
    for number in (1, 2, 3):
        add(database, number)
    assert ids(database, table) == [1, 2, 3]
    change(path, f"DELETE FROM {table.name} WHERE id = 3")
    add(database, 4)
    assert ids(database, table) == [1, 2, 4]
    change(path, f"DELETE FROM {table.name}")
    add(database, 5)
    assert ids(database, table) == [5]


@pytest.mark.parametrize(("table", "add"), ADDED)
def test_larger_key_of_another_program_is_respected(
    database: Database, path: Path, table: Table, add: Add
) -> None:
    for number in (1, 2):
        add(database, number)
    change(path, f"UPDATE {table.name} SET id = 1000 WHERE id = 2")
    add(database, 3)
    assert ids(database, table) == [1, 1000, 1001]
    change(path, f"DELETE FROM {table.name} WHERE id > 1")
    add(database, 4)
    assert ids(database, table) == [1, 1002]


def test_rows_of_one_insert_number_on_in_their_order(database: Database, path: Path) -> None:
    store_markets(database, *(market(f"M-{number}", f"E-{number}") for number in (5, 1, 3)))
    change(path, "DELETE FROM markets WHERE id > 1")
    # The first is stored already, and takes no key.
    store_markets(database, *(market(f"M-{number}", f"E-{number}") for number in (5, 9, 2, 7)))
    assert query(database, "SELECT id, ticker FROM markets ORDER BY id") == [
        (1, "M-5"),
        (4, "M-9"),
        (5, "M-2"),
        (6, "M-7"),
    ]
    assert ids(database, events) == [1, 2, 3, 4, 5, 6]


def test_missed_ticks_number_on_before_the_tick_that_records_them(database: Database, path: Path) -> None:
    open_run(database, tick(0), period_seconds=300)
    open_run(database, tick(1), period_seconds=300)
    change(path, "DELETE FROM ticks WHERE id = 2")
    open_run(database, tick(3), period_seconds=300)
    assert query(database, "SELECT id, tick_at FROM ticks ORDER BY id") == [
        (1, tick(0)),
        (3, tick(1)),
        (4, tick(2)),
        (5, tick(3)),
    ]


def test_insert_of_no_rows_takes_no_key(database: Database) -> None:
    kept = "SELECT last_id FROM last_ids WHERE table_name = 'scopes'"
    with database.begin() as connection:
        insert_many(connection, scopes, [])
    assert query(database, kept) == [(0,)]
    add_scope(database, 1)
    add_scope(database, 1)
    assert query(database, kept) == [(1,)]
