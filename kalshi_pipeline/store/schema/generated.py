"""Generated columns: values of one table, as the views show them. They are computed when read and take no space.

A column with a unit has a generated twin for people: times as ISO text, dollars and contracts as plain numbers. Only
views use them, so they are not in `tables`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Column, Table

from kalshi_pipeline.record_fields import CONTRACTS, DOLLARS, INSTANT, MILLIONTHS, Unit
from kalshi_pipeline.store.dialects import ViewWords
from kalshi_pipeline.store.schema.tables import (
    candlestick_days,
    candlesticks,
    combo_legs,
    event_changes,
    event_fee_changes,
    events,
    latest_quotes,
    listings,
    market_changes,
    markets,
    order_book_levels,
    order_books,
    price_snapshots,
    series,
    series_changes,
    series_fee_changes,
    settlement_amendments,
    settlements,
    ticks,
    trades,
)

READ_BY_VIEWS = (
    series,
    series_changes,
    events,
    event_changes,
    markets,
    market_changes,
    ticks,
    listings,
    price_snapshots,
    latest_quotes,
    settlements,
    settlement_amendments,
    trades,
    candlesticks,
    candlestick_days,
    order_books,
    order_book_levels,
    series_fee_changes,
    event_fee_changes,
    combo_legs,
)
_QUOTES = (price_snapshots, latest_quotes)

# The identifier of a trade as text is not among them: each index slows writing, and that one would cost most.

GENERATED_INDEXES = {"ix_ticks_tick_at_iso": ["tick_at_iso"]}
"""The indexes of generated columns, on small tables only, because each written row updates them."""


class GeneratedColumn(NamedTuple):
    """A column computed from others of its row."""

    name: str
    type: str
    expression: str
    meaning: str

    @property
    def definition(self) -> str:
        """The definition of the column for ALTER TABLE."""
        return f"{self.name} {self.type} GENERATED ALWAYS AS ({self.expression}) VIRTUAL"


def generated_columns(table: Table, words: ViewWords) -> list[GeneratedColumn]:
    """Return the generated columns of a table, in order; none if no view reads the table."""
    if table not in READ_BY_VIEWS:
        return []
    twins = (_twin(table, column, words) for column in table.columns if column.name != "day_at")
    return [*(twin for twin in twins if twin is not None), *_derived(table, words)]


def iso_name(column: str) -> str:
    """Return the name of the generated column with an instant as ISO text."""
    return f"{column}_iso"


def _twin(table: Table, column: Column[Any], words: ViewWords) -> GeneratedColumn | None:
    name, unit = column.name, _unit_of(column)
    if unit is INSTANT:
        if table is ticks and name == "tick_at":
            return GeneratedColumn(
                iso_name(name), "TEXT", words.iso_seconds(name), f"{name} in whole seconds"
            )
        return GeneratedColumn(iso_name(name), "TEXT", words.iso(name), f"{name} as text")
    if unit is DOLLARS:
        # The exchange writes 0 for the last price before there was a trade.
        value = f"nullif({name}, 0)" if name == "last_price" else name
        return GeneratedColumn(f"{name}_dollars", "REAL", f"{value} / 1000000.0", f"{name} in dollars")
    if unit is CONTRACTS:
        twin = "contracts_decimal" if name == "contracts" else f"{name}_contracts"
        return GeneratedColumn(twin, "REAL", f"{name} / 100.0", f"{name} in contracts")
    if unit is MILLIONTHS:
        return GeneratedColumn(f"{name}_decimal", "REAL", f"{name} / 1000000.0", f"{name} as a number")
    return None


def _unit_of(column: Column[Any]) -> Unit | None:
    """Return the unit at the end of a column's note."""
    return next((unit for unit in Unit if (column.comment or "").endswith(f"({unit.value})")), None)


def _derived(table: Table, words: ViewWords) -> Iterator[GeneratedColumn]:
    if table in (ticks, listings):
        seconds = "(finished_at - started_at) / 1000000.0"
        yield GeneratedColumn("seconds", "REAL", seconds, "from started_at to finished_at, in seconds")
    if table in _QUOTES:
        yield from _quote_columns()
    elif table is trades:
        no_price = "(1000000 - yes_price) / 1000000.0"
        yield GeneratedColumn("no_price_dollars", "REAL", no_price, "1 - yes_price, in dollars")
    elif table is ticks:
        yield GeneratedColumn("is_complete", "BOOLEAN", "state = 'complete'", "whether it is complete")
        yield GeneratedColumn("day", "TEXT", words.day("tick_at"), "the UTC day of tick_at as YYYY-MM-DD")
    elif table is markets:
        title = "coalesce(title, yes_sub_title)"
        yield GeneratedColumn("shown_title", "TEXT", title, "title, or yes_sub_title if it is missing")
    elif table is candlestick_days:
        yield GeneratedColumn("day", "TEXT", words.day("day_at"), "day_at as YYYY-MM-DD")
    elif table is order_book_levels:
        side = "CASE WHEN is_yes THEN 'yes' ELSE 'no' END"
        yield GeneratedColumn("side", "TEXT", side, "yes or no")


def _quote_columns() -> Iterator[GeneratedColumn]:
    """The NO side, the midpoint and the spread. Whole numbers are subtracted before the division, so cents
    are exact.
    """
    for name, micros, meaning in (
        ("no_bid_dollars", "(1000000 - yes_ask) / 1000000.0", "1 - yes_ask"),
        ("no_ask_dollars", "(1000000 - yes_bid) / 1000000.0", "1 - yes_bid"),
        ("midpoint_dollars", "(yes_bid + yes_ask) / 2000000.0", "halfway between yes_bid and yes_ask"),
        ("spread_dollars", "(yes_ask - yes_bid) / 1000000.0", "yes_ask - yes_bid"),
    ):
        yield GeneratedColumn(name, "REAL", micros, f"{meaning}, in dollars; NULL without it")
