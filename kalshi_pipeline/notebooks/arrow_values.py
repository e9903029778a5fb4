"""Stored values as columns of Arrow: whole columns at once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kalshi_pipeline.notebooks.extras import imported
from kalshi_pipeline.notebooks.values import SCALES, UNITS, identifier_of
from kalshi_pipeline.store.reading.streams import Kind, TableColumn

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = (Kind.TEXT, Kind.FILLED_TEXT, Kind.TIME)
_DOUBLES = (Kind.NUMBER, Kind.DECIMAL)
_MONEY = (*UNITS, Kind.DECIMAL)
_PRECISION = 24
_UUID_OCTETS, _UUID_LENGTH = 16, 36
_DASHES = (8, 13, 18, 23)


def schema_of(columns: Sequence[TableColumn], *, decimals: bool) -> "pa.Schema":
    """Return the Arrow schema of a table."""
    return imported("pyarrow").schema(
        [(column.name, _type_of(column, decimals=decimals)) for column in columns]
    )


def stored_batch(columns: Sequence[TableColumn], rows: Sequence[Sequence[Any]]) -> list["pa.Array"]:
    """Return stored rows as columns of their stored types."""
    pa = imported("pyarrow")
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return [pa.array(some, _stored_type(column)) for column, some in zip(columns, values, strict=True)]


def batch_of(
    columns: Sequence[TableColumn], stored: Sequence["pa.Array"], schema: "pa.Schema"
) -> "pa.RecordBatch":
    """Return columns of stored values, converted to the types of a schema."""
    read = [
        _read(column, values, field.type)
        for column, values, field in zip(columns, stored, schema, strict=True)
    ]
    return imported("pyarrow").RecordBatch.from_arrays(read, schema=schema)


def _stored_type(column: TableColumn) -> "pa.DataType":
    pa = imported("pyarrow")
    if column.kind in _TEXTS:
        return pa.string()
    if column.kind is Kind.IDENTIFIER:
        return pa.binary()
    return pa.float64() if column.kind in _DOUBLES else pa.int64()


def _type_of(column: TableColumn, *, decimals: bool) -> "pa.DataType":
    pa = imported("pyarrow")
    if column.kind in _MONEY:
        return pa.decimal128(_PRECISION, SCALES[column.kind]) if decimals else pa.float64()
    if column.kind in (Kind.INSTANT, Kind.TIME):
        return pa.timestamp("us", "UTC")
    if column.kind in (*_TEXTS, Kind.WORD, Kind.IDENTIFIER):
        return pa.string()
    return pa.bool_() if column.kind is Kind.FLAG else _stored_type(column)


def _read(column: TableColumn, values: "pa.Array", wanted: "pa.DataType") -> "pa.Array":
    pa, compute = imported("pyarrow"), imported("pyarrow.compute")
    if column.kind is Kind.WORD:
        return pa.array(map(str, column.words), pa.string()).take(values)
    if column.kind is Kind.FILLED_TEXT:
        return compute.if_else(compute.equal(values, ""), None, values)
    if column.kind is Kind.IDENTIFIER:
        return _identifiers(values)
    if column.kind in UNITS:
        if pa.types.is_decimal(wanted):
            one = Decimal(1) / UNITS[column.kind]
            return compute.multiply(values.cast(pa.decimal128(19, 0)), pa.scalar(one)).cast(wanted)
        return compute.divide(values.cast(pa.float64(), safe=False), float(UNITS[column.kind]))
    if column.kind is Kind.DECIMAL and pa.types.is_decimal(wanted):
        return _decimals(values, wanted)
    return values.cast(wanted)


def _decimals(values: "pa.Array", wanted: "pa.DataType") -> "pa.Array":
    """Return the decimals that doubles are nearest to."""
    pa, compute = imported("pyarrow"), imported("pyarrow.compute")
    largest = compute.max(compute.abs(values)).as_py() or 0
    # Arrow multiplies a double by the scale: a larger product may be rounded to its neighbour. The text is exact.
    is_exact = largest * 10**wanted.scale < 2**51
    return (values if is_exact else values.cast(pa.string())).cast(wanted)


def _identifiers(values: "pa.Array") -> "pa.Array":
    """Return the bytes of UUIDs as text."""
    pa, numpy = imported("pyarrow"), imported("numpy")
    lengths = imported("pyarrow.compute").binary_length(values)
    if values.null_count or len(values) == 0 or not (lengths.to_numpy() == _UUID_OCTETS).all():
        return pa.array(
            [None if one is None else identifier_of(one) for one in values.to_pylist()], pa.string()
        )
    start = _UUID_OCTETS * values.offset
    octets = numpy.frombuffer(values.buffers()[2], numpy.uint8, len(values) * _UUID_OCTETS, start)
    digits = numpy.frombuffer(b"0123456789abcdef", numpy.uint8)
    texts = numpy.full((len(values), _UUID_LENGTH), ord("-"), numpy.uint8)
    places = [place for place in range(_UUID_LENGTH) if place not in _DASHES]
    texts[:, places[0::2]] = digits[octets >> 4].reshape(-1, _UUID_OCTETS)
    texts[:, places[1::2]] = digits[octets & 15].reshape(-1, _UUID_OCTETS)
    ends = numpy.arange(0, (len(values) + 1) * _UUID_LENGTH, _UUID_LENGTH, dtype=numpy.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(texts))
