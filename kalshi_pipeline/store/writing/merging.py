"""Set-based merging: rows are staged by the driver's bulk call, then merged by a few statements.

No statement runs per row, however many rows a page has (the costs are in benchmarks/).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Join,
    MetaData,
    Select,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.schema import CreateTable

from kalshi_pipeline.records import READING
from kalshi_pipeline.store.dialects import load
from kalshi_pipeline.store.writing.ids import InsertNew
from kalshi_pipeline.store.writing.row_counts import count_changed

STAGED_ROW = "staged_row"
"""The column with the number of a row within what is staged."""

_staging = MetaData()


def make_empty(connection: Connection, table: Table) -> None:
    """Create a temporary table of the connection, or delete its rows if it exists."""
    for statement in _creation_and_deletion(table, connection.dialect.name):
        connection.exec_driver_sql(statement)


@cache
def _creation_and_deletion(table: Table, kind: str) -> tuple[str, str]:
    # As text: SQLAlchemy compiles a CREATE TABLE at each execution, and every page has several.
    dialect = URL.create(kind).get_dialect()()
    creation, deletion = CreateTable(table, if_not_exists=True), table.delete()
    return str(creation.compile(dialect=dialect)), str(deletion.compile(dialect=dialect))


class Staging:
    """A temporary table of one connection, with columns of these names and types."""

    def __init__(self, name: str, *like: Column[Any]) -> None:
        columns = [Column(column.name, column.type) for column in like]
        self._columns = [column.name for column in columns]
        number = Column(STAGED_ROW, Integer, primary_key=True)
        self.table = Table(name, _staging, number, *columns, prefixes=["TEMPORARY"])

    def fill(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Hold these rows, and no others."""
        make_empty(connection, self.table)
        load(connection, self.table, self._columns, rows)


