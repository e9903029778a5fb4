"""New keys. Each is larger than every earlier key of its table, so that no key is used twice.

The key of a row that another program deleted may still be in other rows, such as a market's quotes. A key that the
database chose by itself could be that one again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Select, Table, func, insert, literal, select

from kalshi_pipeline.store.dialects.statements import greatest, upsert
from kalshi_pipeline.store.schema.tables import last_ids
from kalshi_pipeline.store.writing.row_counts import count_added


def insert_one(connection: Connection, table: Table, values: Mapping[str, object]) -> int:
    """Insert a row and return its new key."""
    new = insert(table).values(id=_largest_id(table) + 1, **values).returning(table.c.id)
    new_id = int(connection.execute(new).scalar_one())
    _keep(connection, table)
    return new_id


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
    """Insert rows, each with a new key, in their order, and return the first of these keys."""
    first_id = int(connection.execute(select(_largest_id(table) + 1)).scalar_one())
    if rows:
        connection.execute(
            insert(table), [{"id": new_id, **row} for new_id, row in enumerate(rows, first_id)]
        )
        _keep(connection, table)
    return first_id


class InsertNew:
    """Insert the rows of a query, each with a new key, in the query's order; or by a `number` from 1 on that they have.

    To number them here costs a copy of all of them.
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
        """Insert, and return how many rows that were."""
        inserted = connection.execute(self.statement, bound or {}).rowcount
        if inserted:
            _keep(connection, self._table)
            count_added(connection, self._table, inserted)
        return inserted


def _largest_id(table: Table) -> ColumnElement[int]:
    """The largest key that is known: another program may have added rows of its own."""
    kept = select(last_ids.c.last_id).where(last_ids.c.table_name == table.name).scalar_subquery()
    stored = select(func.max(table.c.id)).scalar_subquery()
    return greatest(func.coalesce(kept, 0), func.coalesce(stored, 0))


def _keep(connection: Connection, table: Table) -> None:
    # A subquery: the database then takes the end of the key instead of reading the table.
    largest = select(literal(table.name), select(func.max(table.c.id)).scalar_subquery())
    connection.execute(upsert(last_ids, ["table_name", "last_id"], largest))
