"""The list of a record's fields, and everything derived from it."""

from typing import NamedTuple

import pytest

from kalshi_pipeline import records
from kalshi_pipeline.record_fields import Note, Unit, fields_of, units_of
from kalshi_pipeline.records import (
    Candlestick,
    Event,
    EventFeeChange,
    Market,
    OrderBookLevel,
    Quote,
    Series,
    SeriesFeeChange,
    Settlement,
    Trade,
    dated_description_of,
    description_of,
)
from kalshi_pipeline.store.reading import quotes
from kalshi_pipeline.store.schema.columns import columns_of
from kalshi_pipeline.store.schema.from_records import record_column, record_columns, shared_fields, text_key
from kalshi_pipeline.store.schema.tables import UNSTORED, metadata

# The tables of records, and the fields that are stored under another name or not at all.
TABLES_OF: dict[type[NamedTuple], tuple[tuple[str, ...], dict[str, str | None]]] = {
    Series: (("series",), {}),
    Event: (("events",), {"series_ticker": "series_id"}),
    Market: (("markets",), {"event_ticker": "event_id", "quote": None, **dict.fromkeys(UNSTORED)}),
    Quote: (("price_snapshots", "latest_quotes"), {}),
    Settlement: (("settlements",), {"ticker": "market_id", "is_current_tier": None}),
    Trade: (("trades",), {"ticker": "market_id", **dict.fromkeys(UNSTORED)}),
    Candlestick: (("candlesticks",), {}),
    OrderBookLevel: (("order_book_levels",), {}),
    SeriesFeeChange: (("series_fee_changes",), {}),
    EventFeeChange: (("event_fee_changes",), {}),
}


@pytest.mark.parametrize("record", TABLES_OF, ids=lambda record: record.__name__)
def test_every_field_is_a_column_with_its_type_and_its_note(record: type[NamedTuple]) -> None:
    tables, others = TABLES_OF[record]
    for table in tables:
        for field in fields_of(record):
            name = others.get(field.name, field.name)
            if name is None:
                continue
            is_shared = field.note is not None and field.note.is_shared
            column = metadata.tables[table].c[text_key(name) if is_shared else name]
            if is_shared:
                assert (name, column.nullable, column.comment) == (
                    name,
                    True,
                    f"{field.note}: a key of texts",
                )
                continue
            assert (name, column.nullable) == (name, field.is_optional)
            if name == field.name:
                stored = bytes if name == "trade_id" else field.type
                assert (name, column.type.python_type) == (name, stored)
                assert (name, column.comment) == (name, str(field.note))


@pytest.mark.parametrize("table", ["markets", "price_snapshots", "candlesticks", "trades", "settlements"])
def test_description_of_a_table_has_a_note_for_every_column(table: str) -> None:
    assert [column.name for column in columns_of(table) if not column.description] == []
    assert [column.name for column in columns_of(table)] == [c.name for c in metadata.tables[table].columns]


def test_note_says_the_unit() -> None:
    assert (
        str(Note("size at the best bid", Unit.CONTRACTS)) == "size at the best bid (hundredths of a contract)"
    )
    assert str(Note("binary or scalar")) == "binary or scalar"
    (volume,) = (column for column in columns_of("candlesticks") if column.name == "volume")
    assert volume.description == "contracts traded in the period (hundredths of a contract)"


def test_units_are_those_of_prices_sizes_and_instants() -> None:
    assert units_of(Quote) == {
        "yes_bid": Unit.DOLLARS,
        "yes_ask": Unit.DOLLARS,
        "yes_bid_size": Unit.CONTRACTS,
        "yes_ask_size": Unit.CONTRACTS,
        "last_price": Unit.DOLLARS,
        "volume": Unit.CONTRACTS,
        "open_interest": Unit.CONTRACTS,
    }
    assert units_of(Trade) == {
        "created_at": Unit.INSTANT,
        "yes_price": Unit.DOLLARS,
        "contracts": Unit.CONTRACTS,
    }


def test_description_of_a_market_is_its_columns_without_those_of_its_quote() -> None:
    """Each field's name stands for its value."""
    market = Market(**dict(zip(Market._fields, Market._fields, strict=True)))  # type: ignore[arg-type]
    stored = record_columns(Market, without=(*UNSTORED, *Quote._fields))
    described = [text_key(name) if name in shared_fields(Market) else name for name in description_of(market)]
    assert described == [column.name for column in stored]
    assert dated_description_of(market) == (*description_of(market), "updated_time")


def test_quote_read_back_ends_in_the_numbers_of_a_quote_in_their_order() -> None:
    """Rows are read by position, for speed with a hundred thousand rows."""
    assert quotes.Quote._fields[-len(records.Quote._fields) :] == records.Quote._fields


def test_column_takes_options_of_its_own() -> None:
    column = record_column(Series, "ticker", unique=True)
    assert (column.name, column.nullable, column.unique) == ("ticker", False, True)
