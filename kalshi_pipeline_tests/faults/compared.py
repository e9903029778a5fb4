"""Compares a store with the exchange, by plain HTTP and plain SQL."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.faults.places import TRADE_DAYS, Place
from kalshi_pipeline_tests.faults.stored import newest_quotes
from kalshi_pipeline_tests.ingest.listed import open_markets, quote_of, stored_quote

_NEWEST = "SELECT id, state FROM ticks ORDER BY tick_at DESC LIMIT 1"
_WRITTEN = (
    "SELECT ticker FROM price_snapshots JOIN markets ON markets.id = market_id "
    "WHERE tick_id = ? AND NOT is_terminal"
)


def compare(
    here: Place, *, are_all_read: bool = True, may_be_null: bool = False, may_have_ended: bool = False
) -> tuple[int, int, list[str]]:
    """Compare the observed quotes and the claims of the newest tick with the exchange, which has not moved since.

    Returns the numbers of lost and of wrong markets, with a sentence for each kind. Unreadable records may be missing:
    they are in quarantine, and odd numbers are NULL. Markets `may_have_ended` if nothing in an answer says so.
    """
    listed = open_markets(here.exchange.url)
    stored = newest_quotes(here.store)
    with closing(sqlite3.connect(here.store)) as connection:
        newest, state = connection.execute(_NEWEST).fetchone()
        written = {ticker for (ticker,) in connection.execute(_WRITTEN, (newest,))}
    claims_all = state == "complete" and are_all_read
    looked_at = (set(listed) if claims_all else written) & listed.keys() & stored.keys()
    wrong = sorted(
        ticker
        for ticker in looked_at
        if _differs(stored_quote(stored[ticker]), quote_of(listed[ticker]), may_be_null=may_be_null)
    )
    lost = sorted(listed.keys() - stored.keys()) if claims_all else []
    ended = [] if may_have_ended else sorted(written - listed.keys())
    found = {
        f"quotes of a {state} tick are not what the exchange says": wrong,
        "markets are missing in a complete tick": lost,
        "quotes were stored of markets that are not open": ended,
    }
    problems = [f"{len(some)} {what}, such as {some[0]}" for what, some in found.items() if some]
    return len(lost), len(wrong) + len(ended), problems


def _differs(
    stored: Mapping[str, Decimal | None], sent: Mapping[str, Decimal | None], *, may_be_null: bool
) -> bool:
    return any(
        stored[name] != value for name, value in sent.items() if not (may_be_null and stored[name] is None)
    )


def compare_trades(here: Place) -> tuple[int, int, list[str]]:
    """Compare the stored trades with the exchange's trades of those days. Returns the same as `compare`."""
    sent = {
        str(UUID(trade["trade_id"])): (
            trade["ticker"],
            Decimal(trade["yes_price_dollars"]),
            Decimal(trade["count_fp"]),
        )
        for path in ("/markets/trades", "/historical/trades")
        for trade in _trades(f"{here.exchange.url}{path}")
    }
    with closing(sqlite3.connect(here.store)) as connection:
        stored = {
            str(UUID(bytes=key)): (ticker, Decimal(price) / 1_000_000, Decimal(size) / 100)
            for key, ticker, price, size in connection.execute(
                "SELECT t.trade_id, m.ticker, t.yes_price, t.contracts FROM trades t "
                "JOIN markets m ON m.id = t.market_id"
            )
        }
    lost = sent.keys() - stored.keys()
    wrong = [key for key, trade in stored.items() if sent.get(key) != trade]
    problems = [f"{len(lost)} trades are missing, such as {min(lost)}"] if lost else []
    problems += [f"{len(wrong)} trades are not what the exchange says, such as {min(wrong)}"] if wrong else []
    return len(lost), len(wrong), problems


def _trades(url: str) -> list[dict[str, Any]]:
    start = datetime.combine(date.fromisoformat(TRADE_DAYS[0]), time(), UTC)
    end = datetime.combine(date.fromisoformat(TRADE_DAYS[-1]), time(), UTC) + timedelta(days=1)
    bounds = {"min_ts": str(int(start.timestamp()) - 1), "max_ts": str(int(end.timestamp()))}
    query, found = {"limit": "1000", **bounds}, []
    while True:
        page = plain_http.get(url, params=query).json()
        found += page["trades"]
        if not page["cursor"]:
            return [trade for trade in found if trade["created_time"][:10] in TRADE_DAYS]
        query["cursor"] = page["cursor"]
