"""The ninth revision: fields that were not read before are unknown, and become known without counting as a change."""

import sqlite3
from contextlib import closing
from pathlib import Path

from kalshi_pipeline.records import READING, Event, Market, Series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.from_records import first_read_in
from kalshi_pipeline_tests.store.migrations.stored import load, stored, upgrade
from kalshi_pipeline_tests.store.samples import (
    event,
    market,
    series_row,
    sqlite_url,
    store_events,
    store_markets,
    store_series,
)

NEW = {
    "series": [name for name, since in first_read_in(Series).items() if since > 1],
    "events": [name for name, since in first_read_in(Event).items() if since > 1],
    "markets": [name for name, since in first_read_in(Market).items() if since > 1],
}


def test_what_was_not_read_before_is_unknown(path: Path) -> None:
    upgrade(load("0008", path))
    tables = stored(path).tables
    for table, names in NEW.items():
        assert {row["reading"] for row in tables[table]} == {0}
        assert {row[name] for row in tables[table] for name in names} == {None}


def test_what_becomes_known_has_not_changed(path: Path) -> None:
    upgrade(load("0008", path))
    with closing(sqlite3.connect(path)) as connection:
        [(series_ticker, event_ticker, ticker)] = connection.execute(
            "SELECT s.ticker, e.ticker, m.ticker FROM markets AS m JOIN events AS e ON e.id = m.event_id"
            " JOIN series AS s ON s.id = e.series_id LIMIT 1"
        )
    before = len(stored(path).tables["market_changes"])
    with closing(Database(sqlite_url(path))) as database:
        store_series(database, series_row(series_ticker, fee_type="quadratic"))
        store_events(database, event(event_ticker, series_ticker, exchange_index=2))
        store_markets(database, market(ticker, event_ticker, status="closed"))
    tables = stored(path).tables
    fields = {
        *(row["field"] for row in tables["series_changes"]),
        *(row["field"] for row in tables["event_changes"]),
        *(row["field"] for row in tables["market_changes"][before:]),
    }
    assert "status" in fields
    assert not fields & {name.removesuffix("_id") for names in NEW.values() for name in names}
    read = {row["ticker"]: row["reading"] for row in tables["markets"]}
    assert read[ticker] == READING
