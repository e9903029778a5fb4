"""Descriptions of series, events and markets at any instant, and the view of all changes."""

from typing import Any

import pytest

from kalshi_pipeline.record_fields import fields_of
from kalshi_pipeline.records import READING, Event, Market, Series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.descriptions import description
from kalshi_pipeline.store.schema.tables import event_changes, market_changes, series_changes, texts
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    contents,
    event,
    market,
    query,
    series_row,
    store_events,
    store_markets,
    store_series,
    without,
)

SECOND_RULES = ["If the gauge fails, No.", "If the gauge fails, the nearest one counts."]
EVERY_FIELD: dict[type, list[Any]] = {
    str: ["one", "two"],
    int: [1_000_000, 500_000],
    float: [0.1, 2.5],
    bool: [True, False],
}


def said(database: Database, kind: str, ticker: str, at: int | None = None) -> dict[str, object]:
    with database.read() as connection:
        found = description(connection, kind, ticker, at)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "record"),
    [("series", Series), ("event", Event), ("market", Market)],
    ids=["series", "event", "market"],
)
def test_every_field_is_known_before_and_after_its_change(
    database: Database, kind: str, record: type[Series | Event | Market]
) -> None:
    names = {
        field.name: field.type
        for field in fields_of(record)
        if field.note is not None and field.name not in ("ticker", "is_combo")
    }
    one, two = ({name: EVERY_FIELD[kind_of][number] for name, kind_of in names.items()} for number in (0, 1))
    for at, values in ((NOON, one), (LATER, two)):
        if kind == "series":
            store_series(database, series_row("T", **values), at=at)
        elif kind == "event":
            store_events(database, event("T", **values), at=at)
        else:
            parent = values.pop("event_ticker")
            store_markets(database, market("T", str(parent), **values), at=at)
            values["event_ticker"] = parent
    instants: list[int | None] = [NOON, LATER - 1, LATER, None]
    for instant, values in zip(instants, (one, one, two, two), strict=True):
        found = said(database, kind, "T", instant)
        assert {name: found[name] for name in names} == values
    logged = query(database, f"SELECT field FROM {kind}_changes")
    assert sorted(str(field) for (field,) in logged) == sorted(names)


def test_it_is_unknown_before_it_was_first_seen(database: Database) -> None:
    store_markets(database, market("M"), at=LATER)
    with database.read() as connection:
        assert description(connection, "market", "M", LATER - 1) is None
        assert description(connection, "market", "NONE") is None


def test_what_a_placeholder_stands_for_is_unknown_before_it_was_filled(database: Database) -> None:
    store_events(database, event("E", "S"), at=NOON)
    store_series(database, series_row("S", fee_type="flat"), at=LATER)
    assert said(database, "series", "S", LATER)["fee_type"] == "flat"
    with database.read() as connection:
        assert description(connection, "series", "S", LATER - 1) is None


def test_value_between_two_changes_is_that_before_the_second(database: Database) -> None:
    for minute, close_at in enumerate((7, 8, 7)):
        store_markets(database, market("M", close_at=close_at), at=NOON + minute * MINUTE)
    known = [said(database, "market", "M", NOON + minute * MINUTE)["close_at"] for minute in range(4)]
    assert known == [7, 8, 7, 7]


def test_rules_that_are_rewritten_in_bulk_cost_one_text(database: Database) -> None:
    for at, rules in zip((NOON, LATER), SECOND_RULES, strict=True):
        store_markets(database, *(market(f"M-{n}", rules_secondary=rules) for n in range(50)), at=at)
    bodies = [row["body"] for row in contents(database, texts)]
    assert len(bodies) == len(set(bodies))
    assert [bodies.count(rules) for rules in SECOND_RULES] == [1, 1]
    rows = contents(database, market_changes)
    assert len(rows) == 50
    assert max(len(str(row["before"])) for row in rows) <= 20
    shown = query(database, "SELECT DISTINCT kind, field, before, after FROM change_history")
    assert shown == [("market", "rules_secondary", *SECOND_RULES)]


def test_change_history_has_changes_of_every_kind_as_people_read_them(database: Database) -> None:
    store_series(database, series_row("S", fee_multiplier=1_000_000, fee_type="quadratic"))
    store_events(database, event("E", "S"))
    store_markets(database, market("M", "E", settlement_floor=None))
    store_series(database, series_row("S", fee_multiplier=500_000, fee_type="quadratic"), at=LATER)
    store_events(database, event("E", "OTHER", fee_type_override="flat"), at=LATER)
    store_markets(database, market("M", "E", settlement_floor=150_000, can_close_early=False), at=LATER)
    at = "2026-11-22T12:05:00.000000Z"
    assert query(database, "SELECT * FROM change_history") == [
        ("series", "S", at, "fee_multiplier", "1.0", "0.5", LATER),
        ("event", "E", at, "series_ticker", "S", "OTHER", LATER),
        ("event", "E", at, "fee_type_override", None, "flat", LATER),
        ("market", "M", at, "settlement_floor", None, "0.15", LATER),
        ("market", "M", at, "can_close_early", "1", "0", LATER),
    ]


def test_field_that_an_older_version_did_not_read_has_not_changed(database: Database) -> None:
    """Its value is known from now on. Changes of fields that were read before are still found."""
    store_series(database, series_row("S"))
    store_events(database, event("E", "S"))
    store_markets(database, market("M", "E"))
    with database.begin() as connection:
        for table, name in (
            ("series", "fee_type"),
            ("events", "exchange_index"),
            ("markets", "rules_secondary_id"),
        ):
            connection.exec_driver_sql(f"UPDATE {table} SET reading = {READING - 1}, {name} = NULL")
    store_series(database, series_row("S", fee_type="quadratic", title="New"), at=LATER)
    store_events(database, event("E", "S", exchange_index=2), at=LATER)
    store_markets(database, market("M", "E"), at=LATER)
    assert without(contents(database, series_changes), "id", "series_id") == [
        {"seen_at": LATER, "field": "title", "before": "Rain in New York", "after": "New"}
    ]
    assert (contents(database, event_changes), contents(database, market_changes)) == ([], [])
    assert said(database, "market", "M", LATER)["rules_secondary"] == market("M").rules_secondary
    # From then on it is known, and changes are logged.
    store_events(database, event("E", "S", exchange_index=2, fee_type_override="flat"), at=LATER + 1)
    assert [row["field"] for row in contents(database, event_changes)] == ["fee_type_override"]
