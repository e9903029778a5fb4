"""How an asset of the pipeline is declared, and how one that collects runs."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.defs.instance_settings import settings_not_in_force
from kalshi_pipeline.defs.liveness import record_process
from kalshi_pipeline.defs.metadata import definition_metadata, other_metadata, run_metadata
from kalshi_pipeline.defs.resources import Pipeline, database_kind
from kalshi_pipeline.errors import PipelineError, TransientExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.monitoring.checks import RUN_CHECKS, Finding, RunCheck, examine
from kalshi_pipeline.quoting import printable

# The client has already retried for KALSHI_RETRY_SECONDS: one slow retry is left, and only if it may help.
_MOST_RETRIES = 1
_SECONDS_BEFORE_RETRY = 15
AFTER_SNAPSHOTS = -1
"""The priority of an asset that must not make a snapshot of the same run late."""
AFTER_ALL = -2
_DATABASE_KIND = database_kind()
_PLACE = "database"
# Dagster takes an output with this mark for one of an asset that it observes itself, and logs no materialization.
_NO_MATERIALIZATION = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}


AssetEvent: TypeAlias = dg.AssetObservation | dg.MaterializeResult | dg.AssetCheckResult | dg.Output[None]
"""What an asset yields that may end without a materialization."""


def pipeline_asset(
    *,
    table: str | None = None,
    endpoint: str | None = None,
    parents: Sequence[dg.AssetsDefinition | str] = (),
    checks: Sequence[RunCheck] = (),
    partitions: dg.PartitionsDefinition | None = None,
    pool: str | None = None,
    priority: int = 0,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare the decorated function as an asset of its name, with the checks that hold after each of its runs.

    `table` is the table that it keeps and `endpoint` where that comes from; an asset without them, such as a report,
    shows neither. One with a lower `priority` begins when no other step of its run can.
    """

    def declare(function: Callable[..., Any]) -> dg.AssetsDefinition:
        return dg.asset(
            deps=parents,
            check_specs=[
                dg.AssetCheckSpec(check.name, asset=function.__name__, description=check.description)
                for check in checks
            ],
            metadata=definition_metadata(table, endpoint),
            partitions_def=partitions,
            pool=pool,
            op_tags={"dagster/priority": str(priority)} if priority else None,
            kinds={"python", _DATABASE_KIND},
            owners=["team:market-data"],
            group_name="kalshi",
        )(function)

    return declare


def materialize(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    run: Callable[[Session], Report],
    *,
    is_backfill: bool = False,
) -> dg.MaterializeResult:
    """Run one function of `ingest`, then the checks that the asset declares.

    A partial run materializes the asset like a complete one, so that what depends on it runs: its check fails, and
    `run_complete` fails the job. A backfill is limited to a part of the request limit.
    """
    report, result = _collected(context, pipeline, run, is_backfill=is_backfill)
    for observation in elsewhere(report):
        context.log_event(observation)
    return result


def materialize_unless_skipped(
    context: dg.AssetExecutionContext, pipeline: Pipeline, run: Callable[[Session], Report]
) -> Iterator[AssetEvent]:
    """Run one function of `ingest`, then the checks that the asset declares; a skipped run is observed only.

    What depends on the asset runs all the same, and `run_complete` fails the job.
    """
    report, result = _collected(context, pipeline, run, is_backfill=False)
    yield from elsewhere(report)
    if report.skip is None:
        yield result
        return
    yield dg.AssetObservation(context.asset_key, metadata=run_metadata(report))
    yield from _without_materialization(result)


def _without_materialization(
    result: dg.MaterializeResult,
) -> Iterator[dg.AssetCheckResult | dg.Output[None]]:
    yield from result.check_results or ()
    yield dg.Output(None, metadata=_NO_MATERIALIZATION)


