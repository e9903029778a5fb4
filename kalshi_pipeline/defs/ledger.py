"""Reports to Dagster what the command line has stored: the sensor."""

import json
from collections.abc import Iterator, Mapping

import dagster as dg

from kalshi_pipeline.api import FinishedDay, Place
from kalshi_pipeline.defs.databases import database_metadata
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.defs.metadata import ROW_COUNT, Metadata
from kalshi_pipeline.defs.outcomes import newest_outcomes, value_of
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.monitoring.ledger import is_whole, read_ledger
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.dialects import dialect_of

_MOST_DAYS = 100
# Several runs may have been over one day since the one that is looked for.
_NEWEST = 10
_BUSY = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_FROM: Metadata = {"source": "command line"}


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def command_line_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Report to Dagster what the command line has stored.

    A complete day of trades or candlesticks is a materialization of its partition, another one an observation; a table
    that has other rows than Dagster knows of is observed. At most a hundred days are reported at a time. It uses no
    network, and starts no run.
    """
    _show_limit_of_pool(context.instance)
    settings = current_settings()
    after = Place(*json.loads(context.cursor)) if context.cursor else Place()
    try:
        ledger = read_ledger(settings, after, _MOST_DAYS)
    except StoreError as error:
        if error.problem is StoreProblem.MISSING:
            return dg.SkipReason("there is no database yet")
        raise
    source = {**_FROM, **database_metadata(dialect_of(settings.database_url).place)}
    days = [
        _of_day(settings, day, ledger.rows, source)
        for day in ledger.days
        if not _is_own(context.instance, day)
    ]
    others = {
        table: rows for table, rows in ledger.rows.items() if table not in {day.asset for day in ledger.days}
    }
    tables = list(_of_tables(context.instance, others, source))
    cursor = json.dumps([*ledger.days[-1].place]) if ledger.days else context.cursor
    return dg.SensorResult(asset_events=[*days, *tables], cursor=cursor)


def _show_limit_of_pool(instance: dg.DagsterInstance) -> None:
    """Set the default limit of the pool of backfills, so that the UI shows it before the first run of the pool."""
    storage = instance.event_log_storage
    if BACKFILL_POOL not in {pool.name for pool in storage.get_pool_limits()}:
        storage.initialize_concurrency_limit_to_default(BACKFILL_POOL)


def _of_day(
    settings: Settings, found: FinishedDay, rows: Mapping[str, int], source: Metadata
) -> dg.AssetMaterialization | dg.AssetObservation:
    event = dg.AssetMaterialization if is_whole(settings, found) else dg.AssetObservation
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
    return event(found.asset, partition=found.day, metadata=metadata)


def _is_own(instance: dg.DagsterInstance, found: FinishedDay) -> bool:
    """Return whether a run of Dagster reported the day itself."""
    filtered = dg.AssetRecordsFilter(dg.AssetKey(found.asset), asset_partitions=[found.day])
    outcomes = newest_outcomes(instance, filtered, _NEWEST)
    return found.record in {value_of(outcome, "record") for outcome in outcomes}


def _of_tables(
    instance: dg.DagsterInstance, rows: dict[str, int], source: Metadata
) -> Iterator[dg.AssetObservation]:
    """Yield an observation of each table that has other rows than Dagster knows of; none while a run may add some."""
    if instance.get_runs(dg.RunsFilter(statuses=_BUSY), limit=1):
        return
    for table, count in rows.items():
        if count and _known_rows(instance, dg.AssetKey(table)) != count:
            yield dg.AssetObservation(table, metadata={**source, ROW_COUNT: count})


def _known_rows(instance: dg.DagsterInstance, key: dg.AssetKey) -> object:
    """Return the rows of the newest event of an asset that has them."""
    counts = (value_of(outcome, ROW_COUNT) for outcome in newest_outcomes(instance, key, 1))
    return next((rows for rows in counts if rows is not None), None)


defs = dg.Definitions(sensors=[command_line_sensor])
