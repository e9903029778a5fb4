"""New keys. Each is larger than every earlier key of its table, so that no key is reused.

Other rows, such as quotes, may still have the key of a row that another program deleted. If the database reused it, the
quotes of one market would become another one's.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    UniqueConstraint,
    func,
    insert,
    literal,
    select,
    union_all,
)

from kalshi_pipeline.store.dialects.statements import is_partial, upsert
from kalshi_pipeline.store.schema.tables import last_ids, metadata
from kalshi_pipeline.store.writing.row_counts import count_added


def insert_one(connection: Connection, table: Table, values: Mapping[str, object]) -> int:
    """Insert a row and return its new key."""
    new = insert(table).values(id=_largest_id(table) + 1, **values).returning(table.c.id)
    new_id = int(connection.execute(new).scalar_one())
    _keep(connection, table)
    return new_id


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
    """Insert rows in order, each with a new key; return the first key."""
    first_id = int(connection.execute(select(_largest_id(table) + 1)).scalar_one())
    if rows:
        connection.execute(
            insert(table), [{"id": new_id, **row} for new_id, row in enumerate(rows, first_id)]
        )
        _keep(connection, table)
    return first_id


class InsertNew:
    """Inserts the rows of a query with new keys, in order; or by their own `number` from 1 on.

    Numbering them here costs a copy of all rows.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Select[Any],
        number: ColumnElement[int] | None = None,
    ) -> None:
        if number is None:
            found = rows.subquery("found")
            numbered = select(_largest_id(table) + func.row_number().over(), *found.c)
        else:
            numbered = rows.with_only_columns(_largest_id(table) + number, *rows.selected_columns)
        self._table = table
        self.statement: Insert = insert(table).from_select(["id", *columns], numbered)

    def run(self, connection: Connection, bound: Mapping[str, object] | None = None) -> int:
        """Insert the rows and return their number."""
        inserted = connection.execute(self.statement, bound or {}).rowcount
        if inserted:
            _keep(connection, self._table)
            count_added(connection, self._table, inserted)
        return inserted


@cache
def _largest_id(table: Table) -> ColumnElement[int]:
    """The largest known key. Another program may have added rows, or deleted the record of keys."""
    kept = select(last_ids.c.last_id.label("key")).where(last_ids.c.table_name == table.name)
    used = [select(func.max(column).label("key")) for column in (table.c.id, *_indexed_references(table))]
    keys = union_all(kept, *used).subquery("keys")
    return select(func.coalesce(func.max(keys.c.key), 0)).scalar_subquery()


def _indexed_references(table: Table) -> Iterator[Column[Any]]:
    """Yield the columns that refer to a table's key and are first in an index, which finds the largest one
    immediately.
    """
    for other in metadata.sorted_tables:
        firsts = {next(iter(other.primary_key.columns)).name}
        firsts |= {next(iter(index.columns)).name for index in other.indexes if not is_partial(index)}
        for constraint in other.constraints:
            if isinstance(constraint, UniqueConstraint):
                firsts.add(next(iter(constraint.columns)).name)
        for key in other.foreign_keys:
            if key.column is table.c.id and key.parent.name in firsts:
                yield key.parent


def _keep(connection: Connection, table: Table) -> None:
    # A subquery: the database then takes the end of the key instead of reading the table.
    largest = select(literal(table.name), select(func.max(table.c.id)).scalar_subquery())
    connection.execute(upsert(last_ids, ["table_name", "last_id"], largest))
