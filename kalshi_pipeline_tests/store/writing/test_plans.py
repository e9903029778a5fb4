"""SQLite's plans of a page's statements, with and without statistics."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.writing.parents import merge_events, merge_staged_markets
from kalshi_pipeline.store.writing.staged_pages import stage_listed, stage_markets, unknown_events
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    Tick,
    market,
    query,
    store_events,
    take,
)
from kalshi_pipeline_tests.store.samples import event as event_row

MARKETS = 3000
PAGE = [
    *(market(f"M-{number}", f"E-{number // 10}") for number in range(100, 200)),
    *(market(f"M-{number}", f"E-{number // 10}", yes_bid=1) for number in range(200, 250)),
    *(market(f"M-{number}", f"E-{number // 9}", status="closed") for number in range(250, 300)),
    *(market(f"NEW-{number}", f"E-NEW-{number // 10}") for number in range(50)),
]
# What the page has, and what has few rows. Ticks are looked at only if a market has moved; the tables behind, whose
# foreign keys do not begin with the market's, only if its own key changed, which it never does.
_MAY_BE_SCANNED = re.compile(
    r"SCAN (staged_|changed_|new_|anon_|\(subquery|CONSTANT ROW|scopes|ticks|candlestick_days$"
    r"|\w+ USING INDEX ix_(events_placeholder|markets_placeholder|unlisted_spans_open)$)"
)


@pytest.fixture(params=["no statistics", "statistics", "statistics of each hour"])
def stored(request: pytest.FixtureRequest, database: Database) -> Database:
    rows = [market(f"M-{number}", f"E-{number // 10}") for number in range(MARKETS)]
    store_events(database, *(event_row(f"E-{number}") for number in range(MARKETS // 10)))
    with database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO document_blocks (id, body) VALUES (1, x'00')")
        connection.exec_driver_sql(
            "INSERT INTO event_documents SELECT id, first_seen_at, 0, 1, 0 FROM events"
        )
    for minute in range(3):
        take(database, NOON + minute * MINUTE, rows)
    if request.param == "statistics":
        with database.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    elif request.param == "statistics of each hour":
        database.optimize()
    if request.param != "no statistics":
        assert query(database, "SELECT count(*) > 10 FROM sqlite_stat1") == [(1,)]
    return database


@contextmanager
def explaining(connection: Connection) -> Iterator[list[str]]:
    """Collect the plan steps of each statement on a connection, after the statement's name."""
    steps: list[str] = []

    def explain(_: object, cursor: Any, statement: str, parameters: Any, __: object, is_many: bool) -> None:
        # The plan of one that adds texts has the tables with keys of texts, for keys that wait for their text: none do.
        is_read = statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))
        if is_read and not statement.startswith("INSERT INTO texts"):
            one = parameters[0] if is_many else parameters
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", one)
            steps.extend(str(step[-1]) for step in plan)

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield steps
    finally:
        event.remove(connection, "before_cursor_execute", explain)


@pytest.mark.parametrize("stage", [stage_listed, stage_markets], ids=["of a snapshot", "of a sync"])
def test_page_reads_no_whole_table(stored: Database, stage: Callable[..., Any]) -> None:
    quotes = Tick(stored, LATER, every=True).quotes
    with stored.begin() as connection, explaining(connection) as steps:
        staged = stage(connection, PAGE)
        assert len(unknown_events(connection)) == 5
        merge_events(connection, [event_row(f"E-NEW-{number}") for number in range(5)], LATER)
        merge_staged_markets(connection, staged, LATER)
        assert quotes.append(connection, LATER).inserted == 100
    assert [step for step in steps if step.startswith("SCAN") and not _MAY_BE_SCANNED.match(step)] == []
    assert [step for step in steps if "AUTOMATIC" in step] == []
    searched = {name for name in metadata.tables if any(step.startswith(f"SEARCH {name} ") for step in steps)}
    assert searched >= {"markets", "market_fingerprints", "latest_quotes", "events"}
