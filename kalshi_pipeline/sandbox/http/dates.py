"""The `Date` of every answer, from the wall clock, not the world's clock."""

import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import TypeAlias

Now: TypeAlias = Callable[[], float]
"""Returns seconds since 1970."""

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

WALL_CLOCK: Now = time.time


def with_date(headers: Headers, now: float) -> list[tuple[bytes, bytes]]:
    """Return headers with a `Date`, which is earlier by the answer's `Age`, if any."""
    sent = list(headers)
    age_seconds = next((int(value) for name, value in sent if name == b"age"), 0)
    return [*sent, (b"date", formatdate(now - age_seconds, usegmt=True).encode())]
