"""Collecting everything once, or at an interval: what Dagster's jobs do, without Dagster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, Self

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import ClockError, ExchangeError, PipelineError, StoreError
from kalshi_pipeline.ingest.event_metadata import ASSET as EVENT_METADATA
from kalshi_pipeline.ingest.event_metadata import sync_event_metadata
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.ingest.related import RELATED, sync_related
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.run.steps import OnReport, Step, run_steps
from kalshi_pipeline.ingest.run.ticks import Tick, new_run_id
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Identity
from kalshi_pipeline.units import MICROS_PER_SECOND

_SYNC_SECONDS = 3600
# A sync that failed is not repeated at each tick: requests that are retried until they fail make a snapshot late.
_SYNC_AGAIN_SECONDS = 600
# A page that has been requested when the time is over is still stored.
_SPARE_SECONDS = 3.0
# What no other step needs. Each takes the seconds that it may last, None for those of the settings.
_LAST: Mapping[str, Callable[[Session, float | None], Report]] = {
    "series_fee_changes": sync_series_fee_changes,
    "event_fee_changes": sync_event_fee_changes,
    **{related.asset: partial(sync_related, related=related) for related in RELATED},
    EVENT_METADATA: sync_event_metadata,
}


def sync_steps(session: Session) -> list[Step]:
    """Return the steps that sync series, events and markets, parents first."""
    return [
        Step("series", lambda: sync_series(session)),
        Step("events", lambda: sync_events(session)),
        Step("markets", lambda: sync_markets(session)),
    ]


def last_steps(session: Session) -> list[Step]:
    """Return the steps that sync changes of fees, and what is published about events beside them."""
    return [Step(name, partial(sync, session, None)) for name, sync in _LAST.items()]


def collect_steps(session: Session) -> list[Step]:
    """Return the steps that sync everything, with a snapshot whose tick is now, and store what has settled."""
    created_at, run_id = session.clock.now(), new_run_id()
    return [
        *sync_steps(session),
        Step("price_snapshots", lambda: take_snapshot(session, created_at, run_id=run_id)),
        Step("settlements", lambda: sync_settlements(session)),
        *last_steps(session),
    ]


def collect_forever(
    settings: Settings,
    period_seconds: float,
    *,
    on_message: Callable[[str], None],
    on_report: OnReport,
    on_failure: Callable[[str, PipelineError], None],
    database: Identity | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> NoReturn:
    """Take a snapshot at each tick of the period, and sync everything hourly, until interrupted.

    Settlements are synced hourly too, after a snapshot and no longer than until the next tick. What is left then, as
    it is the first time, is continued after the next snapshot. The last steps follow, each of them hourly; one that
    failed is repeated an hour later, and one that there is no time for comes after the next snapshot.

    `on_failure` is called with what failed and its error. After a sync that failed the snapshot is taken all the same,
    and the sync is repeated ten minutes later. The next tick is waited for in any case: an outage must not end a
    collector that is left running for months. It records the ticks that were missed. Nor does it end where the
    database vanishes or is replaced: each tick fails until it is back, and no other one is begun. `database` is the one
    that it has had already.
    """
    sync_due = settling_due = clock.monotonic()
    last_due = dict.fromkeys(_LAST, sync_due)
    turn: _Turn | None = None
    while True:
        before, turn = turn, _Turn.current(clock, period_seconds)
        if before is not None and turn.tick == before.tick:  # the clock was set back a little
            clock.sleep(turn.seconds_left(clock))
            continue
        try:
            with open_session(settings, on_message, expected=database, clock=clock) as session:
                database = session.database.identity
                if clock.monotonic() >= sync_due:
                    with session.client.waiting_at_most(turn.seconds_left(clock)):
                        is_synced = run_steps(sync_steps(session), on_report, on_failure)
                    sync_due = clock.monotonic() + (_SYNC_SECONDS if is_synced else _SYNC_AGAIN_SECONDS)
                    turn = _Turn.current(clock, period_seconds)
                if not turn.tick.is_too_late(clock.now()):
                    on_report(take_snapshot(session, turn.tick.at, period_seconds, new_run_id()))
                seconds_left = turn.seconds_left(clock) - _SPARE_SECONDS
                if clock.monotonic() >= settling_due and seconds_left > 0:
                    with session.client.waiting_at_most(seconds_left):
                        report = sync_settlements(session, min(seconds_left, settings.walk_seconds))
                    on_report(report)
                    settling_due = clock.monotonic() + (_SYNC_SECONDS if report.is_complete else 0)
                for name, sync in _LAST.items():
                    seconds_left = turn.seconds_left(clock) - _SPARE_SECONDS
                    if clock.monotonic() >= last_due[name] and seconds_left > 0:
                        last_due[name] = clock.monotonic() + _SYNC_SECONDS
                        step = Step(name, partial(sync, session, min(seconds_left, settings.walk_seconds)))
                        with session.client.waiting_at_most(seconds_left):
                            run_steps([step], on_report, on_failure)
        except (ExchangeError, StoreError, ClockError) as error:
            on_failure("this tick", error)
        clock.sleep(max(0.0, turn.seconds_left(clock)))


@dataclass(frozen=True)
class _Turn:
    """A tick, and when it ends by a count of seconds: setting the clock does not defer that."""

    tick: Tick
    ends: float

    @classmethod
    def current(cls, clock: Clock, period_seconds: float) -> Self:
        at = clock.now()
        tick = Tick.current(at, period_seconds)
        return cls(tick, clock.monotonic() + (tick.next_at - at) / MICROS_PER_SECOND)

    def seconds_left(self, clock: Clock) -> float:
        return min(self.ends - clock.monotonic(), self.tick.period_seconds or 0.0)
