"""Settlements, and which of two records takes precedence. Values are micro-dollars."""

import pytest

from kalshi_pipeline.records import Settlement
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.catalogue import settlement_of
from kalshi_pipeline.store.writing.parents import merge_markets
from kalshi_pipeline.store.writing.settlements import (
    count_scalars_without_value,
    merge_staged_settlements,
    stage_settlements,
)
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline_tests.store.samples import LATER, MINUTE, NOON, SECOND, query, store_markets
from kalshi_pipeline_tests.store.samples import market as market_row

LATEST = LATER + 5 * MINUTE


def row(ticker: str = "A", /, **changes: object) -> Settlement:
    """A market that settled as yes at noon, in the live tier."""
    made = Settlement(ticker, "yes", 1_000_000, NOON, "settlement_ts", "live", is_current_tier=True)
    return made._replace(**changes)  # type: ignore[arg-type]


def store(database: Database, *rows: Settlement, at: int = LATER) -> tuple[Tally, int]:
    """Store a page of settled markets with their markets, as a walk does."""
    store_markets(database, *(market_row(each.ticker) for each in rows))
    with database.begin() as connection:
        outranked = stage_settlements(connection, rows)
        return merge_staged_settlements(connection, len(rows), at), outranked


def stored(database: Database, ticker: str = "A") -> dict[str, object]:
    with database.read() as connection:
        found = settlement_of(connection, ticker)
    assert found is not None
    return found._asdict()


STORED = {
    "result": "yes",
    "settlement_value": 1_000_000,
    "settled_at": NOON,
    "settled_at_source": "settlement_ts",
    "tier": "live",
    "first_seen_at": LATER,
    "amended_at": None,
    "withdrawn_at": None,
}


def test_settlement_is_stored_once(database: Database) -> None:
    assert store(database, row()) == (Tally(inserted=1), 0)
    assert store(database, row(), at=LATEST) == (Tally(unchanged=1), 0)
    assert stored(database) == STORED
    assert query(database, "SELECT count(*) FROM market_changes") == [(0,)]


def test_view_shows_decimals_and_times(database: Database) -> None:
    store(
        database,
        row("A", result="scalar", settlement_value=333_300),
        row("B", result="auctioned", settlement_value=None, settled_at=None, settled_at_source="first_seen"),
    )
    noon, later = "2026-11-22T12:00:00.000000Z", "2026-11-22T12:05:00.000000Z"
    event = "KXRAIN-26NOV23"
    assert query(database, "SELECT * FROM settlement_history ORDER BY ticker") == [
        ("A", event, "scalar", 0.3333, noon, "settlement_ts", "live", later, None, "active", None, NOON),
        ("B", event, "auctioned", None, later, "first_seen", "live", later, None, "active", None, LATER),
    ]


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        pytest.param(
            {"result": "no", "settlement_value": 0},
            {"result": "no", "settlement_value": 0, "amended_at": LATEST},
            id="amended",
        ),
        pytest.param(
            {"settlement_value": 500_000},
            {"settlement_value": 500_000, "amended_at": LATEST},
            id="another_value",
        ),
        pytest.param({"result": None, "settlement_value": None}, {}, id="absent_erases_nothing"),
        pytest.param(
            {"settled_at": NOON - MINUTE, "settled_at_source": "close_time"}, {}, id="stand_in_for_a_time"
        ),
        pytest.param({"settled_at": None, "settled_at_source": "first_seen"}, {}, id="no_time"),
        pytest.param(
            {"settled_at": LATEST, "settled_at_source": "close_time"}, {}, id="later_stand_in_for_a_time"
        ),
        pytest.param({"settled_at": NOON + SECOND}, {"settled_at": NOON + SECOND}, id="another_time"),
    ],
)
def test_later_record_of_the_same_tier_counts(
    database: Database, again: dict[str, object], expected: dict[str, object]
) -> None:
    store(database, row())
    store(database, row(**again), at=LATEST)
    assert stored(database) == STORED | expected


