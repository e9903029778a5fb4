"""The kinds of records that the campaign sends: where each is listed and stored."""

import json
import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kalshi_pipeline_tests.exchange.mutated import KINDS
from kalshi_pipeline_tests.faults.odd_documents import (
    expected_document,
    expected_of_table,
    mutated_document,
    stored_documents,
    stored_of_table,
)
from kalshi_pipeline_tests.faults.odd_exchange import Answer, always, listing, whole
from kalshi_pipeline_tests.faults.odd_selected import candlesticks, order_books
from kalshi_pipeline_tests.faults.sending import (
    CUTOFF_AFTER_ALL,
    DAY,
    DAY_SECONDS,
    START,
    Sent,
    Stored,
    all_read,
    keys_of,
    of_table,
    own,
    rows_of,
    run_of,
)

_FAR = datetime(9000, 1, 1, tzinfo=UTC).timestamp() * 1_000_000


def _series(count: int, chance: random.Random) -> Sent:
    kind, keys = KINDS["series"], keys_of(count)
    rows = rows_of(kind, "ticker", keys, chance)
    found = all_read(kind, rows)
    return Sent(
        count, {"/series": whole("series", rows)}, ("sync",), run_of("series"), len(found), 0,
        own(found, "ticker"), of_table(kind, "series", "ticker"), rows=rows,
    )  # fmt: skip


def _events(count: int, chance: random.Random) -> Sent:
    kind = KINDS["events"]
    rows = rows_of(kind, "event_ticker", keys_of(count), chance)
    found = all_read(kind, rows)
    series = "(SELECT s.ticker FROM series s WHERE s.id = series_id)"
    return Sent(
        count, {"/events": listing("events", rows)}, ("sync",), run_of("events"), len(found), 0,
        own(found, "ticker"), of_table(kind, "events", "ticker", series_ticker=series), rows=rows,
    )  # fmt: skip


_QUOTE = ("yes_bid", "yes_ask", "yes_bid_size", "yes_ask_size", "last_price", "volume", "open_interest")
_EVENT = {"event_ticker": "(SELECT e.ticker FROM events e WHERE e.id = event_id)"}
_LATEST = {name: f"(SELECT q.{name} FROM latest_quotes q WHERE q.market_id = id)" for name in _QUOTE}
_UNSTORED = ("no_bid", "no_ask", "updated_time")
_DESCRIBED = tuple(name for name in KINDS["markets"].fields if name not in (*_UNSTORED, *_QUOTE))


def _markets(count: int, chance: random.Random) -> Sent:
    kind = KINDS["markets"]
    rows = rows_of(kind, "ticker", keys_of(count), chance)
    found = all_read(kind, rows)
    return Sent(
        count, {"/markets": listing("markets", rows)}, ("snapshot",), "ticks WHERE 1", len(found), 0,
        own(found, "ticker", (*_DESCRIBED, *_QUOTE)),
        of_table(kind, "markets", "ticker", _UNSTORED, **_EVENT, **_LATEST), rows=rows,
    )  # fmt: skip


def _settled(count: int, chance: random.Random, *, is_historical: bool) -> Sent:
    kind = KINDS["ended"]
    rows = rows_of(kind, "ticker", keys_of(count), chance)
    found = all_read(kind, rows)
    in_tier = listing("markets", rows, status="open" if is_historical else "settled")
    answers = (
        {"/historical/cutoff": always(CUTOFF_AFTER_ALL), "/historical/markets": in_tier}
        if is_historical
        else {"/markets": in_tier}
    )
    for values in found:
        close_at = values["close_at"]
        has_closed = close_at is not None and close_at < _FAR
        values["settled_at"] = values["settled_at"] or (close_at if has_closed else None)
    # Where no time is said, the market's close is one, and else it is when the pipeline first saw it.
    said_at = "iif(s.settled_at_source = 'first_seen', NULL, s.settled_at)"
    of_settlement = {
        name: f"(SELECT {shown} FROM settlements s WHERE s.market_id = id)"
        for name, shown in (("settlement_value", "s.settlement_value"), ("settled_at", said_at))
    }
    return Sent(
        count, answers, ("backfill", "settlements"), run_of("settlements backfill"), len(found), 0,
        own(found, "ticker", (*_DESCRIBED, *of_settlement)),
        of_table(kind, "markets", "ticker", (*_UNSTORED, *_QUOTE), **_EVENT, **of_settlement),
    )  # fmt: skip


