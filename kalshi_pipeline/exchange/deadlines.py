"""One deadline for a whole request: connecting, its headers, its body.

httpx's own time-out starts again at every byte that arrives, so that a server which sends its headers byte by byte
would hold a request for days.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx


class Deadline:
    """Until when the request of each thread must have ended, by a monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._of_thread = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let the requests of this thread end within a time."""
        self._of_thread.ends = self._monotonic() + seconds
        try:
            yield
        finally:
            del self._of_thread.ends

    def left(self) -> float:
        """Return the seconds that are left to this thread's request; negative ones are past the deadline."""
        ends: float = getattr(self._of_thread, "ends", float("inf"))
        return ends - self._monotonic()

    def limit(self, timeout: float | None) -> float | None:
        """Return a time-out of a part of the request that does not outlast it."""
        left = self.left()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole answer took too long")
        least = left if timeout is None else min(left, timeout)
        return None if least == float("inf") else least


def keep_deadline(client: httpx.Client, deadline: Deadline) -> None:
    """Hold every connection of a client to a deadline, those through proxies too.

    httpx offers no way to pass a network backend, so that the one of its pools is replaced.
    """
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001  (as said above)
    for transport in transports:
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore.ConnectionPool):
            pool._network_backend = _Backend(pool._network_backend, deadline)  # noqa: SLF001


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._backend = backend
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(
            host, port, self._deadline.limit(timeout), local_address, socket_options
        )
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.limit(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.limit(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.limit(timeout))
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  (as httpcore declares it)
        return self._stream.get_extra_info(info)
