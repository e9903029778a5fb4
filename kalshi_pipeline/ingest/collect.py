"""Collecting everything once, or at an interval: what Dagster's jobs do, without Dagster."""

from collections.abc import Callable
from typing import NoReturn

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import ExchangeError, PipelineError, StoreError
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.run.steps import OnReport, Step, run_steps
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND

_SYNC_SECONDS = 3600
# A sync that failed is not repeated at each tick: requests that are retried until they fail make a snapshot late.
_SYNC_AGAIN_SECONDS = 600
# A page that has been requested when the time is over is still stored.
_SPARE_SECONDS = 3.0
_FEE_LISTINGS = 2


def sync_steps(session: Session) -> list[Step]:
    """Return the steps that sync series, events and markets, parents first."""
    return [
        Step("series", lambda: sync_series(session)),
        Step("events", lambda: sync_events(session)),
        Step("markets", lambda: sync_markets(session)),
    ]


def fee_steps(session: Session, walk_seconds: float | None = None) -> list[Step]:
    """Return the steps that sync the changes of fees, which no other step needs."""
    return [
        Step("series_fee_changes", lambda: sync_series_fee_changes(session, walk_seconds)),
        Step("event_fee_changes", lambda: sync_event_fee_changes(session, walk_seconds)),
    ]


def collect_steps(session: Session) -> list[Step]:
    """Return the steps that sync everything, with a snapshot whose tick is now, and store what has settled."""
    tick_at = session.clock.now()
    return [
        *sync_steps(session),
        Step("price_snapshots", lambda: take_snapshot(session, tick_at)),
        Step("settlements", lambda: sync_settlements(session)),
        *fee_steps(session),
    ]


def collect_forever(
    settings: Settings,
    period_seconds: float,
    *,
    on_message: Callable[[str], None],
    on_report: OnReport,
    on_failure: Callable[[str, PipelineError], None],
    clock: Clock = SYSTEM_CLOCK,
) -> NoReturn:
    """Take a snapshot at each tick of the period, and sync everything hourly, until interrupted.

    Settlements are synced hourly too, after a snapshot and no longer than until the next tick. What is left then, as
    it is the first time, is continued after the next snapshot. Changes of fees follow in the same way; where they
    could not be synced, that is repeated an hour later.

    `on_failure` is called with what failed and its error. After a sync that failed the snapshot is taken all the same,
    and the sync is repeated ten minutes later. The next tick is waited for in any case: an outage must not end a
    collector that is left running for months. It records the ticks that were missed.
    """
    sync_due_at = settling_due_at = fees_due_at = 0
    while True:
        tick = Tick.current(clock.now(), period_seconds)
        try:
            with open_session(settings, on_message, clock=clock) as session:
                if clock.now() >= sync_due_at:
                    is_synced = run_steps(sync_steps(session), on_report, on_failure)
                    sync_due_at = _after(_SYNC_SECONDS if is_synced else _SYNC_AGAIN_SECONDS, clock)
                    tick = Tick.current(clock.now(), period_seconds)
                if not tick.is_too_late(clock.now()):
                    on_report(take_snapshot(session, tick.at, period_seconds))
                seconds_left = _seconds_left(tick, clock)
                if clock.now() >= settling_due_at and seconds_left > 0:
                    report = sync_settlements(session, min(seconds_left, settings.walk_seconds))
                    on_report(report)
                    settling_due_at = _after(_SYNC_SECONDS, clock) if report.is_complete else settling_due_at
                seconds_left = _seconds_left(tick, clock)
                if clock.now() >= fees_due_at and seconds_left > 0:
                    fees_due_at = _after(_SYNC_SECONDS, clock)
                    limit = min(seconds_left / _FEE_LISTINGS, settings.walk_seconds)
                    run_steps(fee_steps(session, limit), on_report, on_failure)
        except (ExchangeError, StoreError) as error:
            on_failure("this tick", error)
        clock.sleep(max(0, tick.next_at - clock.now()) / MICROS_PER_SECOND)


def _seconds_left(tick: Tick, clock: Clock) -> float:
    """Return how long something may take before the next tick."""
    return (tick.next_at - clock.now()) / MICROS_PER_SECOND - _SPARE_SECONDS


def _after(seconds: float, clock: Clock) -> int:
    return clock.now() + round(seconds * MICROS_PER_SECOND)
