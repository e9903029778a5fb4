"""Data recorded ahead of now, or during voided ticks, is undone; later data is kept."""

import pytest
from sqlalchemy import insert, select

from kalshi_pipeline.records import Document, Reject
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.completeness import count_rows
from kalshi_pipeline.store.reading.descriptions import description
from kalshi_pipeline.store.schema.tables import (
    event_lookups,
    listings,
    lost_markets,
    market_fingerprints,
    markets,
    settlements,
)
from kalshi_pipeline.store.writing.backfill_progress import WalkKey, WalkState, close_walk, open_walk
from kalshi_pipeline.store.writing.documents import (
    MARKET,
)
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.lookups import (
    mark_gone,
    record_lost,
    record_market_lookups,
)
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine
from kalshi_pipeline.store.writing.runs import Run, State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.undoing import Undo
from kalshi_pipeline_tests.store.samples import (
    MINUTE,
    NOON,
    SCOPE,
    SECOND,
    Row,
    Tick,
    contents,
    event,
    market,
    query,
    series_row,
    store_documents,
    store_events,
    store_markets,
    store_series,
    without,
)

NOW = NOON + 60 * MINUTE
DAY = 24 * 60 * MINUTE
AHEAD = NOON + DAY
CHANGES = "SELECT field, before, after, seen_at FROM market_changes ORDER BY id"
FINGERPRINTED = (
    "SELECT ticker, fingerprint IS NOT NULL FROM market_fingerprints JOIN markets ON id = market_id"
)


def undo(database: Database, after: int = NOW, now: int = NOW) -> None:
    with database.begin() as connection:
        Undo(connection, after, now).run()
    with database.read() as connection:
        assert Undo(connection, after, now).count() == {}


def counted(database: Database, after: int = NOW, now: int = NOW) -> dict[str, int]:
    with database.read() as connection:
        return Undo(connection, after, now).count()


def known(database: Database, kind: str = "market", ticker: str = "M", at: int | None = None) -> Row:
    with database.read() as connection:
        found = description(connection, kind, ticker, at)
    assert found is not None
    return found


MANY_KINDS = {
    "title": "Another title",
    "close_at": NOON + 2 * DAY,
    "floor_strike": 0.3,
    "can_close_early": False,
    "rules_secondary": "Another rule",
    "expiration_value": "12",
    "event_ticker": "OTHER",
    "settlement_timer_seconds": 90,
}


def test_description_is_as_before_and_its_changes_are_seen_again(database: Database) -> None:
    """For each type of field: texts, shared texts, numbers, flags, instants, and the market's event."""
    store_events(database, event("KXRAIN-26NOV23"), event("OTHER"), at=NOON)
    first, other = market("M"), market("M", **MANY_KINDS)
    store_markets(database, first, market("N"), at=NOON)
    before, rows = known(database), contents(database, markets)
    store_markets(database, other, market("N"), at=AHEAD)
    assert counted(database)["market_changes"] == len(MANY_KINDS)
    undo(database)
    assert query(database, CHANGES) == []
    assert known(database) == before
    assert without(contents(database, markets), "changed_at") == without(rows, "changed_at")
    assert query(database, FINGERPRINTED) == [("M", 0), ("N", 1)]
    tick = Tick(database, NOW)
    tick.store([other, market("N")])
    assert {field for field, *_ in query(database, CHANGES)} == set(MANY_KINDS)
    assert known(database) == {**before, **MANY_KINDS}
    assert query(database, FINGERPRINTED) == [("M", 1), ("N", 1)]


def test_description_at_an_instant_before_is_as_it_was_then(database: Database) -> None:
    store_markets(database, market("M", title="First"), at=NOON)
    store_markets(database, market("M", title="Second"), at=NOON + MINUTE)
    store_markets(database, market("M", title="Ahead"), at=AHEAD)
    undo(database)
    titles = [known(database, at=at)["title"] for at in (NOON, NOON + MINUTE, NOW)]
    assert titles == ["First", "Second", "Second"]


@pytest.mark.parametrize(
    ("later", "changes", "title"),
    [
        pytest.param("Third", [("title", "First", "Third", NOW)], "Third", id="changed-once-more"),
        pytest.param("First", [], "First", id="changed-back"),
    ],
)
def test_change_that_was_seen_since_then_begins_where_the_undone_one_began(
    database: Database, later: str, changes: list[object], title: str
) -> None:
    """A sync with the correct clock runs before the ticks are voided."""
    store_markets(database, market("M", title="First"), at=NOON)
    store_markets(database, market("M", title="Ahead"), at=AHEAD)
    store_markets(database, market("M", title="Ahead again"), at=AHEAD + MINUTE)
    store_markets(database, market("M", title=later), at=NOW)
    undo(database)
    assert query(database, CHANGES) == changes
    assert known(database)["title"] == title


