"""SQLite finds the rows of a view by an index, with and without statistics. No query reads all quotes."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from benchmarks.view_store import (
    fill,
    have_statistics_of_a_smaller_store,
    list_unchanged,
    ticker_of,
)

TICKER = ticker_of(1)
EVENT, SERIES = TICKER.rpartition("-")[0], TICKER.partition("-")[0]
# Growing tables, by their names in the views: quotes, trades, candlesticks, changes, settlements, books, markets.
_GROWING = {
    "price_history": ("k", "q", "g", "p"),
    "quotes_by_tick": ("q", "g", "p", "j"),
    "price_history_filled": ("k", "q", "g", "p", "c", "f"),
    "gaps_filled": ("c", "f", "m", "e"),
    "trade_history": ("t", "m", "e"),
    "candlestick_history": ("c", "m", "e"),
    "market_change_history": ("c", "m", "e"),
    "settlement_history": ("r", "m", "e"),
    "order_book_history": ("b", "l", "m"),
    "order_book": ("b", "l", "m", "e"),
}
_TICKS = {
    "by text": "WHERE tick_at >= '2026-11-22T11:00:00Z'",
    "at a text": "WHERE tick_at = '2026-11-22T11:00:00Z'",
    "between texts": "WHERE tick_at BETWEEN '2026-11-22T11:00:00Z' AND '2026-11-22T11:30:00Z'",
    "by a text that is computed": "WHERE tick_at >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 hour')",
    "by number": "WHERE tick_at_us >= 1795345200000000",
    "by tick": "WHERE tick_id = 7",
    "newest first": "ORDER BY tick_at DESC LIMIT 100",
    "newest first by number": "ORDER BY tick_at_us DESC LIMIT 100",
    "by ticks that are selected": "WHERE tick_id IN (SELECT tick_id FROM tick_history ORDER BY tick_at DESC LIMIT 3)",
    "by times that are selected": "WHERE tick_at IN (SELECT tick_at FROM tick_history ORDER BY tick_at DESC LIMIT 3)",
    "of an event": f"WHERE event_ticker = '{EVENT}'",
    "of an event by text": f"WHERE event_ticker = '{EVENT}' AND tick_at >= '2026-11-22T11:00:00Z'",
    "of a series": f"WHERE series_ticker = '{SERIES}' AND tick_at >= '2026-11-22T11:00:00Z'",
    "of a market": f"WHERE ticker = '{TICKER}'",
    "of selected markets": f"WHERE ticker IN (SELECT ticker FROM market_catalogue WHERE event_ticker = '{EVENT}')",
    "of selected events by text": "WHERE event_ticker IN (SELECT event_ticker FROM event_catalogue "
    f"WHERE series_ticker = '{SERIES}') AND tick_at >= '2026-11-22T11:00:00Z'",
}
_NUMBERED = {
    "trade_history": "created_at_us",
    "candlestick_history": "end_at_us",
    "market_change_history": "seen_at_us",
    "settlement_history": "settled_at_us",
    "order_book_history": "received_at_us",
    "order_book": "received_at_us",
    "gaps_filled": "quote_at_us",
    "price_history_filled": "quote_at_us",
}
QUESTIONS = [
    pytest.param(view, question, id=f"{view} {name}")
    for view in ("price_history", "quotes_by_tick")
    for name, question in _TICKS.items()
] + [
    pytest.param(view, question, id=f"{view} {name}")
    for view, at in _NUMBERED.items()
    for name, question in {
        "by number": f"WHERE {at} >= 1795345200000000",
        "newest first": f"ORDER BY {at} DESC LIMIT 100",
        "of a market": f"WHERE ticker = '{TICKER}'",
        **(
            {}
            if view == "order_book_history"
            else {
                "of an event": f"WHERE event_ticker = '{EVENT}'",
                "of a series": f"WHERE series_ticker = '{SERIES}'",
                "of a series by number": f"WHERE series_ticker = '{SERIES}' AND {at} >= 1795345200000000",
                "of selected markets": "WHERE ticker IN "
                f"(SELECT ticker FROM market_catalogue WHERE event_ticker = '{EVENT}')",
            }
        ),
    }.items()
]


@pytest.fixture(
    scope="module", params=["without statistics", "with statistics", "with statistics of a smaller store"]
)
def connection(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sqlite3.Connection]:
    """A small store that keeps every quote of its newest ticks."""
    folder = tmp_path_factory.mktemp("plans")
    path = folder / "kalshi.db"
    fill(path, 200_000)
    with closing(sqlite3.connect(path)) as connection:
        list_unchanged(connection, 20)
        if request.param == "with statistics":
            connection.execute("ANALYZE")
        elif request.param == "with statistics of a smaller store":
            have_statistics_of_a_smaller_store(connection, folder / "smaller.db")
    with closing(sqlite3.connect(path)) as connection:
        yield connection


@pytest.mark.parametrize(("view", "question"), QUESTIONS)
def test_view_seeks_what_grows(connection: sqlite3.Connection, view: str, question: str) -> None:
    """A query neither reads all rows of a growing table nor sorts more rows than its LIMIT."""
    plan = [str(row[-1]) for row in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {view} {question}")]
    names = "|".join(_GROWING[view])
    assert [step for step in plan if re.match(rf"BLOOM FILTER ON ({names})\b", step)] == []
    if question.startswith("ORDER BY"):
        # From the newest row on, until there are enough.
        assert [step for step in plan if "TEMP B-TREE" in step] == []
    else:
        assert [step for step in plan if re.match(rf"SCAN ({names})\b", step)] == []


@pytest.mark.parametrize(
    "question",
    [
        question
        for name, question in _TICKS.items()
        if name in ("of an event", "of a market", "of selected markets")
    ],
)
def test_quotes_of_few_markets_are_not_sought_at_every_tick(
    connection: sqlite3.Connection, question: str
) -> None:
    plan = [
        str(row[-1])
        for row in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM stored_quotes {question}")
    ]
    assert [step for step in plan if re.match(r"SCAN (t|s)\b", step)] == []


@pytest.mark.parametrize("question", [_TICKS["of a series"], _TICKS["of selected events by text"]])
def test_quotes_of_a_series_are_read_at_the_ticks_that_are_asked_for(
    connection: sqlite3.Connection, question: str
) -> None:
    """Its other quotes, which lie far apart, are seen in an index only."""
    plan = [
        str(row[-1])
        for row in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM stored_quotes {question}")
    ]
    assert "SEARCH q USING PRIMARY KEY (tick_id=? AND market_id=?)" in plan
    (found,) = (step for step in plan if re.match(r"(SCAN|SEARCH) k ", step))
    assert found.startswith(("SEARCH k USING COVERING INDEX", "SEARCH k USING PRIMARY KEY"))


def test_join_with_ticks_seeks_the_quotes_of_each(connection: sqlite3.Connection) -> None:
    for view in ("price_history", "quotes_by_tick"):
        joined = f"tick_history AS h JOIN {view} AS v USING (tick_id)"
        question = f"SELECT * FROM {joined} WHERE h.tick_at >= '2026-11-22T11:00:00Z'"
        plan = [str(row[-1]) for row in connection.execute(f"EXPLAIN QUERY PLAN {question}")]
        assert not [step for step in plan if re.match(r"(SCAN|BLOOM FILTER ON) [qg]\b|MATERIALIZE", step)]
