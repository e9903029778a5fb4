"""Which markets were looked up: remembered, and marked where they are nowhere, however many there are."""

import pytest

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
    """More than one statement takes: a listing may lose a hundred thousand markets at once."""
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


def test_market_is_gone_after_two_answered_looks_ten_minutes_apart(database: Database) -> None:
    """A look that failed is none, and one that found it begins anew."""
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
    """By its stored state; those outside of the scope are due where it is asked for them, as those not open are."""
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
        assert listed.due(connection, LATER, 10) == ["CLOSED"]
        assert listed.due(connection, LATER, 10, outside=scope) == ["CLOSED", *elsewhere]
