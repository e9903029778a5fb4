"""How many rows were added to the tables that would take long to count at each report."""

from sqlalchemy import Connection, Integer, Table, bindparam, update

from kalshi_pipeline.store.schema.tables import (
    candlesticks,
    events,
    markets,
    order_books,
    row_counts,
    series,
    settlements,
    trades,
)

COUNTED = frozenset(table.name for table in (series, events, markets, settlements, order_books))
COUNTED_BY_RUNS = frozenset(table.name for table in (trades, candlesticks))
"""Tables whose size is the sum of what the records of their runs say they inserted."""

_added = bindparam("added", type_=Integer)
_add = (
    update(row_counts)
    .where(row_counts.c.table_name == bindparam("name"))
    .values(row_count=row_counts.c.row_count + _added)
)


def count_added(connection: Connection, table: Table, rows: int) -> None:
    """Add to a table's count, if it has one, the rows that were added in the same transaction."""
    if rows and table.name in COUNTED:
        connection.execute(_add, {"name": table.name, "added": rows})
