"""How markets ended: the asset, which looks at what settled since, and the op that fetches everything before."""

import dagster as dg

from kalshi_pipeline.defs.assets import materialize, pipeline_asset, price_snapshots, told_in_one_line
from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.ingest.settlements import backfill_settlements as fetch_all_settlements
from kalshi_pipeline.ingest.settlements import sync_settlements


@pipeline_asset("/markets, /historical/markets", [price_snapshots])
def settlements(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """How markets ended. One row is the settlement of one market; its key is the market.

    As fresh as the last `collect` (hourly), and fresher for markets that a snapshot saw leave the listing: these
    are looked up by ticker. Each run asks for what settled since the newest settlement that a complete one saw, an
    hour of overlap included; the first one for all that the live tier has, some two months. The job
    `backfill_settlements` fetches everything before. A second run on the same answers changes nothing; a result
    that is amended is marked, and what it was is kept in `market_changes`. People read the view `settlement_history`.
    """
    # The first run may be long: it takes no more of the request limit than a backfill, so that no tick waits.
    return materialize(context, pipeline, sync_settlements, is_backfill=True)


@dg.op(name="all_settlements", pool=BACKFILL_POOL)
def all_settlements(context: dg.OpExecutionContext, pipeline: Pipeline) -> None:
    """Store everything that ever settled, of both tiers; a run that is stopped goes on where it was."""
    with told_in_one_line(), pipeline.session(context.log.info, is_backfill=True) as session:
        report = fetch_all_settlements(session)
    for note in report.notes:
        context.log.warning(note)
    context.log_event(
        dg.AssetMaterialization(
            settlements.key, description="all that ever settled", metadata=run_metadata(report)
        )
    )
