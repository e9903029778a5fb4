"""The time of typical queries on the views, with millions of rows, warm."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.result import Aim, Options, Result, Row
from benchmarks.timing import median_milliseconds
from benchmarks.view_store import (
    NEWEST_AT,
    PERIOD,
    fill,
    have_statistics_of_a_smaller_store,
    list_unchanged,
    ticker_of,
)
from kalshi_pipeline.units import tick_iso_of

_ROWS, _QUICK_ROWS = 20_000_000, 2_000_000
_EVERY_TICKS = 100
_AIM = Aim(100)
_MOST_ROWS = 10_000
_SINCE = NEWEST_AT - 5 * PERIOD
_TICKER = ticker_of(4_243)
_EVENT, _SERIES = _TICKER.rpartition("-")[0], _TICKER.partition("-")[0]


def measure(options: Options) -> Result:
    """Fill a store and query each view, fetching at most ten thousand rows."""
    rows = _QUICK_ROWS if options.is_quick else _ROWS
    path = options.folder / "views.db"
    options.report_progress(f"views: filling {rows:,} rows")
    fill(path, rows)
    measured = []
    for state, prepare in _states(options.folder / "smaller.db").items():
        with closing(sqlite3.connect(path)) as connection:
            prepare(connection)
        with closing(sqlite3.connect(path)) as connection:
            for label, sql in _questions().items():
                options.report_progress(f"views: {state}, {label}")
                measured.append(_asked(connection, state, label, sql))
    path.unlink()
    return Result(f"Asking the views on {rows:,} quotes", measured)


def _states(smaller: Path) -> Mapping[str, Callable[[sqlite3.Connection], object]]:
    """Return the preparation of the store before the queries."""
    return {
        "without statistics": sqlite3.Connection.commit,
        "with statistics of a smaller store": lambda connection: have_statistics_of_a_smaller_store(
            connection, smaller
        ),
        "with statistics": lambda connection: connection.execute("ANALYZE"),
        "every quote kept": lambda connection: list_unchanged(connection, _EVERY_TICKS),
    }


def _asked(connection: sqlite3.Connection, state: str, label: str, sql: str) -> Row:
    found = len(connection.execute(sql).fetchmany(_MOST_ROWS))
    milliseconds, cpu = median_milliseconds(lambda _: connection.execute(sql).fetchmany(_MOST_ROWS), 3)
    return Row(state, label, milliseconds, "ms", _AIM, {"ms CPU": cpu, "rows": found})


def _questions() -> dict[str, str]:
    since = tick_iso_of(_SINCE)
    ticks = {
        "since a text": f"WHERE tick_at >= '{since}'",
        "since a number": f"WHERE tick_at_us >= {_SINCE}",
        "newest first": "ORDER BY tick_at DESC LIMIT 100",
        "by tick": "WHERE tick_id = 1000",
        "of selected ticks": "WHERE tick_id IN (SELECT tick_id FROM tick_history ORDER BY tick_at DESC LIMIT 3)",
        "of an event": f"WHERE event_ticker = '{_EVENT}'",
        "of a series": f"WHERE series_ticker = '{_SERIES}' AND tick_at >= '{since}'",
        "of a series, newest first": f"WHERE series_ticker = '{_SERIES}' ORDER BY tick_at DESC LIMIT 100",
        "of a market": f"WHERE ticker = '{_TICKER}'",
    }
    numbered = {
        "trade_history": "created_at_us",
        "candlestick_history": "end_at_us",
        "market_change_history": "seen_at_us",
        "settlement_history": "settled_at_us",
    }
    return {
        **{
            f"{view} {label}": f"SELECT * FROM {view} {question}"
            for view in ("price_history", "quotes_by_tick")
            for label, question in ticks.items()
        },
        **{
            f"{view} {label}": f"SELECT * FROM {view} {question}"
            for view, at in numbered.items()
            for label, question in {
                "since a number": f"WHERE {at} >= {_SINCE}",
                "newest first": f"ORDER BY {at} DESC LIMIT 100",
                "of an event": f"WHERE event_ticker = '{_EVENT}'",
            }.items()
        },
        **{
            f"join of {catalogue} and {view}": "SELECT h.*, c.title, c.category "
            f"FROM {view} AS h JOIN {catalogue} AS c USING ({key}) WHERE c.category = 'Climate' AND {at} >= {_SINCE}"
            for view, at in (("price_history", "tick_at_us"), ("trade_history", "created_at_us"))
            for catalogue, key in (("event_catalogue", "event_ticker"), ("market_catalogue", "ticker"))
        },
        "price_history_filled of selected markets": "SELECT * FROM price_history_filled WHERE ticker IN "
        f"(SELECT ticker FROM market_catalogue WHERE event_ticker = '{_EVENT}')",
        "join of ticks and quotes": f"SELECT * FROM tick_history AS h JOIN price_history AS p USING (tick_id) "
        f"WHERE h.tick_at >= '{since}'",
    }
