"""Which markets were looked up: remembered, and marked where they are nowhere, however many there are."""

import pytest

from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.lookups import ListedMarkets, mark_gone, record_market_lookups
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.store.samples import (
    LATER,
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
        record_market_lookups(connection, tickers, NOON)
    asked = "SELECT ticker, asked_at FROM market_lookups JOIN markets ON id = market_id"
    assert query(database, asked) == [("KXRAIN-1", NOON)], "of the other one the end is known"
    with database.begin() as connection:
        assert mark_gone(connection, tickers[:-1], NOON) == 1
    with database.begin() as connection:
        assert mark_gone(connection, tickers[:-1], LATER) == 0
    assert query(database, "SELECT ticker, gone_at FROM markets WHERE gone_at > 0") == [("KXRAIN-1", NOON)]


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
        listed.add(connection, ["LISTED"])
        assert listed.unlisted(connection, scope) == unlisted
        assert listed.due(connection, LATER, 10) == ["CLOSED"]
        assert listed.due(connection, LATER, 10, outside=scope) == ["CLOSED", *elsewhere]
