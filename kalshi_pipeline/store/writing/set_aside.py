"""Setting aside rows that refer to rows which another program deleted.

Most programs do not enforce foreign keys and leave such rows behind; a statement that touches one of their keys then
fails. Observations (tables in `HISTORY`) stay unchanged: no run depends on them, and keys of deleted rows are never
reused.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    null,
    select,
    update,
)

from kalshi_pipeline.store.schema.tables import (
    backfill_progress,
    event_documents,
    event_lookups,
    events,
    latest_quotes,
    lost_markets,
    market_documents,
    market_fingerprints,
    market_lookups,
    markets,
    metadata,
    series,
    series_documents,
    set_aside_rows,
    subject_documents,
    unlisted_spans,
)
from kalshi_pipeline.store.writing.fingerprints import forget_fingerprints
from kalshi_pipeline.store.writing.ids import insert_many

_AT_ONCE = 1_000
_OF_RUNS = frozenset(
    table.name
    for table in (
        *(backfill_progress, latest_quotes, unlisted_spans, market_fingerprints),
        *(market_lookups, event_lookups, lost_markets),
        *(market_documents, event_documents, series_documents, subject_documents),
    )
)
_PARENTS = frozenset(table.name for table in (series, events, markets))
HISTORY = frozenset(metadata.tables) - _OF_RUNS - _PARENTS
"""The tables whose rows stay, whatever they refer to."""


def broken_keys(table: Table) -> Iterator[tuple[Column[Any], Column[Any], ColumnElement[bool]]]:
    """Yield each foreign key of a table, the key that it refers to, and the condition that it is in no row."""
    for key in table.foreign_keys:
        is_missing = ~exists().where(key.column == key.parent)
        yield key.parent, key.column, and_(key.parent.is_not(None), is_missing)


class SetAside(NamedTuple):
    """The number of rows set aside by table, and of events recreated as placeholders."""

    rows: Counter[str]
    events: int

    @property
    def sentence(self) -> str | None:
        """A sentence about what was done; None if nothing was."""
        done = [f"{count:,} rows of {table} were set aside" for table, count in sorted(self.rows.items())]
        if self.events:
            done.append(f"{self.events:,} events were recreated as placeholders")
        if not done:
            return None
        return f"{', '.join(done)}: another program had deleted what they refer to (see table set_aside_rows)"


def set_aside_orphans(connection: Connection, run: str | None, at: int) -> SetAside:
    """Set aside rows with a broken key that runs would read or write; `run` is the run that found them.

    The original row is kept in `set_aside_rows`. Then an optional key becomes NULL, and a row with a required key is
    deleted. Markets are never deleted: a missing event is replaced by a placeholder with the same key and the market's
    ticker, so that the data of both is kept, and the next listing moves the market to its event.
    """
    found: Counter[str] = Counter()
    restored = _restore_events(connection, at)
    for table in metadata.sorted_tables:
        if table.name in _OF_RUNS | _PARENTS:
            for column, referred, is_broken in broken_keys(table):
                if count := _keep(connection, column, referred, is_broken, run, at):
                    found[table.name] += count
                    clear = update(table).values({column: null()}) if column.nullable else delete(table)
                    connection.execute(clear.where(is_broken))
    return SetAside(found, restored)


def _keep(
    connection: Connection,
    column: Column[Any],
    referred: Column[Any],
    is_broken: ColumnElement[bool],
    run: str | None,
    at: int,
) -> int:
    """Copy the rows with a broken key; return their number."""
    count = 0
    for rows in connection.execute(select(column.table).where(is_broken)).mappings().partitions(_AT_ONCE):
        kept = [
            {
                "table_name": column.table.name,
                "row": json.dumps(dict(row), default=bytes.hex, ensure_ascii=False),
                "why": f"{column.name} {row[column.name]} is in no row of {referred.table.name}",
                "run": run,
                "set_aside_at": at,
            }
            for row in rows
        ]
        insert_many(connection, set_aside_rows, kept)
        count += len(kept)
    return count


def _restore_events(connection: Connection, at: int) -> int:
    """Insert a placeholder for each missing event of markets; return their number."""
    is_missing = ~exists().where(events.c.id == markets.c.event_id)
    missing = connection.execute(
        select(markets.c.event_id, func.min(markets.c.ticker))
        .where(is_missing)
        .group_by(markets.c.event_id)
        .order_by(markets.c.event_id)
    ).all()
    if not missing:
        return 0
    connection.execute(forget_fingerprints(select(markets.c.id).where(is_missing)))
    for event_id, ticker in missing:
        is_taken = connection.execute(select(exists().where(events.c.ticker == ticker))).scalar_one()
        row = {
            "id": event_id,
            "ticker": f"{ticker}#{event_id}" if is_taken else ticker,
            "is_placeholder": True,
            "first_seen_at": at,
            "changed_at": at,
        }
        connection.execute(insert(events), row)
    return len(missing)
