"""An exchange that answers with given texts over real HTTP, so that every record may be odd."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

PREFIX = "/trade-api/v2"
Query: TypeAlias = Mapping[str, list[str]]
Answer: TypeAlias = Callable[[str, Query], str | None]
"""Returns the body for a path and a query; None where the exchange has nothing there."""
_PAGE = 500


@contextmanager
def serving(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Answer by path, in which a part may be `*`; other paths return 404. Yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = url.path.removeprefix(PREFIX)
            found = [answer for pattern, answer in answers.items() if fnmatchcase(path, pattern)]
            body = found[0](path, parse_qs(url.query)) if found else None
            sent = (body or '{"error": {"code": "not_found"}}').encode("utf-8", "surrogatepass")
            self.send_response_only(404 if body is None else 200)
            self.send_header("Date", formatdate(usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
        finally:
            server.shutdown()
            thread.join()


def always(body: str) -> Answer:
    """Answer with the same body."""
    return lambda _, __: body


def listing(
    key: str, rows: Sequence[str] = (), *, status: str = "open", cursor_key: str = "cursor"
) -> Answer:
    """List the texts of records page by page, for one status; by default for open records."""

    def page(_: str, query: Query) -> str:
        start = int(query.get("cursor", ["0"])[0])
        end = start + min(_PAGE, int(query.get("limit", query.get("page_size", [str(_PAGE)]))[0]))
        is_of_status = query.get("status", ["open"]) == [status]
        is_listed = is_of_status and not query.keys() & {"tickers", "min_created_ts"}
        listed = rows[start:end] if is_listed else []
        cursor = str(end) if is_listed and end < len(rows) else ""
        return f'{{"{key}": [{",".join(listed)}], "{cursor_key}": {json.dumps(cursor)}}}'

    return page


def whole(key: str, rows: Sequence[str]) -> Answer:
    """List the texts of all records at once."""
    return always(f'{{"{key}": [{",".join(rows)}]}}')


def by_ticker(key: str, parameter: str, texts: Mapping[str, str]) -> Answer:
    """Answer with the texts of the requested tickers, in one parameter or a repeated one."""

    def found(_: str, query: Query) -> str:
        tickers = [ticker for value in query.get(parameter, []) for ticker in value.split(",")]
        return f'{{"{key}": [{",".join(texts[ticker] for ticker in tickers if ticker in texts)}]}}'

    return found
