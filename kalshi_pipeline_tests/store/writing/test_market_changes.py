"""Changes of markets are logged with both values and the time, and only real changes."""

from typing import Any

import pytest
from sqlalchemy import event as events_of
from sqlalchemy.engine import Engine

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import market_changes
from kalshi_pipeline.units import parse_instant
from kalshi_pipeline_tests.store.samples import LATER, NOON, contents, market, query, store_markets, without

CLOSE = parse_instant("2026-11-22T13:00:00Z")
EARLY = parse_instant("2026-11-22T12:30:00.5Z")


def changes(database: Database) -> list[tuple[object, ...]]:
    return query(database, "SELECT ticker, seen_at, field, before, after FROM market_change_history")


@pytest.mark.parametrize(
    ("field", "before", "after", "shown"),
    [
        pytest.param("status", "active", "closed", ("active", "closed"), id="status"),
        pytest.param("status", "active", "auctioning", ("active", "auctioning"), id="invented_status"),
        pytest.param("result", "", "yes", ("", "yes"), id="result"),
        pytest.param("rules_primary", "A or B", "Ä", ("A or B", "Ä"), id="rules"),
        pytest.param(
            "close_at",
            CLOSE,
            EARLY,
            ("2026-11-22T13:00:00.000000Z", "2026-11-22T12:30:00.500000Z"),
            id="close_time",
        ),
        pytest.param("close_at", None, CLOSE, (None, "2026-11-22T13:00:00.000000Z"), id="first_close_time"),
    ],
)
def test_change_is_kept_with_both_values_and_its_time(
    database: Database, field: str, before: object, after: object, shown: tuple[object, object]
) -> None:
    store_markets(database, market("A", **{field: before}), market("B"), at=NOON)
    store_markets(database, market("A", **{field: after}), market("B"), at=LATER)
    assert changes(database) == [("A", "2026-11-22T12:05:00.000000Z", field, *shown)]


def test_changes_at_once_are_a_row_each(database: Database) -> None:
    store_markets(database, market("A", close_at=NOON), market("B"))
    store_markets(
        database,
        market("A", status="finalized", result="no", close_at=LATER),
        market("B", title="Another title"),
        at=LATER,
    )
    assert without(contents(database, market_changes), "id", "market_id") == [
        {
            "seen_at": LATER,
            "field": "title",
            "before": "Will it rain in New York on Nov 23?",
            "after": "Another title",
        },
        {"seen_at": LATER, "field": "status", "before": "active", "after": "finalized"},
        {"seen_at": LATER, "field": "result", "before": "", "after": "no"},
        {"seen_at": LATER, "field": "close_at", "before": str(NOON), "after": str(LATER)},
    ]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({}, id="nothing_changed"),
        pytest.param({"yes_bid": 1, "volume": 2}, id="quote"),
        pytest.param({"close_at": None, "rules_primary": None, "result": None}, id="absent"),
    ],
)
def test_unchanged_values_are_not_logged(database: Database, again: dict[str, Any]) -> None:
    """A zero time is absent, and absent erases nothing."""
    store_markets(database, market("A"))
    store_markets(database, market("A", **again), at=LATER)
    assert changes(database) == []


def test_filling_a_placeholder_is_not_logged_as_a_change(database: Database) -> None:
    store_markets(database, market("A", status=None, result=None, close_at=None))
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE markets SET is_placeholder = 1")
    store_markets(database, market("A"), at=LATER)
    assert changes(database) == []
    assert query(database, "SELECT is_placeholder, status FROM markets") == [(0, "active")]


def test_unchanged_page_costs_no_statement_more(database: Database) -> None:
    """The log of changes costs nothing without changes."""
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    page = [market(f"M{number}") for number in range(50)]
    store_markets(database, *page)
    events_of.listen(Engine, "before_cursor_execute", note)
    try:
        store_markets(database, *page, at=LATER)
        assert not any("market_changes" in statement or "settlements" in statement for statement in seen)
        unchanged, seen[:] = len(seen), []
        store_markets(database, *(row._replace(status="closed") for row in page), at=LATER)
        changed = len(seen)
    finally:
        events_of.remove(Engine, "before_cursor_execute", note)
    # Emptying stages 6, missing ones 2, texts 1, placeholders 1, merging 7, fingerprints 1; not the transaction's own.
    # Then the log, doubted ticks, withdrawn settlements, forgotten fingerprints, and the update.
    assert (unchanged, changed - unchanged) == (18, 5)


def test_page_that_changes_reads_no_whole_table(database: Database) -> None:
    """A page costs the same however many markets, quotes and settlements are stored."""
    seen: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        seen.append((arguments[2], arguments[3]))

    store_markets(database, market("M"))
    events_of.listen(Engine, "before_cursor_execute", note)
    try:
        store_markets(database, market("M", title="Another", status="closed"), at=LATER)
    finally:
        events_of.remove(Engine, "before_cursor_execute", note)
    with database.begin() as connection:
        plans = [
            str(row[-1])
            for statement, bound in seen
            if "changed_markets" in statement and statement.split()[0] in ("INSERT", "UPDATE")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound)
        ]
    assert len(plans) > 10
    whole = {f"SCAN {table}" for table in ("markets", "latest_quotes", "settlements", "market_lookups")}
    assert not whole & set(plans)
