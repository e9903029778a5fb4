"""How a test waits for another thread or process: for what it does, never for a time. The test's time-out bounds it."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], Found | None]) -> Found:
    """Ask again and again, and return the first answer that is true."""
    while not (found := condition()):
        time.sleep(_POLL_SECONDS)
    return found


class Gate:
    """A `pause` of the sandbox: delayed requests arrive and wait until the gate is opened. It stays open then.

    `seconds` has what each of them would have been delayed by.
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
