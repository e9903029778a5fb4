"""The exchange's listings, read without code of the pipeline, for comparison with the store."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kalshi_pipeline_tests import plain_http

QUOTED = {
    "yes_bid": ("yes_bid_dollars", "yes_bid_size_fp"),
    "yes_ask": ("yes_ask_dollars", "yes_ask_size_fp"),
}
AS_SENT = {
    "last_price": "last_price_dollars",
    "yes_bid_size": "yes_bid_size_fp",
    "yes_ask_size": "yes_ask_size_fp",
    "volume": "volume_fp",
    "open_interest": "open_interest_fp",
}


def open_markets(api_url: str, **params: str) -> dict[str, Mapping[str, Any]]:
    """Every open market by ticker, as the exchange sends it."""
    rows = _walked(f"{api_url}/markets", "markets", {"status": "open", "limit": "1000", **params})
    return {market["ticker"]: market for market in rows}


def events(api_url: str) -> dict[str, Mapping[str, Any]]:
    """Every event by ticker, whatever its status, as the exchange sends it. Combos have none of them."""
    rows = _walked(f"{api_url}/events", "events", {"limit": "200"})
    return {event["event_ticker"]: event for event in rows}


def quote_of(market: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """A market's quote by the documented rule.

    A side is quoted if its size is positive or 0 < price < 1. A last price of 0, which the exchange writes before the
    first trade, means none.
    """
    quote: dict[str, Decimal | None] = {}
    for name, (price_name, size_name) in QUOTED.items():
        price, size = Decimal(market[price_name]), Decimal(market[size_name])
        quote[name] = price if 0 < price < 1 or size > 0 else None
    quote |= {name: Decimal(market[sent]) for name, sent in AS_SENT.items()}
    return quote | {"last_price": quote["last_price"] or None}


def stored_quote(row: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """A row of `latest_prices` with its numbers as text."""
    return {name: None if row[name] is None else Decimal(str(row[name])) for name in (*QUOTED, *AS_SENT)}


def _walked(url: str, key: str, query: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = plain_http.get(url, params=query).json()
        found += page[key]
        if not page.get("cursor"):
            return found
        query = {**query, "cursor": page["cursor"]}
