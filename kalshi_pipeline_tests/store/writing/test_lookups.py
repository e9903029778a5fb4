"""Which markets were looked up: remembered, and marked where they are nowhere, however many there are."""

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.lookups import mark_gone, record_market_lookups
from kalshi_pipeline_tests.store.samples import LATER, NOON, market, query, store_markets


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
