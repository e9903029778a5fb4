"""Set-based merging: rows are staged by the driver's bulk insert, then merged by a few statements.

No statement runs per row, however many rows a page has; benchmarks/ has the costs.
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
"""The column with the number of a staged row."""

_staging = MetaData()


def make_empty(connection: Connection, table: Table) -> None:
    """Create a temporary table of the connection, or empty it if it exists."""
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

    def columns_without(self, *names: str) -> dict[str, ColumnElement[Any]]:
        """Return its columns by name, except the number of the row and these."""
        return {name: self.table.c[name] for name in self._columns if name not in names}

    def fill(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Replace the table's rows by these."""
        make_empty(connection, self.table)
        load(connection, self.table, self._columns, rows)


def as_text(value: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Return a value as text for the logs of changes."""
    return cast(value, Text)


def ticker_with(table: Table, key: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Return the ticker of the row with a key."""
    parent = table.alias(f"known_{table.name}")
    query = select(parent.c.ticker).where(parent.c.id == key)
    return query.correlate_except(parent).scalar_subquery()


class Logged(NamedTuple):
    """How a column is logged: the name of the field, the version of parsing that first reads it, and its text."""

    field: str
    since: int = 1
    text_of: Callable[[ColumnElement[Any]], ColumnElement[str | None]] = as_text


_seen_at = bindparam("seen_at", type_=BigInteger)
_reading = literal(READING)
_read = {"is_placeholder": false(), "reading": _reading}


class _NewRows:
    """The staged rows whose tickers are missing in a table, found once and then inserted."""

    def __init__(self, table: Table, stage: Table, values: Mapping[str, ColumnElement[Any]]) -> None:
        self._found = Table(
            f"new_{table.name}",
            _staging,
            Column("number", Integer, primary_key=True),
            Column(STAGED_ROW, Integer),
            prefixes=["TEMPORARY"],
        )
        found, staged_row = self._found.c, stage.c[STAGED_ROW]
        is_known = exists().where(table.c.ticker == stage.c.ticker)
        self._find: Insert = insert(self._found).from_select(
            [STAGED_ROW], select(staged_row).where(~is_known).order_by(staged_row)
        )
        new = {**values, **_read, "first_seen_at": _seen_at, "changed_at": _seen_at}
        self._insert = InsertNew(
            table,
            ["ticker", *new],
            select(stage.c.ticker, *(value.label(name) for name, value in new.items())).select_from(
                self._found.join(stage, staged_row == found[STAGED_ROW])
            ),
            # A database may continue its numbers after a table was emptied.
            number=found.number - select(func.min(found.number)).scalar_subquery() + 1,
        )

    def insert(self, connection: Connection, at: Mapping[str, int]) -> int:
        """Insert them and return their number."""
        make_empty(connection, self._found)
        return self._insert.run(connection, at) if connection.execute(self._find).rowcount else 0


class _ChangedRows:
    """The rows of a table that differ from the staged ones, found once. Usually there are none."""

    def __init__(self, table: Table, stage: Table, kept: Mapping[str, ColumnElement[Any]]) -> None:
        self._found = Table(
            f"changed_{table.name}",
            _staging,
            Column("id", Integer, primary_key=True),
            Column(STAGED_ROW, Integer),
            prefixes=["TEMPORARY"],
        )
        found, staged_row = self._found.c, stage.c[STAGED_ROW]
        same_ticker = table.c.ticker == stage.c.ticker
        differs = [table.c[name].is_distinct_from(value) for name, value in kept.items()]
        self._find: Insert = insert(self._found).from_select(
            ["id", STAGED_ROW],
            select(table.c.id, staged_row)
            .select_from(stage.join(table, same_ticker))
            .where(or_(table.c.is_placeholder, table.c.reading != _reading, *differs)),
        )
        # The list makes SQLite begin with the few rows that change: otherwise it may read the whole table.
        is_among = and_(table.c.id == found.id, table.c.id.in_(select(found.id)))
        is_changed = and_(is_among, staged_row == found[STAGED_ROW])
        # A placeholder has no known values, so no change is logged: its record is seen for the first time.
        first_seen_at = case((table.c.is_placeholder, _seen_at), else_=table.c.first_seen_at)
        self._update: Update = (
            update(table)
            .values({**kept, **_read, "first_seen_at": first_seen_at, "changed_at": _seen_at})
            .where(is_changed, same_ticker)
        )
        self.joined = self._found.join(table, is_among).join(stage, staged_row == found[STAGED_ROW])
        """The rows, joined with the staged ones."""

    def update(self, connection: Connection, at: Mapping[str, int], before: Sequence[Insert | Update]) -> int:
        """Run some statements, then update the rows; return their number."""
        make_empty(connection, self._found)
        changed = connection.execute(self._find).rowcount
        if changed:
            for statement in (*before, self._update):
                rows = connection.execute(statement, at).rowcount
                if isinstance(statement, Update):
                    count_changed(connection, statement.table, rows)
        return changed


class Merge:
    """Insert staged rows that are missing in `table`, and update those that differ, by ticker.

    A staged NULL never replaces a known value, except in the columns named in `exact`: a later generation of the API
    may omit a field, and a zero time means 'not set'. Flags named in `lasting` are never reset. Values before and after
    a change are written to `log` for each column in `logged`, unless the row was never read with that column; the log's
    foreign key identifies the row. `before_change` returns statements that run before the changes, from the changing
    rows joined with the staged ones, and from their new values.
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
        kept: dict[str, ColumnElement[Any]] = {
            **{name: func.coalesce(value, table.c[name]) for name, value in values.items()},
            **{name: values[name] for name in exact},
            **{name: or_(table.c[name], values[name]) for name in lasting},
        }
        self._new = _NewRows(table, stage, values)
        self._changed = _ChangedRows(table, stage, kept)
        self._before_change: list[Insert | Update] = []
        if log is not None:
            self._before_change.append(_logging(log, logged, table, kept, self._changed.joined))
        if before_change is not None:
            self._before_change += before_change(self._changed.joined, kept)
        is_open = table.c.is_placeholder
        self._find_open = select(table.c.id).where(is_open).limit(1)
        staged_parents = table.join(stage, table.c.ticker == stage.c.ticker)
        self._count_open = select(func.count()).select_from(staged_parents).where(is_open)

    def run(self, connection: Connection, seen_at: int) -> tuple[int, int, int]:
        """Merge the staged rows; return the numbers of inserted rows, changed rows, and filled placeholders, which
        count as changed.
        """
        at = {"seen_at": seen_at}
        # Usually there are none, which a separate index shows immediately.
        has_open = connection.execute(self._find_open).first() is not None
        healed = connection.execute(self._count_open).scalar_one() if has_open else 0
        changed = self._changed.update(connection, at, self._before_change)
        return self._new.insert(connection, at), changed, healed


def _logging(
    log: Table,
    logged: Mapping[str, Logged],
    table: Table,
    kept: Mapping[str, ColumnElement[Any]],
    changing: Join,
) -> Insert:
    """Return the statement that logs changing values, before and after."""
    changes = [
        select(
            table.c.id,
            _seen_at,
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
    key = next(iter(log.foreign_keys)).parent.name
    return insert(log).from_select([key, "seen_at", "field", "before", "after"], union_all(*changes))


PLACEHOLDER_COLUMNS = ("ticker", "is_placeholder", "first_seen_at", "changed_at")


def placeholder(ticker: ColumnElement[Any], seen_at: ColumnElement[int]) -> Select[Any]:
    """Return the values of a placeholder with a ticker, for a parent table."""
    times = (seen_at.label("first_seen_at"), seen_at.label("changed_at"))
    return select(ticker, true().label("is_placeholder"), *times)


def insert_placeholders(table: Table, ticker: ColumnElement[Any]) -> InsertNew:
    """Return the statement that inserts a placeholder for each staged parent ticker that is missing in `table`."""
    named = select(ticker.label("ticker")).where(ticker.is_not(None)).distinct().subquery()
    is_missing = ~exists().where(table.c.ticker == named.c.ticker)
    return InsertNew(table, PLACEHOLDER_COLUMNS, placeholder(named.c.ticker, _seen_at).where(is_missing))