def test_events_and_series_are_as_before_too(database: Database) -> None:
    store_series(database, series_row("KXRAIN"), series_row("KXSNOW"), at=NOON)
    store_events(database, event("E", "KXRAIN"), at=NOON)
    before = known(database, "event", "E"), known(database, "series", "KXRAIN")
    store_series(database, series_row("KXRAIN", title="Another", fee_multiplier=2_000_000), at=AHEAD)
    store_events(database, event("E", "KXSNOW", mutually_exclusive=True), at=AHEAD)
    undo(database)
    assert (known(database, "event", "E"), known(database, "series", "KXRAIN")) == before
    assert query(database, "SELECT count(*) FROM change_history") == [(0,)]


def test_changes_while_a_voided_tick_of_the_past_ran_are_undone_and_no_others(database: Database) -> None:
    store_markets(database, market("M", title="First"), at=NOON)
    store_markets(database, market("M", title="Synced"), at=NOON + MINUTE)
    Tick(database, NOON + 5 * MINUTE).close()  # it runs from a second after its time to two
    store_markets(
        database, market("M", title="Synced", yes_sub_title="By tick"), at=NOON + 5 * MINUTE + SECOND
    )
    store_markets(database, market("M", title="Since", yes_sub_title="By tick"), at=NOON + 6 * MINUTE)
    undo(database, after=NOON + 4 * MINUTE)
    assert query(database, CHANGES) == [
        ("title", "First", "Synced", NOON + MINUTE),
        ("title", "Synced", "Since", NOON + 6 * MINUTE),
    ]
    assert known(database)["yes_sub_title"] == "It rains"


def settle(database: Database, *, is_withdrawn: bool = False) -> None:
    with database.begin() as connection:
        market_id = connection.execute(select(markets.c.id).where(markets.c.ticker == "M")).scalar_one()
        values = {"result": "yes", "settled_at": NOON, "settled_at_source": "settlement_ts", "tier": "live"}
        withdrawn_at = AHEAD if is_withdrawn else None
        row = {"market_id": market_id, "first_seen_at": AHEAD, "withdrawn_at": withdrawn_at, **values}
        connection.execute(insert(settlements).values(row))


@pytest.mark.parametrize(
    ("before", "after", "is_withdrawn"),
    [
        pytest.param("active", "finalized", False, id="settled"),
        pytest.param("closed", "determined", False, id="determined"),
        pytest.param("finalized", "active", True, id="withdrawn"),
    ],
)
def test_market_is_kept_as_its_settlement_says(
    database: Database, before: str, after: str, *, is_withdrawn: bool
) -> None:
    """The settlement itself is unchanged. Its observation time is unknown, but not after now."""
    store_markets(database, market("M", status=before), at=NOON)
    store_markets(database, market("M", status=after), at=AHEAD)
    settle(database, is_withdrawn=is_withdrawn)
    settled = contents(database, settlements)
    undo(database)
    assert contents(database, settlements) == settled
    assert query(database, CHANGES) == [("status", before, after, NOW)]


def test_market_with_a_settlement_is_as_before_where_that_does_not_contradict_it(database: Database) -> None:
    store_markets(database, market("M", status="finalized"), at=NOON)
    settle(database)
    store_markets(database, market("M", status="finalized", title="Ahead"), at=AHEAD)
    undo(database)
    assert query(database, CHANGES) == []


def test_looks_ahead_of_now_are_forgotten(database: Database) -> None:
    store_markets(database, market("GONE"), market("LOOKED"), market("MISSED"), market("PAST"), at=NOON)
    store_events(database, event("E"), at=NOON)
    with database.begin() as connection:
        record_market_lookups(connection, ["GONE", "MISSED", "PAST"], NOON, are_missing=True)
        mark_gone(connection, ["GONE"], AHEAD)
        record_market_lookups(connection, ["GONE", "LOOKED", "MISSED"], AHEAD, are_missing=True)
        record_lost(connection, ["LOOKED"], AHEAD)
        record_lost(connection, ["PAST"], NOON)
        record_event_lookups(connection, ["E"], AHEAD)
    assert counted(database) == {"markets": 1, "market_lookups": 3, "lost_markets": 1, "event_lookups": 1}
    undo(database)
    assert query(database, "SELECT gone_at FROM markets WHERE gone_at > 0") == []
    lookups = query(
        database, "SELECT ticker, asked_at, missing_at FROM market_lookups JOIN markets ON id = market_id"
    )
    assert lookups == [("MISSED", NOON, NOON), ("PAST", NOON, NOON)]
    assert [row["since_at"] for row in contents(database, lost_markets)] == [NOON]
    assert contents(database, event_lookups) == []


