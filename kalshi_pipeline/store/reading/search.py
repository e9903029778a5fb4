"""Searching series, events and plain markets by words of their titles and tickers."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
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


_no_text = cast(null(), String)
_category = func.coalesce(series.c.category, events.c.category)
IS_OPEN = markets.c.status.in_(list(STATUSES_OF[StatusFilter.OPEN]))
"""Whether a market is open."""


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
        return true() if self._events is None else is_among(key, self._events)

    def order(self, ticker: ColumnElement[str], *texts: ColumnElement[Any]) -> Sequence[ColumnElement[Any]]:
        """Return by what results are sorted first: the one whose ticker is asked for, then whole words."""
        is_named = func.lower(ticker).in_(self.words)
        return is_named.desc(), match_of(self.words, texts).desc()


def words_of(connection: Connection, texts: Iterable[str]) -> Words:
    """Return the words of a search; RangeError for texts without any."""
    words = Words(connection, texts)
    if not words.words:
        raise RangeError("the text has no words: search for one, such as a part of a title")
    return words


class _Kind(NamedTuple):
    """How things of a kind are found: what is selected, by which texts they are searched, and how they are sorted."""

    query: Select[Any]
    ticker: ColumnElement[str]
    texts: Sequence[ColumnElement[Any]]
    event_id: ColumnElement[int] | None
    is_open: ColumnElement[bool]
    seen_at: ColumnElement[int]


def search(connection: Connection, texts: Iterable[str], limit: int) -> list[Found]:
    """Return what has each word in its ticker, its title or its subtitle: series, events, then markets.

    Words are found in any case, with or without accents, and as parts of words. Combos and their events are left out:
    their titles are those of their legs. Of each kind at most `limit`: one of exactly this ticker comes first, then
    open ones, whole words, and the newest. RangeError for texts without words.
    """
    words = words_of(connection, texts)
    found: list[Found] = []
    for kind in _KINDS:
        query = kind.query.where(words.are_in(*kind.texts))
        if kind.event_id is not None:
            query = query.where(words.may_be_in_event(kind.event_id))
        is_named, by_match = words.order(kind.ticker, *kind.texts)
        ordered = query.order_by(is_named, kind.is_open.desc(), by_match, kind.seen_at.desc(), kind.ticker)
        found += (Found(*row) for row in connection.execute(ordered.limit(limit)))
    return found[:limit]


_has_open_market = exists(select(markets.c.id).where(markets.c.event_id == events.c.id, IS_OPEN)).correlate(
    events
)

_KINDS = (
    _Kind(
        select(
            *(literal("series"), series.c.ticker, series.c.title, _no_text, _no_text, series.c.ticker),
            *(series.c.category, _no_text),
        ),
        series.c.ticker,
        SERIES_TEXTS,
        None,
        true(),
        series.c.first_seen_at,
    ),
    _Kind(
        select(
            *(literal("event"), events.c.ticker, events.c.title, events.c.sub_title, events.c.ticker),
            *(series.c.ticker, _category, _no_text),
        )
        .select_from(events.outerjoin(series))
        .where(IS_PLAIN),
        events.c.ticker,
        EVENT_TEXTS,
        events.c.id,
        _has_open_market,
        events.c.first_seen_at,
    ),
    _Kind(
        select(
            *(literal("market"), markets.c.ticker, markets.c.title, markets.c.yes_sub_title, events.c.ticker),
            *(series.c.ticker, _category, markets.c.status),
        )
        .select_from(markets.join(events).outerjoin(series))
        .where(not_(markets.c.is_combo)),
        markets.c.ticker,
        MARKET_TEXTS,
        markets.c.event_id,
        func.coalesce(IS_OPEN, false()),
        markets.c.first_seen_at,
    ),
)
