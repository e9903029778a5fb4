"""The fee in force at an instant: a second before each change, at it, and a second after it."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kalshi_pipeline.api import Fee, FeeState, Store, open_store
from kalshi_pipeline.records import Document, EventFeeChange, SeriesFeeChange
from kalshi_pipeline.store.database import Connection, Database
from kalshi_pipeline.store.writing.documents import MARKET
from kalshi_pipeline.store.writing.fee_changes import (
    merge_event_fee_changes,
    merge_series_fee_changes,
    withdraw_unlisted,
)
from kalshi_pipeline.store.writing.runs import State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import iso_of, parse_instant
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.store.samples import (
    event,
    market,
    series_row,
    sqlite_url,
    store_documents,
    store_events,
    store_markets,
    store_series,
)

SECOND = 1_000_000
HOUR = 3600 * SECOND
SERIES, EVENT = "KXRAIN", "KXRAIN-26NOV23"
UNKNOWN_WORD = "margin_market_maker_program_fees"
KNOWN = FeeState.KNOWN


def at_hour(hours: float) -> int:
    return NOON + round(hours * HOUR)


def of_series(number: int, fee_type: str | None, multiplier: int | None, hours: float) -> SeriesFeeChange:
    return SeriesFeeChange(f"s{number}", SERIES, fee_type, multiplier, at_hour(hours))


def of_event(number: int, fee_type: str | None, multiplier: int | None, hours: float) -> EventFeeChange:
    return EventFeeChange(f"e{number}", EVENT, SERIES, fee_type, multiplier, at_hour(hours))


OF_SERIES = [
    of_series(1, "quadratic", 1_000_000, -100),
    of_series(2, "quadratic_with_maker_fees", 500_000, 0),
    of_series(3, UNKNOWN_WORD, 1_000_000, 50),
    of_series(4, "flat", None, 60),
    of_series(5, "flat", 2_000_000, 70),
    of_series(6, "quadratic", 1_000_000, 80),
    of_series(7, "quadratic", 2_000_000, 80),
]
OF_EVENT = [
    of_event(1, "flat", 250_000, 10),
    of_event(2, None, None, 20),
    of_event(3, "quadratic", None, 30),
    of_event(4, None, 1_500_000, 32),
    of_event(5, UNKNOWN_WORD, 1_000_000, 34),
    of_event(6, "quadratic_with_combo_maker_fees", 1_234_567, 36),
    of_event(7, None, None, 40),
]


def fill(database_path: Path, *, is_listed: bool = True) -> None:
    with closing(Database(sqlite_url(database_path))) as database, database.begin() as connection:
        merge_series_fee_changes(connection, OF_SERIES, NOON)
        merge_event_fee_changes(connection, OF_EVENT, NOON)
        if is_listed:
            list_changes(connection)


def list_changes(connection: Connection) -> None:
    for asset in ("series_fee_changes", "event_fee_changes"):
        run = open_listing(connection, asset, Subject(selection="all changes"), NOON, 0)
        add_page(connection, run, Tally(pages=1))
        close_run(connection, run, State.COMPLETE, None, NOON + SECOND)


@pytest.fixture
def store(database_path: Path) -> Iterator[Store]:
    fill(database_path)
    with open_store(database_path) as opened:
        yield opened


def shown(fee: Fee) -> tuple[Any, ...]:
    return fee.fee_type, fee.fee_multiplier, fee.is_override, fee.state


BASE = ("quadratic", Decimal(1), False, KNOWN)
HALF = ("quadratic_with_maker_fees", Decimal("0.5"), False, KNOWN)
OVERRIDE = ("flat", Decimal("0.25"), True, KNOWN)
UNKNOWN = FeeState.UNKNOWN


@pytest.mark.parametrize(
    ("hours", "before", "since"),
    [
        pytest.param(-100, (None, None, False, UNKNOWN), BASE, id="first observation"),
        pytest.param(0, BASE, HALF, id="change of the series"),
        pytest.param(10, HALF, OVERRIDE, id="override"),
        pytest.param(20, OVERRIDE, HALF, id="clear"),
        pytest.param(30, HALF, ("quadratic", None, True, UNKNOWN), id="override without a multiplier"),
        pytest.param(
            32,
            ("quadratic", None, True, UNKNOWN),
            (None, Decimal("1.5"), True, UNKNOWN),
            id="override without a type",
        ),
        pytest.param(
            34,
            (None, Decimal("1.5"), True, UNKNOWN),
            (UNKNOWN_WORD, Decimal(1), True, UNKNOWN),
            id="override of an unknown type",
        ),
        pytest.param(
            36,
            (UNKNOWN_WORD, Decimal(1), True, UNKNOWN),
            ("quadratic_with_combo_maker_fees", Decimal("1.234567"), True, KNOWN),
            id="another override in its place",
        ),
        pytest.param(
            40,
            ("quadratic_with_combo_maker_fees", Decimal("1.234567"), True, KNOWN),
            HALF,
            id="another clear",
        ),
        pytest.param(50, HALF, (UNKNOWN_WORD, Decimal(1), False, UNKNOWN), id="unknown type of the series"),
        pytest.param(
            60,
            (UNKNOWN_WORD, Decimal(1), False, UNKNOWN),
            ("flat", None, False, UNKNOWN),
            id="series without a multiplier",
        ),
        pytest.param(
            70,
            ("flat", None, False, UNKNOWN),
            ("flat", Decimal(2), False, KNOWN),
            id="flat fee of the series",
        ),
        pytest.param(
            80, ("flat", Decimal(2), False, KNOWN), (None, None, False, UNKNOWN), id="two values of one time"
        ),
    ],
)
def test_fee_changes_at_its_instant(
    store: Store, hours: float, before: tuple[Any, ...], since: tuple[Any, ...]
) -> None:
    at = at_hour(hours)
    assert shown(store.fee_at(SERIES, EVENT, None, at - SECOND)) == before
    assert shown(store.fee_at(SERIES, EVENT, None, at)) == since
    assert shown(store.fee_at(SERIES, EVENT, None, at + SECOND)) == since


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        (-101, "the fee of KXRAIN was not observed until then"),
        (30, "the override of KXRAIN-26NOV23 has no multiplier"),
        (32, "the override of KXRAIN-26NOV23 has no type"),
        (34, f"the fee type '{UNKNOWN_WORD}' of KXRAIN-26NOV23 is not known to this version"),
        (60, "the fee of KXRAIN has no multiplier"),
        (80, "several fee changes of KXRAIN take effect at the same time"),
    ],
)
def test_unknown_fee_has_a_reason(store: Store, hours: float, reason: str) -> None:
    assert store.fee_at(SERIES, EVENT, None, at_hour(hours)).reason == reason


def test_fee_of_a_series_is_not_that_of_its_event(store: Store) -> None:
    assert shown(store.fee_at(SERIES, None, None, at_hour(15))) == HALF
    assert shown(store.fee_at(SERIES, "KXRAIN-26NOV24", None, at_hour(15))) == HALF
    fee = store.fee_at(SERIES, EVENT, "KXRAIN-26NOV23-T40", at_hour(15))
    assert fee == Fee("flat", Decimal("0.25"), True, None, KNOWN, None, at_hour(10), NOON)


def test_fee_of_a_series_that_no_change_names_is_unknown(store: Store) -> None:
    fee = store.fee_at("KXSNOW", None, None, NOON)
    assert (fee.state, fee.reason) == (UNKNOWN, "the fee of KXSNOW was not observed until then")


def test_event_whose_changes_were_never_listed_has_no_known_fee(database_path: Path) -> None:
    fill(database_path, is_listed=False)
    with open_store(database_path) as store:
        fee = store.fee_at(SERIES, "KXRAIN-26NOV24", None, NOON)
        assert (fee.state, fee.reason) == (UNKNOWN, "the fee changes of events were never listed")
        assert shown(store.fee_at(SERIES, None, None, NOON)) == HALF


def test_override_that_no_change_explains_makes_the_fee_unknown(store: Store, database_path: Path) -> None:
    with closing(Database(sqlite_url(database_path))) as database:
        store_events(database, event("KXRAIN-26NOV24", SERIES, fee_type_override="flat"), at=at_hour(12))
        store_events(database, event(EVENT, SERIES, fee_multiplier_override=2_000_000), at=at_hour(1))
    reason = "the record of KXRAIN-26NOV24 has an override that no fee change of it explains"
    assert store.fee_at(SERIES, "KXRAIN-26NOV24", None, at_hour(12)).reason == reason
    assert shown(store.fee_at(SERIES, "KXRAIN-26NOV24", None, at_hour(11))) == HALF
    # If changes give the fee in force, they take precedence.
    assert shown(store.fee_at(SERIES, EVENT, None, at_hour(10))) == OVERRIDE
    assert shown(store.fee_at(SERIES, EVENT, None, at_hour(20))) == HALF


def test_withdrawn_change_never_takes_effect(store: Store, database_path: Path) -> None:
    listed = {change.change_id for change in OF_EVENT} - {"e1"}
    with closing(Database(sqlite_url(database_path))) as database, database.begin() as connection:
        assert withdraw_unlisted(connection, "event_fee_changes", listed, after=NOON, seen_at=NOON) == 1
    assert shown(store.fee_at(SERIES, EVENT, None, at_hour(15))) == HALF


def test_view_says_what_the_function_says(store: Store, query: Query) -> None:
    rows = query(
        "SELECT event_ticker, from_at, until_at, fee_type, fee_multiplier, is_override, state FROM fee_history"
    )
    assert len(rows) == 6 + 13
    for event_ticker, from_at, until_at, fee_type, multiplier, is_override, state in rows:
        start = parse_instant(from_at)
        assert start is not None
        exact = None if multiplier is None else Decimal(str(multiplier))
        expected = (fee_type, exact, bool(is_override), state)
        assert shown(store.fee_at(SERIES, event_ticker, None, start)) == expected
        if until_at is not None:
            end = parse_instant(until_at)
            assert end is not None
            assert shown(store.fee_at(SERIES, event_ticker, None, end - 1)) == expected


def test_view_finds_the_series_of_an_event_that_its_changes_do_not_name(
    database_path: Path, query: Query
) -> None:
    with closing(Database(sqlite_url(database_path))) as database, database.begin() as connection:
        merge_event_fee_changes(connection, [EventFeeChange("e", EVENT, None, "flat", 1_000_000, NOON)], NOON)
        connection.exec_driver_sql(
            "INSERT INTO series (id, ticker, is_placeholder, first_seen_at, changed_at) VALUES (1, 'KXRAIN', 0, 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO events (id, ticker, series_id, is_placeholder, first_seen_at, changed_at) "
            "VALUES (1, 'KXRAIN-26NOV23', 1, 0, 1, 1)"
        )
        list_changes(connection)
    of_event = (
        "SELECT series_ticker, until_at, state, reason FROM fee_history WHERE event_ticker = 'KXRAIN-26NOV23'"
    )
    assert query(f"{of_event} AND from_at_us = {NOON}") == [(SERIES, None, "known", None)]


def test_fee_before_any_known_change_is_that_of_the_series_record(database: Database) -> None:
    """It is unknown before the series was first seen. Changes of the record have their own instants."""
    store_series(
        database, series_row("KXSNOW", fee_type="quadratic", fee_multiplier=1_000_000), at=at_hour(1)
    )
    store_series(database, series_row("KXSNOW", fee_type="flat", fee_multiplier=500_000), at=at_hour(3))
    store = Store.of(database)
    assert [shown(store.fee_at("KXSNOW", None, None, at_hour(hours))) for hours in (0.9, 1, 2.9, 3)] == [
        (None, None, False, UNKNOWN),
        ("quadratic", Decimal(1), False, KNOWN),
        ("quadratic", Decimal(1), False, KNOWN),
        ("flat", Decimal("0.5"), False, KNOWN),
    ]
    with database.begin() as connection:
        change = SeriesFeeChange("s1", "KXSNOW", "quadratic", 250_000, at_hour(2))
        merge_series_fee_changes(connection, [change], at_hour(4))
    assert shown(store.fee_at("KXSNOW", None, None, at_hour(3))) == (
        "quadratic",
        Decimal("0.25"),
        False,
        KNOWN,
    )


def test_waiver_lasts_until_it_expires(database: Database) -> None:
    store_markets(
        database, market("WAIVED", fee_waiver_expiration_at=at_hour(5)), market("NOT"), at=at_hour(1)
    )
    store = Store.of(database)

    def waived(ticker: str, hours: float) -> bool | None:
        return store.fee_at(SERIES, EVENT, ticker, at_hour(hours)).is_waived

    assert [waived("WAIVED", hours) for hours in (0.9, 1, 4.9, 5)] == [None, True, True, False]
    assert (waived("NOT", 1), waived("UNKNOWN", 1)) == (False, None)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE markets SET reading = 1")
    assert waived("NOT", 1) is None, "an older version did not read waivers"


def test_waiver_that_the_record_has_no_more_is_not_known_to_last(database: Database) -> None:
    """The column keeps the announced end, because an absent field erases nothing; the documents have both versions."""
    store_markets(database, market("M", fee_waiver_expiration_at=at_hour(5)), at=at_hour(1))
    waived: dict[str, object] = {"ticker": "M", "fee_waiver_expiration_time": iso_of(at_hour(5))}
    store_documents(database, MARKET, [Document("M", waived)], at_hour(1))
    store_documents(database, MARKET, [Document("M", {"ticker": "M"})], at_hour(2))
    store_documents(database, MARKET, [Document("M", waived)], at_hour(4))
    store = Store.of(database)
    found = [store.fee_at(SERIES, EVENT, "M", at_hour(hours)).is_waived for hours in (1, 1.9, 2, 3.9, 4, 5)]
    assert found == [True, True, None, None, True, False]
