"""What the campaign sends of each kind of record, and what has to be stored of it by the oracle's reading."""

import json
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from kalshi_pipeline_tests.exchange import oracle
from kalshi_pipeline_tests.exchange.mutated import KINDS, Kind, Values, expected, mutated
from kalshi_pipeline_tests.exchange.mutated_books import expected_book, mutated_book
from kalshi_pipeline_tests.faults.odd_documents import expected_document, mutated_document, stored_documents
from kalshi_pipeline_tests.faults.odd_exchange import Answer, always, by_ticker, listing, whole

_DAY = "2026-11-20"
_START = int(datetime.fromisoformat(f"{_DAY}T00:00:00Z").timestamp())
_SECONDS = 86_400
_MINUTES = 1_440
_AFTER_ALL = '{"market_settled_ts": "2026-11-25T00:00:00Z", "trades_created_ts": "2026-11-25T00:00:00Z"}'
_FAR = datetime(9000, 1, 1, tzinfo=UTC).timestamp() * 1_000_000

Stored: TypeAlias = dict[str, Any]
"""What is stored or expected of records, by what identifies each."""


@dataclass(frozen=True)
class Sent:
    """Records as the exchange has them, the command that collects them, and what has to come of it.

    `expected` has what each record says that can be read and is asked for, by an identifier of its own: one that is
    odd itself is only counted. `read` gives the same of a store. `run` is where the run has its counts.
    """

    count: int
    answers: Mapping[str, Answer]
    command: tuple[str, ...]
    run: str
    readable: int
    out_of_scope: int
    expected: Stored
    read: Callable[[sqlite3.Connection], Stored]
    settings: Mapping[str, str] = field(default_factory=dict)


def _listed(asset: str) -> str:
    return f"listings WHERE asset = '{asset}'"


def _rows(kind: Kind, name: str, keys: Sequence[str], chance: random.Random) -> list[str]:
    """The texts of records, each with an identifier of its own in a field, unless that is what is odd."""
    return [mutated(kind._replace(base={**kind.base, name: key}), chance) for key in keys]


def _all_read(kind: Kind, rows: Sequence[str]) -> list[Values]:
    return [values for values, _ in (expected(kind, row) for row in rows) if values is not None]


def _own(values: Sequence[Values], name: str, columns: Sequence[str] | None = None) -> Stored:
    """What records say in the columns, of those that still have an identifier of their own."""
    return {
        found[name]: {column: found[column] for column in columns or found}
        for found in values
        if found[name].startswith("K-")
    }


def _of_table(kind: Kind, table: str, key: str, left_out: Sequence[str] = (), **joined: str) -> Any:
    """Read the fields of a kind from its table, of which some are keys of shared texts; `joined` is how others are."""
    names = [name for name in kind.fields if name not in left_out]

    def read(connection: sqlite3.Connection) -> Stored:
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        shown = [
            joined.get(name, name if name in columns else f"(SELECT body FROM texts WHERE id = {name}_id)")
            for name in names
        ]
        rows = connection.execute(f"SELECT {', '.join(shown)} FROM {table}")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for values in found:
            for name in names:
                if kind.fields[name].read is oracle.free_json and values[name] is not None:
                    values[name] = json.loads(values[name])
        return {str(values[key]): values for values in found}

    return read


def _series(count: int, chance: random.Random) -> Sent:
    kind, keys = KINDS["series"], _keys(count)
    rows = _rows(kind, "ticker", keys, chance)
    found = _all_read(kind, rows)
    return Sent(
        count, {"/series": whole("series", rows)}, ("sync",), _listed("series"), len(found), 0,
        _own(found, "ticker"), _of_table(kind, "series", "ticker"),
    )  # fmt: skip


def _events(count: int, chance: random.Random) -> Sent:
    kind = KINDS["events"]
    rows = _rows(kind, "event_ticker", _keys(count), chance)
    found = _all_read(kind, rows)
    series = "(SELECT s.ticker FROM series s WHERE s.id = series_id)"
    return Sent(
        count, {"/events": listing("events", rows)}, ("sync",), _listed("events"), len(found), 0,
        _own(found, "ticker"), _of_table(kind, "events", "ticker", series_ticker=series),
    )  # fmt: skip


