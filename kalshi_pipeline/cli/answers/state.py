"""The state of the store: whether ticks are on time, what is missing, the last runs, and row counts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from kalshi_pipeline.api import Gap, StoredRun, TickRun, Timing
from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, Place, record, table
from kalshi_pipeline.cli.formats import age, ago, instant
from kalshi_pipeline.cli.options import Asked, settings_of
from kalshi_pipeline.cli.pasting import pasteable
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.monitoring.overview import Overview, overview
from kalshi_pipeline.monitoring.request_limit import RequestLimit, request_limit
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_SECOND

_MOST_TICKS = 20
_MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
_NO_TICK = "no tick is stored yet: run `kalshi data snapshot` first"


class _Named(NamedTuple):
    """A run with its name; None if there was none yet."""

    name: str
    run: StoredRun | None


_RUNS: Columns[_Named] = {
    Column("run", Kind.TICKER): lambda named: named.name,
    Column("state"): lambda named: "never" if named.run is None else named.run.state,
    Column("started_at", Kind.INSTANT): lambda named: named.run and named.run.started_at,
    Column("received", Kind.COUNT): lambda named: named.run and named.run.received,
    Column("inserted", Kind.COUNT): lambda named: named.run and named.run.inserted,
    Column("unchanged", Kind.COUNT, Place.IF_WIDE): lambda named: named.run and named.run.unchanged,
    Column("quarantined", Kind.COUNT, Place.IF_WIDE): lambda named: named.run and named.run.quarantined,
    Column("reason", place=Place.NEVER): lambda named: named.run and named.run.reason,
}
_TICKS: Columns[TickRun] = {
    Column("tick_at", Kind.INSTANT): lambda tick: tick.tick_at,
    Column("state"): lambda tick: tick.state,
    Column("received", Kind.COUNT): lambda tick: tick.received,
    Column("inserted", Kind.COUNT): lambda tick: tick.inserted,
    Column("unchanged", Kind.COUNT, Place.IF_WIDE): lambda tick: tick.unchanged,
    Column("ended", Kind.COUNT, Place.IF_WIDE): lambda tick: tick.ended,
    Column("seconds", Kind.SPAN, Place.IF_WIDE, words="took"): lambda tick: _seconds(
        tick.started_at, tick.finished_at
    ),
    Column("period_seconds", Kind.SPAN, Place.NEVER): lambda tick: tick.period_seconds,
    Column("scope", place=Place.NEVER): lambda tick: tick.scope,
    Column("reason", place=Place.IF_WIDE): lambda tick: tick.reason,
}
_GAPS: Columns[Gap] = {
    Column("start_at", Kind.INSTANT, absent="the beginning"): lambda gap: gap.start,
    Column("end_at", Kind.INSTANT, absent="not over yet"): lambda gap: gap.end,
    Column("seconds", Kind.SPAN, words="lasted"): lambda gap: _seconds(
        gap.start, gap.end or SYSTEM_CLOCK.now()
    ),
    Column("lost_ticks", Kind.COUNT): lambda gap: sum(gap.states.values()),
    Column("states", absent="none was taken"): lambda gap: _counted(gap.states),
    Column("reason", place=Place.IF_WIDE): lambda gap: gap.reason,
}
_ROWS: Columns[tuple[str, int, int | None, int]] = {
    Column("table", Kind.TICKER): lambda row: row[0],
    Column("rows", Kind.COUNT): lambda row: row[1],
    Column("open_placeholders", Kind.COUNT, absent=""): lambda row: row[2],
    Column("quarantined", Kind.COUNT): lambda row: row[3],
}


def _seconds(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else (end - start) / MICROS_PER_SECOND


def _counted(states: Mapping[str, int]) -> str | None:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(states.items())) or None


def ticks(asked: Asked) -> Answer:
    """Return the newest ticks, oldest first."""
    with asked.open_store() as store:
        found = store.ticks(limit := asked.limit or _MOST_TICKS)
    return table(_TICKS, reversed(found), reason=_NO_TICK, read_at_most=limit, what="ticks", by_time=True)


def gaps(asked: Asked, since: int) -> Answer:
    """Return the spans without a complete tick."""
    found, newest = asked.read(lambda state: (state.gaps(since), state.last_tick()))
    nothing = f"no gap since {asked.written(since)}: every tick was complete, and none was late"
    return table(_GAPS, found, reason=_NO_TICK if newest is None else nothing, what="gaps", by_time=True)


def status(asked: Asked, max_age_minutes: float | None = None) -> Answer:
    """Return whether collecting is on time, and the contents of the store, with an error if no complete tick is
    newer.
    """
    now = SYSTEM_CLOCK.now()
    found, timing, gaps_of_day = asked.read(
        lambda state: (overview(state), state.timing(), state.gaps(now - MICROS_PER_DAY))
    )
    runs = [
        *(_Named(name, run) for name, run in found.listings.items() if not _is_replaced(name, found)),
        _Named("last tick", found.last_tick),
    ]
    about = _punctuality(found, timing, gaps_of_day, now, is_local=asked.is_local)
    limit = request_limit(load_settings(**settings_of(asked.db)))
    about[Column("request_limit_in_force")] = _limit_line(limit)
    about[Column("requests_per_second", Kind.COUNT, Place.NEVER)] = round(limit.in_force, 1)
    parts = {"runs": _runs(runs), "rows": table(_ROWS, _rows(found))}
    return replace(
        record(about),
        parts=parts,
        name="state",
        warnings=found.warnings,
        error=_too_old(asked, timing, max_age_minutes, now),
    )


def _is_replaced(name: str, found: Overview) -> bool:
    """Return whether a listing never ran, but its backfill, which stores more, did."""
    return found.listings[name] is None and f"{name} backfill" in found.listings


def _limit_line(limit: RequestLimit) -> str:
    """Return the request limit in force, and why it is below the setting."""
    line = f"{round(limit.in_force, 1):g} a second"
    if limit.in_force == limit.configured:
        return line
    return (
        f"{line} instead of {limit.configured:g}: the exchange refused some requests (429); the limit recovers within "
        "minutes"
    )


def _too_old(asked: Asked, timing: Timing, max_age_minutes: float | None, now: int) -> ExchangeError | None:
    at = timing.complete_at
    if max_age_minutes is None or (at is not None and now - at <= max_age_minutes * _MICROS_PER_MINUTE):
        return None
    old = "no tick is complete" if at is None else f"the newest complete tick is at {asked.written(at)}"
    return ExchangeError(
        f"{old}: view tick_history has the reasons; if no tick follows, restart the collector"
    )


def _punctuality(
    found: Overview, timing: Timing, gaps_of_day: list[Gap], now: int, *, is_local: bool
) -> dict[Column, object]:
    """Return whether ticks are on time, or since when they are late, and what is missing."""
    shown = _since(timing, now, is_local=is_local)
    lost = sum(sum(gap.states.values()) for gap in gaps_of_day)
    incomplete = {
        name: run.state for name, run in found.listings.items() if run is not None and run.state != "complete"
    }
    placeholders = {name: count for name, count in found.open_placeholders.items() if count}
    return {
        Column("collecting"): shown,
        Column("last_complete_tick_at", Kind.INSTANT, absent="none yet"): timing.complete_at,
        Column("period_seconds", Kind.SPAN): timing.period_seconds,
        Column("next_tick_at", Kind.INSTANT): timing.due_at,
        Column("is_late", Kind.FLAG, Place.NEVER): timing.is_late(now),
        Column("ticks", absent="none yet"): _counted(found.tick_states),
        Column("tick_count", Kind.COUNT, Place.NEVER): sum(found.tick_states.values()),
        Column("complete_tick_count", Kind.COUNT, Place.NEVER): found.tick_states.get("complete", 0),
        Column("gaps_of_the_last_day"): (
            pasteable(f"{len(gaps_of_day):,} ({_lost(lost)}): `kalshi data gaps` shows them")
            if gaps_of_day
            else "none"
        ),
        Column("gap_count", Kind.COUNT, Place.NEVER): len(gaps_of_day),
        Column("lost_tick_count", Kind.COUNT, Place.NEVER): lost,
        Column("incomplete_runs"): (
            ", ".join(f"{name} {state}" for name, state in incomplete.items()) if incomplete else "none"
        ),
        Column("open_placeholders"): _counted(placeholders) or "none",
        Column("quarantined"): _counted({name: n for name, n in found.quarantined.items() if n}) or "none",
    }


def _lost(count: int) -> str:
    if not count:
        return "no tick was taken"
    return "1 tick lost" if count == 1 else f"{count:,} ticks lost"


def _since(timing: Timing, now: int, *, is_local: bool) -> str:
    """Return in words whether ticks are on time."""
    if timing.complete_at is None:
        return "not begun: no tick is complete yet" + (
            "" if timing.due_at else pasteable("; run `kalshi data collect --once`")
        )
    if timing.period_seconds is None:
        return f"manual: the newest complete tick was taken {ago(timing.complete_at, now)}; none is scheduled"
    if timing.is_late(now):
        period = round(timing.period_seconds * MICROS_PER_SECOND)
        due_at = timing.complete_at + period
        return (
            f"late since {instant(due_at, is_local=is_local)}, {age((now - due_at) / MICROS_PER_SECOND)}: "
            f"no complete tick since then, but one is due every {age(timing.period_seconds)}"
        )
    return "on time"


def _runs(named: Iterable[_Named]) -> Answer:
    runs = list(named)
    reasons = [f"{name}: {run.reason}" for name, run in runs if run is not None and run.reason]
    return table(_RUNS, runs, notes=reasons)


def _rows(found: Overview) -> Iterable[tuple[str, int, int | None, int]]:
    # Both assets that list markets quarantine unreadable markets.
    return [
        (name, rows, found.open_placeholders.get(name), found.quarantined.get(name, 0))
        for name, rows in found.rows.items()
    ]
