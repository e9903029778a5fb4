"""Collecting everything once, or at an interval: what Dagster's jobs do, without Dagster."""

from collections.abc import Callable, Iterator
from typing import NoReturn

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import ExchangeError, PipelineError, StoreError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND

_SYNC_SECONDS = 3600
# A page that has been requested when the time is over is still stored.
_SPARE_SECONDS = 3.0


def sync(session: Session) -> Iterator[Report]:
    """Sync series, events and markets, parents first."""
    for step in (sync_series, sync_events, sync_markets):
        yield step(session)


def collect_once(session: Session) -> Iterator[Report]:
    """Sync everything, take a snapshot whose tick is now, then store what has settled."""
    tick_at = session.clock.now()
    yield from sync(session)
    yield take_snapshot(session, tick_at)
    yield sync_settlements(session)


def collect_forever(
    settings: Settings,
    period_seconds: float,
    *,
    on_message: Callable[[str], None],
    on_report: Callable[[Report], None],
    on_failure: Callable[[PipelineError], None],
    clock: Clock = SYSTEM_CLOCK,
) -> NoReturn:
    """Take a snapshot at each tick of the period, and sync everything hourly, until interrupted.

    Settlements are synced hourly too, after a snapshot and no longer than until the next tick. What is left then, as
    it is the first time, is continued after the next snapshot.

    `on_failure` is called with the error of a tick that failed. The next tick is waited for: an outage must not end a
    collector that is left running for months. The next tick records the ones that were missed.
    """
    synced_at = settled_at = -_SYNC_SECONDS * MICROS_PER_SECOND
    while True:
        tick = Tick.current(clock.now(), period_seconds)
        try:
            with open_session(settings, on_message, clock=clock) as session:
                if _is_due(synced_at, clock):
                    for report in sync(session):
                        on_report(report)
                    synced_at = clock.now()
                    tick = Tick.current(clock.now(), period_seconds)
                if not tick.is_too_late(clock.now()):
                    on_report(take_snapshot(session, tick.at, period_seconds))
                seconds_left = (tick.next_at - clock.now()) / MICROS_PER_SECOND - _SPARE_SECONDS
                if _is_due(settled_at, clock) and seconds_left > 0:
                    report = sync_settlements(session, min(seconds_left, settings.walk_seconds))
                    on_report(report)
                    settled_at = clock.now() if report.is_complete else settled_at
        except (ExchangeError, StoreError) as error:
            on_failure(error)
        clock.sleep(max(0, tick.next_at - clock.now()) / MICROS_PER_SECOND)


def _is_due(done_at: int, clock: Clock) -> bool:
    return clock.now() - done_at >= _SYNC_SECONDS * MICROS_PER_SECOND