_QUOTE = ("yes_bid", "yes_ask", "yes_bid_size", "yes_ask_size", "last_price", "volume", "open_interest")
_EVENT = {"event_ticker": "(SELECT e.ticker FROM events e WHERE e.id = event_id)"}
_LATEST = {name: f"(SELECT q.{name} FROM latest_quotes q WHERE q.market_id = id)" for name in _QUOTE}
_UNSTORED = ("no_bid", "no_ask", "updated_time")
_DESCRIBED = tuple(name for name in KINDS["markets"].fields if name not in (*_UNSTORED, *_QUOTE))


def _markets(count: int, chance: random.Random) -> Sent:
    kind = KINDS["markets"]
    rows = _rows(kind, "ticker", _keys(count), chance)
    found = _all_read(kind, rows)
    return Sent(
        count, {"/markets": listing("markets", rows)}, ("snapshot",), "ticks WHERE 1", len(found), 0,
        _own(found, "ticker", (*_DESCRIBED, *_QUOTE)),
        _of_table(kind, "markets", "ticker", _UNSTORED, **_EVENT, **_LATEST),
    )  # fmt: skip


def _settled(count: int, chance: random.Random, *, is_historical: bool) -> Sent:
    kind = KINDS["ended"]
    rows = _rows(kind, "ticker", _keys(count), chance)
    found = _all_read(kind, rows)
    in_tier = listing("markets", rows, status="open" if is_historical else "settled")
    answers = (
        {"/historical/cutoff": always(_AFTER_ALL), "/historical/markets": in_tier}
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
        count, answers, ("backfill", "settlements"), _listed("settlements backfill"), len(found), 0,
        _own(found, "ticker", (*_DESCRIBED, *of_settlement)),
        _of_table(kind, "markets", "ticker", (*_UNSTORED, *_QUOTE), **_EVENT, **of_settlement),
    )  # fmt: skip


def _trades(count: int, chance: random.Random, *, is_historical: bool) -> Sent:
    kind = KINDS["trades"]
    rows = _rows(kind, "trade_id", [json.dumps(str(UUID(int=number))) for number in range(count)], chance)
    found = _all_read(kind, rows)
    within = [values for values in found if _START <= values["created_at"] / 1_000_000 < _START + _SECONDS]
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
        answers = {"/historical/cutoff": always(_AFTER_ALL), "/historical/trades": listing("trades", rows)}
    return Sent(
        count, answers, ("backfill", "trades", "--start", _DAY, "--end", _DAY), _listed("trades"), len(found),
        len(found) - len(within), expected, read,
    )  # fmt: skip


