"""An exchange whose every record may be odd: it serves given texts page by page, over real HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PREFIX = "/trade-api/v2"
_PAGE = 500


@contextmanager
def serving(texts: Mapping[str, tuple[str, Sequence[str]]], answers: Mapping[str, str]) -> Iterator[str]:
    """Serve the texts of records in pages, by path and with the key of their list; `answers` are whole bodies by path.

    Yields the address. Other paths are not offered.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = _body(url.path.removeprefix(PREFIX), parse_qs(url.query), texts, answers)
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


def _body(
    path: str,
    query: Mapping[str, list[str]],
    texts: Mapping[str, tuple[str, Sequence[str]]],
    answers: Mapping[str, str],
) -> str | None:
    if path not in texts:
        return answers.get(path)
    key, rows = texts[path]
    start = int(query.get("cursor", ["0"])[0])
    end = start + min(_PAGE, int(query.get("limit", [str(_PAGE)])[0]))
    is_listed = query.get("status", ["open"]) == ["open"] and not query.keys() & {"tickers", "min_created_ts"}
    page = rows[start:end] if is_listed else []
    cursor = str(end) if is_listed and end < len(rows) else ""
    return f'{{"{key}": [{",".join(page)}], "cursor": {json.dumps(cursor)}}}'
