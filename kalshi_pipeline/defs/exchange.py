"""The exchange in Dagster: an asset that is never materialized and has the checks of the API.

On an asset that is materialized hourly, Dagster would show a daily check as 'not evaluated' an hour later.
"""

import dagster as dg

from kalshi_pipeline.defs.presentation import Cadence, Domain, Group, tags_of_asset

exchange = dg.AssetSpec(
    "exchange",
    description="The API of the Kalshi exchange, the source of all data. It has no rows.",
    group_name=Group.REFERENCE.value,
    tags=tags_of_asset(Domain.API, Cadence.WITH_EACH_RUN),
    kinds={"api"},
    owners=["team:market-data"],
)

defs = dg.Definitions(assets=[exchange])
