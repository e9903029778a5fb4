"""Stored values as Python values: floats or exact decimals, and aware datetimes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from kalshi_pipeline.store.reading.streams import Kind, TableColumn
from kalshi_pipeline.units import contracts_of, datetime_of, dollars_of, trimmed

Value: TypeAlias = str | int | float | bool | Decimal | datetime | None
Reader: TypeAlias = Callable[[Any], Value]

# Stored units per displayed unit.
UNITS = {Kind.DOLLARS: 1_000_000, Kind.HALF_DOLLARS: 2_000_000, Kind.CONTRACTS: 100}
# The most decimals of a displayed value; views have halves of micro-dollars.
SCALES = {Kind.DOLLARS: 6, Kind.HALF_DOLLARS: 7, Kind.CONTRACTS: 2, Kind.DECIMAL: 7}


def readers(columns: Sequence[TableColumn], *, decimals: bool) -> list[Reader]:
    """Return the function of each column that converts a stored value, which may be None."""
    return [_reader(column, decimals=decimals) for column in columns]


def identifier_of(octets: bytes) -> str:
    """Return the identifier of a trade: a UUID, or the text that the exchange sent instead."""
    return str(UUID(bytes=octets)) if len(octets) == 16 else octets.decode().rstrip()


def _reader(column: TableColumn, *, decimals: bool) -> Reader:
    if column.kind is Kind.WORD:
        words = column.words
        return lambda number: None if number is None else str(words[number])
    if column.kind is Kind.FILLED_TEXT:
        return lambda text: text or None
    read = (_EXACT if decimals else _FLOAT).get(column.kind) or _READ.get(column.kind, _same)
    return lambda value: None if value is None else read(value)


def _same(value: Any) -> Any:  # noqa: ANN401  (texts and whole numbers are read as they are stored)
    return value


def _quotient(kind: Kind) -> Reader:
    unit = UNITS[kind]
    return lambda value: value / unit


def _decimal_of(value: float) -> Decimal:
    """Return the shortest decimal that reads back as the same double, which is how Python prints it."""
    return trimmed(Decimal(repr(float(value))))


def _dollars_of_halves(halves: int) -> Decimal:
    return trimmed((Decimal(halves) * 5).scaleb(-7))


_READ: Mapping[Kind, Reader] = {
    Kind.FLAG: bool,
    Kind.NUMBER: float,
    Kind.IDENTIFIER: identifier_of,
    Kind.INSTANT: datetime_of,
    Kind.TIME: datetime.fromisoformat,
}
_FLOAT: Mapping[Kind, Reader] = {Kind.DECIMAL: float, **{kind: _quotient(kind) for kind in UNITS}}
_EXACT: Mapping[Kind, Reader] = {
    Kind.DOLLARS: dollars_of,
    Kind.HALF_DOLLARS: _dollars_of_halves,
    Kind.CONTRACTS: contracts_of,
    Kind.DECIMAL: _decimal_of,
}