def _candlesticks(count: int, chance: random.Random, *, is_historical: bool) -> Sent:
    kind = KINDS["candlesticks"]
    tickers = [f"K-{number}" for number in range(-(-count // _MINUTES))]
    texts: dict[str, list[str]] = {}
    readable = within = 0
    expected: Stored = {}
    for place, ticker in enumerate(tickers):
        minutes = range(min(_MINUTES, count - place * _MINUTES))
        ends = [str(_START + 60 * (minute + 1)) for minute in minutes]
        texts[ticker] = _rows(kind, "end_period_ts", ends, chance)
        found = _all_read(kind, texts[ticker])
        of_day = [
            values for values in found if _START * 10**6 < values["end_at"] <= (_START + _SECONDS) * 10**6
        ]
        readable, within = readable + len(found), within + len(of_day)
        expected |= {f"{ticker}/{values['end_at']}": values for values in of_day}

    def read(connection: sqlite3.Connection) -> Stored:
        rows = connection.execute(
            f"SELECT m.ticker, {', '.join(f'c.{name}' for name in kind.fields)} "
            "FROM candlesticks c JOIN markets m ON m.id = c.market_id WHERE period_minutes = 1"
        )
        return {f"{row[0]}/{row[1]}": dict(zip(kind.fields, row[1:], strict=True)) for row in rows}

    def of_one(path: str, _: object) -> str | None:
        rows = texts.get(path.split("/")[3])
        return None if rows is None else f'{{"candlesticks": [{",".join(rows)}]}}'

    batches = {
        ticker: f'{{"market_ticker": "{ticker}", "candlesticks": [{",".join(rows)}]}}'
        for ticker, rows in texts.items()
    }
    answers: dict[str, Answer] = {"/markets": by_ticker("markets", "tickers", _known(tickers))}
    if is_historical:
        answers |= {
            "/historical/cutoff": always(_AFTER_ALL),
            "/markets/candlesticks": whole("markets", ()),
            "/historical/markets/*/candlesticks": of_one,
        }
    else:
        answers |= {"/markets/candlesticks": by_ticker("markets", "market_tickers", batches)}
    return Sent(
        count, answers, ("backfill", "candlesticks", "--start", _DAY, "--end", _DAY), _listed("candlesticks"),
        readable, readable - within, expected, read,
        {"candlestick_markets": ",".join(tickers), "candlestick_minutes": "1"},
    )  # fmt: skip


def _order_books(count: int, chance: random.Random) -> Sent:
    tickers = [f"K-{number}" for number in range(count)]
    texts = {ticker: mutated_book(ticker, chance) for ticker in tickers}
    found = [book for book in map(expected_book, texts.values()) if book is not None]
    expected = {ticker: levels for ticker, levels in found if ticker in texts}

    def read(connection: sqlite3.Connection) -> Stored:
        books: Stored = {
            ticker: {}
            for (ticker,) in connection.execute(
                "SELECT m.ticker FROM order_books b JOIN markets m ON m.id = b.market_id"
            )
        }
        for ticker, is_yes, price, size in connection.execute(
            "SELECT m.ticker, l.is_yes, l.price, l.size FROM order_book_levels l "
            "JOIN order_books b ON b.id = l.order_book_id JOIN markets m ON m.id = b.market_id"
        ):
            books[ticker][bool(is_yes), price] = size
        return books

    answers = {
        "/markets": by_ticker("markets", "tickers", _known(tickers)),
        "/markets/orderbooks": by_ticker("orderbooks", "tickers", texts),
    }
    return Sent(
        count, answers, ("order-books",), _listed("order_books"), len(found), len(found) - len(expected), expected,
        read, {"order_book_markets": ",".join(tickers)},
    )  # fmt: skip


def _fee_changes(count: int, chance: random.Random, *, of: str) -> Sent:
    name = f"{of}_fee_changes"
    kind = KINDS[name]
    rows = _rows(kind, "id", _keys(count), chance)
    found = _all_read(kind, rows)
    answer = whole("series_fee_change_arr", rows) if of == "series" else listing(name, rows)
    return Sent(
        count, {f"/{'series' if of == 'series' else 'events'}/fee_changes": answer}, ("sync",), _listed(name),
        len(found), 0, _own(found, "change_id"), _of_table(kind, name, "change_id"),
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
        count, {path: listing(key, rows, **names)}, ("sync",), _listed(asset), len(found), 0, expected, read
    )


def _keys(count: int) -> list[str]:
    return [json.dumps(f"K-{number}") for number in range(count)]


def _known(tickers: Sequence[str]) -> dict[str, str]:
    """Markets that were open on the day, and may since have left the live tier."""
    times = '"open_time": "2026-11-19T00:00:00Z", "close_time": "2026-11-21T00:00:00Z"'
    return {
        ticker: f'{{"ticker": "{ticker}", "event_ticker": "E", "status": "finalized", {times}}}'
        for ticker in tickers
    }


def _of(make: Callable[..., Sent], **names: Any) -> Callable[[int, random.Random], Sent]:
    return lambda count, chance: make(count, chance, **names)


KINDS_SENT: dict[str, Callable[[int, random.Random], Sent]] = {
    "series": _series,
    "events": _events,
    "markets": _markets,
    "settled markets": _of(_settled, is_historical=False),
    "historical markets": _of(_settled, is_historical=True),
    "trades": _of(_trades, is_historical=False),
    "historical trades": _of(_trades, is_historical=True),
    "candlesticks": _of(_candlesticks, is_historical=False),
    "historical candlesticks": _of(_candlesticks, is_historical=True),
    "order books": _order_books,
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
