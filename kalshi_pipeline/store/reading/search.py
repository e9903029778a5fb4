"""Searching series, events and plain markets by words of their titles and tickers."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    SQLColumnExpression,
    String,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
)

from kalshi_pipeline.store.schema.tables import events, markets, series


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


def search(connection: Connection, words: Sequence[str], limit: int) -> list[Found]:
    """Return what has each word in its ticker, its title or its subtitle, in any case: series, events, then markets.

    Combos are left out: their titles are those of their legs. Of each kind at most `limit`, by ticker. The texts are
    searched one by one, which takes about a second for a million markets.
    """
    found: list[Found] = []
    for query, searched in _QUERIES:
        rows = connection.execute(query.where(*have_words(searched, words)).limit(limit))
        found += (Found(*row) for row in rows)
    return found[:limit]


def have_words(texts: Iterable[SQLColumnExpression[Any]], words: Iterable[str]) -> list[ColumnElement[bool]]:
    """Return the conditions that each word is in one of these texts, in any case."""
    searched = list(texts)
    return [or_(*(text.icontains(word, autoescape=True) for text in searched)) for word in words]


def _query(kind: str, source: FromClause, *columns: SQLColumnExpression[Any]) -> Select[Any]:
    return select(literal(kind), *columns).select_from(source).order_by(columns[0])


_QUERIES = (
    (
        _query(
            "series",
            series,
            *(
                series.c.ticker,
                series.c.title,
                _no_text,
                _no_text,
                series.c.ticker,
                series.c.category,
                _no_text,
            ),
        ),
        (series.c.ticker, series.c.title, series.c.tags),
    ),
    (
        _query(
            "event",
            events.outerjoin(series),
            *(
                events.c.ticker,
                events.c.title,
                events.c.sub_title,
                events.c.ticker,
                series.c.ticker,
                _category,
            ),
            _no_text,
        ),
        (events.c.ticker, events.c.title, events.c.sub_title),
    ),
    (
        _query(
            "market",
            markets.join(events).outerjoin(series),
            *(markets.c.ticker, markets.c.title, markets.c.yes_sub_title, events.c.ticker, series.c.ticker),
            *(_category, markets.c.status),
        ).where(not_(markets.c.is_combo)),
        (markets.c.ticker, markets.c.title, markets.c.yes_sub_title),
    ),
)
