"""How a test waits for another thread or process: for a condition, never for a time. The test's timeout bounds it."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], Found | None]) -> Found:
    """Poll until an answer is true, and return it."""
    while not (found := condition()):
        time.sleep(_POLL_SECONDS)
    return found


class Gate:
    """A `pause` of the sandbox: delayed requests wait until the gate is opened, and it then stays open.

    `seconds` has the delay of each request.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._arrivals = threading.Semaphore(0)
        self._opened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.seconds.append(seconds)
        self._arrivals.release()
        await self._opened.wait()

    def wait_for(self, requests: int = 1) -> None:
        """Block until as many more requests have arrived."""
        for _ in range(requests):
            self._arrivals.acquire()

    def open(self) -> None:
        """Release all of them."""
        if self._loop is None:
            self._opened.set()
        else:
            self._loop.call_soon_threadsafe(self._opened.set)
