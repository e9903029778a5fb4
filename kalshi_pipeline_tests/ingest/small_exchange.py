"""An exchange with a test's own records, for names and kinds that the sandbox's world does not have."""

import http.server
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

Record: TypeAlias = dict[str, Any]

_ROOT = "/trade-api/v2"
_CUTOFF = "2026-09-25T00:00:00Z"


def event(ticker: str, series_ticker: str) -> Record:
    return {"event_ticker": ticker, "series_ticker": series_ticker, "title": f"Title of {ticker}"}


def market(ticker: str, event_ticker: str, collection: str | None = None) -> Record:
    """An open market; a combo if it was made from a collection."""
    made_from = {} if collection is None else {"mve_collection_ticker": collection}
    return {"ticker": ticker, "event_ticker": event_ticker, "status": "active", **made_from}


def trade(number: int, ticker: str) -> Record:
    """The n-th trade of the morning of 20 November 2026."""
    return {
        "trade_id": f"00000000-0000-0000-0000-{number:012d}",
        "ticker": ticker,
        "created_time": f"2026-11-20T10:00:{number:02d}Z",
        "count_fp": "1.00",
        "yes_price_dollars": "0.5500",
        "taker_outcome_side": "yes",
        "is_block_trade": False,
    }


class SmallExchange:
    """Serves a day of trades, and listings.

    Its records may change while it is serving. `now` (seconds since 1970) dates its answers, by default the computer's
    clock. The only supported query parameter is `tickers`: every listing has all records. A path in `failing` returns
    500 if the requested tickers contain its text. `/events` does not list the events of combos.
    """

    def __init__(self, events: Iterable[Record], markets: Iterable[Record], trades: Iterable[Record]) -> None:
        self.events = [*events]
        self.markets = [*markets]
        self.trades = sorted(trades, key=lambda record: record["created_time"], reverse=True)
        self.trades_per_page = 1000
        self.failing: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.now: Callable[[], float] | None = None

    def walks_begun(self) -> int:
        """The number of walks over trades that began without a cursor."""
        return sum(path == "/markets/trades" and "cursor" not in query for path, query in self.asked)

    def looked_up(self, path: str) -> list[str]:
        """The tickers requested from a path, with repetitions."""
        lists = (query["tickers"] for asked, query in self.asked if asked == path and "tickers" in query)
        return sorted(ticker for tickers in lists for ticker in tickers.split(","))

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        self.asked.append((path, query))
        if path in self.failing and self.failing[path] in query.get("tickers", ""):
            return 500, {"error": {"message": "down"}}
        match [unquote(part) for part in path.split("/")[1:]]:
            case ["exchange", "status"]:
                return 200, {"exchange_active": True, "trading_active": True}
            case ["historical", "cutoff"]:
                return 200, {"market_settled_ts": _CUTOFF, "trades_created_ts": _CUTOFF}
            case ["markets", "trades"]:
                start = int(query.get("cursor") or 0)
                end = start + self.trades_per_page
                cursor = str(end) if end < len(self.trades) else ""
                return 200, {"trades": self.trades[start:end], "cursor": cursor}
            case ["markets"]:
                return 200, {"markets": _of_tickers(self.markets, "ticker", query), "cursor": ""}
            case ["historical", "markets"]:
                return 200, {"markets": [], "cursor": ""}
            case ["events"]:
                combos = {row["event_ticker"] for row in self.markets if "mve_collection_ticker" in row}
                listed = [row for row in self.events if row["event_ticker"] not in combos]
                return 200, {"events": _of_tickers(listed, "event_ticker", query), "cursor": ""}
            case ["events", ticker]:
                found = [row for row in self.events if row["event_ticker"] == ticker]
                return (200, {"event": found[0], "markets": []}) if found else (404, {})
            case _:
                return 404, {}


def _of_tickers(rows: Sequence[Record], name: str, query: dict[str, str]) -> list[Record]:
    tickers = query["tickers"].split(",") if "tickers" in query else None
    return [row for row in rows if tickers is None or row[name] in tickers]


@contextmanager
def served(exchange: SmallExchange) -> Iterator[str]:
    """Serve an exchange over HTTP, and yield its address."""

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            status, content = exchange.answer(url.path.removeprefix(_ROOT), query)
            body = json.dumps(content).encode()
            self.send_response_only(status)
            self.send_header("Date", self.date_time_string(exchange.now and exchange.now()))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}{_ROOT}"
        server.shutdown()
        thread.join()
