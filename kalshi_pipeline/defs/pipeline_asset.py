"""How assets of the pipeline are declared and run."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, TypeAlias

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.api import Store
from kalshi_pipeline.defs.databases import database_metadata, last_stored_into, note_of_replacement
from kalshi_pipeline.defs.exchange import exchange
from kalshi_pipeline.defs.instance_settings import settings_not_in_force
from kalshi_pipeline.defs.liveness import record_process
from kalshi_pipeline.defs.metadata import (
    ROW_COUNT,
    Metadata,
    day_metadata,
    definition_metadata,
    other_metadata,
    run_metadata,
    without_row_count,
)
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group, freshness_of, tags_of_asset
from kalshi_pipeline.defs.resources import Pipeline, database_kind
from kalshi_pipeline.errors import PipelineError, TransientExchangeError
from kalshi_pipeline.ingest.run.report import OtherTable, Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.monitoring.checks import RUN_CHECKS, Finding, RunCheck, examine
from kalshi_pipeline.monitoring.picture import last_day
from kalshi_pipeline.quoting import printable

# The client has already retried for KALSHI_RETRY_SECONDS. One slow retry follows, if it may help.
_MOST_RETRIES = 1
_SECONDS_BEFORE_RETRY = 15
AFTER_SNAPSHOTS = -1
"""The priority of an asset that must not make a snapshot of the same run late."""
AFTER_ALL = -2
_DATABASE_KIND = database_kind()


# It is a DagsterType, although its stub omits that.
_NOTHING: Any = dg.Nothing


AssetEvent: TypeAlias = (
    dg.AssetMaterialization
    | dg.AssetObservation
    | dg.MaterializeResult
    | dg.AssetCheckResult
    | dg.Output[None]
)
"""What an asset yields if it may end without a materialization."""


def pipeline_asset(
    *,
    group: Group,
    domain: Domain,
    cadence: Cadence,
    table: str | None = None,
    endpoint: str | None = None,
    parents: Sequence[dg.AssetsDefinition | str] = (),
    checks: Sequence[RunCheck] = (),
    partitions: dg.PartitionsDefinition | None = None,
    backfill_policy: dg.BackfillPolicy | None = None,
    pool: str | None = None,
    priority: int = 0,
    code_version: str = "1",
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare the decorated function as an asset with its name, and with the checks that must hold after each run.

    `table` is the table that it fills, and `endpoint` the source; an asset without them, such as a report, shows
    neither. An asset without `parents` depends on the exchange only. A lower `priority` lets other steps of the run go
    first. Raise `code_version` when the asset stores different data for the same responses; the UI then marks earlier
    data.
    """

    def declare(function: Callable[..., Any]) -> dg.AssetsDefinition:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # for the backfill policy
            return dg.asset(
                deps=[*parents] if parents else [exchange],
                check_specs=[
                    dg.AssetCheckSpec(check.name, asset=function.__name__, description=check.description)
                    for check in checks
                ],
                metadata=definition_metadata(function, table, endpoint),
                code_version=code_version,
                tags=tags_of_asset(domain, cadence),
                freshness_policy=freshness_of(cadence),
                partitions_def=partitions,
                backfill_policy=backfill_policy,
                dagster_type=_NOTHING,  # the data is in the database, so Dagster stores no value
                pool=pool,
                op_tags={"dagster/priority": str(priority)} if priority else None,
                kinds={"python", _DATABASE_KIND},
                owners=["team:market-data"],
                group_name=group.value,
            )(function)

    return declare


def materialize(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    run: Callable[[Session], Report],
    *,
    is_backfill: bool = False,
) -> dg.MaterializeResult:
    """Run a function of `ingest`, then the checks that the asset declares.

    A partial run also materializes the asset, so that its dependents run; its check fails, and `run_complete` fails the
    job. A backfill uses only part of the request limit.
    """
    with failing_in_one_line():
        found = collected(context, pipeline, run, is_backfill=is_backfill)
    for observation in (rows_of(found.report), *elsewhere([found.report])):
        context.log_event(observation)
    return dg.MaterializeResult(metadata=without_row_count(found.metadata), check_results=found.check_results)


def materialize_unless_skipped(
    context: dg.AssetExecutionContext, pipeline: Pipeline, run: Callable[[Session], Report]
) -> Iterator[AssetEvent]:
    """Run a function of `ingest`, then the checks that the asset declares.

    A skipped run is only observed; the asset's dependents still run, and `run_complete` fails the job if something is
    missing.
    """
    with failing_in_one_line():
        found = collected(context, pipeline, run, is_backfill=False)
    yield from elsewhere([found.report])
    if found.report.skip is None:
        yield rows_of(found.report)
        yield dg.MaterializeResult(
            metadata=without_row_count(found.metadata), check_results=found.check_results
        )
        return
    yield dg.AssetObservation(context.asset_key, metadata=found.metadata)
    yield from found.check_results
    yield no_materialization()


