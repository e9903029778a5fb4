"""Writes of series, events and markets: merged by ticker, parents first, within the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, null, or_, select

from kalshi_pipeline.store.merging import STAGED_ROW, Merge, Staging, insert_placeholders
from kalshi_pipeline.store.rows import EventRow, MarketRow, MarketTuple, SeriesRow, Tally
from kalshi_pipeline.store.tables import QUOTE_COLUMNS, event_lookups, events, market_changes, markets, series

staged_series = Staging("staged_series", SeriesRow)
staged_events = Staging("staged_events", EventRow)
staged_markets = Staging("staged_markets", MarketRow)


def _values(staging: Staging, *elsewhere: str) -> dict[str, ColumnElement[Any]]:
    return {
        column.name: column
        for column in staging.table.columns
        if column.name not in (STAGED_ROW, "ticker", *elsewhere)
    }


_series_of_event = (
    select(series.c.id).where(series.c.ticker == staged_events.table.c.series_ticker).scalar_subquery()
)
_event_of_market = (
    select(events.c.id).where(events.c.ticker == staged_markets.table.c.event_ticker).scalar_subquery()
)

_merge_series = Merge(series, staged_series, _values(staged_series))
_merge_events = Merge(
    events, staged_events, {"series_id": _series_of_event, **_values(staged_events, "series_ticker")}
)
_merge_markets = Merge(
    markets,
    staged_markets,
    {
        "event_id": _event_of_market,
        **_values(staged_markets, "event_ticker", *QUOTE_COLUMNS),
        # Whatever the exchange shows is there, also where it was missed before.
        "gone_at": null(),
    },
    exact=frozenset({"event_id", "status", "is_combo", "gone_at"}),
    log=market_changes,
    logged=("status", "result", "close_at", "rules_primary"),
)
_insert_missing_series = insert_placeholders(series, staged_events.table.c.series_ticker)
_insert_missing_events = insert_placeholders(events, staged_markets.table.c.event_ticker)


def merge_series(connection: Connection, rows: Sequence[SeriesRow], seen_at: int) -> Tally:
    """Insert or update series."""
    staged_series.fill(connection, rows)
    return _tally(_merge_series.run(connection, seen_at), len(rows))


def merge_events(connection: Connection, rows: Sequence[EventRow], seen_at: int) -> Tally:
    """Insert or update events; a series that they name and the database lacks becomes a placeholder."""
    staged_events.fill(connection, rows)
    placeholders = connection.execute(_insert_missing_series, {"seen_at": seen_at}).rowcount
    return _tally(_merge_events.run(connection, seen_at), len(rows), placeholders)


def stage_markets(connection: Connection, rows: Sequence[MarketTuple]) -> None:
    """Hold a page of markets in a temporary table of this connection, for the functions below and for `quotes`."""
    staged_markets.fill(connection, rows)


def unknown_events(connection: Connection) -> list[str]:
    """Give the events that staged markets name and that `events` lacks, or holds as placeholders never asked for."""
    named = select(staged_markets.table.c.event_ticker.label("ticker")).distinct().subquery()
    was_asked = exists().where(event_lookups.c.event_id == events.c.id)
    is_known = exists().where(events.c.ticker == named.c.ticker, or_(~events.c.is_placeholder, was_asked))
    return list(connection.execute(select(named.c.ticker).where(~is_known)).scalars())


def merge_staged_markets(connection: Connection, staged: int, seen_at: int) -> Tally:
    """Insert or update the staged markets; an event that they name and the database lacks becomes a placeholder."""
    placeholders = connection.execute(_insert_missing_events, {"seen_at": seen_at}).rowcount
    return _tally(_merge_markets.run(connection, seen_at), staged, placeholders)


def merge_markets(connection: Connection, rows: Sequence[MarketTuple], seen_at: int) -> Tally:
    """Stage markets and merge them."""
    stage_markets(connection, rows)
    return merge_staged_markets(connection, len(rows), seen_at)


def _tally(merged: tuple[int, int, int], staged: int, placeholders: int = 0) -> Tally:
    inserted, changed, healed = merged
    return Tally(
        inserted=inserted,
        changed=changed,
        unchanged=staged - inserted - changed,
        placeholders=placeholders,
        healed=healed,
    )
