"""One deadline for a whole request: connection, headers and body. httpx's own timeout restarts at every received byte,
so a server that sends its headers byte by byte could hold a request for days.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx


class Deadline:
    """The deadline of each thread's request, on a monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._of_thread = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Limit the time of this thread's requests."""
        self._of_thread.ends = self._monotonic() + seconds
        try:
            yield
        finally:
            del self._of_thread.ends

    def left(self) -> float:
        """Return the remaining seconds of this thread's request; negative past the deadline."""
        ends: float = getattr(self._of_thread, "ends", float("inf"))
        return ends - self._monotonic()

    def limit(self, timeout: float | None) -> float | None:
        """Return the timeout of a part of the request, within the deadline."""
        left = self.left()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole answer took too long")
        least = left if timeout is None else min(left, timeout)
        return None if least == float("inf") else least


def keep_deadline(client: httpx.Client, deadline: Deadline) -> None:
    """Apply the deadlines to every connection of a client, including those through proxies. httpx cannot be given a
    network backend, so the backend of its pools is replaced.
    """
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001  (as said above)
    for transport in transports:
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore.ConnectionPool):
            pool._network_backend = _Backend(pool._network_backend, deadline)  # noqa: SLF001  (as said above)


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
