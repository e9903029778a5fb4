"""Odd records of every endpoint, sent over HTTP: each is stored, quarantined or out of scope."""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from kalshi_pipeline.ingest.replay import replay
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.exchange.mutated import KINDS, mutated
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, served


def rows_of(kind: str, key: str, count: int, chance: random.Random) -> Iterator[Record]:
    """Odd records, most of them with their own identifier."""
    for number in range(count):
        with suppress(ValueError):  # a number of more digits than Python reads
            row: Any = json.loads(mutated(KINDS[kind], chance))
            if row.get(key) == "K":
                row[key] = f"K{number}"
            yield row


class OddExchange(SmallExchange):
    """Lists its records and serves lookups by ticker; its trades are on one page."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__([], [], [])
        self.lists = {
            "/series": [*rows_of("series", "ticker", 100, chance)],
            "/events": [*rows_of("events", "event_ticker", 100, chance)],
            "/markets": [*rows_of("outcomes", "ticker", 200, chance)],
            "/markets/trades": [*rows_of("trades", "trade_id", 200, chance)],
        }

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        if path not in self.lists:
            return super().answer(path, query)
        rows = self.lists[path]
        if "tickers" in query:
            name, asked = "event_ticker" if path == "/events" else "ticker", query["tickers"].split(",")
            rows = [row for row in rows if row.get(name) in asked]
        if query.get("status") not in (None, "open", "settled"):
            rows = []
        return 200, {path.rpartition("/")[2]: rows, "cursor": ""}


@pytest.mark.parametrize("seed", range(3))
def test_every_record_is_accounted_for(seed: int, settings_for: Any, query: Query) -> None:
    exchange = OddExchange(random.Random(seed))
    clock = ManualClock()
    exchange.now = clock.seconds
    with served(exchange) as url, open_session(settings_for(url), clock=clock) as session:
        for report in collected(session):
            tally = report.tally
            parts = (tally.inserted, tally.changed, tally.unchanged, tally.quarantined, tally.duplicates)
            assert tally.received == sum(parts) + tally.out_of_scope, report.asset
            assert report.tally.quarantined > 0
            assert report.odd_fields.total() > 0
        replay(session)
    assert query("PRAGMA foreign_key_check") == []
    assert query("SELECT max(length(error)) <= 300 FROM quarantine") == [(1,)]


def collected(session: Session) -> Iterator[Report]:
    yield sync_series(session)
    yield sync_events(session)
    yield sync_markets(session)
    at = session.clock.now() // MICROS_PER_SECOND * MICROS_PER_SECOND
    yield take_snapshot(session, at)
    yield sync_settlements(session)
    yield collect_trades(session, date(2026, 11, 20))
