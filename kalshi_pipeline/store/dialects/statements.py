"""Parts of statements and tables that SQLAlchemy cannot express in the same way for all kinds of databases."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Case,
    ColumnElement,
    Index,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    case,
    cast,
    insert,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, SyntaxExtension
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import Function, FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal

Value = TypeVar("Value")

MATCH = "kalshi_match"
"""The SQL function that `match_of` calls."""

_MOST_PARAMETERS = 900  # SQLite took no more than 999 in a statement for long; PostgreSQL takes many more


def clustered() -> dict[str, Any]:
    """Return the options of a table that is clustered by its primary key, if the database supports that."""
    return {"sqlite_with_rowid": False}


def partial(where: ColumnElement[bool]) -> dict[str, Any]:
    """Return the options of a partial index, of rows that meet a condition."""
    return {"sqlite_where": where, "postgresql_where": where}


def is_partial(index: Index) -> bool:
    """Return whether an index is partial."""
    return any(index.dialect_options[kind]["where"] is not None for kind in ("sqlite", "postgresql"))


def written(name: str, value: str) -> BindParameter[str]:
    """Return a constant that is written into the statement instead of bound.

    If the planner did not see it, it would not use the partial index with that condition.
    """
    return bindparam(name, value, literal_execute=True)


def in_parts(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield values in parts, so that a statement with one part does not exceed any database's limit of parameters."""
    for start in range(0, len(values), _MOST_PARAMETERS):
        yield values[start : start + _MOST_PARAMETERS]


def greatest(one: ColumnElement[int], other: ColumnElement[int]) -> Case[Any]:
    """Return the greater of two values; NULL if either is NULL."""
    return case((one >= other, one), (one < other, other))


def least(one: ColumnElement[int], other: ColumnElement[int]) -> Case[Any]:
    """Return the smaller of two values; NULL if either is NULL."""
    return case((one <= other, one), (one > other, other))


def match_of(words: Sequence[str], texts: Iterable[ColumnElement[Any]]) -> ColumnElement[int]:
    """Return how well folded words match some texts of a row, as `words.match` computes it; 0 unless all match.

    A database without user-defined functions needs its own function of this name.
    """
    return Function(MATCH, literal("\n".join(words), Text), *texts, type_=Integer())


class _each_key(FunctionElement[Any]):  # noqa: N801  (named as what it is in a statement: a function)
    """The numbers of a JSON array, as rows."""

    inherit_cache = True


def is_among(column: ColumnElement[int], keys: Collection[int]) -> ColumnElement[bool]:
    """Whether a column has one of these keys. Any number of them is one parameter."""
    found = _each_key(literal(json.dumps(sorted(keys)), Text)).table_valued("value").c.value
    return column.in_(select(cast(found, BigInteger)))


@compiles(_each_key)
def _each_key_text(element: _each_key, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (SQLAlchemy's)
    return f"json_each{compiler.process(element.clause_expr, **options)}"


@compiles(_each_key, "postgresql")
def _each_key_on_postgresql(element: _each_key, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (SQLAlchemy's)
    (keys,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_array_elements_text(CAST({keys} AS JSON))"


class holds_octet(FunctionElement[bool]):  # noqa: N801  (named as what it is in a statement: a function)
    """Whether one of some bytes has this value, below 128."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, octets: ColumnElement[bytes], octet: ColumnElement[int]) -> None:
        super().__init__(octets, octet)


@compiles(holds_octet)
def _octet_text(element: holds_octet, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (SQLAlchemy's)
    octets, octet = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(instr({octets}, CAST(char({octet}) AS BLOB)) > 0)"


@compiles(holds_octet, "postgresql")
def _octet_on_postgresql(element: holds_octet, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (SQLAlchemy's)
    octets, octet = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(position(set_byte('\\x00'::bytea, 0, CAST({octet} AS INTEGER)) IN {octets}) > 0)"


def insert_or_ignore(table: Table, columns: Sequence[str], rows: Select[Any]) -> Insert:
    """Insert selected rows whose primary key is not stored yet."""
    return _insert(table, columns, rows).ext(_OnConflict(table))


def upsert(table: Table, columns: Sequence[str], rows: Select[Any], *, changed_only: bool = False) -> Insert:
    """Insert selected rows, or update the stored row with the same primary key.

    With `changed_only`, a row that would not change is not written and not counted.
    """
    key = table.primary_key.columns
    values = [name for name in columns if name not in key]
    # The rows that were to be inserted go by this name.
    new = table.alias("excluded")
    is_changed = or_(*(table.c[name].is_distinct_from(new.c[name]) for name in values))
    return _insert(table, columns, rows).ext(_OnConflict(table, values, is_changed if changed_only else None))


def _insert(table: Table, columns: Sequence[str], rows: Select[Any]) -> Insert:
    # Without a condition, SQLite would take the ON of ON CONFLICT for that of a join.
    return insert(table).from_select(
        list(columns), rows if rows.whereclause is not None else rows.where(true())
    )


class _OnConflict(SyntaxExtension, ClauseElement):
    """The ON CONFLICT clause, which SQLite and PostgreSQL share: do nothing, or replace values."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012  (SQLAlchemy's protocol: what makes two clauses the same)
        ("key", InternalTraversal.dp_string_list),
        ("values", InternalTraversal.dp_string_list),
        ("where", InternalTraversal.dp_clauseelement),
    ]

    def __init__(
        self, table: Table, values: Sequence[str] = (), where: ColumnElement[bool] | None = None
    ) -> None:
        self.key = [column.name for column in table.primary_key.columns]
        self.values = list(values)
        self.where = where

    def apply_to_insert(self, insert_stmt: Insert) -> None:
        insert_stmt.apply_syntax_extension_point(self.append_replacing_same_type, "post_values")


@compiles(_OnConflict)
def _conflict_text(element: _OnConflict, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (SQLAlchemy's)
    quote = compiler.preparer.quote
    clause = f"ON CONFLICT ({', '.join(map(quote, element.key))}) DO"
    if not element.values:
        return f"{clause} NOTHING"
    clause += f" UPDATE SET {', '.join(f'{quote(name)} = excluded.{quote(name)}' for name in element.values)}"
    if element.where is not None:
        clause += f" WHERE {compiler.process(element.where, include_table=True, use_schema=False, **options)}"
    return clause