def materialize_day(
    context: dg.AssetExecutionContext, pipeline: Pipeline, run: Callable[[Session], Report]
) -> Iterator[AssetEvent]:
    """Run one function of `ingest` over a partition, as a backfill, then the checks that the asset declares.

    A day that is not over is observed only, so that Dagster goes on showing it as missing.
    """
    report, result = _collected(context, pipeline, run, is_backfill=True)
    yield from elsewhere(report)
    yield from expect_whole(report, context.asset_key, context.partition_key)
    if report.is_complete and report.is_over:
        yield result
        return
    context.log.info(printable(f"{context.partition_key} is not materialized: {report.reason}"))
    yield dg.AssetObservation(
        context.asset_key, partition=context.partition_key, metadata=run_metadata(report)
    )
    yield from _without_materialization(result)


def _collected(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    run: Callable[[Session], Report],
    *,
    is_backfill: bool,
) -> tuple[Report, dg.MaterializeResult]:
    record_process(context.instance, context.run)
    checks = [RUN_CHECKS[spec.name] for spec in context.assets_def.check_specs]
    place_before = partial(last_place, context.instance, context.asset_key)
    with (
        failing_in_one_line(),
        pipeline.session(context.log.info, is_backfill=is_backfill, last_place=place_before) as session,
    ):
        place = session.database.place
        context.log.info(f"collecting into {place}")
        report = run(session)
        findings = examine(session, report, checks)
    log_report(context.log, report)
    if line := settings_not_in_force(context.instance):
        context.log.warning(line)
    return report, dg.MaterializeResult(
        metadata={**run_metadata(report), _PLACE: dg.MetadataValue.path(place)},
        check_results=[check_result(finding) for finding in findings],
    )


def last_place(instance: dg.DagsterInstance, asset: dg.AssetKey) -> str | None:
    """Return where the database was that an asset was stored into last; None if it never was."""
    event = instance.get_latest_materialization_event(asset)
    stored = None if event is None else event.asset_materialization
    place = None if stored is None else stored.metadata.get(_PLACE)
    return None if place is None else str(place.value)


def elsewhere(report: Report) -> Iterator[dg.AssetObservation]:
    """Yield an observation of each table of another asset to which a run has added rows, or has changed some."""
    for table, other in report.elsewhere.items():
        yield dg.AssetObservation(table, metadata=other_metadata(other))


def log_report(log: logging.Logger, report: Report) -> None:
    """Log what a run did, and as warnings what is missing in it, and what else a reader should know of it."""
    log.info(printable(report.line))
    for note in filter(None, [report.shortfall, report.skip, *report.notes]):
        log.warning(printable(note))


def expect_whole(
    report: Report, asset: dg.AssetKey, partition: str | None = None
) -> Iterator[dg.AssetObservation]:
    """Fail without retry where a run that no asset waits for is partial, after yielding its counts.

    They are an observation, since the asset does not count as materialized. (What `log_event` takes would be lost:
    Dagster stores that when a step succeeds.) A day that is not over is not meant: unless an error stopped it, it is
    as complete as it can be.
    """
    if report.shortfall is None or not (report.is_over or report.error):
        return
    yield dg.AssetObservation(asset, partition=partition, metadata=run_metadata(report))
    raise dg.Failure(
        printable(f"{report.shortfall}; what was received is stored: run it again"), allow_retries=False
    )


@contextlib.contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Turn an error of the pipeline into a failed step described by its message; retry a transient one once.

    A retry policy is no alternative: it would also restart a step that a person has cancelled.
    """
    try:
        yield
    except PipelineError as error:
        failure = dg.Failure(
            description="\n".join(map(printable, with_advice(error).split("\n"))), allow_retries=False
        )
        if isinstance(error, TransientExchangeError):
            raise dg.RetryRequested(_MOST_RETRIES, _SECONDS_BEFORE_RETRY) from failure
        raise failure from None


def check_result(finding: Finding) -> dg.AssetCheckResult:
    """Return a finding as Dagster takes it."""
    severity = dg.AssetCheckSeverity.ERROR if finding.check.is_error else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=finding.check.name,
        passed=finding.passed,
        severity=severity,
        description=printable(finding.text),
        metadata=finding.numbers,
    )
