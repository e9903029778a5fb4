"""Set-based merging: rows are staged by the driver's bulk call, then inserted or updated by one statement each.

No statement runs per row, whatever the page holds (the costs are in benchmarks/).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

STAGED_ROW = "staged_row"
"""The number of a row within what is staged."""

_staging = MetaData()
_TYPES: dict[object, type[TypeEngine[Any]]] = {str: Text, int: Integer, bool: Boolean, bytes: LargeBinary}


def make_empty(connection: Connection, table: Table) -> None:
    """Create a temporary table of the connection, or delete the rows that it has."""
    for statement in _creation_and_deletion(table):
        connection.exec_driver_sql(statement)


@cache
def _creation_and_deletion(table: Table) -> tuple[str, str]:
    """Return both as text: SQLAlchemy compiles a CREATE TABLE at each execution, and every page has several."""
    dialect = sqlite.dialect()
    creation, deletion = CreateTable(table, if_not_exists=True), table.delete()
    return str(creation.compile(dialect=dialect)), str(deletion.compile(dialect=dialect))


class Staging:
    """A temporary table of one connection with the columns of a row type."""

    def __init__(self, name: str, row: type[NamedTuple]) -> None:
        annotations = row.__annotations__
        columns = [Column(field, _column_type(annotations[field])) for field in row._fields]
        names = ", ".join(column.name for column in columns)
        number = Column(STAGED_ROW, Integer, primary_key=True)
        self.table = Table(name, _staging, number, *columns, prefixes=["TEMPORARY"])
        marks = ", ".join("?" * len(columns))
        self._insert = f"INSERT INTO {name} ({names}) VALUES ({marks})"  # noqa: S608  (names from this module only)

    def fill(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Hold just these rows."""
        make_empty(connection, self.table)
        # The driver is called directly: half the cost of the way through SQLAlchemy. It takes plain tuples fastest.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.executemany(self._insert, [row if type(row) is tuple else tuple(row) for row in rows])


def _column_type(annotation: object) -> type[TypeEngine[Any]]:
    for python_type, column_type in _TYPES.items():
        if annotation == python_type or annotation == python_type | None:  # type: ignore[operator]
            return column_type
    return Float


class Merge:
    """Insert the staged rows that `table` lacks and update those that differ, by ticker.

    A value that is absent in the stage never erases a known one, except in the columns named in `exact`: a
    later shape of the API may leave a field out, and a zero timestamp means 'not told' (R40). What the columns
    named in `logged` were and became is written into `log`, of whose columns the first names the row.
    """

    def __init__(
        self,
        table: Table,
        staging: Staging,
        values: Mapping[str, ColumnElement[Any]],
        exact: frozenset[str] = frozenset(),
        log: Table | None = None,
        logged: Sequence[str] = (),
    ) -> None:
        stage = staging.table
        seen_at = bindparam("seen_at", type_=Integer)
        same_ticker = table.c.ticker == stage.c.ticker
        new = {**values, "is_placeholder": false(), "first_seen_at": seen_at, "changed_at": seen_at}
        self.insert_new: Insert = insert(table).from_select(
            ["ticker", *new],
            select(stage.c.ticker, *new.values()).where(~exists().where(same_ticker)),
        )
        kept = {
            name: value if name in exact else func.coalesce(value, table.c[name])
            for name, value in values.items()
        }
        # Rows that differ are found once, and mostly there is none.
        self.changed = Table(
            f"changed_{table.name}",
            _staging,
            Column("id", Integer, primary_key=True),
            Column(STAGED_ROW, Integer),
            prefixes=["TEMPORARY"],
        )
        staged_row = stage.c[STAGED_ROW]
        differs = [table.c[name].is_distinct_from(value) for name, value in kept.items()]
        self.find_changed: Insert = insert(self.changed).from_select(
            ["id", STAGED_ROW],
            select(table.c.id, staged_row)
            .select_from(stage.join(table, same_ticker))
            .where(or_(table.c.is_placeholder, *differs)),
        )
        is_changed = and_(table.c.id == self.changed.c.id, staged_row == self.changed.c[STAGED_ROW])
        self.update_changed: Update = (
            update(table)
            .values({**kept, "is_placeholder": false(), "changed_at": seen_at})
            .where(is_changed, same_ticker)
        )
        self.log_changed = [
            insert(log).from_select(
                [next(iter(log.foreign_keys)).parent.name, "seen_at", "field", "before", "after"],
                select(table.c.id, seen_at, literal(name), cast(table.c[name], Text), cast(kept[name], Text))
                .select_from(self.changed)
                .join(table, table.c.id == self.changed.c.id)
                .join(stage, staged_row == self.changed.c[STAGED_ROW])
                .where(~table.c.is_placeholder, table.c[name].is_distinct_from(kept[name])),
            )
            for name in logged
            if log is not None
        ]
        self.find_open = select(table.c.id).where(table.c.is_placeholder).limit(1)
        self.count_open = (
            select(func.count()).select_from(table.join(stage, same_ticker)).where(table.c.is_placeholder)
        )

    def run(self, connection: Connection, seen_at: int) -> tuple[int, int, int]:
        """Merge what is staged; give the rows inserted, changed, and placeholders filled (these count as changed)."""
        at = {"seen_at": seen_at}
        # Mostly there is none at all, which an index of their own tells at once.
        has_open = connection.execute(self.find_open).first() is not None
        healed = connection.execute(self.count_open).scalar_one() if has_open else 0
        make_empty(connection, self.changed)
        changed = connection.execute(self.find_changed).rowcount
        if changed:
            for statement in (*self.log_changed, self.update_changed):
                connection.execute(statement, at)
        inserted = connection.execute(self.insert_new, at).rowcount
        return inserted, changed, healed


def insert_placeholders(table: Table, ticker: ColumnElement[Any]) -> Insert:
    """Insert a marked, otherwise empty row for each staged ticker of a parent that `table` lacks."""
    seen_at = bindparam("seen_at", type_=Integer)
    named = select(ticker.label("ticker")).where(ticker.is_not(None)).distinct().subquery()
    lacking = select(named.c.ticker, true(), seen_at, seen_at).where(
        ~exists().where(table.c.ticker == named.c.ticker)
    )
    return insert(table).from_select(["ticker", "is_placeholder", "first_seen_at", "changed_at"], lacking)
