"""Milestones, event metadata and other data about events, kept as documents; collected hourly after everything else."""

from functools import partial

import dagster as dg

from kalshi_pipeline.defs.pipeline_asset import AFTER_ALL, materialize, pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.ingest.event_metadata import PATH, sync_event_metadata
from kalshi_pipeline.ingest.related import RELATED, Related, sync_related
from kalshi_pipeline.monitoring.checks import LISTING_COMPLETE, QUARANTINE_SHARE

_document_asset = partial(
    pipeline_asset,
    group=Group.REFERENCE,
    domain=Domain.DOCUMENTS,
    cadence=Cadence.HOURLY,
    table="document_subjects",
    checks=(LISTING_COMPLETE, QUARANTINE_SHARE),
    priority=AFTER_ALL,
)


def _listed(related: Related) -> dg.AssetsDefinition:
    def collect(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
        return materialize(context, pipeline, partial(sync_related, related=related))

    collect.__name__ = related.asset
    collect.__doc__ = (
        f"{related.about} One row is one item; its key is the exchange's identifier.\n\n"
        "As fresh as the last `collect` (hourly). A second run on the same answers changes nothing; a changed item "
        "is kept as a new document. If the exchange has no such endpoint, the run notes it."
    )
    return _document_asset(endpoint=related.endpoint.path)(collect)


related_assets = [_listed(related) for related in RELATED]


@_document_asset(endpoint=PATH)
def event_metadata(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """The metadata of events, except of combos: images, sources, competition.

    One row is one event, by its ticker. `collect` (hourly) fetches it when an event is first seen or its description
    has changed, for at most 300 events an hour. Unchanged metadata adds nothing. If the exchange has no such endpoint,
    the run notes it.
    """
    return materialize(context, pipeline, sync_event_metadata)


defs = dg.Definitions(assets=[*related_assets, event_metadata])
