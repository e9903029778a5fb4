"""Rows that refer to what another program deleted: they are taken out of every run's way, and kept.

Most programs do not enforce foreign keys, so they leave such rows behind; a statement that then touches one of their
keys fails. What was observed (`HISTORY`) stays where it is, with the keys that it had: no run depends on it, and the
keys of deleted rows are never given again.
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
    """Yield each foreign key of a table, the key that it refers to, and the condition that this is in no row."""
    for key in table.foreign_keys:
        is_missing = ~exists().where(key.column == key.parent)
        yield key.parent, key.column, and_(key.parent.is_not(None), is_missing)


class SetAside(NamedTuple):
    """How many rows of each table were set aside, and how many events were recreated as placeholders."""

    rows: Counter[str]
    events: int

    @property
    def sentence(self) -> str | None:
        """What was done, as people read it; None where it was nothing."""
        done = [f"{count:,} rows of {table} were set aside" for table, count in sorted(self.rows.items())]
        if self.events:
            done.append(f"{self.events:,} events were recreated as placeholders")
        if not done:
            return None
        return f"{', '.join(done)}: another program had deleted what they refer to (see table set_aside_rows)"


def set_aside_orphans(connection: Connection, run: str | None, at: int) -> SetAside:
    """Set aside what runs read or write by a key that is in no row; `run` is the run that met it.

    A row is kept in `set_aside_rows` as it was. Then a key that may be unknown becomes NULL, and a row whose key may
    not is deleted. A market is never deleted: its missing event becomes a placeholder under the same key, with the
    market's own ticker, so that what is stored of both stays with them; the next listing moves the market to its event.
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
    """Copy the rows of a broken key, and return how many they are."""
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
    """Insert a placeholder for each event that markets refer to and that is missing, and return how many there were."""
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
