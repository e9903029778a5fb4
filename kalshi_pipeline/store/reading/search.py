"""Searching series, events and plain markets by words of their titles and tickers."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    select,
    true,
)

from kalshi_pipeline.errors import RangeError
from kalshi_pipeline.store.dialects.statements import is_among, match_of
from kalshi_pipeline.store.schema.tables import events, markets, series
from kalshi_pipeline.store.search_index import (
    EVENT_TEXTS,
    IS_PLAIN,
    MARKET_TEXTS,
    SERIES_TEXTS,
    events_to_search,
)
from kalshi_pipeline.store.words import folded_words
from kalshi_pipeline.vocabulary import STATUSES_OF, StatusFilter


class Found(NamedTuple):
    """A series, an event or a market (`kind`) that words name."""

    kind: str
    ticker: str
    title: str | None
    sub_title: str | None
    event_ticker: str | None
    series_ticker: str | None
    category: str | None
    status: str | None


_MOST_COMPARED = 2_000  # rows with the words, the newest
_FEW_EVENTS = 5_000  # whose rows are sought one after another
_no_text = cast(null(), String)
_category = func.coalesce(series.c.category, events.c.category)
IS_OPEN = markets.c.status.in_(list(STATUSES_OF[StatusFilter.OPEN]))
"""Whether a market is open."""


class Searched(NamedTuple):
    """How rows of a query are searched: the texts, and the order of the rows that have the words."""

    key: ColumnElement[int]
    ticker: ColumnElement[str]
    texts: Sequence[ColumnElement[Any]]
    is_open: ColumnElement[bool]
    then: Sequence[ColumnElement[Any]]


class Words:
    """The words of a search, with the events that may have them."""

    def __init__(self, connection: Connection, texts: Iterable[str]) -> None:
        self.words = folded_words(texts)
        """The words, folded."""
        self._events = events_to_search(connection, self.words) if self.words else frozenset()

    @property
    def are_indexed(self) -> bool:
        """Whether an index knows which events may have them."""
        return self._events is not None

    def are_in(self, *texts: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether each word is in one of some texts of a row."""
        return match_of(self.words, texts) > 0

    def may_be_in_event(self, key: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether an event with a key may have them: a condition that excludes the others early."""
        if self._events is None:
            return true()
        # For many events, the index of keys does not help: rows are read newest first, until there are enough.
        return is_among(key if len(self._events) <= _FEW_EVENTS else key + 0, self._events)

    def best(
        self, connection: Connection, query: Select[Any], searched: "Searched", limit: int
    ) -> list[Sequence[Any]]:
        """Return the rows of a query that have the words, at most `limit`.

        Rows whose ticker is one of the words come first, then open ones, then the others; in each group, those with
        whole words come first, and then `searched.then` decides. If more than 2,000 rows of a group have the words,
        only the newest 2,000 are compared.
        """
        named = searched.ticker.in_([*self.words, *(word.upper() for word in self.words)])
        found: dict[str, Sequence[Any]] = {}
        for are_asked in (named, searched.is_open, not_(func.coalesce(searched.is_open, false()))):
            if len(found) < limit:
                rows = connection.execute(self._best_of(query.where(are_asked), searched).limit(limit))
                for *row, ticker in rows:
                    found.setdefault(ticker, row)
        return list(found.values())[:limit]

    def _best_of(self, query: Select[Any], searched: "Searched") -> Select[Any]:
        then = {f"then_{number}": value for number, value in enumerate(searched.then)}
        sorted_by = {
            "is_closed": not_(func.coalesce(searched.is_open, false())),
            "match": -match_of(self.words, searched.texts),
            **then,
        }
        added = [searched.ticker.label("named"), *(value.label(name) for name, value in sorted_by.items())]
        newest = query.where(self.are_in(*searched.texts)).order_by(searched.key.desc()).limit(_MOST_COMPARED)
        hits = newest.add_columns(*added).subquery()
        columns = list(hits.c)[: len(hits.c) - len(sorted_by)]
        return select(*columns).order_by(*(hits.c[name] for name in sorted_by))


def words_of(connection: Connection, texts: Iterable[str]) -> Words:
    """Return the words of a search. Raises RangeError for texts without any."""
    words = Words(connection, texts)
    if not words.words:
        raise RangeError("the text has no words: search for one, such as a part of a title")
    return words


class _Kind(NamedTuple):
    """How one kind is found: its query, how that is searched, and the key of its event, if it has one."""

    query: Select[Any]
    searched: Searched
    event_id: ColumnElement[int] | None = None


def search(connection: Connection, texts: Iterable[str], limit: int) -> list[Found]:
    """Return the series, then the events, then the markets with each word in their ticker, title or subtitle.

    Words match in any case, with or without accents, and as parts of words. Combos and their events are omitted,
    because their titles are those of their legs. At most `limit` are returned of each kind, in the order of
    `Words.best`, then newest first. Raises RangeError for texts without words.
    """
    words = words_of(connection, texts)
    found: list[Found] = []
    for kind in _KINDS:
        query = kind.query
        if kind.event_id is not None:
            query = query.where(words.may_be_in_event(kind.event_id))
        found += (Found(*row) for row in words.best(connection, query, kind.searched, limit))
    return found[:limit]


_has_open_market = exists(select(markets.c.id).where(markets.c.event_id == events.c.id, IS_OPEN)).correlate(
    events
)


def _newest(table: Table) -> Sequence[ColumnElement[Any]]:
    return (-table.c.first_seen_at, table.c.ticker)


_KINDS = (
    _Kind(
        select(
            *(literal("series"), series.c.ticker, series.c.title, _no_text, _no_text, series.c.ticker),
            *(series.c.category, _no_text),
        ),
        Searched(series.c.id, series.c.ticker, SERIES_TEXTS, true(), _newest(series)),
    ),
    _Kind(
        select(
            *(literal("event"), events.c.ticker, events.c.title, events.c.sub_title, events.c.ticker),
            *(series.c.ticker, _category, _no_text),
        )
        .select_from(events.outerjoin(series))
        .where(IS_PLAIN),
        Searched(events.c.id, events.c.ticker, EVENT_TEXTS, _has_open_market, _newest(events)),
        events.c.id,
    ),
    _Kind(
        select(
            *(literal("market"), markets.c.ticker, markets.c.title, markets.c.yes_sub_title, events.c.ticker),
            *(series.c.ticker, _category, markets.c.status),
        )
        .select_from(markets.outerjoin(events).outerjoin(series))
        .where(not_(markets.c.is_combo)),
        Searched(markets.c.id, markets.c.ticker, MARKET_TEXTS, IS_OPEN, _newest(markets)),
        markets.c.event_id,
    ),
)
