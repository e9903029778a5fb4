"""Row counts of tables that are slow to count, and the changes of each table by a run."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, FromClause, Integer, Table, bindparam, update

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
"""Tables whose size is the sum of the inserted rows in the records of their runs."""

_added = bindparam("added", type_=Integer)
_add = (
    update(row_counts)
    .where(row_counts.c.table_name == bindparam("name"))
    .values(row_count=row_counts.c.row_count + _added)
)


_CHANGES = "changes"


@dataclass(frozen=True)
class TableChanges:
    """The numbers of inserted and changed rows, by table."""

    inserted: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    @property
    def tables(self) -> set[str]:
        """The tables with changes."""
        return {*+self.inserted, *+self.changed}

    def add(self, other: "TableChanges") -> None:
        """Add the counts of a transaction."""
        self.inserted.update(other.inserted)
        self.changed.update(other.changed)


def changes_of(connection: Connection) -> TableChanges:
    """Begin counting in a transaction and return the counts, which are filled while it lasts."""
    changes = TableChanges()
    connection.info[_CHANGES] = changes
    return changes


def count_added(connection: Connection, table: Table, rows: int) -> None:
    """Add the rows inserted in this transaction to a table's count, if it has one."""
    if rows and table.name in COUNTED:
        _counts(connection).inserted[table.name] += rows
        connection.execute(_add, {"name": table.name, "added": rows})


def count_changed(connection: Connection, table: FromClause, rows: int) -> None:
    """Count the changed rows of a table in this transaction."""
    if rows and isinstance(table, Table) and table.name in COUNTED:
        _counts(connection).changed[table.name] += rows


def _counts(connection: Connection) -> TableChanges:
    counts: TableChanges = connection.info.setdefault(_CHANGES, TableChanges())
    return counts
