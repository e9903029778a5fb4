"""Opens ticks: decides whether a snapshot is taken for one, and records the ones that were missed."""

from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from kalshi_pipeline.clock import MOST_OFFSET_SECONDS
from kalshi_pipeline.errors import ClockError, TickAheadError
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.schema.tables import price_snapshots, ticks
from kalshi_pipeline.store.scopes import scope_id
from kalshi_pipeline.store.writing.ids import insert_many, insert_one
from kalshi_pipeline.store.writing.runs import KILLED, TAKEN, Run, State, counts_of, state_left_open
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, tick_iso_of

_MOST_MISSED = 10_000
# A run takes some ten seconds from its tick to its first request: that is not late, even at a short period.
_PATIENCE_SECONDS = 60.0
_BUSY = (State.SKIPPED, "the previous snapshot was still running")
_IDLE = (State.MISSED, "no run was started for it")


def manual_tick(connection: Connection, created_at: int, run_id: str) -> int:
    """Return the tick of a manual run that was created at an instant: the one that it already has, if it is retried.

    Otherwise it is the first whole second from its creation on that no other run has. It may be in the future.
    """
    second_at = created_at // MICROS_PER_SECOND * MICROS_PER_SECOND
    found = connection.execute(
        select(ticks.c.tick_at, ticks.c.run_id).where(ticks.c.tick_at >= second_at).order_by(ticks.c.tick_at)
    ).all()
    own = [tick.tick_at for tick in found if tick.run_id == run_id]
    if own:
        return int(own[0])
    for tick in found:
        if second_at <= tick.tick_at < second_at + MICROS_PER_SECOND:
            second_at += MICROS_PER_SECOND
    return second_at


def open_tick(
    connection: Connection,
    tick_at: int,
    period_seconds: float | None,
    scope: Scope,
    at: int,
    run_id: str | None = None,
) -> Run:
    """Open a tick's row under the snapshot lock. If no snapshot should be taken, its `state` is COMPLETE or SKIPPED.

    A complete tick stays as it is. A tick older than the newest one is skipped, because 'changed since the last quote'
    has no meaning in the past. So is a scheduled one that starts later than its period (or a minute), because its
    quotes would have a wrong time.

    Scheduled ticks without a snapshot since the last scheduled one are recorded: as skipped if another run was busy
    then, otherwise as missed.

    Raises ClockError if the tick, or a stored one, is further ahead of the present instant `at` than clocks may differ.
    """
    if _is_ahead(tick_at, at):
        raise ClockError(
            f"tick {tick_iso_of(tick_at)} is ahead of now ({tick_iso_of(at)}), so it was not taken: the clock was "
            "wrong when it was planned, or is now; check the clock, then run again"
        )
    _close_killed_ticks(connection)
    found = connection.execute(
        select(ticks.c.id, ticks.c.state, ticks.c.pages).where(ticks.c.tick_at == tick_at)
    ).one_or_none()
    if found is not None and found.state == State.COMPLETE:
        return Run(ticks, found.id, State.COMPLETE, "this tick was already complete")
    newest = _newest_taken(connection, at)
    values: dict[str, Any] = {
        "scope_id": scope_id(connection, scope),
        "started_at": at,
        "finished_at": None,
        "period_seconds": period_seconds,
        "run_id": run_id,
        "state": State.RUNNING,
        "reason": None,
    }
    new = {**values, "tick_at": tick_at, **counts_of(ticks, Tally())}
    if (reason := _why_skipped(tick_at, period_seconds, newest, at)) is not None:
        return _skip(connection, None if found is None else found.id, new, reason)
    if found is not None and (found.pages or _holds_quotes(connection, found.id)):
        # Its counts continue: what the attempt before has stored is part of this tick.
        connection.execute(update(ticks).where(ticks.c.id == found.id).values(values))
        return Run(ticks, found.id, State.RUNNING, pages=found.pages)
    if found is not None:
        # Nothing refers to it yet. It is replaced, so that keys keep the order of the ticks that hold quotes.
        connection.execute(delete(ticks).where(ticks.c.id == found.id))
    if period_seconds is not None:
        _record_missed(connection, tick_at, period_seconds, values["scope_id"])
    return Run(ticks, insert_one(connection, ticks, new), State.RUNNING)


