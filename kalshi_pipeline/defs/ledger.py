"""The sensor that reports to Dagster what none of its runs reported."""

import json
from collections.abc import Collection, Iterator, Mapping

import dagster as dg

from kalshi_pipeline.api import FinishedDay, LedgerPosition
from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.defs.databases import are_of_one_place, database_metadata, file_of
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.defs.metadata import ROW_COUNT, Metadata, without_row_count
from kalshi_pipeline.defs.outcomes import Outcome, newest_outcomes, value_of
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.monitoring.ledger import is_whole, read_ledger
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.dialects import dialect_of
from kalshi_pipeline.units import MICROS_PER_SECOND

_MOST_DAYS = 100
# There may be several later runs of the same day, and many of the current day.
_NEWEST = 100
# A Dagster run reports a day after its checks, some moments after the store has it as finished.
_SECONDS_TO_REPORT = 60
_BUSY = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_COMMAND_LINE = "command line"


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def command_line_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Report to Dagster what the command line has stored, and days that a Dagster run stored before it was killed.

    A complete day of trades or candlesticks becomes a materialization of its partition, any other day an observation. A
    table whose row count differs from Dagster's last count becomes an observation. Each evaluation reports at most a
    hundred days. It uses no network and starts no run.
    """
    _show_limit_of_pool(context.instance)
    return report_command_line(context, SYSTEM_CLOCK)


def report_command_line(context: dg.SensorEvaluationContext, clock: Clock) -> dg.SensorResult | dg.SkipReason:
    """Return what the sensor reports now."""
    settings = current_settings()
    dialect = dialect_of(settings.database_url)
    place, file = dialect.place, file_of(dialect.identity())
    try:
        ledger = read_ledger(settings, _position_in(context.cursor, place, file), _MOST_DAYS)
    except StoreError as error:
        if error.problem is StoreProblem.MISSING:
            return dg.SkipReason("there is no database yet")
        raise
    days, position = ledger.finished
    is_busy = bool(context.instance.get_runs(dg.RunsFilter(statuses=_BUSY), limit=1))
    if is_busy:
        waiting = [day.id for day in days if not _is_certain(day, clock)]
        days, position = [day for day in days if day.id not in waiting], position.without(waiting)
    database = database_metadata(place)
    of_days = [*_unreported(context.instance, ledger.settings, days, ledger.rows, database)]
    # A run in progress may add rows, which it reports itself at its end.
    tables = {} if is_busy else ledger.rows
    observed = {
        event.asset_key.to_user_string() for event in of_days if isinstance(event, dg.AssetObservation)
    }
    source = {"source": _COMMAND_LINE, **database}
    of_tables = _of_tables(context.instance, tables, source, without=observed)
    return dg.SensorResult(asset_events=[*of_days, *of_tables], cursor=_cursor_of(position, place, file))


def _position_in(cursor: str | None, place: str, file: str | None) -> LedgerPosition:
    """Return the position of Dagster in a database file: the first one if the cursor is of another file or version.

    Days that Dagster has are not reported again.
    """
    found = json.loads(cursor) if cursor else None
    if not isinstance(found, dict) or (found["place"], found["file"]) != (place, file):
        return LedgerPosition()
    return LedgerPosition(found["last_id"], tuple(found["open_ids"]))


def _cursor_of(position: LedgerPosition, place: str, file: str | None) -> str:
    return json.dumps({"place": place, "file": file, **position._asdict()})


def _is_certain(day: FinishedDay, clock: Clock) -> bool:
    """Return whether a day finished long enough ago for its own run to have reported it."""
    return day.finished_at <= clock.now() - _SECONDS_TO_REPORT * MICROS_PER_SECOND


def _show_limit_of_pool(instance: dg.DagsterInstance) -> None:
    """Set the default limit of the backfill pool, so that the UI shows it before the pool's first run."""
    storage = instance.event_log_storage
    if BACKFILL_POOL not in {pool.name for pool in storage.get_pool_limits()}:
        storage.initialize_concurrency_limit_to_default(BACKFILL_POOL)


def _unreported(
    instance: dg.DagsterInstance,
    settings: Settings,
    days: Collection[FinishedDay],
    rows: Mapping[str, int],
    database: Metadata,
) -> Iterator[Outcome]:
    """Yield an event for each day that Dagster does not have, in the order in which they finished."""
    for day in sorted(days, key=lambda day: day.finished_at):
        event = _of_day(settings, day, rows, {"source": _source_of(instance, day), **database})
        if not _is_reported(instance, day, event):
            yield event


def _of_day(settings: Settings, found: FinishedDay, rows: Mapping[str, int], source: Metadata) -> Outcome:
    metadata = {
        **source,
        ROW_COUNT: rows[found.asset],
        "record": found.record,
        "scope": printable((found.selection or "") if found.scope is None else found.scope.sentence),
        "state": found.state.value,
        "received": found.received,
        "inserted": found.inserted,
        "quarantined": found.quarantined,
    }
    if found.reason is not None:
        metadata["reason"] = printable(found.reason)
    if is_whole(settings, found):
        return dg.AssetMaterialization(found.asset, partition=found.day, metadata=without_row_count(metadata))
    return dg.AssetObservation(found.asset, partition=found.day, metadata=metadata)


def _is_reported(instance: dg.DagsterInstance, found: FinishedDay, event: Outcome) -> bool:
    """Return whether Dagster has the event, from the day's own run or from an earlier evaluation.

    A database that replaced another may have a run of the same day with the same id: an observation of that run does
    not make up for a materialization.
    """
    filtered = dg.AssetRecordsFilter(dg.AssetKey(found.asset), asset_partitions=[found.day])
    return any(
        value_of(outcome, "record") == found.record
        and are_of_one_place(outcome, event)
        and (isinstance(outcome, dg.AssetMaterialization) or isinstance(event, dg.AssetObservation))
        for outcome in newest_outcomes(instance, filtered, _NEWEST)
    )


def _source_of(instance: dg.DagsterInstance, found: FinishedDay) -> str:
    """Return in words what collected an unreported day: the command line, or a run that ended without reporting it."""
    planned = instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(
            dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
            asset_key=dg.AssetKey(found.asset),
            asset_partitions=[found.day],
        ),
        limit=_NEWEST,
    )
    for run_id in {record.run_id for record in planned}:
        record = instance.get_run_record_by_id(run_id)
        if record is not None and _was_in_progress(record, found.started_at / MICROS_PER_SECOND):
            return f"run {run_id[:8]}, which ended before it reported this day"
    return _COMMAND_LINE


def _was_in_progress(record: dg.RunRecord, at: float) -> bool:
    """Return whether a run was in progress at a time, in seconds since 1970."""
    return (
        record.start_time is not None
        and record.start_time <= at
        and (record.end_time is None or at <= record.end_time)
    )


def _of_tables(
    instance: dg.DagsterInstance, rows: Mapping[str, int], source: Metadata, *, without: Collection[str]
) -> Iterator[dg.AssetObservation]:
    """Yield an observation of each table whose row count differs from Dagster's."""
    for table, count in rows.items():
        if table not in without and _known_rows(instance, dg.AssetKey(table)) != count:
            yield dg.AssetObservation(table, metadata={**source, ROW_COUNT: count})


def _known_rows(instance: dg.DagsterInstance, key: dg.AssetKey) -> object:
    """Return the row count of the newest event of an asset that has one; 0 if none has."""
    counts = (value_of(outcome, ROW_COUNT) for outcome in newest_outcomes(instance, key, 1))
    return next((rows for rows in counts if rows is not None), 0)


defs = dg.Definitions(sensors=[command_line_sensor])
