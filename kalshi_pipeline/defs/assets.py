"""The assets. Each calls one function of `ingest` and reports what it returned."""

from collections.abc import Callable

import dagster as dg

from kalshi_pipeline.defs.metadata import definition_metadata, run_metadata
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import tick_of
from kalshi_pipeline.errors import PipelineError, TransientExchangeError
from kalshi_pipeline.ingest.health import checks_of, examine
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series

_KINDS = {"python", "sqlite"}
_OWNERS = ["team:market-data"]
_GROUP = "kalshi"
# The client has tried for KALSHI_RETRY_SECONDS by then: one slow second try, and only where it may help.
_RETRY = dg.RetryPolicy(max_retries=1, delay=15)


def _check_specs(asset: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(check.name, asset=asset, description=check.description)
        for check in checks_of(asset)
    ]


@dg.asset(
    check_specs=_check_specs("series"),
    metadata=definition_metadata("series", "/series"),
    retry_policy=_RETRY,
    kinds=_KINDS,
    owners=_OWNERS,
    group_name=_GROUP,
)
def series(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Templates of recurring events. One row is one series; its key is the ticker.

    As fresh as the last `collect` (hourly). A second run on the same answers changes nothing.
    """
    return _materialize(context, pipeline, sync_series)


@dg.asset(
    deps=[series],
    check_specs=_check_specs("events"),
    metadata=definition_metadata("events", "/events"),
    retry_policy=_RETRY,
    kinds=_KINDS,
    owners=_OWNERS,
    group_name=_GROUP,
)
def events(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Question sets with an open market. One row is one event; its key is the ticker.

    As fresh as the last `collect` (hourly); a snapshot adds events that its markets name meanwhile, as marked
    placeholders where the exchange does not give them. Each run heals placeholders, which is also how the events
    of combos come in. A second run on the same answers changes nothing.
    """
    return _materialize(context, pipeline, sync_events)


@dg.asset(
    deps=[events],
    check_specs=_check_specs("markets"),
    metadata=definition_metadata("markets", "/markets"),
    retry_policy=_RETRY,
    kinds=_KINDS,
    owners=_OWNERS,
    group_name=_GROUP,
)
def markets(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Yes-no contracts that are or were open. One row is one market; its key is the ticker.

    As fresh as the last snapshot, which stores the markets of its own listing. Rows are never deleted. A second
    run on the same answers changes nothing.
    """
    return _materialize(context, pipeline, sync_markets)


@dg.asset(
    deps=[markets],
    check_specs=_check_specs("price_snapshots"),
    metadata=definition_metadata("price_snapshots", "/markets"),
    retry_policy=_RETRY,
    kinds=_KINDS,
    owners=_OWNERS,
    group_name=_GROUP,
)
def price_snapshots(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Quotes of every open market. One row is the quote of one market at one tick; the key is both.

    Taken every KALSHI_SNAPSHOT_MINUTES. By default a row is stored where the quote differs from the market's last
    one: no row in a complete tick means unchanged. Needs no other asset to have run: the markets and events that a
    page names are stored first, in the transaction that stores their quotes. Running a tick again adds and
    changes nothing. People read the views `latest_prices` and `price_history`.
    """
    tick = tick_of(context.run, context.instance)
    return _materialize(
        context, pipeline, lambda session: take_snapshot(session, tick.at, tick.period_seconds)
    )


def _materialize(
    context: dg.AssetExecutionContext, pipeline: Pipeline, run: Callable[[Session], Report]
) -> dg.MaterializeResult:
    """Run one function of `ingest`; an error of the pipeline becomes a red step whose description is its line."""
    try:
        with pipeline.session(context.log.info) as session:
            report = run(session)
            findings = examine(session, report)
    except PipelineError as error:
        lines = [str(error), *getattr(error, "__notes__", [])]
        raise dg.Failure(
            description="; ".join(lines), allow_retries=isinstance(error, TransientExchangeError)
        ) from None
    for note in report.notes:
        context.log.warning(note)
    return dg.MaterializeResult(
        metadata=run_metadata(report),
        check_results=[
            dg.AssetCheckResult(
                check_name=finding.check.name,
                passed=finding.passed,
                severity=dg.AssetCheckSeverity.ERROR
                if finding.check.is_error
                else dg.AssetCheckSeverity.WARN,
                description=finding.text,
                metadata=finding.numbers,
            )
            for finding in findings
        ],
    )