def _newest_taken(connection: Connection, at: int) -> int | None:
    """Return the newest tick that holds quotes. Raises TickAheadError if it is ahead of the present instant."""
    newest: int | None = connection.execute(
        select(func.max(ticks.c.tick_at)).where(ticks.c.state.in_(TAKEN))
    ).scalar()
    if newest is not None and _is_ahead(newest, at):
        raise TickAheadError(iso_of(newest), iso_of(at), (newest - at) / MICROS_PER_SECOND)
    return newest


def _skip(connection: Connection, tick_id: int | None, new: dict[str, Any], reason: str) -> Run:
    """Record that a tick is not taken, unless it has the row of an earlier attempt."""
    skipped = {**new, "state": State.SKIPPED, "reason": reason, "finished_at": new["started_at"]}
    key = insert_one(connection, ticks, skipped) if tick_id is None else tick_id
    is_overtaken = _has_complete(connection, new["scope_id"], after=new["tick_at"])
    return Run(ticks, key, State.SKIPPED, reason, is_overtaken=is_overtaken)


def _close_killed_ticks(connection: Connection) -> None:
    """Close ticks of runs that ended without reporting: under the snapshot lock, no other run can be alive."""
    connection.execute(
        update(ticks)
        .where(ticks.c.state == State.RUNNING)
        .values(state=state_left_open(ticks), reason=KILLED)
    )


def _why_skipped(tick_at: int, period_seconds: float | None, newest: int | None, at: int) -> str | None:
    if newest is not None and newest > tick_at:
        return f"the newer tick {tick_iso_of(newest)} had been taken before this one could start"
    late = at - tick_at
    if period_seconds is not None and late > max(period_seconds, _PATIENCE_SECONDS) * MICROS_PER_SECOND:
        return f"its run started {late // MICROS_PER_SECOND} s late, when a later tick was due"
    return None


def _has_complete(connection: Connection, scope: int, *, after: int) -> bool:
    """Return whether a tick of a scope is complete that is newer than an instant."""
    query = select(ticks.c.id).where(
        ticks.c.tick_at > after, ticks.c.state == State.COMPLETE, ticks.c.scope_id == scope
    )
    return connection.execute(query.limit(1)).first() is not None


def _is_ahead(tick_at: int, at: int) -> bool:
    return tick_at - at > MOST_OFFSET_SECONDS * MICROS_PER_SECOND


def _holds_quotes(connection: Connection, tick_id: int) -> bool:
    query = select(price_snapshots.c.market_id).where(price_snapshots.c.tick_id == tick_id).limit(1)
    return connection.execute(query).first() is not None


def _record_missed(connection: Connection, tick_at: int, period_seconds: float, of_scope: int) -> None:
    last = connection.execute(
        select(ticks.c.tick_at)
        .where(ticks.c.period_seconds.is_not(None), ticks.c.tick_at < tick_at)
        .order_by(ticks.c.tick_at.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return
    period = round(period_seconds * MICROS_PER_SECOND)
    grid = range(tick_at - period, last.tick_at, -period)[:_MOST_MISSED]
    since = connection.execute(
        select(ticks.c.tick_at, ticks.c.started_at, ticks.c.finished_at).where(
            or_(ticks.c.tick_at > last.tick_at, ticks.c.finished_at > last.tick_at)
        )
    ).all()
    taken = {run.tick_at for run in since}
    spans = [(run.started_at, run.finished_at) for run in since if run.started_at and run.finished_at]
    rows = []
    for missed_at in reversed(grid):
        if missed_at in taken:
            continue
        is_busy = any(started_at <= missed_at < finished_at for started_at, finished_at in spans)
        state, reason = _BUSY if is_busy else _IDLE
        row = {"tick_at": missed_at, "period_seconds": period_seconds, "scope_id": of_scope}
        rows.append({**row, "state": state, "reason": reason, **counts_of(ticks, Tally())})
    insert_many(connection, ticks, rows)


def record_status(
    connection: Connection, run: Run, *, is_paused: bool | None, inactive_shards: str | None
) -> None:
    """Record for a tick whether trading was paused (None if unknown), and which shards did not trade, as JSON text."""
    values = {"is_paused": is_paused, "inactive_shards": inactive_shards}
    connection.execute(update(ticks).where(ticks.c.id == run.id).values(values))