def no_materialization() -> dg.Output[None]:
    """Return the output of an asset that must not be materialized.

    Dagster treats an output with this mark as that of an observable asset.
    """
    return dg.Output(None, metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True})


class Collected(NamedTuple):
    """The result of a function of `ingest`: its report, the findings of the asset's checks, and the metadata."""

    report: Report
    findings: Sequence[Finding]
    metadata: Metadata

    @property
    def check_results(self) -> list[dg.AssetCheckResult]:
        """The findings as Dagster's check results."""
        return [check_result(finding) for finding in self.findings]


def collected(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    run: Callable[[Session], Report],
    *,
    is_backfill: bool,
) -> Collected:
    """Run a function of `ingest` in its own session, then the checks that the asset declares."""
    record_process(context.instance, context.run)
    checks = [RUN_CHECKS[spec.name] for spec in context.assets_def.check_specs]
    before = last_stored_into(context.instance, context.asset_key)
    with pipeline.session(context.log.info, context.instance, is_backfill=is_backfill) as session:
        place, identity = session.database.place, session.database.identity
        context.log.info(f"collecting into {place}")
        report = run(session)
        if note := note_of_replacement(before, place, identity):
            report.notes.append(note)
        findings = examine(session, report, checks)
        day = _last_day(session, report)
    log_report(context.log, report)
    if line := settings_not_in_force(context.instance):
        context.log.warning(line)
    return Collected(report, findings, {**day, **run_metadata(report), **database_metadata(place, identity)})


def _last_day(session: Session, report: Report) -> Metadata:
    """Return the ticks of the last day, in words and as a picture, for a snapshot; nothing for other runs."""
    if report.tick_at is None:
        return {}
    return day_metadata(last_day(Store.of(session.database), report.tick_at), report.tally)


def rows_of(report: Report) -> dg.AssetObservation:
    """Return an observation with the row count of an asset's own table.

    The UI shows the count of the last materialization, however old, and only without one that of the newest
    observation. Other runs add rows too, so only observations have a count.
    """
    return dg.AssetObservation(report.asset, metadata={ROW_COUNT: report.rows})


def elsewhere(reports: Sequence[Report]) -> Iterator[dg.AssetObservation]:
    """Yield one observation of each other asset's table in which a run has added or changed rows.

    `reports` are the reports of the run, in order.
    """
    together: dict[str, OtherTable] = {}
    for report in reports:
        for table, other in report.elsewhere.items():
            together[table] = other.after(together.get(table))
    for table, other in together.items():
        yield dg.AssetObservation(table, metadata=other_metadata(other))


def log_report(log: logging.Logger, report: Report) -> None:
    """Log the result of a run, and as warnings its notes and what is missing."""
    log.info(printable(report.line))
    for note in filter(None, [report.shortfall, report.skip, *report.notes]):
        log.warning(printable(note))


def expect_whole(report: Report, asset: dg.AssetKey, metadata: Metadata) -> Iterator[dg.AssetObservation]:
    """If a run without dependents is partial, yield its metadata as an observation, then fail without a retry.

    (`log_event` would lose it, because Dagster stores such events only when the step succeeds.)
    """
    if report.shortfall is None:
        return
    yield dg.AssetObservation(asset, metadata=metadata)
    raise dg.Failure(partial_line(report.shortfall), allow_retries=False)


def partial_line(shortfall: str) -> str:
    """Return why a partial run failed and what to do next, in one line."""
    return printable(f"{shortfall}; what was received is stored: run it again")


@contextlib.contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Turn an error of the pipeline into a failed step with its message, and retry a transient error once.

    A retry policy would also restart a step that a person has cancelled.
    """
    try:
        yield
    except PipelineError as error:
        raise_failure(error_lines(error), is_transient=isinstance(error, TransientExchangeError))


def error_lines(error: PipelineError) -> str:
    """Return an error of the pipeline and what to do next, in one line, or in one line per wrong setting."""
    return "\n".join(map(printable, with_advice(error).split("\n")))


def raise_failure(description: str, *, is_transient: bool) -> NoReturn:
    """Fail the step; Dagster retries it once if that may help."""
    failure = dg.Failure(description=description, allow_retries=False)
    if is_transient:
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
