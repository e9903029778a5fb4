"""The reference of the views in `docs/views.md`: how to ask them, and their columns with their types."""

from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.schema import CreateTable

from kalshi_pipeline.store.dialects import Dialect
from kalshi_pipeline.store.schema.generated import generated_columns
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.schema.view_columns import columns_of_views
from kalshi_pipeline.store.schema.view_notes import VIEW_NOTES
from kalshi_pipeline.store.schema.views import create_views

_BEGINNING = """# The views

Written by `uv run poe docs` from the definitions in `kalshi_pipeline/store/schema/`. The names of the views and of
their columns are stable. [sql.md](sql.md) has queries to copy, [ticks.md](ticks.md) what ticks and states mean, and
[tables.md](tables.md) the tables behind the views.

## Numbers

- Dollars and contracts are plain numbers, equal to what the exchange wrote (`0.29`, `0.015`).
- NULL means 'no quote'. In `last_price` it means that there was no trade yet, for which the exchange writes 0; the
  tables keep the 0.
- A side is quoted if its size is positive, or if its price is strictly between 0 and 1 dollar; never if its size is
  below zero. Only a market that is quoted on both sides has a midpoint.
- The tables hold integers: micro-dollars, hundredths of a contract, microseconds since 1970.

## Times

All times are UTC. `tick_at` is the nominal time of a tick. `received_at` is the time at which the exchange's answer
arrived, minus the `Age` of an answer from a cache. Times are text: those of ticks (`tick_at`, `quoted_at`,
`base_quoted_at`, `confirmed_at`, `first_tick_at`, `last_tick_at` and `quote_at`) end in whole seconds
(`2026-11-22T14:05:00Z`), all others have six decimals. Where an instant can be searched, the exact one is in a column
beside it (`tick_at_us` and the like): whole microseconds since 1970.

These filters work, with `=`, `<`, `>=` and `BETWEEN`, as text or as a bound parameter:

```sql empty
SELECT * FROM price_history WHERE tick_at >= '2026-11-22T14:05:00Z';
SELECT * FROM price_history WHERE tick_at >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 hour');
SELECT * FROM price_history WHERE tick_at_us >= 1795356300000000;
SELECT * FROM trade_history WHERE created_at_us >= strftime('%s', '2026-11-22T14:05:00Z') * 1000000;
SELECT * FROM price_history ORDER BY tick_at DESC LIMIT 100;
```

This one does not: `tick_at >= datetime('now', '-1 hour')`. `datetime` writes `2026-11-22 14:05:00`, with a blank
instead of the `T`, which sorts before every time of that day: the whole day is found.

- An index finds `tick_at` of `price_history`, `quotes_by_tick` and `tick_history`, as text and as a number.
- Trades, candlesticks, changes, settlements and order books are found by their numbers: `created_at_us`,
  `end_at_us`, `seen_at_us`, `settled_at_us`, `received_at_us`. Filtering or sorting them by text returns the same
  rows, but reads all of them: they have no index of text, which would double their size. So do `gaps_filled` and
  `price_history_filled` if you filter by `quote_at` or sort newest first: add a lower bound for `quote_at_us`.
- A market, an event or a series is found by `ticker`, `event_ticker` and `series_ticker`, a tick by `tick_id`, in a
  join or with `IN (SELECT …)` too.
- `price_history_filled` is for one market, event or series at a time.

## Other programs

- **Python, pandas, SQLAlchemy, Polars and datasette** open every table and view. A column of which SQLite knows no
  type (marked `computed` below) holds values of the type shown. Where a query sorts, SQLite may
  return a whole number of a `real` column as an integer: 1 for 1.0.
- **DuckDB** 1.5 with the `sqlite` extension (pip: `duckdb-extension-sqlite-scanner`) opens every table and view
  after `ATTACH 'data/kalshi.db' AS k (TYPE sqlite, READ_ONLY)`. It knows the types of tables, but not their
  generated columns; of views it makes text (`VARCHAR`), and it reads a view whole before it filters. So filter in
  SQLite, and cast what you compute with: `SELECT ticker, yes_bid::DOUBLE FROM sqlite_query('k', 'SELECT * FROM
  price_history WHERE tick_at >= ''2026-11-22T14:05:00Z''')`. `sqlite_scan('data/kalshi.db', 'price_history')` has
  most types of a view, and reads it whole; what is computed is a `BLOB` where SQLite knows no type. `count(*)` of a
  table whose rows have no number (`k.trades`, `k.price_snapshots`, `k.candlesticks`) fails: count a column, such as
  `count(market_id)`.
  `open_store().duckdb()` shows every view with the types below, and times as `TIMESTAMPTZ` ([python.md](python.md)).

## Views and columns
"""


def view_reference(dialect: Dialect) -> str:
    """Return the description of every view, as Markdown."""
    with dialect.scratch() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table))
            for column in generated_columns(table, dialect.words):
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.definition}")
        create_views(connection)
        return "\n".join([_BEGINNING, *_sections(connection)])


def _sections(connection: Connection) -> Iterator[str]:
    for view, columns in columns_of_views(connection):
        yield f"### {view}\n\n{VIEW_NOTES[view]}\n\n| Column | Type |\n|---|---|"
        for column in columns:
            kind = f"{column.type.lower()}, computed" if column.is_computed else column.type.lower()
            yield f"| `{column.name}` | {kind} |"
        yield ""
