"""Collects everything, once or at an interval, like Dagster's jobs but without Dagster."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, Self

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import PipelineError, UnexpectedError
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
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Identity
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import StatusFilter

_SYNC_SECONDS = 3600
# A failed sync is not repeated at each tick, because its retries would delay the snapshot.
_SYNC_AGAIN_SECONDS = 600
# A page that is in flight when the time is over is still stored.
_SPARE_SECONDS = 3.0
# Steps that no other step needs. Each takes the seconds that it may last, None for the setting's.
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


def sync_steps_of(session: Session, statuses: Sequence[StatusFilter]) -> list[Step]:
    """Return the steps that sync the markets of some statuses, settled ones with their results.

    For open markets, parents come first. Events of other markets are fetched when markets name them.
    """
    steps: list[Step] = []
    for status in statuses:
        if status is StatusFilter.OPEN:
            steps = [*sync_steps(session), *steps]
        elif status is StatusFilter.SETTLED:
            steps.append(Step("settlements", lambda: sync_settlements(session)))
        else:
            steps.append(Step(f"{status} markets", partial(sync_markets, session, status)))
    return steps


def last_steps(session: Session) -> list[Step]:
    """Return the steps that sync fee changes, and other data about events."""
    return [Step(name, partial(sync, session, None), is_alone=True) for name, sync in _LAST.items()]


def collect_steps(session: Session, status: StatusFilter = StatusFilter.OPEN) -> list[Step]:
    """Return the steps that sync everything, take a snapshot with the tick now (of open or paused markets), and store
    settlements.
    """
    created_at, run_id = session.clock.now(), new_run_id()
    return [
        *sync_steps(session),
        Step("price_snapshots", lambda: take_snapshot(session, created_at, run_id=run_id, status=status)),
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
    status: StatusFilter = StatusFilter.OPEN,
    clock: Clock = SYSTEM_CLOCK,
) -> NoReturn:
    """Take a snapshot at each tick of the period, and sync everything hourly, until interrupted.

    Settlements are synced hourly after a snapshot, at most until the next tick; the rest is continued after the next
    snapshot. The last steps follow hourly. A failed one is repeated an hour later, and one without time comes after the
    next snapshot. `on_failure` gets the name of each failed step and its error. After a failed sync, the snapshot is
    still taken, and the sync is repeated ten minutes later. Only exceptions that are not `Exception`, such as a signal,
    end the loop: no outage, program error or machine fault may end a collector that runs for months. The next tick
    records missed ticks. If the database vanishes or is replaced, each tick fails until it is back, and no other
    database is created. `database` is the identity of the file used so far.
    """
    rounds = _Rounds(settings, period_seconds, on_report, on_failure, status, clock)
    turn: _Turn | None = None
    while True:
        before, turn = turn, _Turn.current(clock, period_seconds)
        if before is not None and turn.tick == before.tick:  # the clock was set back a little
            clock.sleep(turn.seconds_left(clock))
            continue
        try:
            with open_session(settings, on_message, expected=database, clock=clock) as session:
                database = session.database.identity
                turn = rounds.sync_if_due(session, turn)
                rounds.take(session, turn)
                rounds.settle_if_due(session, turn)
                rounds.take_last_steps(session, turn)
        except Exception as error:  # noqa: BLE001  (see above)
            on_failure("this tick", as_reported(error))
        clock.sleep(max(0.0, turn.seconds_left(clock)))


class _Rounds:
    """The work of a collector at its ticks, and when each part is due again."""

    def __init__(
        self,
        settings: Settings,
        period_seconds: float,
        on_report: OnReport,
        on_failure: Callable[[str, PipelineError], None],
        status: StatusFilter,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._period_seconds = period_seconds
        self._on_report = on_report
        self._on_failure = on_failure
        self._status = status
        self._clock = clock
        self._sync_due = self._settling_due = clock.monotonic()
        self._last_due = dict.fromkeys(_LAST, self._sync_due)

    def sync_if_due(self, session: Session, turn: "_Turn") -> "_Turn":
        """Sync the parents, and return the turn that is current afterwards."""
        if self._clock.monotonic() < self._sync_due:
            return turn
        with session.client.waiting_at_most(turn.seconds_left(self._clock)):
            is_synced = self._run("this sync", sync_steps(session))
        self._sync_due = self._clock.monotonic() + (_SYNC_SECONDS if is_synced else _SYNC_AGAIN_SECONDS)
        return _Turn.current(self._clock, self._period_seconds)

    def take(self, session: Session, turn: "_Turn") -> None:
        """Take the snapshot of a turn, unless it is too late."""
        if not turn.tick.is_too_late(self._clock.now()):
            period, run_id = self._period_seconds, new_run_id()
            self._on_report(take_snapshot(session, turn.tick.at, period, run_id, self._status))

    def settle_if_due(self, session: Session, turn: "_Turn") -> None:
        """Sync settlements if due, at most until the turn ends."""
        seconds = self._seconds_left(turn)
        if self._clock.monotonic() < self._settling_due or seconds <= 0:
            return
        reports: list[Report] = []

        def note(report: Report) -> None:
            reports.append(report)
            self._on_report(report)

        step = Step("settlements", lambda: sync_settlements(session, seconds))
        with session.client.waiting_at_most(seconds):
            self._run("settlements", [step], note)
        is_complete = any(report.is_complete for report in reports)
        self._settling_due = self._clock.monotonic() + (_SYNC_SECONDS if is_complete else 0)

    def take_last_steps(self, session: Session, turn: "_Turn") -> None:
        """Run the due steps of the last ones, as long as the turn has time."""
        for name, sync in _LAST.items():
            seconds = self._seconds_left(turn)
            if self._clock.monotonic() >= self._last_due[name] and seconds > 0:
                self._last_due[name] = self._clock.monotonic() + _SYNC_SECONDS
                with session.client.waiting_at_most(seconds):
                    self._run(name, [Step(name, partial(sync, session, seconds))])

    def _run(self, name: str, steps: Sequence[Step], on_report: OnReport | None = None) -> bool:
        """Run steps, and return whether all succeeded. An error that is not the exchange's stops them all."""
        try:
            return run_steps(steps, on_report or self._on_report, self._on_failure)
        except Exception as error:  # noqa: BLE001 (it must not prevent the snapshot or later steps)
            self._on_failure(name, as_reported(error))
            return False

    def _seconds_left(self, turn: "_Turn") -> float:
        return min(turn.seconds_left(self._clock) - _SPARE_SECONDS, self._settings.walk_seconds)


def as_reported(error: Exception) -> PipelineError:
    """Return a pipeline error unchanged, and any other as a one-line error with its type and location."""
    if isinstance(error, PipelineError):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in place)
    return UnexpectedError(f"{cut(': '.join(filter(None, (type(error).__name__, str(error)))))}{where}")


@dataclass(frozen=True)
class _Turn:
    """A tick, and its end on the monotonic clock, which setting the clock does not move."""

    tick: Tick
    ends: float

    @classmethod
    def current(cls, clock: Clock, period_seconds: float) -> Self:
        at = clock.now()
        tick = Tick.current(at, period_seconds)
        return cls(tick, clock.monotonic() + (tick.next_at - at) / MICROS_PER_SECOND)

    def seconds_left(self, clock: Clock) -> float:
        return min(self.ends - clock.monotonic(), self.tick.period_seconds or 0.0)
