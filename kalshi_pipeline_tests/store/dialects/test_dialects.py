"""Kinds of databases: what their statements share, and where they differ."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import (
    URL,
    BigInteger,
    BindParameter,
    Column,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    insert,
    literal,
    select,
)
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

import kalshi_pipeline.store
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.dialects import dialect_of, url_problem
from kalshi_pipeline.store.dialects.statements import (
    greatest,
    in_parts,
    insert_or_ignore,
    is_among,
    least,
    upsert,
)
from kalshi_pipeline.store.schema.tables import markets, metadata
from kalshi_pipeline.store.writing.merging import STAGED_ROW, make_empty
from kalshi_pipeline_tests.store.samples import NOON, query, series_row, sqlite_url, store_series

# Compiling its statements needs neither a server nor a driver.
SQLITE = URL.create("sqlite").get_dialect()()
POSTGRESQL = URL.create("postgresql+psycopg").get_dialect()()
# Integers that are not instants and stay small; keys have the types of their tables.
_SMALL = {
    "received_ms",
    "block",
    "blocks",
    "period_minutes",
    "version",
    "of_version",
    "new_version",
    "pending",
    "row_count",
    "added",
    "number",
    "reading",
    "line",
    "documents",
    STAGED_ROW,
}


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(kalshi_pipeline.store.__path__, f"{kalshi_pipeline.store.__name__}."):
        if ".migrations" not in found.name:
            yield importlib.import_module(found.name)


def _elements(owner: object) -> Iterator[ClauseElement]:
    """The statements and temporary tables in a module, its classes and their objects."""
    for value in vars(owner).values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ClauseElement):
                yield one
            elif isinstance(owner, ModuleType) and _is_of_the_store(one):
                yield from _elements(one)


def _is_of_the_store(thing: object) -> bool:
    kind = thing if isinstance(thing, type) else type(thing)
    return kind.__module__.startswith(kalshi_pipeline.store.__name__) and hasattr(thing, "__dict__")


_ELEMENTS = {id(element): element for module in _modules() for element in _elements(module)}.values()
_STATEMENTS = [element for element in _ELEMENTS if isinstance(element, Select | UpdateBase)]
_TABLES = [element for element in _ELEMENTS if isinstance(element, Table)]


def _is_small(name: str) -> bool:
    return name in _SMALL or name == "id" or name.endswith(("_id", "_ids"))


def _is_32_bits(element: Column[object] | BindParameter[object]) -> bool:
    return isinstance(element.type, Integer) and not isinstance(element.type, BigInteger)


def _name(element: ClauseElement) -> str:
    return " ".join(str(element).split()[:3])


@pytest.mark.parametrize("statement", _STATEMENTS, ids=_name)
def test_statement_binds_no_instant_as_32_bits(statement: ClauseElement) -> None:
    """PostgreSQL casts each parameter to the declared type; SQLite accepts any integer."""
    compiled = statement.compile(dialect=POSTGRESQL)
    assert isinstance(compiled, SQLCompiler)
    parameters = [bind for bind in compiled.binds.values() if bind.value is None]
    assert [bind.key for bind in parameters if _is_32_bits(bind) and not _is_small(bind.key)] == []


@pytest.mark.parametrize("table", _TABLES, ids=lambda table: table.name)
def test_table_keeps_no_instant_in_32_bits(table: Table) -> None:
    """In temporary tables this also holds for all other numbers of a record, because prices and sizes may be large."""
    narrow = [column.name for column in table.columns if _is_32_bits(column) and not _is_small(column.name)]
    counts = {
        "pages",
        "received",
        "inserted",
        "changed",
        "unchanged",
        "quarantined",
        "duplicates",
        "out_of_scope",
    }
    counts |= {"placeholders", "healed", "keyframes", "ended", "paused", "unconfirmed", "gone", "windows"}
    assert set(narrow) <= (counts if table.metadata is metadata else set())


def test_keys_are_one_parameter_on_each_kind_of_database() -> None:
    statement = select(markets.c.id).where(is_among(markets.c.id, {3, 1, 2}))
    for dialect, function in ((SQLITE, "json_each("), (POSTGRESQL, "json_array_elements_text(CAST(")):
        compiled = statement.compile(dialect=dialect)
        assert list(compiled.params.values()) == ["[1, 2, 3]"]
        assert function in str(compiled)


def test_every_statement_and_temporary_table_was_found() -> None:
    """Otherwise the tests above would prove nothing."""
    temporary = [table.name for table in _TABLES if table.metadata is not metadata]
    assert len(temporary) == len(set(temporary)) >= 17
    assert len(_STATEMENTS) >= 65
    assert set(metadata.tables) == {table.name for table in _TABLES if table.metadata is metadata}


def test_tables_and_indexes_are_written_for_postgresql() -> None:
    """Its partial indexes have their conditions; it has no tables without row numbers."""
    for table in _TABLES:
        assert "ROWID" not in str(CreateTable(table).compile(dialect=POSTGRESQL))
    conditions = {
        index.name: str(CreateIndex(index).compile(dialect=POSTGRESQL)).partition(" WHERE ")[2]
        for table in metadata.tables.values()
        for index in table.indexes
    }
    assert {name: condition for name, condition in conditions.items() if condition} == {
        "ix_series_placeholder": "is_placeholder = true",
        "ix_events_placeholder": "is_placeholder = true",
        "ix_markets_placeholder": "is_placeholder = true",
        "ix_markets_active_created_at": "status = 'active'",
        "ix_unlisted_spans_open": "to_tick_id IS NULL",
        "ix_markets_unsettled": "status IS DISTINCT FROM 'finalized' AND gone_at IS NULL",
        "ix_markets_gone": "gone_at IS NOT NULL",
        "ix_market_lookups_missing": "missing_at IS NOT NULL",
        "ix_settlements_without_value": "settlement_value IS NULL",
    }


_prices = Table(
    "prices",
    MetaData(),
    Column("day", Integer, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("price", BigInteger),
    Column("note", Text),
    prefixes=["TEMPORARY"],
)
_offers = Table(
    "offers",
    MetaData(),
    *(Column(column.name, column.type) for column in _prices.columns),
    prefixes=["TEMPORARY"],
)
_COLUMNS = [column.name for column in _prices.columns]
_STORED = [(1, "a", 10, "old"), (2, "a", 20, None), (3, "a", None, "old")]
_OFFERED = [(1, "a", 10, "old"), (2, "a", 20, "new"), (3, "a", None, "old"), (3, "b", 30, None)]


def _offer(database: Database, statement: UpdateBase) -> tuple[int, list[tuple[object, ...]]]:
    """The rows that a statement counts, and those that are stored afterwards."""
    with database.stage() as connection:
        make_empty(connection, _prices)
        make_empty(connection, _offers)
        for table, rows in ((_prices, _STORED), (_offers, _OFFERED)):
            connection.execute(insert(table), [dict(zip(_COLUMNS, row, strict=True)) for row in rows])
        count = connection.execute(statement).rowcount
        stored = connection.execute(select(_prices).order_by(_prices.c.day, _prices.c.place)).all()
        return count, [tuple(row) for row in stored]


@pytest.mark.parametrize("changed_only", [False, True])
def test_upsert_inserts_new_rows_and_replaces_the_values_of_others(
    database: Database, *, changed_only: bool
) -> None:
    statement = upsert(_prices, _COLUMNS, select(_offers), changed_only=changed_only)
    assert _offer(database, statement) == (2 if changed_only else 4, _OFFERED)


def test_insert_or_ignore_leaves_stored_rows_as_they_are(database: Database) -> None:
    assert _offer(database, insert_or_ignore(_prices, _COLUMNS, select(_offers))) == (
        1,
        [*_STORED, _OFFERED[3]],
    )


def test_upserts_of_different_tables_values_or_conditions_are_different_statements(
    database: Database,
) -> None:
    """SQLAlchemy caches compiled statements that it considers equal."""
    rows = select(_offers)
    note = upsert(_prices, ["day", "place", "note"], select(_offers.c.day, _offers.c.place, _offers.c.note))
    assert _offer(database, insert_or_ignore(_prices, _COLUMNS, rows))[0] == 1
    assert _offer(database, upsert(_prices, _COLUMNS, rows))[0] == 4
    assert _offer(database, upsert(_prices, _COLUMNS, rows, changed_only=True))[0] == 2
    assert _offer(database, note) == (4, [*_OFFERED[:3], (3, "b", None, None)])


@pytest.mark.parametrize(
    ("one", "other", "smaller", "greater"),
    [(1, 2, 1, 2), (2, 1, 1, 2), (2, 2, 2, 2), (None, 1, None, None), (1, None, None, None)],
)
def test_least_and_greatest_are_null_where_one_of_two_is(
    database: Database, one: int | None, other: int | None, smaller: int | None, greater: int | None
) -> None:
    values = [literal(value, BigInteger) for value in (one, other)]
    with database.read() as connection:
        assert tuple(connection.execute(select(least(*values), greatest(*values))).one()) == (
            smaller,
            greater,
        )


@pytest.mark.parametrize("count", [0, 1, 900, 901, 2_000])
def test_parts_hold_all_values_in_their_order(count: int) -> None:
    parts = [list(part) for part in in_parts(range(count))]
    assert [value for part in parts for value in part] == list(range(count))
    assert all(1 <= len(part) <= 900 for part in parts)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql://u:secret@h/d", "kalshi.db", ""]
)
def test_address_that_cannot_be_used_is_refused_and_not_repeated(url: str) -> None:
    problem = "names no SQLite file, and this version stores into SQLite: sqlite:///data/kalshi.db"
    assert url_problem(url) == problem
    with pytest.raises(StoreError) as caught:
        dialect_of(url)
    assert (str(caught.value), caught.value.problem) == (
        f"the database's address {problem}",
        StoreProblem.ADDRESS,
    )


def test_database_has_the_shared_limit_beside_it(tmp_path: Path) -> None:
    dialect = dialect_of(sqlite_url(tmp_path / "kalshi.db"))
    assert (dialect.kind, dialect.place) == ("sqlite", str(tmp_path / "kalshi.db"))
    assert dialect.limit_file == tmp_path / "kalshi.db.limit"
    assert list(tmp_path.iterdir()) == []


def test_removed_database_leaves_nothing_and_may_be_made_again(path: Path) -> None:
    url = sqlite_url(path)
    dialect_of(url).remove()
    with closing(Database(url)) as database:
        store_series(database, series_row("KXRAIN"), at=NOON)
        assert len(list(path.parent.iterdir())) == 3
        dialect_of(url).remove()
        assert list(path.parent.iterdir()) == []
    with closing(Database(url)) as database:
        assert query(database, "SELECT count(*) FROM series") == [(0,)]
