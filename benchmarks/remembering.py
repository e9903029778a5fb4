"""A cache in front of an exchange, which repeats answers after a set delay.

The sandbox takes longer to make a page than to send it, but a benchmark of the client needs an exchange with ready
answers.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class Remembering:
    """Repeats the answers of the exchange at `url`, `latency_seconds` after each request."""

    def __init__(self, url: str) -> None:
        self.latency_seconds = 0.0
        self._origin = httpx.URL(url).copy_with(path="/")
        self._answers: dict[str, tuple[int, bytes]] = {}
        self._asking = threading.Lock()

    def answer(self, target: str) -> tuple[int, bytes]:
        """Return the status and the body, as gzip, of a path with its query."""
        asked_at = time.monotonic()
        if target not in self._answers:
            with self._asking:
                self._answers[target] = self._ask(target)
        time.sleep(max(0.0, asked_at + self.latency_seconds - time.monotonic()))
        return self._answers[target]

    def _ask(self, target: str) -> tuple[int, bytes]:
        headers = {"Accept-Encoding": "gzip"}
        with httpx.stream("GET", self._origin.join(target), headers=headers, timeout=60) as response:
            return response.status_code, b"".join(response.iter_raw())


@contextmanager
def remembering(url: str) -> Iterator[tuple[str, Remembering]]:
    """Serve an exchange's answers at another address of this machine, until the end of the block."""
    remembered = Remembering(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, body = remembered.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{httpx.URL(url).path}", remembered
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
