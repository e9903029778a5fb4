"""Complete rows of every kind, from HTTP to tables and views.

Each column has a distinct value, so that swapped fields are found.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import latest
from kalshi_pipeline.units import instant_of, parse_instant
from kalshi_pipeline_tests import sent as sent_today
from kalshi_pipeline_tests.clock import NOON, ManualClock

Sent: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]

SECOND = 1_000_000
DAY = date(2026, 11, 21)
TICKER, SETTLED_TICKER = "KXRAIN-26NOV23-T40", "KXRAIN-26NOV23-T60"

SERIES: Sent = {
    "ticker": "KXRAIN",
    "title": "Rain in New York",
    "category": "Climate",
    "frequency": "daily",
    "tags": ["rain", "weather"],
    "categories": ["Climate", "Weather"],
    "fee_type": "quadratic",
    "fee_multiplier": 0.5,
    "settlement_sources": [{"name": "Gauge", "url": "https://gauge.example"}],
    "contract_url": "https://contract.example",
    "contract_terms_url": "https://terms.example",
    "additional_prohibitions": ["Meteorologists"],
    "product_metadata": {"competition": "Rain Cup", "competition_scope": "Season"},
    "exchange_index": 3,
}
EVENT: Sent = {
    "event_ticker": "KXRAIN-26NOV23",
    "series_ticker": "KXRAIN",
    "title": "Will it rain?",
    "sub_title": "On Nov 23, 2026",
    "category": "Weather",
    "mutually_exclusive": True,
    "strike_date": "2026-11-23T23:00:00Z",
    "strike_period": "day",
    "collateral_return_type": "MECNET",
    "fee_type_override": "flat",
    "fee_multiplier_override": 2,
    "settlement_sources": [{"name": "Radar", "url": "https://radar.example"}],
    "product_metadata": {"competition": "Rain Bowl", "competition_scope": "Final"},
    "exchange_index": 2,
}
MARKET: Sent = {
    "ticker": TICKER,
    "event_ticker": "KXRAIN-26NOV23",
    "title": "Will it rain on Nov 23?",
    "yes_sub_title": "It rains",
    "no_sub_title": "It stays dry",
    "market_type": "binary",
    "status": "active",
    "result": "no",
    "created_time": "2026-11-20T01:00:00Z",
    "open_time": "2026-11-20T02:00:00Z",
    "close_time": "2026-11-24T03:00:00Z",
    "expected_expiration_time": "2026-11-24T04:00:00Z",
    "occurrence_datetime": "2026-11-23T05:00:00Z",
    "strike_type": "between",
    "floor_strike": 40.5,
    "cap_strike": 50.5,
    "rules_primary": "If it rains.",
    "is_provisional": False,
    "mve_collection_ticker": "KXRAIN-C",
    "latest_expiration_time": "2026-11-25T06:00:00Z",
    "functional_strike": "max(a, b)",
    "custom_strike": {"city": "New York", "gauge": 7},
    "expiration_value": "41.5",
    "rules_secondary": "If the gauge fails, No.",
    "price_level_structure": "linear_cent",
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    "settlement_bounds_type": "floor",
    "settlement_floor_dollars": "0.1500",
    "settlement_timer_seconds": 60,
    "can_close_early": True,
    "early_close_condition": "Once it has rained.",
    "fee_waiver_expiration_time": "2026-11-21T07:00:00Z",
    "primary_participant_key": "New York",
    "exchange_index": 1,
    "updated_time": "2026-11-20T08:00:00Z",
    "yes_bid_dollars": "0.2900",
    "yes_ask_dollars": "0.3150",
    "no_bid_dollars": "0.6850",
    "no_ask_dollars": "0.7100",
    "yes_bid_size_fp": "2985.50",
    "yes_ask_size_fp": "17.00",
    "last_price_dollars": "0.3010",
    "volume_fp": "1234.56",
    "open_interest_fp": "789.10",
}
SETTLED: Sent = {
    "ticker": SETTLED_TICKER,
    "event_ticker": "KXRAIN-26NOV23",
    "title": "Will it rain more on Nov 23?",
    "yes_sub_title": "More rain",
    "no_sub_title": "Less rain",
    "market_type": "scalar",
    "status": "finalized",
    "result": "yes",
    "created_time": "2026-11-10T01:00:00Z",
    "open_time": "2026-11-10T02:00:00Z",
    "close_time": "2026-11-20T03:00:00Z",
    "expected_expiration_time": "2026-11-20T04:00:00Z",
    "occurrence_datetime": "2026-11-20T05:00:00Z",
    "strike_type": "greater",
    "floor_strike": 60.5,
    "cap_strike": 70.5,
    "rules_primary": "If it rains more.",
    "is_provisional": True,
    "settlement_value_dollars": "0.7300",
    "settlement_ts": "2026-11-20T06:00:00Z",
}
TRADE: Sent = {
    "trade_id": "072530dc-e0e9-9eec-eac5-06a89c1dc45f",
    "ticker": TICKER,
    "created_time": "2026-11-21T06:38:11.436559Z",
    "yes_price_dollars": "0.8000",
    "no_price_dollars": "0.2000",
    "count_fp": "14.18",
    "taker_outcome_side": "no",
    "taker_side": "no",
    "is_block_trade": True,
}
CANDLESTICK: Sent = {
    **sent_today.CANDLESTICK,
    "end_period_ts": int(datetime(2026, 11, 21, 7, tzinfo=UTC).timestamp()),
}
ORDER_BOOK: Sent = {
    "ticker": TICKER,
    "orderbook_fp": {"yes_dollars": [["0.2900", "2985.50"]], "no_dollars": [["0.6850", "17.00"]]},
}
SERIES_FEE_CHANGE: Sent = {
    "id": "fee-1",
    "series_ticker": "KXRAIN",
    "fee_type": "flat",
    "fee_multiplier": 0.75,
    "scheduled_ts": "2026-12-01T05:00:00Z",
}
EVENT_FEE_CHANGE: Sent = {
    "id": "fee-2",
    "event_ticker": "KXRAIN-26NOV23",
    "series_ticker": "KXRAIN",
    "fee_type_override": "quadratic",
    "fee_multiplier_override": 1.25,
    "scheduled_ts": "2026-12-02T05:00:00Z",
}
ODD = {"odd": 570}


class Exchange:
    """Answers with these records, alone or beside an unreadable one, after a delay."""

    def __init__(self, clock: ManualClock, *, is_odd: bool) -> None:
        self.changes: Sent = {}
        self.answer_seconds = 0.0
        self._clock = clock
        self._odd = [ODD] if is_odd else []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self._clock.advance(self.answer_seconds)
        params = request.url.params
        path = request.url.path
        if path == "/historical/cutoff":
            old = "2026-09-01T00:00:00Z"
            return httpx.Response(200, json={"market_settled_ts": old, "trades_created_ts": old})
        if path == "/exchange/status":
            return httpx.Response(200, json={"exchange_active": True, "trading_active": True})
        lists: dict[str, tuple[str, list[Any]]] = {
            "/series": ("series", [{"ticker": "KXA"}, {"ticker": "KXB"}, self._changed(SERIES)]),
            "/events": ("events", [{"event_ticker": "KXA-1"}, self._changed(EVENT)]),
            "/markets": (
                "markets",
                [self._changed(SETTLED if params.get("status") == "settled" else MARKET)],
            ),
            "/markets/trades": ("trades", [TRADE]),
            "/markets/orderbooks": ("orderbooks", [ORDER_BOOK]),
            "/series/fee_changes": ("series_fee_change_arr", [self._changed(SERIES_FEE_CHANGE)]),
            "/events/fee_changes": ("event_fee_changes", [self._changed(EVENT_FEE_CHANGE)]),
        }
        if path == "/markets/candlesticks":
            market = {"market_ticker": TICKER, "candlesticks": [CANDLESTICK, *self._odd]}
            return httpx.Response(200, json={"markets": [market]})
        key, records = lists[path]
        return httpx.Response(200, json={key: [*records, *self._odd], "cursor": ""})

    def _changed(self, sent: Sent) -> Sent:
        return {**sent, **{name: value for name, value in self.changes.items() if name in sent}}


BEFORE: Sent = {
    "title": "an earlier title",
    "yes_bid_dollars": "0.2000",
    "no_ask_dollars": "0.8000",
    "settlement_value_dollars": "0.7200",
    "scheduled_ts": "2026-12-03T05:00:00Z",
}
SEEN = NOON
CHANGED = NOON + 600 * SECOND
TICKS = [NOON + minutes * 60 * SECOND for minutes in (1, 2, 11)]


@contextmanager
def collected(database_path: Path, *, is_odd: bool) -> Iterator[Database]:
    """Collect everything at noon, and again ten minutes later."""
    clock = ManualClock(NOON)
    exchange = Exchange(clock, is_odd=is_odd)
    settings = Settings(
        api_url="http://exchange",
        database_url=f"sqlite:///{database_path}",
        combos="include",
        candlestick_markets=TICKER,
        order_book_markets=TICKER,
    )
    with (
        closing(Database(settings.database_url, clock=clock)) as database,
        KalshiClient(
            settings.api_url,
            requests_per_second=1e9,
            transport=httpx.MockTransport(exchange),
            retry_seconds=0,
            clock=clock,
        ) as client,
    ):
        session = Session(client, database, settings, lambda _: None, clock)

        def go_to(instant: int) -> None:
            clock.advance((instant - clock.now()) / SECOND)

        def sync() -> None:
            for step in (
                *(sync_series, sync_events, sync_markets, sync_settlements),
                *(sync_series_fee_changes, sync_event_fee_changes),
            ):
                step(session)

        def snapshot(tick_at: int) -> None:
            go_to(tick_at)
            exchange.answer_seconds = 1.25
            assert take_snapshot(session, tick_at).unmirrored == 0
            exchange.answer_seconds = 0.0

        exchange.changes = BEFORE
        sync()
        snapshot(TICKS[0])
        exchange.changes = {**BEFORE, "yes_bid_dollars": "0.2100", "no_ask_dollars": "0.7900"}
        snapshot(TICKS[1])
        exchange.changes = {}
        go_to(CHANGED)
        sync()
        snapshot(TICKS[2])
        collect_trades(session, DAY)
        collect_candlesticks(session, DAY)
        take_order_books(session)
        yield database


def rows_of(database_path: Path, table: str, order: str) -> list[Row]:
    with closing(sqlite3.connect(database_path)) as connection:
        connection.row_factory = sqlite3.Row
        # Without generated columns, which `table_info` omits.
        columns = ", ".join(row["name"] for row in connection.execute(f"PRAGMA table_info({table})"))
        return [dict(row) for row in connection.execute(f"SELECT {columns} FROM {table} ORDER BY {order}")]


def at(text: str) -> int:
    return instant_of(datetime.fromisoformat(text))


def text(body: str) -> int:
    return int.from_bytes(blake2b(body.encode(), digest_size=8).digest(), "big", signed=True)


SHARED = [
    '[{"name":"Gauge","url":"https://gauge.example"}]',
    '["Meteorologists"]',
    '{"competition":"Rain Cup","competition_scope":"Season"}',
    '[{"name":"Radar","url":"https://radar.example"}]',
    '{"competition":"Rain Bowl","competition_scope":"Final"}',
    "If the gauge fails, No.",
    '[{"end":"1.0000","start":"0.0000","step":"0.0100"}]',
    "Once it has rained.",
]
EVENT_ROW: Row = {
    "id": 2,
    "ticker": "KXRAIN-26NOV23",
    "series_id": 3,
    "title": "Will it rain?",
    "sub_title": "On Nov 23, 2026",
    "category": "Weather",
    "mutually_exclusive": 1,
    "strike_at": at("2026-11-23T23:00:00Z"),
    "strike_period": "day",
    "collateral_return_type": "MECNET",
    "fee_type_override": "flat",
    "fee_multiplier_override": 2_000_000,
    "settlement_sources_id": text(SHARED[3]),
    "product_metadata_id": text(SHARED[4]),
    "competition": "Rain Bowl",
    "competition_scope": "Final",
    "exchange_index": 2,
    "is_placeholder": 0,
    "reading": 2,
    "first_seen_at": SEEN,
    "changed_at": CHANGED,
}
MARKET_ROW: Row = {
    "id": 1,
    "ticker": TICKER,
    "event_id": 2,
    "title": "Will it rain on Nov 23?",
    "yes_sub_title": "It rains",
    "no_sub_title": "It stays dry",
    "market_type": "binary",
    "status": "active",
    "result": "no",
    "created_at": at("2026-11-20T01:00:00Z"),
    "open_at": at("2026-11-20T02:00:00Z"),
    "close_at": at("2026-11-24T03:00:00Z"),
    "expected_expiration_at": at("2026-11-24T04:00:00Z"),
    "occurrence_at": at("2026-11-23T05:00:00Z"),
    "strike_type": "between",
    "floor_strike": 40.5,
    "cap_strike": 50.5,
    "rules_primary": "If it rains.",
    "is_provisional": 0,
    "is_combo": 1,
    "collection_ticker": "KXRAIN-C",
    "latest_expiration_at": at("2026-11-25T06:00:00Z"),
    "functional_strike": "max(a, b)",
    "custom_strike": '{"city":"New York","gauge":7}',
    "expiration_value": "41.5",
    "rules_secondary_id": text(SHARED[5]),
    "price_level_structure": "linear_cent",
    "price_ranges_id": text(SHARED[6]),
    "settlement_bounds_type": "floor",
    "settlement_floor": 150_000,
    "settlement_timer_seconds": 60,
    "can_close_early": 1,
    "early_close_condition_id": text(SHARED[7]),
    "fee_waiver_expiration_at": at("2026-11-21T07:00:00Z"),
    "primary_participant_key": "New York",
    "exchange_index": 1,
    "gone_at": None,
    "is_placeholder": 0,
    "reading": 2,
    "first_seen_at": SEEN,
    "changed_at": CHANGED,
}
SETTLED_MARKET_ROW: Row = {
    **dict.fromkeys(MARKET_ROW),
    "id": 2,
    "ticker": SETTLED_TICKER,
    "event_id": 2,
    "title": "Will it rain more on Nov 23?",
    "yes_sub_title": "More rain",
    "no_sub_title": "Less rain",
    "market_type": "scalar",
    "status": "finalized",
    "result": "yes",
    "created_at": at("2026-11-10T01:00:00Z"),
    "open_at": at("2026-11-10T02:00:00Z"),
    "close_at": at("2026-11-20T03:00:00Z"),
    "expected_expiration_at": at("2026-11-20T04:00:00Z"),
    "occurrence_at": at("2026-11-20T05:00:00Z"),
    "strike_type": "greater",
    "floor_strike": 60.5,
    "cap_strike": 70.5,
    "rules_primary": "If it rains more.",
    "is_provisional": 1,
    "is_combo": 0,
    "collection_ticker": None,
    "gone_at": None,
    "is_placeholder": 0,
    "reading": 2,
    "first_seen_at": SEEN,
    "changed_at": CHANGED,
}
QUOTE: Row = {
    "yes_bid": 290_000,
    "yes_ask": 315_000,
    "yes_bid_size": 298_550,
    "yes_ask_size": 1_700,
    "last_price": 301_000,
    "volume": 123_456,
    "open_interest": 78_910,
}
QUOTE_ROW: Row = {"market_id": 1, "tick_id": 3, **QUOTE, "received_ms": 2_500, "is_terminal": 0}
SETTLEMENT_ROW: Row = {
    "market_id": 2,
    "result": "yes",
    "settlement_value": 730_000,
    "settled_at": at("2026-11-20T06:00:00Z"),
    "settled_at_source": "settlement_ts",
    "tier": "live",
    "first_seen_at": SEEN,
    "amended_at": CHANGED,
    "withdrawn_at": None,
}
AMENDMENT_ROW: Row = {
    "id": 1,
    "market_id": 2,
    "seen_at": CHANGED,
    "result_before": "yes",
    "result_after": "yes",
    "value_before": 720_000,
    "value_after": 730_000,
}
TRADE_ROW: Row = {
    "created_at": at("2026-11-21T06:38:11.436559Z"),
    "trade_id": bytes.fromhex("072530dce0e99eeceac506a89c1dc45f"),
    "market_id": 1,
    "yes_price": 800_000,
    "contracts": 1_418,
    "taker_side": "no",
    "is_block": 1,
}
CANDLESTICK_ROW: Row = {
    "market_id": 1,
    "period_minutes": 60,
    "end_at": at("2026-11-21T07:00:00Z"),
    "yes_bid_open": 10_000,
    "yes_bid_high": 20_000,
    "yes_bid_low": 30_000,
    "yes_bid_close": 40_000,
    "yes_ask_open": 50_000,
    "yes_ask_high": 60_000,
    "yes_ask_low": 70_000,
    "yes_ask_close": 80_000,
    "price_open": 90_000,
    "price_high": 100_000,
    "price_low": 110_000,
    "price_close": 120_000,
    "price_mean": 130_000,
    "price_previous": 140_000,
    "volume": 1_500,
    "open_interest": 1_600,
}
SERIES_FEE_CHANGE_ROW: Row = {
    "change_id": "fee-1",
    "series_ticker": "KXRAIN",
    "fee_type": "flat",
    "fee_multiplier": 750_000,
    "scheduled_at": at("2026-12-01T05:00:00Z"),
    "first_seen_at": SEEN,
    "changed_at": CHANGED,
    "withdrawn_at": None,
}
EVENT_FEE_CHANGE_ROW: Row = {
    "change_id": "fee-2",
    "event_ticker": "KXRAIN-26NOV23",
    "series_ticker": "KXRAIN",
    "fee_type_override": "quadratic",
    "fee_multiplier_override": 1_250_000,
    "scheduled_at": at("2026-12-02T05:00:00Z"),
    "first_seen_at": SEEN,
    "changed_at": CHANGED,
    "withdrawn_at": None,
}
SERIES_ROW: Row = {
    "id": 3,
    "ticker": "KXRAIN",
    "title": "Rain in New York",
    "category": "Climate",
    "frequency": "daily",
    "tags": "rain,weather",
    "categories": '["Climate","Weather"]',
    "fee_type": "quadratic",
    "fee_multiplier": 500_000,
    "settlement_sources_id": text(SHARED[0]),
    "contract_url": "https://contract.example",
    "contract_terms_url": "https://terms.example",
    "additional_prohibitions_id": text(SHARED[1]),
    "product_metadata_id": text(SHARED[2]),
    "competition": "Rain Cup",
    "competition_scope": "Season",
    "exchange_index": 3,
    "is_placeholder": 0,
    "reading": 2,
    "first_seen_at": SEEN,
    "changed_at": CHANGED,
}
BARE_SERIES: Row = {
    **dict.fromkeys(SERIES_ROW),
    "is_placeholder": 0,
    "reading": 2,
    "first_seen_at": SEEN,
    "changed_at": SEEN,
}
TABLES: dict[str, tuple[str, list[Row]]] = {
    "series": (
        "id",
        [
            {**BARE_SERIES, "id": 1, "ticker": "KXA"},
            {**BARE_SERIES, "id": 2, "ticker": "KXB"},
            SERIES_ROW,
        ],
    ),
    "events": (
        "id",
        [
            {
                **dict.fromkeys(EVENT_ROW),
                "id": 1,
                "ticker": "KXA-1",
                "is_placeholder": 0,
                "reading": 2,
                "first_seen_at": SEEN,
                "changed_at": SEEN,
            },
            EVENT_ROW,
        ],
    ),
    "markets": ("id", [MARKET_ROW, SETTLED_MARKET_ROW]),
    "texts": (
        "id",
        [{"id": key, "body": body} for key, body in sorted((text(body), body) for body in SHARED)],
    ),
    "price_snapshots": (
        "tick_id",
        [
            {**QUOTE_ROW, "tick_id": 1, "yes_bid": 200_000},
            {**QUOTE_ROW, "tick_id": 2, "yes_bid": 210_000},
            QUOTE_ROW,
        ],
    ),
    "latest_quotes": ("market_id", [QUOTE_ROW]),
    "settlements": ("market_id", [SETTLEMENT_ROW]),
    "settlement_amendments": ("id", [AMENDMENT_ROW]),
    "trades": ("trade_id", [TRADE_ROW]),
    "candlesticks": ("end_at", [CANDLESTICK_ROW]),
    "series_fee_changes": ("change_id", [SERIES_FEE_CHANGE_ROW]),
    "event_fee_changes": ("change_id", [EVENT_FEE_CHANGE_ROW]),
    "order_books": ("id", [{"id": 1, "market_id": 1, "received_at": TICKS[2] + 3_750_000}]),
    "order_book_levels": (
        "is_yes DESC",
        [
            {"order_book_id": 1, "is_yes": 1, "price": 290_000, "size": 298_550},
            {"order_book_id": 1, "is_yes": 0, "price": 685_000, "size": 1_700},
        ],
    ),
}
DECIMAL_QUOTE: Row = {
    "yes_bid": 0.29,
    "yes_ask": 0.315,
    "no_bid": 0.685,
    "no_ask": 0.71,
    "last_price": 0.301,
    "yes_bid_size": 2985.5,
    "yes_ask_size": 17,
    "volume": 1234.56,
    "open_interest": 789.1,
}
FIRST_SEEN, DECEMBER, A_DAY_LATER = (
    f"2026-{time}.000000Z" for time in ("11-22T12:00:00", "12-01T05:00:00", "12-02T05:00:00")
)
NOT_OBSERVED = "the fee of {} was not observed until then"
UNEXPLAINED = "the record of KXRAIN-26NOV23 has an override that no fee change of it explains"


def fee(
    series_ticker: str,
    event_ticker: str | None,
    from_at: str,
    until_at: str | None,
    of: tuple[str | None, float | None],
    reason: str | None = None,
    *,
    is_override: int = 0,
) -> dict[str, Any]:
    return {
        "series_ticker": series_ticker,
        "event_ticker": event_ticker,
        "from_at": from_at,
        "until_at": until_at,
        "fee_type": of[0],
        "fee_multiplier": of[1],
        "is_override": is_override,
        "state": "known" if reason is None else "unknown",
        "from_at_us": parse_instant(from_at),
        "until_at_us": None if until_at is None else parse_instant(until_at),
        "reason": reason,
    }


VIEWS: dict[str, tuple[str, list[Row]]] = {
    "latest_prices": (
        "ticker",
        [
            {
                "ticker": TICKER,
                "event_ticker": "KXRAIN-26NOV23",
                "series_ticker": "KXRAIN",
                "title": "Will it rain on Nov 23?",
                "status": "active",
                "tick_at": "2026-11-22T12:11:00Z",
                "received_at": "2026-11-22T12:11:02.500000Z",
                **DECIMAL_QUOTE,
                "is_terminal": 0,
                "confirmed_at": "2026-11-22T12:11:00Z",
                "is_observed": 1,
                "is_tick_complete": 1,
                "state": "observed",
                "tick_at_us": TICKS[2],
                "midpoint": 0.3025,
                "spread": 0.025,
            }
        ],
    ),
    "price_history": (
        "tick_at",
        [
            {
                "ticker": TICKER,
                "tick_at": f"2026-11-22T12:{minute}:00Z",
                "received_at": f"2026-11-22T12:{minute}:02.500000Z",
                **DECIMAL_QUOTE,
                "yes_bid": bid,
                "no_ask": no_ask,
                "is_terminal": 0,
                "is_tick_complete": 1,
                "event_ticker": "KXRAIN-26NOV23",
                "series_ticker": "KXRAIN",
                "tick_id": tick_id,
                "tick_at_us": TICKS[tick_id - 1],
                "midpoint": midpoint,
                "spread": spread,
            }
            for tick_id, minute, bid, no_ask, midpoint, spread in (
                (1, "01", 0.2, 0.8, 0.2575, 0.115),
                (2, "02", 0.21, 0.79, 0.2625, 0.105),
                (3, "11", 0.29, 0.71, 0.3025, 0.025),
            )
        ],
    ),
    "trade_history": (
        "trade_id",
        [
            {
                "ticker": TICKER,
                "trade_id": "072530dc-e0e9-9eec-eac5-06a89c1dc45f",
                "created_at": "2026-11-21T06:38:11.436559Z",
                "yes_price": 0.8,
                "no_price": 0.2,
                "contracts": 14.18,
                "taker_side": "no",
                "is_block": 1,
                "event_ticker": "KXRAIN-26NOV23",
                "series_ticker": "KXRAIN",
                "created_at_us": parse_instant("2026-11-21T06:38:11.436559Z"),
            }
        ],
    ),
    "candlestick_history": (
        "end_at",
        [
            {
                "ticker": TICKER,
                "period_minutes": 60,
                "end_at": "2026-11-21T07:00:00.000000Z",
                **{
                    name: value / 1_000_000
                    for name, value in CANDLESTICK_ROW.items()
                    if name.startswith(("yes_", "price_"))
                },
                "volume": 15,
                "open_interest": 16,
                "event_ticker": "KXRAIN-26NOV23",
                "series_ticker": "KXRAIN",
                "end_at_us": parse_instant("2026-11-21T07:00:00Z"),
            }
        ],
    ),
    "settlement_history": (
        "ticker",
        [
            {
                "ticker": SETTLED_TICKER,
                "event_ticker": "KXRAIN-26NOV23",
                "result": "yes",
                "settlement_value": 0.73,
                "settled_at": "2026-11-20T06:00:00.000000Z",
                "settled_at_source": "settlement_ts",
                "tier": "live",
                "first_seen_at": "2026-11-22T12:00:00.000000Z",
                "amended_at": "2026-11-22T12:10:00.000000Z",
                "status": "finalized",
                "series_ticker": "KXRAIN",
                "settled_at_us": parse_instant("2026-11-20T06:00:00Z"),
            }
        ],
    ),
    "settlement_amendment_history": (
        "seen_at",
        [
            {
                "ticker": SETTLED_TICKER,
                "seen_at": "2026-11-22T12:10:00.000000Z",
                "result_before": "yes",
                "result_after": "yes",
                "value_before": 0.72,
                "value_after": 0.73,
                "event_ticker": "KXRAIN-26NOV23",
                "series_ticker": "KXRAIN",
                "seen_at_us": CHANGED,
            }
        ],
    ),
    "fee_history": (
        "event_ticker, series_ticker, from_at",
        [
            *(
                fee(name, None, FIRST_SEEN, None, (None, None), NOT_OBSERVED.format(name))
                for name in ("KXA", "KXB")
            ),
            fee("KXRAIN", None, FIRST_SEEN, DECEMBER, ("quadratic", 0.5)),
            fee("KXRAIN", None, DECEMBER, None, ("flat", 0.75)),
            fee("KXRAIN", "KXRAIN-26NOV23", FIRST_SEEN, DECEMBER, ("quadratic", 0.5), UNEXPLAINED),
            fee("KXRAIN", "KXRAIN-26NOV23", DECEMBER, A_DAY_LATER, ("flat", 0.75), UNEXPLAINED),
            fee("KXRAIN", "KXRAIN-26NOV23", A_DAY_LATER, None, ("quadratic", 1.25), is_override=1),
        ],
    ),
    "order_book_history": (
        "side DESC",
        [
            {
                "ticker": TICKER,
                "received_at": "2026-11-22T12:11:03.750000Z",
                "side": side,
                "price": price,
                "size": size,
                "received_at_us": parse_instant("2026-11-22T12:11:03.750000Z"),
            }
            for side, price, size in (("yes", 0.29, 2985.5), ("no", 0.685, 17))
        ],
    ),
}


@pytest.mark.parametrize(
    ("is_odd", "quarantined"),
    [
        pytest.param(False, set(), id="read fast"),
        pytest.param(
            True,
            {
                "series",
                "events",
                "markets",
                "settlements",
                "trades",
                "candlesticks",
                "order_books",
                "series_fee_changes",
                "event_fee_changes",
            },
            id="read again, beside records that cannot be read",
        ),
    ],
)
def test_whole_rows_are_stored_as_they_were_sent(
    database_path: Path, is_odd: bool, quarantined: set[str]
) -> None:
    expected = {**TABLES, **VIEWS}
    with collected(database_path, is_odd=is_odd):
        found = {name: rows_of(database_path, name, order) for name, (order, _) in expected.items()}
        kinds = {row["kind"] for row in rows_of(database_path, "quarantine", "id")}
    for name, (_, rows) in expected.items():
        assert (name, found[name]) == (name, rows)
    assert kinds - {"price_snapshots"} == quarantined


def test_newest_quote_is_read_back_whole(database_path: Path) -> None:
    with collected(database_path, is_odd=False) as database, database.read() as connection:
        (quote,) = latest(connection)
    assert quote._asdict() == {
        "ticker": TICKER,
        "at": TICKS[2],
        "quoted_at": TICKS[2],
        "received_at": TICKS[2] + 2_500_000,
        "is_listed": True,
        "state": QuoteState.OBSERVED,
        "is_observed": True,
        "is_tick_complete": True,
        "confirmed_at": TICKS[2],
        **QUOTE,
    }


@pytest.mark.parametrize(
    "row",
    [
        *(EVENT_ROW, MARKET_ROW, SETTLED_MARKET_ROW, QUOTE_ROW, SETTLEMENT_ROW, TRADE_ROW, CANDLESTICK_ROW),
        *(SERIES_FEE_CHANGE_ROW, EVENT_FEE_CHANGE_ROW),
    ],
    ids=[
        "event",
        "market",
        "settled market",
        "quote",
        "settlement",
        "trade",
        "candlestick",
        "fee of a series",
        "fee of an event",
    ],
)
def test_values_of_a_row_are_unlike_each_other(row: Row) -> None:
    """Otherwise the comparisons above would not find swapped fields."""
    values = [value for value in row.values() if value is not None and value not in (0, 1, 2, 3)]
    assert len(set(values)) == len(values)
    beside = list(zip(row.values(), list(row.values())[1:], strict=False))
    assert [pair for pair in beside if pair[0] == pair[1] is not None] == []
