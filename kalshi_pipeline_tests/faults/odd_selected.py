"""Odd candlesticks of both tiers, and odd order books, for selected markets."""

import random
import sqlite3
from collections.abc import Sequence

from kalshi_pipeline_tests.exchange.mutated import KINDS
from kalshi_pipeline_tests.exchange.mutated_books import expected_book, mutated_book
from kalshi_pipeline_tests.faults.odd_exchange import Answer, always, by_ticker, whole
from kalshi_pipeline_tests.faults.sending import (
    CUTOFF_AFTER_ALL,
    DAY,
    DAY_SECONDS,
    START,
    Sent,
    Stored,
    all_read,
    rows_of,
    run_of,
)

_MINUTES = 1_440


def candlesticks(count: int, chance: random.Random, *, is_historical: bool) -> Sent:
    kind = KINDS["candlesticks"]
    tickers = [f"K-{number}" for number in range(-(-count // _MINUTES))]
    texts: dict[str, list[str]] = {}
    readable = within = 0
    expected: Stored = {}
    for place, ticker in enumerate(tickers):
        minutes = range(min(_MINUTES, count - place * _MINUTES))
        ends = [str(START + 60 * (minute + 1)) for minute in minutes]
        texts[ticker] = rows_of(kind, "end_period_ts", ends, chance)
        found = all_read(kind, texts[ticker])
        of_day = [
            values for values in found if START * 10**6 < values["end_at"] <= (START + DAY_SECONDS) * 10**6
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
            "/historical/cutoff": always(CUTOFF_AFTER_ALL),
            "/markets/candlesticks": whole("markets", ()),
            "/historical/markets/*/candlesticks": of_one,
        }
    else:
        answers |= {"/markets/candlesticks": by_ticker("markets", "market_tickers", batches)}
    return Sent(
        count, answers, ("backfill", "candlesticks", "--start", DAY, "--end", DAY), run_of("candlesticks"),
        readable, readable - within, expected, read,
        {"candlestick_markets": ",".join(tickers), "candlestick_minutes": "1"},
    )  # fmt: skip


def order_books(count: int, chance: random.Random) -> Sent:
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
        count, answers, ("order-books",), run_of("order_books"), len(found), len(found) - len(expected), expected,
        read, {"order_book_markets": ",".join(tickers)},
    )  # fmt: skip


def _known(tickers: Sequence[str]) -> dict[str, str]:
    """Markets that were open on the day, and may have left the live tier since."""
    times = '"open_time": "2026-11-19T00:00:00Z", "close_time": "2026-11-21T00:00:00Z"'
    return {
        ticker: f'{{"ticker": "{ticker}", "event_ticker": "E", "status": "finalized", {times}}}'
        for ticker in tickers
    }
