"""How markets ended: the asset, which stores new settlements, and the backfill of older ones."""

from collections.abc import Iterator

import dagster as dg

from kalshi_pipeline.defs.catalogue import markets
from kalshi_pipeline.defs.databases import database_metadata
from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.defs.pipeline_asset import (
    AFTER_SNAPSHOTS,
    elsewhere,
    expect_whole,
    failing_in_one_line,
    log_report,
    materialize,
    pipeline_asset,
)
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL, JOB_TAG
from kalshi_pipeline.ingest.settlements import backfill_settlements, sync_settlements
from kalshi_pipeline.monitoring.checks import LISTING_COMPLETE, QUARANTINE_SHARE, SCALARS_HAVE_VALUE


@pipeline_asset(
    group=Group.OUTCOMES,
    domain=Domain.SETTLEMENTS,
    cadence=Cadence.HOURLY,
    table="settlements",
    endpoint="/markets, /historical/markets",
    parents=[markets],
    checks=[LISTING_COMPLETE, QUARANTINE_SHARE, SCALARS_HAVE_VALUE],
    priority=AFTER_SNAPSHOTS,
)
def settlements(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """How markets ended. One row is the settlement of one market; its key is the market.

    As fresh as the last `collect` (hourly), and fresher for markets that left the listing of a snapshot, which are
    looked up by ticker. Each run requests the settlements since the newest one that a complete run saw, with an hour of
    overlap. The first run requests all of the live tier, some two months. The job `backfill_settlements` fetches older
    ones. A second run on the same responses changes nothing. An amended result is marked, and its earlier value is kept
    in `settlement_amendments`; a retracted one is withdrawn. Query the view `settlement_history`.
    """
    # The first run may be long, so it uses only a backfill's share of the request limit and delays no tick.
    return materialize(context, pipeline, sync_settlements, is_backfill=True)


@dg.op(name="all_settlements", out={}, pool=BACKFILL_POOL)
def all_settlements(context: dg.OpExecutionContext, pipeline: Pipeline) -> Iterator[dg.AssetObservation]:
    """Store all settlements of both tiers; the next run continues a stopped one.

    The asset is only observed, because materializations by its own runs show how fresh it is.
    """
    with (
        failing_in_one_line(),
        pipeline.session(context.log.info, context.instance, is_backfill=True) as session,
    ):
        database = database_metadata(session.database.place, session.database.identity)
        report = backfill_settlements(session)
    metadata = {**run_metadata(report), **database}
    log_report(context.log, report)
    yield from elsewhere([report])
    yield from expect_whole(report, settlements.key, metadata)
    yield dg.AssetObservation(settlements.key, description="all that ever settled", metadata=metadata)


@dg.job(
    name="backfill_settlements",
    description="All settlements, from both of the exchange's tiers; resumes where it stopped.",
    tags={JOB_TAG: "backfill_settlements", dg.MAX_RUNTIME_SECONDS_TAG: "172800"},
)
def backfill_settlements_job() -> None:
    """Fetch them in a step outside the asset, so that hourly runs do not wait for the backfill pool."""
    all_settlements()


defs = dg.Definitions(assets=[settlements], jobs=[backfill_settlements_job])
