"""The assets. Each calls one function of `ingest` and reports what it returned."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.defs.metadata import definition_metadata, run_metadata
from kalshi_pipeline.defs.resources import Pipeline, database_kind
from kalshi_pipeline.defs.run_ticks import tick_of
from kalshi_pipeline.errors import PipelineError, TransientExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.monitoring.checks import Finding, checks_of, examine
from kalshi_pipeline.monitoring.window_comparison import WINDOWS_SEE_EVERYTHING, compare_listings

# The client has tried for KALSHI_RETRY_SECONDS by then: one slow second try, and only where it may help.
_MOST_RETRIES = 1
_SECONDS_BEFORE_RETRY = 15
_DATABASE_KIND = database_kind()


def pipeline_asset(
    endpoint: str,
    parents: Sequence[dg.AssetsDefinition] = (),
    *,
    partitions: dg.PartitionsDefinition | None = None,
    pool: str | None = None,
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """Declare an asset that keeps the table of its name from an endpoint, with the checks that hold for it."""

    def declare(function: Callable[..., dg.MaterializeResult]) -> dg.AssetsDefinition:
        table = function.__name__
        return dg.asset(
            deps=parents,
            check_specs=[
                dg.AssetCheckSpec(check.name, asset=table, description=check.description)
                for check in checks_of(table)
            ],
            metadata=definition_metadata(table, endpoint),
            partitions_def=partitions,
            pool=pool,
            kinds={"python", _DATABASE_KIND},
            owners=["team:market-data"],
            group_name="kalshi",
        )(function)

    return declare


@pipeline_asset("/series")
def series(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Templates of recurring events. One row is one series; its key is the ticker.

    As fresh as the last `collect` (hourly). A second run on the same answers changes nothing.
    """
    return materialize(context, pipeline, sync_series)


@pipeline_asset("/events", [series])
def events(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Question sets with an open market. One row is one event; its key is the ticker.

    As fresh as the last `collect` (hourly); a snapshot adds events that its markets name meanwhile, as marked
    placeholders where the exchange does not give them. Each run heals placeholders, which is also how the events
    of combos come in. A second run on the same answers changes nothing.
    """
    return materialize(context, pipeline, sync_events)


@pipeline_asset("/markets", [events])
def markets(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Yes-no contracts that are or were open. One row is one market; its key is the ticker.

    As fresh as the last snapshot, which stores the markets of its own listing. Rows are never deleted. A second
    run on the same answers changes nothing.
    """
    return materialize(context, pipeline, sync_markets)


@pipeline_asset("/markets", [markets])
def price_snapshots(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Quotes of every open market. One row is the quote of one market at one tick; the key is both.

    Taken every KALSHI_SNAPSHOT_MINUTES. By default a row is stored where the quote differs from the market's last
    one: no row in a complete tick means unchanged; and now and then although it does not differ, so that looking back
    is short. A market that a complete tick does not list any more gets a last row without numbers. Needs no other
    asset to have run: the markets and events that a page names are stored first, in the transaction that stores
    their quotes. Running a tick again adds and changes nothing. People read the views `latest_prices`,
    `price_history`, `quotes_by_tick` and `movers_24h`.
    """
    tick = tick_of(context.run, context.instance)
    return materialize(
        context, pipeline, lambda session: take_snapshot(session, tick.at, tick.period_seconds)
    )


@dg.asset_check(
    asset=markets, name=WINDOWS_SEE_EVERYTHING.name, description=WINDOWS_SEE_EVERYTHING.description
)
def windows_see_everything(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> dg.AssetCheckResult:
    """List every open market three times: serially, in windows, and serially again."""
    with told_in_one_line(), pipeline.session(context.log.info) as session:
        return _check_result(compare_listings(session))


def materialize(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    run: Callable[[Session], Report],
    *,
    is_backfill: bool = False,
) -> dg.MaterializeResult:
    """Run one function of `ingest` and examine what it left; a backfill has a part of the request limit."""
    with told_in_one_line(), pipeline.session(context.log.info, is_backfill=is_backfill) as session:
        report = run(session)
        findings = examine(session, report)
    for note in report.notes:
        context.log.warning(note)
    return dg.MaterializeResult(
        metadata=run_metadata(report), check_results=[_check_result(finding) for finding in findings]
    )


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """An error of the pipeline becomes a red step whose description is its line; a passing one is tried again once.

    No retry policy does that: it would start a step again that a person has cancelled.
    """
    try:
        yield
    except PipelineError as error:
        failure = dg.Failure(description=with_advice(error), allow_retries=False)
        if isinstance(error, TransientExchangeError):
            raise dg.RetryRequested(_MOST_RETRIES, _SECONDS_BEFORE_RETRY) from failure
        raise failure from None


def _check_result(finding: Finding) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if finding.check.is_error else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=finding.check.name,
        passed=finding.passed,
        severity=severity,
        description=finding.text,
        metadata=finding.numbers,
    )