def test_stand_in_never_makes_a_settlement_later(database: Database) -> None:
    """It had settled by the time it was first seen."""
    store(database, row(settled_at=None, settled_at_source="first_seen"))
    store(database, row(settled_at=LATEST, settled_at_source="close_time"), at=LATEST)
    assert stored(database)["settled_at_source"] == "first_seen"
    store(database, row(settled_at=NOON - MINUTE, settled_at_source="close_time"), at=LATEST)
    assert (stored(database)["settled_at"], stored(database)["settled_at_source"]) == (
        NOON - MINUTE,
        "close_time",
    )


def test_value_that_was_missing_is_filled_in_and_is_no_amendment(database: Database) -> None:
    store(
        database,
        row(result=None, settlement_value=None, settled_at=NOON - MINUTE, settled_at_source="close_time"),
    )
    tally, _ = store(database, row(), at=LATEST)
    assert tally == Tally(changed=1)
    assert stored(database) == STORED


def test_value_that_changes_is_kept_among_the_changes(database: Database) -> None:
    store(database, row(result="scalar", settlement_value=None))
    store(database, row(result="scalar", settlement_value=500_000), at=LATER)
    store(database, row(result="scalar", settlement_value=1_000_000), at=LATEST)
    assert query(database, "SELECT seen_at, field, before, after FROM market_change_history") == [
        ("2026-11-22T12:05:00.000000Z", "settlement_value", None, "0.5"),
        ("2026-11-22T12:10:00.000000Z", "settlement_value", "0.5", "1.0"),
    ]
    assert stored(database)["amended_at"] == LATEST


_WITHOUT_TIME = {"settled_at": NOON - MINUTE, "settled_at_source": "close_time"}


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        pytest.param({}, {"is_current_tier": False}, "first", id="still_in_the_live_tier"),
        pytest.param({"is_current_tier": False}, {}, "second", id="has_left_the_live_tier"),
        pytest.param(_WITHOUT_TIME, {"is_current_tier": False}, "second", id="only_the_second_has_its_time"),
        pytest.param({"is_current_tier": False}, _WITHOUT_TIME, "first", id="only_the_first_has_its_time"),
        pytest.param(
            _WITHOUT_TIME, {**_WITHOUT_TIME, "is_current_tier": False}, "first", id="neither_has_its_time"
        ),
    ],
)
@pytest.mark.parametrize("tiers", [("live", "historical"), ("historical", "live")], ids="_then_".join)
def test_record_of_the_other_tier_counts_by_rule(
    database: Database,
    tiers: tuple[str, str],
    first: dict[str, object],
    second: dict[str, object],
    winner: str,
) -> None:
    """The record with its own time takes precedence, or else that of the tier that now has the market."""
    records = {
        "first": row(**{"tier": tiers[0], "result": "yes", **first}),
        "second": row(**{"tier": tiers[1], "result": "no", **second}),
    }
    store(database, records["first"])
    outranked = [store(database, records["second"], at=LATEST)[1] for _ in range(2)]

    kept = stored(database)
    assert (kept["result"], kept["tier"]) == (records[winner].result, records[winner].tier)
    assert outranked == ([0, 0] if winner == "second" else [1, 1])
    assert store(database, records["first"], at=LATEST)[1] == (1 if winner == "second" else 0)
    assert (stored(database)["result"], stored(database)["tier"]) == (kept["result"], kept["tier"])


def test_scalar_without_a_value_is_counted(database: Database) -> None:
    store(
        database,
        row("A", result="scalar", settlement_value=None),
        row("B", result=None, settlement_value=None),
        row("C", result="scalar", settlement_value=0),
        row("D", result="no", settlement_value=None),
    )
    with database.read() as connection:
        assert count_scalars_without_value(connection) == 2
        assert settlement_of(connection, "nowhere") is None


_BEFORE_AND_AFTER = "result_before, result_after, value_before, value_after"


def see(database: Database, at: int, **values: object) -> None:
    """The market is seen without a settlement."""
    store_markets(database, market_row("A", **values), at=at)


