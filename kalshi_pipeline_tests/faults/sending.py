"""What the campaign sends for a kind of record, and what the oracle says must be stored."""

import json
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from kalshi_pipeline_tests.exchange import oracle
from kalshi_pipeline_tests.exchange.mutated import Kind, Values, expected, mutated
from kalshi_pipeline_tests.faults.odd_exchange import Answer

DAY = "2026-11-20"
START = int(datetime.fromisoformat(f"{DAY}T00:00:00Z").timestamp())
DAY_SECONDS = 86_400
CUTOFF_AFTER_ALL = (
    '{"market_settled_ts": "2026-11-25T00:00:00Z", "trades_created_ts": "2026-11-25T00:00:00Z"}'
)

Stored: TypeAlias = dict[str, Any]
"""What is stored or expected of records, by what identifies each."""


@dataclass(frozen=True)
class Sent:
    """Records as the exchange has them, the command that collects them, and the expected result.

    `expected` has the values of each readable, requested record by its own identifier; a record with an odd identifier
    is only counted. `read` returns the same from a store. `run` locates the counts of the run. `rows` are the texts of
    the records, if their documents are compared too.
    """

    count: int
    answers: Mapping[str, Answer]
    command: tuple[str, ...]
    run: str
    readable: int
    out_of_scope: int
    expected: Stored
    read: Callable[[sqlite3.Connection], Stored]
    settings: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[str] = ()


def run_of(asset: str) -> str:
    return f"listings WHERE asset = '{asset}'"


def rows_of(kind: Kind, name: str, keys: Sequence[str], chance: random.Random) -> list[str]:
    """The texts of records, each with its own identifier in a field, unless that field is odd."""
    return [mutated(kind._replace(base={**kind.base, name: key}), chance) for key in keys]


def all_read(kind: Kind, rows: Sequence[str]) -> list[Values]:
    return [values for values, _ in (expected(kind, row) for row in rows) if values is not None]


def own(values: Sequence[Values], name: str, columns: Sequence[str] | None = None) -> Stored:
    """The column values of the records that still have their own identifier."""
    return {
        found[name]: {column: found[column] for column in columns or found}
        for found in values
        if found[name].startswith("K-")
    }


def of_table(kind: Kind, table: str, key: str, left_out: Sequence[str] = (), **joined: str) -> Any:
    """Read the fields of a kind from its table. Some are keys of shared texts; `joined` describes how others are
    found.
    """
    names = [name for name in kind.fields if name not in left_out]

    def read(connection: sqlite3.Connection) -> Stored:
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        shown = [
            joined.get(name, name if name in columns else f"(SELECT body FROM texts WHERE id = {name}_id)")
            for name in names
        ]
        rows = connection.execute(f"SELECT {', '.join(shown)} FROM {table}")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for values in found:
            for name in names:
                if kind.fields[name].read is oracle.free_json and values[name] is not None:
                    values[name] = json.loads(values[name])
        return {str(values[key]): values for values in found}

    return read


def keys_of(count: int) -> list[str]:
    return [json.dumps(f"K-{number}") for number in range(count)]
