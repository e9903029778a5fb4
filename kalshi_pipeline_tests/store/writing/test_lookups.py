"""Lookups of markets are recorded, and markets in neither tier are marked, in any number."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as events_of

from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.lookups import ListedMarkets, mark_gone, record_market_lookups
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    event,
    market,
    query,
    store_events,
    store_markets,
)


def test_lookups_of_any_number_are_remembered_and_marked_once(database: Database) -> None:
    """More than fit in one statement: a listing may lose a hundred thousand markets at once."""
    store_markets(database, market("KXRAIN-1"), market("KXRAIN-2", status="finalized"))
    tickers = [*(f"KXNONE-{number}" for number in range(40_000)), "KXRAIN-1", "KXRAIN-2"]
    with database.begin() as connection:
        record_market_lookups(connection, tickers, NOON, are_missing=True)
    asked = "SELECT ticker, asked_at FROM market_lookups JOIN markets ON id = market_id"
    assert query(database, asked) == [("KXRAIN-1", NOON)], "of the other one the end is known"
    twice = NOON + 10 * MINUTE
    with database.begin() as connection:
        assert mark_gone(connection, tickers[:-1], twice) == 1
    with database.begin() as connection:
        assert mark_gone(connection, tickers[:-1], twice + MINUTE) == 0
    assert query(database, "SELECT ticker, gone_at FROM markets WHERE gone_at > 0") == [("KXRAIN-1", twice)]


def test_market_is_gone_after_two_answered_lookups_ten_minutes_apart(database: Database) -> None:
    """A failed lookup does not count, and one that finds the market restarts the count."""
    store_markets(database, market("M"))

    def look(minute: int, *, are_missing: bool | None) -> int:
        at = NOON + minute * MINUTE
        with database.begin() as connection:
            marked = mark_gone(connection, ["M"], at) if are_missing else 0
            record_market_lookups(connection, ["M"], at, are_missing=are_missing)
        return marked

    assert [look(minute, are_missing=True) for minute in (0, 5, 9)] == [0, 0, 0]
    assert look(10, are_missing=False) == 0
    assert look(11, are_missing=True) == 0
    assert look(20, are_missing=None) == 0
    assert query(database, "SELECT missing_at FROM market_lookups") == [(NOON + 11 * MINUTE,)]
    assert look(21, are_missing=True) == 1


@pytest.mark.parametrize(
    ("scope", "unlisted", "elsewhere"),
    [
        pytest.param(
            Scope(status=StatusFilter.OPEN),
            ["ACTIVE", "INACTIVE", "COMBO", "SNOW"],
            [],
            id="all open markets",
        ),
        pytest.param(
            Scope(combos=Combos.EXCLUDE, status=StatusFilter.OPEN),
            ["ACTIVE", "INACTIVE", "SNOW"],
            ["COMBO"],
            id="without combos",
        ),
        pytest.param(
            Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.OPEN),
            ["ACTIVE", "INACTIVE"],
            ["COMBO", "SNOW"],
            id="a series",
        ),
        pytest.param(
            Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.PAUSED),
            ["INACTIVE"],
            ["COMBO", "SNOW"],
            id="paused",
        ),
    ],
)
def test_market_in_scope_that_is_missing_in_the_listing_is_looked_up(
    database: Database, scope: Scope, unlisted: list[str], elsewhere: list[str]
) -> None:
    """Its stored state decides. Markets outside the scope, and markets that are not open, are due only on request."""
    store_events(database, event("RAIN", "KXRAIN"), event("SNOW", "KXSNOW"))
    store_markets(
        database,
        market("LISTED", "RAIN"),
        market("ACTIVE", "RAIN"),
        market("INACTIVE", "RAIN", status="inactive"),
        market("CLOSED", "RAIN", status="closed"),
        market("FINALIZED", "RAIN", status="finalized"),
        market("COMBO", "RAIN", is_combo=True),
        market("SNOW", "SNOW"),
    )
    with database.begin() as connection:
        listed = ListedMarkets(connection)
        listed.add_unreadable(connection, ["LISTED"])
        assert [market.ticker for market in listed.unlisted(connection, scope)] == unlisted
        assert listed.due(connection, LATER, 10, scope) == [("CLOSED", True)]
        outside = [(ticker, False) for ticker in elsewhere]
        assert listed.due(connection, LATER, 10, scope, everywhere=True) == [("CLOSED", True), *outside]


HOUR = 60 * MINUTE


def gone_markets(database: Database, *tickers: str) -> None:
    """Markets that were missing at noon, and marked as gone half an hour later."""
    store_markets(database, *(market(ticker) for ticker in tickers))
    with database.begin() as connection:
        for at in (NOON, NOON + 30 * MINUTE):
            mark_gone(connection, tickers, at)
            record_market_lookups(connection, tickers, at, are_missing=True)


def due(database: Database, at: int, limit: int = 10) -> list[str]:
    with database.begin() as connection:
        return [market.ticker for market in ListedMarkets(connection).due(connection, at, limit, Scope())]


def look(database: Database, at: int, *, are_missing: bool | None) -> None:
    with database.begin() as connection:
        record_market_lookups(connection, ["GONE"], at, are_missing=are_missing)


def test_gone_market_is_due_in_its_first_hour_then_ever_more_rarely(database: Database) -> None:
    """The next run repeats a failed lookup, and a late lookup does not move the following ones."""
    gone_markets(database, "GONE")
    marked = NOON + 30 * MINUTE
    assert due(database, NOON + HOUR - 1) == ["GONE"]
    assert due(database, NOON + HOUR) == due(database, marked + HOUR - 1) == []
    look(database, marked + HOUR, are_missing=None)
    assert due(database, marked + HOUR) == ["GONE"]
    look(database, marked + 5 * HOUR, are_missing=True)
    assert due(database, marked + 6 * HOUR - 1) == []
    assert due(database, marked + 6 * HOUR) == ["GONE"]
    for asked, following in ((20, 24), (40, 48), (167, 168), (170, 336), (336, 504)):
        look(database, marked + asked * HOUR, are_missing=True)
        assert due(database, marked + following * HOUR - 1) == []
        assert due(database, marked + following * HOUR) == ["GONE"]
    assert query(database, "SELECT asked_at, missing_at FROM market_lookups") == [(marked + 336 * HOUR, None)]


def test_gone_markets_are_due_behind_those_that_wait(database: Database) -> None:
    """Their stored state does not matter. Markets never looked up since are due by the time of their mark."""
    gone_markets(database, "GONE")
    store_markets(database, market("CLOSED", status="closed"), market("LISTED"), market("FINAL"))
    with database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE markets SET gone_at = {NOON} WHERE ticker IN ('LISTED', 'FINAL')")
        connection.exec_driver_sql("UPDATE markets SET status = 'finalized' WHERE ticker = 'FINAL'")
        listed = ListedMarkets(connection)
        listed.add_unreadable(connection, ["LISTED"])
        assert listed.due(connection, NOON + 2 * HOUR, 10, Scope()) == [("CLOSED", True), ("GONE", True)]
    assert due(database, NOON + 2 * HOUR) == ["CLOSED", "LISTED", "GONE"]
    assert due(database, NOON + 2 * HOUR, limit=2) == ["CLOSED", "LISTED"]
    assert due(database, NOON + 2 * HOUR, limit=1) == ["CLOSED"]


def test_market_that_waits_is_due_in_the_hour_after_it_vanished(database: Database) -> None:
    """The age of its state does not matter."""
    store_markets(database, market("CLOSED", status="closed"), at=NOON - 240 * HOUR)
    with database.begin() as connection:
        record_market_lookups(connection, ["CLOSED"], NOON, are_missing=True)
    assert due(database, NOON + HOUR - 1) == ["CLOSED"]
    assert due(database, NOON + HOUR) == []


def test_gone_markets_are_found_by_their_index(database: Database) -> None:
    """Each tick queries them, so the table must not be read."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    events_of.listen(Engine, "before_cursor_execute", note)
    try:
        due(database, NOON)
    finally:
        events_of.remove(Engine, "before_cursor_execute", note)
    [statement] = [text for text in statements if "gone_at IS NOT NULL" in text]
    values = tuple(1 for _ in range(statement.count("?")))
    with database.begin() as connection:
        ListedMarkets(connection)
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
    assert "ix_markets_gone" in plan
    assert "SCAN markets'" not in plan
