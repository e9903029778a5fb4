"""What Dagster's instance has kept of assets: materializations and observations, which this project reads alike."""

from collections.abc import Sequence
from typing import TypeAlias

import dagster as dg

Outcome: TypeAlias = dg.AssetMaterialization | dg.AssetObservation


def outcome_of(entry: dg.EventLogEntry) -> Outcome | None:
    """Return what an event says of an asset; None if it is about something else."""
    return entry.asset_materialization or entry.asset_observation


def newest_outcomes(
    instance: dg.DagsterInstance, of: dg.AssetKey | dg.AssetRecordsFilter, limit: int
) -> Sequence[Outcome]:
    """Return the newest events of an asset, or of some of its partitions, newest first: `limit` of each kind."""
    records = [
        *instance.fetch_materializations(of, limit=limit).records,
        *instance.fetch_observations(of, limit=limit).records,
    ]
    records.sort(key=lambda record: record.storage_id, reverse=True)
    return [outcome for record in records if (outcome := outcome_of(record.event_log_entry)) is not None]


def value_of(outcome: Outcome, name: str) -> object:
    """Return a value of an outcome's metadata; None if it has none of that name."""
    value = outcome.metadata.get(name)
    return None if value is None else value.value
