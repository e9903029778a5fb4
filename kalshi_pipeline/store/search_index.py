"""The search index of events: updated by hourly runs, and verified against the rows by each search.

Its keys are those of events; a text contains the names of an event, its series and its plain markets. Searches do not
depend on it: rows that were added or changed since it was filled are searched too, by their keys and the logs of
changes. An index of another database, or of a state that the database no longer has, is ignored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, Self

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, exists, func, or_, select, union

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.dialects import Addition, search_index_of
from kalshi_pipeline.store.dialects.statements import is_among
from kalshi_pipeline.store.schema.tables import (
    event_changes,
    events,
    listings,
    market_changes,
    markets,
    series,
    series_changes,
    void_ticks,
)
from kalshi_pipeline.store.words import fold

_EVENTS_AT_ONCE = 5_000
_MOST_CHANGED = 20_000  # events whose texts are held in memory: more of them are read again with all others
_MOST_DOCUMENTS = 10_000  # above twice as many as there are events: then the index is rebuilt

SERIES_TEXTS = (series.c.ticker, series.c.title, series.c.tags)
EVENT_TEXTS = (events.c.ticker, events.c.title, events.c.sub_title)
MARKET_TEXTS = (markets.c.ticker, markets.c.title, markets.c.yes_sub_title)
"""The texts that are searched, by kind."""

# The newest row of each shows how far the index is filled, and that it was filled from this database.
_MARKS: Mapping[Table, ColumnElement[Any]] = {
    events: events.c.ticker,
    markets: markets.c.ticker,
    listings: listings.c.started_at,
    series_changes: series_changes.c.seen_at,
    event_changes: event_changes.c.seen_at,
    market_changes: market_changes.c.seen_at,
}


def _has_market(is_combo: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(markets.c.id).where(markets.c.event_id == events.c.id, is_combo)).correlate(events)


IS_PLAIN = or_(~_has_market(markets.c.is_combo), _has_market(~markets.c.is_combo))
"""Whether an event has plain markets, or no markets yet, as opposed to combos."""


def _is_unread(table: Table, texts: Iterable[Column[Any]]) -> ColumnElement[Any]:
    """Whether a row, or one of its texts, is still to be read from the exchange; that change will not be in the log."""
    absent = or_(*(text.is_(None) for text in texts))
    return func.coalesce(or_(table.c.is_placeholder, and_(table.c.reading == 0, absent)), False)


@dataclass(frozen=True)
class _Filled:
    """The state of an index.

    It has the texts of events up to key `events_to` as of `marks`: the key and content of the newest row of each table.
    `unread` counts the rows of events whose texts were still to be read.
    """

    marks: Mapping[str, tuple[int, int | str | None]]
    voided_at: int | None
    events_to: int = 0
    events: int = 0
    documents: int = 0
    unread: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def nothing(cls, connection: Connection) -> Self:
        marks = {}
        for table, what in _MARKS.items():
            newest = select(table.c.id, what).order_by(table.c.id.desc()).limit(1)
            row = connection.execute(newest).one_or_none()
            marks[table.name] = (0, None) if row is None else (row[0], row[1])
        return cls(marks, connection.execute(_voided_at).scalar())

    @classmethod
    def read(cls, connection: Connection, state: str | None) -> Self | None:
        """Parse a state; None if it is of another database, or of rows that no longer exist."""
        if state is None:
            return None
        values = json.loads(state)
        values["unread"] = {int(key): count for key, count in values["unread"].items()}
        filled = cls(**values)
        return filled if filled._is_of(connection) else None

    def _is_of(self, connection: Connection) -> bool:
        if set(self.marks) != {table.name for table in _MARKS}:
            return False
        return connection.execute(_voided_at).scalar() == self.voided_at and all(
            not self.mark(table)
            or connection.execute(select(what).where(table.c.id == self.mark(table))).scalar()
            == self.marks[table.name][1]
            for table, what in _MARKS.items()
        )

    def mark(self, table: Table) -> int:
        return self.marks[table.name][0]

    @property
    def state(self) -> str:
        return json.dumps(asdict(self))


_voided_at = select(func.max(void_ticks.c.voided_at))


def events_to_search(connection: Connection, words: Sequence[str]) -> frozenset[int] | None:
    """Return the keys of the events that may have each folded word in a text; None if all have to be searched.

    The texts of an event are its own, its series', and those of its plain markets.
    """
    found = search_index_of(connection).find(words)
    if found is None or found.keys is None:
        return None
    filled = _Filled.read(connection, found.state)
    if filled is None:
        return None
    since = connection.execute(select(events.c.id).where(events.c.id > filled.events_to)).scalars()
    return frozenset({*found.keys, *since, *_changed_events(connection, filled), *filled.unread})


def fill_search_index(database: Database, seconds: float, clock: Clock) -> str | None:
    """Add texts that were stored since the last time, within a time; return the reason if that is impossible.

    A search without it is only slower. If the process is killed, the index is as after the last part. What there is no
    time for is added next time.
    """
    filling = _Filling()
    ends = clock.monotonic() + seconds
    try:
        is_going_on = True
        while is_going_on and clock.monotonic() < ends:
            with database.read() as connection:
                is_going_on = search_index_of(connection).write(partial(filling.next_part, connection))
    except StoreError as error:
        return str(error)
    return None


class _Filling:
    """The parts of one update: changed events first, then those that are not indexed yet."""

    def __init__(self) -> None:
        self._has_changed = False

    def next_part(self, connection: Connection, state: str | None) -> Addition | None:
        filled = _Filled.read(connection, state)
        if filled is None or filled.documents > 2 * filled.events + _MOST_DOCUMENTS:
            return self._anew(connection)
        if not self._has_changed:
            self._has_changed = True
            return self._changed(connection, filled)
        return self._new(connection, filled)

    def _anew(self, connection: Connection) -> Addition:
        self._has_changed = True
        return Addition(_Filled.nothing(connection).state, (), begins_anew=True)

    def _changed(self, connection: Connection, filled: _Filled) -> Addition:
        changed = _changed_events(connection, filled)
        keys = [key for key in {*changed, *filled.unread} if key <= filled.events_to]
        if len(keys) > _MOST_CHANGED:
            return self._anew(connection)
        texts, unread = _texts_of(connection, is_among(events.c.id, keys))
        added = [
            (key, text) for key, text in texts if key in changed or unread.get(key) != filled.unread.get(key)
        ]
        state = replace(
            _Filled.nothing(connection),
            events_to=filled.events_to,
            events=filled.events,
            documents=filled.documents + len(added),
            unread=unread,
        ).state
        return Addition(state, added)

    def _new(self, connection: Connection, filled: _Filled) -> Addition | None:
        is_new = events.c.id > filled.events_to
        part = select(events.c.id).where(is_new).order_by(events.c.id).limit(_EVENTS_AT_ONCE).subquery()
        last = connection.execute(select(func.max(part.c.id))).scalar()
        if last is None:
            return None
        texts, unread = _texts_of(connection, and_(is_new, events.c.id <= last))
        state = replace(
            filled,
            events_to=last,
            events=filled.events + len(texts),
            documents=filled.documents + len(texts),
            unread={**filled.unread, **unread},
        ).state
        return Addition(state, texts)


def _changed_events(connection: Connection, filled: _Filled) -> set[int]:
    """Return the keys of events with new or changed texts, except new events."""

    def since(log: Table, *texts: Column[Any], parent: str = "") -> ColumnElement[bool]:
        fields = [*(text.key for text in texts), *filter(None, (parent,))]
        return and_(log.c.id > filled.mark(log), log.c.field.in_(fields))

    changed = union(
        select(markets.c.event_id).where(markets.c.id > filled.mark(markets), ~markets.c.is_combo),
        select(markets.c.event_id)
        .join(market_changes, market_changes.c.market_id == markets.c.id)
        .where(since(market_changes, *MARKET_TEXTS, parent="event_ticker")),
        # An event that combos have left is one of plain markets since.
        select(events.c.id)
        .join(market_changes, market_changes.c.before == events.c.ticker)
        .where(since(market_changes, parent="event_ticker")),
        select(event_changes.c.event_id).where(since(event_changes, *EVENT_TEXTS, parent="series_ticker")),
        select(events.c.id)
        .join(series_changes, series_changes.c.series_id == events.c.series_id)
        .where(since(series_changes, *SERIES_TEXTS)),
    )
    return set(connection.execute(changed).scalars())


_unread_of = {
    table: _is_unread(table, texts)
    for table, texts in ((series, SERIES_TEXTS), (events, EVENT_TEXTS), (markets, MARKET_TEXTS))
}
_texts = (
    select(
        events.c.id,
        *_unread_of.values(),
        *SERIES_TEXTS,
        *EVENT_TEXTS,
        *MARKET_TEXTS,
    )
    .select_from(
        events.outerjoin(series, series.c.id == events.c.series_id).outerjoin(
            markets, and_(markets.c.event_id == events.c.id, ~markets.c.is_combo)
        )
    )
    .where(IS_PLAIN)
    .order_by(events.c.id)
)


def _texts_of(
    connection: Connection, are_asked: ColumnElement[bool]
) -> tuple[list[tuple[int, str]], dict[int, int]]:
    """Return the folded texts of plain events by key, and the number of rows of each that are still to be read."""
    texts, unread = [], {}
    for key, rows in groupby(connection.execute(_texts.where(are_asked)), key=lambda row: row[0]):
        words, count = _of_event(rows)
        texts.append((int(key), words))
        if count:
            unread[int(key)] = count
    return texts, unread


def _of_event(rows: Iterator[Any]) -> tuple[str, int]:
    found: dict[str, None] = {}
    unread_markets = unread_parents = 0
    for _, series_is_unread, event_is_unread, market_is_unread, *texts in rows:
        unread_parents = bool(series_is_unread) + bool(event_is_unread)
        unread_markets += bool(market_is_unread)
        found.update(dict.fromkeys(text for text in texts if text))
    return fold("\n".join(found)), unread_parents + unread_markets