def listing(database: Database, asset: str, at: int, inserted: int = 0) -> Run:
    with database.begin() as connection:
        run = open_listing(connection, asset, Subject(SCOPE), at, dead_before=0)
        add_page(connection, run, Tally(pages=1, received=5, inserted=inserted))
        close_run(connection, run, State.COMPLETE, None, at + SECOND)
    return run


def test_records_of_runs_ahead_of_now_are_removed(database: Database) -> None:
    listing(database, "markets", NOON)
    listing(database, "markets", AHEAD, inserted=3)
    listing(database, "trades", NOON, inserted=4)
    listing(database, "trades", AHEAD)
    undo(database)
    assert query(database, "SELECT asset, started_at FROM listings") == [("markets", NOON), ("trades", NOON)]


@pytest.mark.parametrize("asset", ["trades", "candlesticks"])
def test_run_that_says_how_many_rows_its_table_has_is_kept_as_partial(database: Database, asset: str) -> None:
    listing(database, asset, AHEAD, inserted=3)
    undo(database)
    assert query(database, "SELECT state, reason, started_at, finished_at FROM listings") == [
        ("partial", "it ran while the clock was ahead", NOW, NOW)
    ]
    with database.read() as connection:
        assert count_rows(connection, asset) == 3


def test_progress_ahead_of_now_is_removed(database: Database) -> None:
    """A day that was only over by a wrong clock is walked again."""
    with database.begin() as connection:
        for name, at in (("trades/2026-11-22/live", AHEAD), ("settlements/recent", NOON)):
            walk = open_walk(connection, WalkKey(name, SCOPE), at)
            close_walk(connection, walk, WalkState.COMPLETE, None, at + SECOND)
    undo(database)
    assert query(database, "SELECT name FROM backfill_progress") == [("settlements/recent",)]


def test_what_is_kept_was_not_seen_after_now(database: Database) -> None:
    store_markets(database, market("M"), at=AHEAD)
    with database.begin() as connection:
        run = open_listing(connection, "markets", Subject(SCOPE), NOON, dead_before=0)
        add_to_quarantine(connection, run, "markets", [Reject("X", "{}", "no ticker")], AHEAD)
    undo(database)
    for table in ("markets", "events"):
        assert query(database, f"SELECT first_seen_at, changed_at FROM {table}") == [(NOW, NOW)]
    assert query(database, "SELECT first_seen_at, last_seen_at FROM quarantine") == [(NOW, NOW)]
    assert known(database, at=NOW) == known(database)


def test_nothing_is_undone_where_all_is_of_the_past(database: Database) -> None:
    store_markets(database, market("M", title="First"), at=NOON)
    store_markets(database, market("M", title="Second"), at=NOON + MINUTE)
    listing(database, "markets", NOON)
    before = [contents(database, table) for table in (markets, listings, market_fingerprints)]
    undo(database)
    assert [contents(database, table) for table in (markets, listings, market_fingerprints)] == before
    assert len(query(database, CHANGES)) == 1


def test_documents_that_a_wrong_clock_dated_are_fetched_again(database: Database) -> None:
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    store_markets(database, market("M"), market("N"))
    documents = [
        Document(ticker, {"ticker": ticker, "title": title}) for ticker, title in (("M", "a"), ("N", "b"))
    ]
    store_documents(database, MARKET, documents, NOON)
    store_documents(database, MARKET, [Document("M", {"ticker": "M", "title": "c"})], AHEAD)
    assert counted(database) == {"market_documents": 1, "market_fingerprints": 1}
    undo(database)
    assert query(database, "SELECT count(*), max(seen_at) FROM market_documents") == [(2, NOON)]
    assert query(database, FINGERPRINTED) == [("M", 0), ("N", 1)]
    store_documents(database, MARKET, [Document("M", {"ticker": "M", "title": "c"})], NOW)
    assert query(database, "SELECT count(*), max(seen_at) FROM market_documents") == [(3, NOW)]
