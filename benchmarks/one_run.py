"""A process that does one thing and prints its cost: `python -m benchmarks.one_run WHAT API_URL DATABASE_URL`.

It is a new process because its peak of memory is measured. WHAT is `nothing` (the imports alone),
`snapshot`, or `collect` (series and events before the snapshot).
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from benchmarks.peak import peak_megabytes
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_series
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Connection, Database


class Taken(NamedTuple):
    """The process's peak of memory, its longest and its median time with the write lock, and its whole time."""

    peak_megabytes: float
    longest_lock_seconds: float
    median_lock_seconds: float
    seconds: float
    received: int


class _TimedDatabase(Database):
    """Records how long each write transaction held the lock: from its acquisition to the end of the commit."""

    def __init__(self, url: str) -> None:
        self.held_seconds: list[float] = []
        super().__init__(url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        held_at = time.monotonic()
        try:
            with super().begin() as connection:
                held_at = time.monotonic()
                yield connection
        finally:
            self.held_seconds.append(time.monotonic() - held_at)


def _run(what: str, api_url: str, database_url: str) -> Taken:
    started = time.monotonic()
    settings = Settings(api_url=api_url, database_url=database_url, requests_per_second=1000)
    with (
        closing(_TimedDatabase(database_url)) as database,
        KalshiClient(api_url, requests_per_second=1000) as client,
    ):
        session = Session(client, database, settings, lambda _: None)
        database.held_seconds.clear()  # without the creation of the schema
        received = 0
        if what == "collect":
            sync_series(session)
            sync_events(session)
        if what != "nothing":
            received = take_snapshot(session, SYSTEM_CLOCK.now()).tally.received
        held = sorted(database.held_seconds) or [0.0]
    seconds = time.monotonic() - started
    return Taken(peak_megabytes(), held[-1], held[len(held) // 2], seconds, received)


if __name__ == "__main__":
    print(json.dumps(_run(*sys.argv[1:])._asdict()))