@pytest.mark.parametrize("status", ["initialized", "active", "inactive", "closed"])
def test_settlement_is_withdrawn_once_and_in_force_again_with_the_next_result(
    database: Database, status: str
) -> None:
    """The new result has its own time, or the time at which it is seen, not the former result's time."""
    settle(database, row(), at=LATER)
    see(database, LATER, status=status)
    see(database, LATEST, status=status, title="Another")
    assert stored(database) == {**STORED, "withdrawn_at": LATER}
    assert query(database, "SELECT count(*) FROM settlement_history") == [(0,)]

    again = row(settled_at=None, settled_at_source="first_seen")
    assert settle(database, again, at=LATEST) == Tally(changed=1)
    assert stored(database) == {**STORED, "settled_at": LATEST, "settled_at_source": "first_seen"}
    assert query(database, "SELECT count(*) FROM settlement_amendments") == [(0,)]


@pytest.mark.parametrize("status", ["closed", "determined", "auctioned", None])
def test_absent_result_and_unknown_status_withdraw_nothing(database: Database, status: str | None) -> None:
    settle(database, row(), at=LATER)
    see(database, LATEST, status=status, result=None)
    assert stored(database)["withdrawn_at"] is None


def settle(database: Database, settlement: Settlement, *, at: int, status: str = "finalized") -> Tally:
    """The market is seen with its settlement."""
    with database.begin() as connection:
        stage_settlements(connection, [settlement])
        merge_markets(
            connection, [market_row(settlement.ticker, status=status, result=settlement.result)], at
        )
        return merge_staged_settlements(connection, 1, at)


def test_every_change_of_a_published_result_is_kept_also_across_withdrawals(database: Database) -> None:
    settle(database, row(settlement_value=None), at=NOON, status="determined")
    settle(database, row(result="no", settlement_value=0), at=LATER)
    see(database, LATER)
    settle(database, row(result="scalar", settlement_value=500_000), at=LATEST)
    settle(database, row(result="scalar", settlement_value=500_000), at=LATEST)
    settle(database, row(result="scalar", settlement_value=600_000), at=LATEST + MINUTE)
    shown = query(database, f"SELECT seen_at, {_BEFORE_AND_AFTER} FROM settlement_amendments ORDER BY id")
    assert shown == [
        (LATER, "yes", "no", None, 0),
        (LATEST, "no", "scalar", 0, 500_000),
        (LATEST + MINUTE, "scalar", "scalar", 500_000, 600_000),
    ]
    assert stored(database) == {
        **STORED,
        "result": "scalar",
        "settlement_value": 600_000,
        "first_seen_at": NOON,
        "amended_at": LATEST + MINUTE,
    }


def test_same_outcome_of_the_other_tier_is_unchanged(database: Database) -> None:
    settle(database, row(is_current_tier=False), at=LATER)
    assert settle(database, row(tier="historical"), at=LATEST) == Tally(unchanged=1)
    assert stored(database) == {**STORED, "tier": "historical"}


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "determined"])
def test_other_tier_replaces_what_was_not_final(database: Database, is_gone: bool) -> None:
    """The reported times, and the tier that follows from them, do not matter."""
    settle(database, row(), at=LATER, status="finalized" if is_gone else "determined")
    if is_gone:
        with database.begin() as connection:
            connection.exec_driver_sql(f"UPDATE markets SET gone_at = {LATER}")
    final = row(result="no", settlement_value=0, tier="historical", is_current_tier=False, **_WITHOUT_TIME)
    assert settle(database, final, at=LATEST) == Tally(changed=1)
    assert (stored(database)["result"], stored(database)["tier"]) == ("no", "historical")
    assert query(database, "SELECT status, gone_at FROM markets") == [("finalized", None)]


def test_scalar_that_is_not_final_or_withdrawn_is_not_counted(database: Database) -> None:
    settle(database, row("A", result="scalar", settlement_value=None), at=LATER, status="determined")
    settle(database, row("B", result="scalar", settlement_value=None), at=LATER)
    with database.read() as connection:
        assert count_scalars_without_value(connection) == 1
    store_markets(database, market_row("B"), at=LATEST)
    with database.read() as connection:
        assert count_scalars_without_value(connection) == 0
