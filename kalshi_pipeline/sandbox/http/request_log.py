"""A log of the requests that the exchange received, for tests that count them."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload


class LoggedRequest(NamedTuple):
    """A request: `path` without /trade-api/v2; `status` is 0 if the connection was reset."""

    method: str
    path: str
    query: dict[str, str]
    status: int


class RequestLog(Sequence[LoggedRequest]):
    """The newest requests, in the order of their answers; safe to read while the exchange is serving."""

    def __init__(self, most: int = 100_000) -> None:
        self._rows: deque[LoggedRequest] = deque(maxlen=most)
        self._lock = threading.Lock()

    def append(self, request: LoggedRequest) -> None:
        with self._lock:
            self._rows.append(request)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()

    def _copy(self) -> list[LoggedRequest]:
        with self._lock:
            return list(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[LoggedRequest]:
        return iter(self._copy())

    @overload
    def __getitem__(self, index: int) -> LoggedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[LoggedRequest]: ...
    def __getitem__(self, index: int | slice) -> LoggedRequest | list[LoggedRequest]:
        return self._copy()[index]
