"""Sessions of random lives: the pipeline with one store and a changing exchange, at a time of the life."""

import contextlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.ingest.changing_exchange import ChangingExchange
from kalshi_pipeline_tests.store.samples import sqlite_url

URL = "http://exchange.test/trade-api/v2"
BEGIN = 1_735_732_800 * MICROS_PER_SECOND
PERIOD = 300


@contextlib.contextmanager
def life_session(path: Path, exchange: ChangingExchange, at: int, **settings: Any) -> Iterator[Session]:
    """Open a store and the exchange, with a clock at an instant."""
    clock = ManualClock(at)
    chosen = Settings(
        api_url=URL, database_url=sqlite_url(path), **{"retry_seconds": 0, "windows": 1, **settings}
    )
    with (
        closing(Database(chosen.database_url, clock=clock)) as database,
        KalshiClient(
            URL, requests_per_second=1e9, retry_seconds=0, transport=exchange, clock=clock
        ) as client,
    ):
        yield Session(client, database, chosen, lambda _: None, clock)


def take_tick(session: Session, at: int) -> Report:
    """Take a snapshot with the tick in force at an instant."""
    period = PERIOD * MICROS_PER_SECOND
    return take_snapshot(session, at // period * period, PERIOD)