def _trades(count: int, chance: random.Random, *, is_historical: bool) -> Sent:
    kind = KINDS["trades"]
    rows = rows_of(kind, "trade_id", [json.dumps(str(UUID(int=number))) for number in range(count)], chance)
    found = all_read(kind, rows)
    within = [values for values in found if START <= values["created_at"] / 1_000_000 < START + DAY_SECONDS]
    names = ("ticker", "created_at", "yes_price", "contracts", "taker_side", "is_block")

    def read(connection: sqlite3.Connection) -> Stored:
        rows = connection.execute(
            "SELECT t.trade_id, m.ticker, t.created_at, yes_price, contracts, taker_side, is_block "
            "FROM trades t JOIN markets m ON m.id = t.market_id WHERE length(t.trade_id) = 16"
        )
        return {str(UUID(bytes=row[0])): dict(zip(names, row[1:], strict=True)) for row in rows}

    expected = {
        values["trade_id"]: {name: values[name] for name in names}
        for values in within
        if values["trade_id"].startswith("00000000-")
    }
    answers: dict[str, Answer] = {"/markets/trades": listing("trades", rows)}
    if is_historical:
        answers = {
            "/historical/cutoff": always(CUTOFF_AFTER_ALL),
            "/historical/trades": listing("trades", rows),
        }
    return Sent(
        count, answers, ("backfill", "trades", "--start", DAY, "--end", DAY), run_of("trades"), len(found),
        len(found) - len(within), expected, read,
    )  # fmt: skip


def _fee_changes(count: int, chance: random.Random, *, of: str) -> Sent:
    name = f"{of}_fee_changes"
    kind = KINDS[name]
    rows = rows_of(kind, "id", keys_of(count), chance)
    found = all_read(kind, rows)
    answer = whole("series_fee_change_arr", rows) if of == "series" else listing(name, rows)
    return Sent(
        count, {f"/{'series' if of == 'series' else 'events'}/fee_changes": answer}, ("sync",), run_of(name),
        len(found), 0, own(found, "change_id"), of_table(kind, name, "change_id"),
    )  # fmt: skip


def _documents(
    count: int,
    chance: random.Random,
    *,
    asset: str,
    path: str,
    key: str,
    identifier: str = "id",
    **names: str,
) -> Sent:
    rows = [mutated_document(identifier, f"K-{number}", chance) for number in range(count)]
    found = [
        document for document in (expected_document(identifier, row) for row in rows) if document is not None
    ]
    expected = {name: fields for name, fields in found if name.startswith("K-")}

    def read(connection: sqlite3.Connection) -> Stored:
        return dict(stored_documents(connection, asset.removesuffix("s")))

    return Sent(
        count, {path: listing(key, rows, **names)}, ("sync",), run_of(asset), len(found), 0, expected, read
    )


# A market's document has no field that changes with every quote.
_MOVING = (
    *(f"{side}_{part}" for side in ("yes", "no") for part in ("bid", "ask", "bid_dollars", "ask_dollars")),
    *(f"{side}_{part}_size_fp" for side in ("yes", "no") for part in ("bid", "ask")),
    *("last_price", "last_price_dollars", "volume", "volume_fp", "open_interest", "open_interest_fp"),
)


def _described(
    count: int, chance: random.Random, *, listed: Callable[[int, random.Random], Sent], subject: str
) -> Sent:
    """The documents of readable records that also have rows."""
    sent = listed(count, chance)
    identifier = "event_ticker" if subject == "event" else "ticker"
    every = expected_of_table(identifier, sent.rows, _MOVING)
    documents = {key: every[key] for key in sent.expected}
    return replace(
        sent,
        expected=documents,
        read=lambda connection: dict(stored_of_table(connection, subject)),
    )


def _of(make: Callable[..., Sent], **names: Any) -> Callable[[int, random.Random], Sent]:
    return lambda count, chance: make(count, chance, **names)


KINDS_SENT: dict[str, Callable[[int, random.Random], Sent]] = {
    "series": _series,
    "events": _events,
    "markets": _markets,
    "documents of series": _of(_described, listed=_series, subject="series"),
    "documents of events": _of(_described, listed=_events, subject="event"),
    "documents of markets": _of(_described, listed=_markets, subject="market"),
    "settled markets": _of(_settled, is_historical=False),
    "historical markets": _of(_settled, is_historical=True),
    "trades": _of(_trades, is_historical=False),
    "historical trades": _of(_trades, is_historical=True),
    "candlesticks": _of(candlesticks, is_historical=False),
    "historical candlesticks": _of(candlesticks, is_historical=True),
    "order books": order_books,
    "fee changes of series": _of(_fee_changes, of="series"),
    "fee changes of events": _of(_fee_changes, of="event"),
    "milestones": _of(_documents, asset="milestones", path="/milestones", key="milestones"),
    "structured targets": _of(
        _documents, asset="structured_targets", path="/structured_targets", key="structured_targets"
    ),
    "collections": _of(
        _documents,
        asset="collections",
        path="/multivariate_event_collections",
        key="multivariate_contracts",
        identifier="collection_ticker",
    ),
    "incentive programs": _of(
        _documents,
        asset="incentive_programs",
        path="/incentive_programs",
        key="incentive_programs",
        cursor_key="next_cursor",
    ),
}
