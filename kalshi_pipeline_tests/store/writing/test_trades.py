"""Trades are stored exactly and once, by time and identifier, and never without their market."""

from dataclasses import replace

import pytest

from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.records import Trade
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.completeness import count_rows, was_complete
from kalshi_pipeline.store.schema.tables import backfill_progress, events, markets, trades
from kalshi_pipeline.store.writing.backfill_progress import (
    WalkKey,
    WalkState,
    add_walk_page,
    close_walk,
    open_walk,
    restart_walk,
    walk_of,
    watermark,
)
from kalshi_pipeline.store.writing.orphans import OrphanRow, insert_orphans
from kalshi_pipeline.store.writing.runs import State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.trades import (
    append_staged_trades,
    count_trades,
    events_without_series,
    markets_out_of_scope,
    stage_traded_markets,
    stage_trades,
    trade_key,
    unknown_markets,
)
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    SCOPE,
    SECOND,
    contents,
    event,
    market,
    query,
    store_events,
    store_markets,
    without,
)

UUID = "2c8e41d7-90b3-9f16-e5a8-0d7b63f94c12"
UUID_BYTES = bytes.fromhex("2c8e41d790b39f16e5a80d7b63f94c12")


def trade(trade_id: str = UUID, /, **changes: object) -> Trade:
    """A trade of 14.18 contracts at 80 cents."""
    row = Trade(
        created_at=NOON + 436_559,
        trade_id=trade_id,
        ticker="M-1",
        yes_price=800_000,
        contracts=1_418,
        taker_side="no",
        is_block=False,
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def append(database: Database, *rows: Trade) -> int:
    with database.begin() as connection:
        stage_trades(connection, rows)
        return append_staged_trades(connection)


@pytest.mark.parametrize(
    ("trade_id", "key"),
    [
        pytest.param(UUID, UUID_BYTES, id="UUID"),
        pytest.param(UUID.upper(), UUID_BYTES, id="UUID in capitals"),
        pytest.param(UUID.replace("-", ""), b"2c8e41d790b39f16e5a80d7b63f94c12", id="UUID without hyphens"),
        pytest.param(UUID[:-1] + "g", UUID[:-1].encode() + b"g", id="no UUID"),
        pytest.param("sixteen letters.", b"sixteen letters. ", id="text as long as a UUID"),
        pytest.param("é", "é".encode() + b" " * 15, id="short text"),
        pytest.param("{" + UUID[1:], b"{" + UUID[1:].encode(), id="UUID in braces"),
    ],
)
def test_identifier_is_16_bytes_only_where_it_is_a_uuid(trade_id: str, key: bytes) -> None:
    assert trade_key(trade_id) == key


def test_trade_is_stored_and_shown_exactly(database: Database) -> None:
    store_markets(database, market("M-1"), market("M-2"))
    rows = [
        trade(),
        trade(
            "sixteen letters.", ticker="M-2", contracts=None, taker_side=None, is_block=None, yes_price=1_500
        ),
        trade("é", created_at=NOON, contracts=1, yes_price=1_000_000, is_block=True),
    ]
    assert append(database, *rows) == 3
    assert contents(database, trades)[1] == {
        "created_at": NOON + 436_559,
        "trade_id": UUID_BYTES,
        "market_id": 1,
        "yes_price": 800_000,
        "contracts": 1_418,
        "taker_side": "no",
        "is_block": False,
    }
    at, parents = "2026-11-22T12:00:00", ("KXRAIN-26NOV23", None)
    assert query(database, "SELECT * FROM trade_history ORDER BY created_at, ticker") == [
        ("M-1", "é", f"{at}.000000Z", 1.0, 0.0, 0.01, "no", 1, *parents, NOON),
        ("M-1", UUID, f"{at}.436559Z", 0.8, 0.2, 14.18, "no", 0, *parents, NOON + 436_559),
        (
            "M-2",
            "sixteen letters.",
            f"{at}.436559Z",
            0.0015,
            0.9985,
            None,
            None,
            None,
            *parents,
            NOON + 436_559,
        ),
    ]


def test_trades_appended_again_add_and_change_nothing(database: Database) -> None:
    """Complete pages, overlapping pages, and a page with the same trade twice."""
    store_markets(database, market("M-1"))
    first = [trade(), trade("b", created_at=NOON + SECOND)]
    assert append(database, *first) == 2
    before = contents(database, trades)
    assert append(database, *first) == 0
    assert append(database, first[1]._replace(yes_price=1)) == 0
    assert contents(database, trades) == before
    third = trade("c", created_at=NOON + SECOND)
    assert append(database, first[1], third, third) == 1
    assert append(database) == 0


def test_trade_without_its_market_is_an_error_and_adds_nothing(database: Database) -> None:
    """Otherwise it would be lost. The caller ensures that the market exists."""
    store_markets(database, market("M-1"))
    with pytest.raises(StoreError, match="market_id"):
        append(database, trade(), trade("b", ticker="M-2"))
    assert contents(database, trades) == []


def test_traded_markets_are_unknown_until_they_are_stored_or_requested(database: Database) -> None:
    store_markets(database, market("M-1"))
    with database.begin() as connection:
        orphans = [
            OrphanRow("M-2", gone_at=NOON),
            OrphanRow("M-3", gone_at=None),
        ]
        insert_orphans(connection, orphans, NOON)
        insert_orphans(connection, orphans[1:], LATER)
    with database.stage() as connection:
        stage_traded_markets(connection, [f"M-{number}" for number in (1, 2, 3, 4)])
        assert sorted(unknown_markets(connection, asked_since=NOON)) == ["M-4"]
        assert sorted(unknown_markets(connection, asked_since=LATER)) == ["M-2", "M-4"]
        assert sorted(unknown_markets(connection, asked_since=LATER + 1)) == ["M-2", "M-3", "M-4"]


def test_orphan_is_a_placeholder_under_an_event_of_its_own_ticker(database: Database) -> None:
    """Nothing about it is invented. A stored event with that ticker becomes its event."""
    store_events(database, event("M-2", None))
    orphans = [
        OrphanRow("M-1", gone_at=NOON),
        OrphanRow("M-2", gone_at=None),
        OrphanRow("KXMVE-1", gone_at=NOON),
    ]
    with database.begin() as connection:
        assert insert_orphans(connection, orphans, NOON) == 2 + 3
        assert insert_orphans(connection, orphans, LATER) == 0
    assert query(
        database,
        "SELECT m.ticker, e.ticker, m.is_placeholder, e.is_placeholder, is_combo, gone_at, m.first_seen_at, "
        "m.changed_at, status FROM markets AS m JOIN events AS e ON e.id = event_id ORDER BY m.id",
    ) == [
        ("M-1", "M-1", 1, 1, 0, NOON, NOON, LATER, None),
        ("M-2", "M-2", 1, 0, 0, None, NOON, LATER, None),
        ("KXMVE-1", "KXMVE-1", 1, 1, 0, NOON, NOON, LATER, None),
    ]


def test_orphan_that_is_given_moves_to_its_event(database: Database) -> None:
    with database.begin() as connection:
        insert_orphans(connection, [OrphanRow("M-1", gone_at=NOON)], NOON)
    assert store_markets(database, market("M-1", "E-1"), at=LATER) == Tally(
        changed=1, healed=1, placeholders=1
    )
    (row,) = contents(database, markets)
    assert (row["is_placeholder"], row["gone_at"], row["status"]) == (False, None, "active")
    assert [row["ticker"] for row in contents(database, events)] == ["M-1", "E-1"]
    assert row["event_id"] == 2


def test_market_that_is_stored_is_no_orphan(database: Database) -> None:
    store_markets(database, market("M-1"))
    before = contents(database, markets)
    with database.begin() as connection:
        assert insert_orphans(connection, [OrphanRow("M-1", gone_at=NOON)], LATER) == 0
    assert contents(database, markets) == before


def test_trades_are_counted_half_open_and_by_their_runs(database: Database) -> None:
    """Counting all rows would take seconds."""
    store_markets(database, market("M-1"))
    append(database, *(trade(f"t{minute}", created_at=NOON + minute * MINUTE) for minute in range(5)))
    subject = Subject(SCOPE, "2026-11-22")
    with database.begin() as connection:
        run = open_listing(connection, "trades", subject, NOON, NOON)
        add_page(connection, run, Tally(pages=1, received=7, inserted=5, out_of_scope=2))
        assert not was_complete(connection, "trades", subject)
        close_run(connection, run, State.COMPLETE, None, LATER)
    with database.read() as connection:
        assert count_trades(connection, NOON + MINUTE, NOON + 3 * MINUTE) == 2
        assert count_rows(connection, "trades") == 5
        assert was_complete(connection, "trades", subject)
        assert not was_complete(connection, "trades", replace(subject, day="2026-11-23"))
        assert not was_complete(connection, "markets", subject)
    assert query(database, "SELECT out_of_scope FROM listings") == [(2,)]


def test_restarted_walk_forgets_its_cursor_and_keeps_its_counts(database: Database) -> None:
    with database.begin() as connection:
        walk = open_walk(connection, WalkKey("trades/2026-11-22/live", SCOPE), NOON)
        add_walk_page(connection, walk, "abc", received=3, inserted=2)
        close_walk(connection, walk, WalkState.PARTIAL, "stopped", LATER)
        restarted = restart_walk(connection, walk, LATER)
        assert (restarted.cursor, restarted.started_at) == (None, LATER)
        assert walk_of(connection, WalkKey(walk.name, SCOPE)) == restarted
        assert walk_of(connection, WalkKey("trades/2026-11-23/live", SCOPE)) is None
    assert without(contents(database, backfill_progress), "id", "name") == [
        {
            "scope_id": 1,
            "state": "running",
            "reason": None,
            "cursor": None,
            "since_at": None,
            "newest_at": None,
            "started_at": LATER,
            "finished_at": None,
            "pages": 1,
            "received": 3,
            "inserted": 2,
            "quarantined": 0,
        }
    ]


def test_walks_of_different_scopes_are_apart(database: Database) -> None:
    """Walks of the same name continue where their own scope stopped; scopes of the same series are equal."""
    name = "trades/2026-11-22/live"
    one, other = (WalkKey(name, replace(SCOPE, series=series)) for series in (("A", "B"), ("A",)))
    same = WalkKey(name, replace(SCOPE, series=("B", "A", "B")))
    with database.begin() as connection:
        first = open_walk(connection, one, NOON)
        add_walk_page(connection, first, "abc", received=3, inserted=2, newest_at=NOON - MINUTE)
        assert walk_of(connection, other) is None
        second = open_walk(connection, other, NOON)
        add_walk_page(connection, second, None, received=1, inserted=1, newest_at=NOON - SECOND)
        close_walk(connection, second, WalkState.COMPLETE, None, LATER)
        assert watermark(connection, [same]) is None
        assert watermark(connection, [same, other]) == NOON - SECOND
        continued = open_walk(connection, same, LATER)
        assert open_walk(connection, other, LATER) == replace(second, state=WalkState.COMPLETE)
    assert (continued.id, continued.cursor, second.id != first.id, second.cursor) == (
        first.id,
        "abc",
        True,
        None,
    )
    columns = ("name", "scope_id", "state", "received")
    assert [tuple(row[column] for column in columns) for row in contents(database, backfill_progress)] == [
        (name, 1, "running", 3),
        (name, 2, "complete", 1),
    ]
    assert one.sentence == "trades/2026-11-22/live (open markets of A, B, no combos)"


def test_walk_that_caught_up_is_walked_again_from_its_beginning(database: Database) -> None:
    """Its end was that of an unfinished day."""
    key = WalkKey("trades/2026-11-22/live", SCOPE)
    with database.begin() as connection:
        walk = open_walk(connection, key, NOON)
        add_walk_page(connection, walk, None, received=3, inserted=2)
        close_walk(connection, walk, WalkState.CAUGHT_UP, "the day is not over", LATER)
        stored = walk_of(connection, key)
        assert stored == replace(walk, state=WalkState.CAUGHT_UP, reason="the day is not over")
        assert watermark(connection, [key]) is None
        assert open_walk(connection, key, LATER) == replace(walk, started_at=LATER)


def test_trades_out_of_scope_are_found_by_their_stored_markets(database: Database) -> None:
    """The event's series and the market's kind decide. A market that is not stored may be in scope."""
    store_events(database, event("E-RAIN", "KXRAIN"), event("E-SNOW", "KXSNOW"), event("E-NONE", None))
    store_markets(
        database,
        market("RAIN", "E-RAIN"),
        market("RAIN-COMBO", "E-RAIN", is_combo=True),
        market("KXRAIN-SNOW", "E-SNOW"),
        market("KXRAIN-NONE", "E-NONE"),
        market("KXRAIN-NEW", "E-NEW"),
        market("NOT-TRADED", "E-NOT-TRADED"),
    )
    with database.begin() as connection:
        insert_orphans(connection, [OrphanRow("KXRAIN-LOST", gone_at=None)], NOON)
    named = (
        "RAIN",
        "RAIN-COMBO",
        "KXRAIN-SNOW",
        "KXRAIN-NONE",
        "KXRAIN-NEW",
        "KXRAIN-LOST",
        "UNKNOWN",
    )
    of_series = {"KXRAIN-SNOW", "KXRAIN-NONE", "KXRAIN-NEW", "KXRAIN-LOST"}
    with database.stage() as connection:
        stage_traded_markets(connection, named)
        assert markets_out_of_scope(connection, Scope()) == set()
        assert markets_out_of_scope(connection, Scope(("KXRAIN",))) == of_series
        assert markets_out_of_scope(connection, Scope(combos=Combos.EXCLUDE)) == {"RAIN-COMBO"}
        assert markets_out_of_scope(connection, SCOPE) == {"RAIN-COMBO"}, (
            "the status decides nothing about a trade"
        )
        only = Scope(("KXRAIN",), Combos.ONLY)
        assert markets_out_of_scope(connection, only) == {"RAIN", *of_series}
        # A placeholder's own event does not exist on the exchange, so it cannot be requested.
        assert events_without_series(connection) == {"KXRAIN-NEW": "E-NEW", "KXRAIN-NONE": "E-NONE"}
