"""Timing of ticks, and the gaps between complete ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from kalshi_pipeline.store.schema.tables import ticks
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND

LATE_AFTER_PERIODS = 2
"""A quote is stale if its last confirmation by a complete tick is older than this many periods."""


@dataclass(frozen=True)
class Gap:
    """A span between two complete ticks with other ticks in between, or longer than two periods.

    `start` is None before the first complete tick, `end` until the next one. `states` counts the ticks in between.
    """

    start: int | None
    end: int | None
    states: Counter[str]
    reason: str | None


class Timing(NamedTuple):
    """The newest complete tick, the period of the newest scheduled one, and the next due time.

    `due_at` is when the tick after the newest scheduled one was due; None if none was ever scheduled.
    """

    complete_at: int | None
    period_seconds: float | None
    due_at: int | None

    def is_late(self, at: int) -> bool:
        """Return whether the newest complete tick is too old at an instant, given its period."""
        if self.complete_at is None or self.period_seconds is None:
            return False
        return at - self.complete_at > LATE_AFTER_PERIODS * self.period_seconds * MICROS_PER_SECOND


def timing(connection: Connection) -> Timing:
    """Return the timing of the newest ticks and of the next one."""
    newest = select(ticks.c.tick_at, ticks.c.period_seconds).order_by(ticks.c.tick_at.desc()).limit(1)
    complete = connection.execute(newest.where(ticks.c.state == State.COMPLETE)).one_or_none()
    scheduled = connection.execute(newest.where(ticks.c.period_seconds.is_not(None))).one_or_none()
    complete_at = None if complete is None else complete[0]
    if scheduled is None:
        return Timing(complete_at, None, None)
    at, period_seconds = scheduled
    return Timing(complete_at, period_seconds, at + round(period_seconds * MICROS_PER_SECOND))


def gaps_since(connection: Connection, since: int, now: int) -> list[Gap]:
    """Return the gaps that end after an instant, oldest first. The last one may still be open."""
    columns = (ticks.c.tick_at, ticks.c.state, ticks.c.period_seconds, ticks.c.reason)
    before = (
        select(ticks.c.tick_at)
        .where(ticks.c.tick_at < since, ticks.c.state == State.COMPLETE)
        .order_by(ticks.c.tick_at.desc())
        .limit(1)
    )
    first_at = connection.execute(before).scalar_one_or_none() or 0
    rows = connection.execute(
        select(*columns).where(ticks.c.tick_at >= first_at).order_by(ticks.c.tick_at)
    ).all()
    return list(_gaps([tuple(row) for row in rows], now))


def _gaps(rows: Sequence[tuple[Any, ...]], now: int) -> Iterator[Gap]:
    last_at: int | None = None
    period: float | None = None
    lost: Counter[str] = Counter()
    reason: str | None = None
    for tick_at, state, period_seconds, why in rows:
        if state != State.COMPLETE:
            lost[state] += 1
            reason = why or reason
            period = period_seconds or period
            continue
        if lost or _is_too_long(last_at, tick_at, period):
            yield Gap(last_at, tick_at, lost, reason)
        last_at, period, lost, reason = tick_at, period_seconds, Counter(), None
    is_running = set(lost) <= {State.RUNNING}
    if (lost and not is_running) or _is_too_long(last_at, now, period):
        yield Gap(last_at, None, lost, reason)


def _is_too_long(start: int | None, end: int, period_seconds: float | None) -> bool:
    if start is None or period_seconds is None:
        return False
    return end - start > LATE_AFTER_PERIODS * period_seconds * MICROS_PER_SECOND
