"""The contents of a store in plain SQL: whether it is sound, and how it differs from another one."""

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

Content: TypeAlias = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]
"""The rows of each table by their keys, without what depends on when they were stored."""

_CONTENT = {
    "series": ("SELECT ticker, title, category, is_placeholder FROM series", 1),
    "events": (
        "SELECT e.ticker, s.ticker, e.title, e.is_placeholder FROM events e LEFT JOIN series s ON s.id = series_id",
        1,
    ),
    "markets": (
        "SELECT m.ticker, e.ticker, m.status, m.title, m.close_at, m.is_placeholder FROM markets m "
        "JOIN events e ON e.id = event_id",
        1,
    ),
    "latest_prices": (
        "SELECT ticker, yes_bid, yes_ask, last_price, yes_bid_size, yes_ask_size, volume, open_interest "
        "FROM latest_prices",
        1,
    ),
    "settlements": (
        "SELECT ticker, s.result, s.settlement_value FROM settlements s JOIN markets m ON m.id = s.market_id",
        1,
    ),
    "trades": (
        "SELECT t.trade_id, m.ticker, t.yes_price, t.contracts FROM trades t "
        "JOIN markets m ON m.id = t.market_id",
        1,
    ),
    "candlesticks": (
        "SELECT m.ticker, c.end_at, c.yes_bid_close, c.yes_ask_close, c.price_close, c.volume, c.open_interest "
        "FROM candlesticks c JOIN markets m ON m.id = c.market_id",
        2,
    ),
    "days of candlesticks": (
        "SELECT m.ticker, d.day, d.state, d.tier FROM candlestick_days d JOIN markets m ON m.id = d.market_id",
        2,
    ),
    "fee changes of series": (
        "SELECT change_id, series_ticker, fee_type, fee_multiplier, scheduled_at FROM series_fee_changes",
        1,
    ),
    "fee changes of events": (
        "SELECT change_id, event_ticker, fee_type_override, fee_multiplier_override, scheduled_at "
        "FROM event_fee_changes",
        1,
    ),
    "documents of markets": (
        "SELECT m.ticker, 1 FROM market_documents d JOIN markets m ON m.id = d.market_id GROUP BY m.ticker",
        1,
    ),
    "documents of events": (
        "SELECT e.ticker, 1 FROM event_documents d JOIN events e ON e.id = d.event_id GROUP BY e.ticker",
        1,
    ),
    "documents of series": (
        "SELECT s.ticker, 1 FROM series_documents d JOIN series s ON s.id = d.series_id GROUP BY s.ticker",
        1,
    ),
    "other documents": (
        "SELECT s.kind, s.ticker, max(d.seen_at) > 0 FROM document_subjects s "
        "LEFT JOIN subject_documents d ON d.subject_id = s.id GROUP BY s.kind, s.ticker",
        2,
    ),
}
_COUNTED = "received <> inserted + changed + unchanged + quarantined + duplicates + out_of_scope"
_UNCHANGING = _COUNTED.replace(" + changed", "")


def content(path: Path) -> Content:
    """Return the contents of a store by table, without the collector's own times."""
    found: Content = {}
    with closing(sqlite3.connect(path)) as connection:
        for table, (query, keys) in _CONTENT.items():
            rows = connection.execute(query)
            found[table] = {row[:keys]: row[keys:] for row in rows}
    return found


def lost_and_wrong(
    found: Content,
    undisturbed: Content,
    *,
    may_have_more: bool = False,
    may_also_have: Collection[str] = (),
) -> tuple[int, int, list[str]]:
    """Return the numbers of missing and of differing rows of the undisturbed store, with a sentence for each kind.

    More rows count as differing, unless any may be there, or those of some tickers.
    """
    lost = wrong = 0
    sentences = []
    for table, rows in undisturbed.items():
        missing = rows.keys() - found[table].keys()
        different = [key for key in rows.keys() & found[table].keys() if rows[key] != found[table][key]]
        more = set() if may_have_more else found[table].keys() - rows.keys()
        more = {key for key in more if key[-1] not in may_also_have}
        lost, wrong = lost + len(missing), wrong + len(different) + len(more)
        if missing:
            sentences.append(f"{len(missing)} rows of {table} are missing, such as {min(missing)}")
        if different:
            key = min(different)
            sentences.append(f"{table} has {found[table][key]} instead of {rows[key]} for {key}")
        if more:
            sentences.append(
                f"{table} has {len(more)} rows that the undisturbed store has not, such as {min(more)}"
            )
    return lost, wrong, sentences


def placeholders(found: Content) -> int:
    """Return the number of placeholder events and series in a store."""
    return sum(row[-1] for table in ("series", "events") for row in found[table].values())


def unsound(path: Path, *, may_be_running: bool = False, may_have_been_killed: bool = False) -> list[str]:
    """Return a sentence for each fault of a store: pages, keys, and runs whose counts do not add up."""
    with closing(sqlite3.connect(path)) as connection:
        problems = [
            f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"
        ]
        problems += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            return problems  # it was killed before its first commit
        problems += [
            f"{table} {row} does not add up"
            for table, differs in (("listings", _COUNTED), ("ticks", _UNCHANGING))
            for row in connection.execute(f"SELECT id, state, received FROM {table} WHERE {differs}")
        ]
        # A later listing closes a killed one, once it cannot be alive any more.
        problems += [
            f"{table} {row} is still open"
            for table in (
                () if may_be_running else ("ticks",) if may_have_been_killed else ("ticks", "listings")
            )
            for row in connection.execute(f"SELECT id FROM {table} WHERE state = 'running'")
        ]
    return problems


def newest_quotes(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return `latest_prices` by ticker."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {row["ticker"]: dict(row) for row in connection.execute("SELECT * FROM latest_prices")}