def as_text(value: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Return a value as the logs of changes have it."""
    return cast(value, Text)


def ticker_with(table: Table, key: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Return the ticker of the row of a table with a key."""
    parent = table.alias(f"known_{table.name}")
    query = select(parent.c.ticker).where(parent.c.id == key)
    return query.correlate_except(parent).scalar_subquery()


class Logged(NamedTuple):
    """How a column is logged: as which field, known from which version of reading on, and by which text."""

    field: str
    since: int = 1
    text_of: Callable[[ColumnElement[Any]], ColumnElement[str | None]] = as_text


class Merge:
    """Insert the staged rows that are missing in `table` and update those that differ, by ticker.

    A value that is absent in the stage never erases a known one, except in the columns named in `exact`: a later
    generation of the API may leave a field out, and a zero time means 'not set'. Flags named in `lasting` are never
    taken back. The values before and after are written into `log`, whose foreign key names the row, for each column of
    `logged`, but for a column that the row was never read with. `before_change` returns statements that run before rows
    change, from the rows that do with what is staged for them, and from their new values.
    """

    def __init__(
        self,
        table: Table,
        staging: Staging,
        values: Mapping[str, ColumnElement[Any]],
        exact: frozenset[str] = frozenset(),
        lasting: frozenset[str] = frozenset(),
        log: Table | None = None,
        logged: Mapping[str, Logged] = MappingProxyType({}),
        before_change: Callable[[Join, Mapping[str, ColumnElement[Any]]], Sequence[Insert | Update]]
        | None = None,
    ) -> None:
        stage = staging.table
        seen_at = bindparam("seen_at", type_=BigInteger)
        same_ticker = table.c.ticker == stage.c.ticker
        staged_row = stage.c[STAGED_ROW]
        reading = literal(READING)
        read = {"is_placeholder": false(), "reading": reading}
        new = {**values, **read, "first_seen_at": seen_at, "changed_at": seen_at}
        self.new = Table(
            f"new_{table.name}",
            _staging,
            Column("number", Integer, primary_key=True),
            Column(STAGED_ROW, Integer),
            prefixes=["TEMPORARY"],
        )
        self.find_new: Insert = insert(self.new).from_select(
            [STAGED_ROW], select(staged_row).where(~exists().where(same_ticker)).order_by(staged_row)
        )
        self.insert_new = InsertNew(
            table,
            ["ticker", *new],
            select(stage.c.ticker, *(value.label(name) for name, value in new.items())).select_from(
                self.new.join(stage, staged_row == self.new.c[STAGED_ROW])
            ),
            # A database may go on counting after a table was emptied.
            number=self.new.c.number - select(func.min(self.new.c.number)).scalar_subquery() + 1,
        )
        kept: dict[str, ColumnElement[Any]] = {
            **{name: func.coalesce(value, table.c[name]) for name, value in values.items()},
            **{name: values[name] for name in exact},
            **{name: or_(table.c[name], values[name]) for name in lasting},
        }
        # Rows that differ are found once, and usually there are none.
        self.changed = Table(
            f"changed_{table.name}",
            _staging,
            Column("id", Integer, primary_key=True),
            Column(STAGED_ROW, Integer),
            prefixes=["TEMPORARY"],
        )
        differs = [table.c[name].is_distinct_from(value) for name, value in kept.items()]
        self.find_changed: Insert = insert(self.changed).from_select(
            ["id", STAGED_ROW],
            select(table.c.id, staged_row)
            .select_from(stage.join(table, same_ticker))
            .where(or_(table.c.is_placeholder, table.c.reading != reading, *differs)),
        )
        # The list makes SQLite begin with the few rows that change: otherwise it may read the whole table.
        is_among = and_(table.c.id == self.changed.c.id, table.c.id.in_(select(self.changed.c.id)))
        is_changed = and_(is_among, staged_row == self.changed.c[STAGED_ROW])
        # Nothing was known of what a placeholder stands for, so no change is logged: it is seen for the first time.
        first_seen_at = case((table.c.is_placeholder, seen_at), else_=table.c.first_seen_at)
        self.update_changed: Update = (
            update(table)
            .values({**kept, **read, "first_seen_at": first_seen_at, "changed_at": seen_at})
            .where(is_changed, same_ticker)
        )
        changing = self.changed.join(table, is_among).join(stage, staged_row == self.changed.c[STAGED_ROW])
        changes = [
            select(
                table.c.id,
                seen_at,
                literal(logged_as.field),
                logged_as.text_of(table.c[name]),
                logged_as.text_of(kept[name]),
            )
            .select_from(changing)
            .where(
                ~table.c.is_placeholder,
                table.c[name].is_distinct_from(kept[name]),
                or_(table.c[name].is_not(None), table.c.reading >= logged_as.since),
            )
            for name, logged_as in logged.items()
        ]
        self.log_changed: list[Insert | Update] = []
        if log is not None:
            key = next(iter(log.foreign_keys)).parent.name
            columns = [key, "seen_at", "field", "before", "after"]
            self.log_changed.append(insert(log).from_select(columns, union_all(*changes)))
        if before_change is not None:
            self.log_changed += before_change(changing, kept)
        self.find_open = select(table.c.id).where(table.c.is_placeholder).limit(1)
        self.count_open = (
            select(func.count()).select_from(table.join(stage, same_ticker)).where(table.c.is_placeholder)
        )

    def run(self, connection: Connection, seen_at: int) -> tuple[int, int, int]:
        """Merge what is staged; return the rows inserted, changed, and placeholders filled (which count as changed)."""
        at = {"seen_at": seen_at}
        # Usually there are none at all, which their own index shows at once.
        has_open = connection.execute(self.find_open).first() is not None
        healed = connection.execute(self.count_open).scalar_one() if has_open else 0
        make_empty(connection, self.changed)
        changed = connection.execute(self.find_changed).rowcount
        if changed:
            for statement in (*self.log_changed, self.update_changed):
                rows = connection.execute(statement, at).rowcount
                if isinstance(statement, Update):
                    count_changed(connection, statement.table, rows)
        make_empty(connection, self.new)
        inserted = 0
        if connection.execute(self.find_new).rowcount:
            inserted = self.insert_new.run(connection, at)
        return inserted, changed, healed


PLACEHOLDER_COLUMNS = ("ticker", "is_placeholder", "first_seen_at", "changed_at")


def placeholder(ticker: ColumnElement[Any], seen_at: ColumnElement[int]) -> Select[Any]:
    """Return the values of a placeholder with a ticker, of a table of parents."""
    times = (seen_at.label("first_seen_at"), seen_at.label("changed_at"))
    return select(ticker, true().label("is_placeholder"), *times)


def insert_placeholders(table: Table, ticker: ColumnElement[Any]) -> InsertNew:
    """Return the statement that inserts a placeholder for each staged ticker of a parent that is missing in `table`."""
    seen_at = bindparam("seen_at", type_=BigInteger)
    named = select(ticker.label("ticker")).where(ticker.is_not(None)).distinct().subquery()
    is_missing = ~exists().where(table.c.ticker == named.c.ticker)
    return InsertNew(table, PLACEHOLDER_COLUMNS, placeholder(named.c.ticker, seen_at).where(is_missing))
