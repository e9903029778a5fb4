"""Reads the materializations and observations of assets from Dagster's instance, and treats them alike."""

from collections.abc import Sequence
from typing import TypeAlias

import dagster as dg

Outcome: TypeAlias = dg.AssetMaterialization | dg.AssetObservation


def outcome_of(entry: dg.EventLogEntry) -> Outcome | None:
    """Return the materialization or observation of an event; None for other events."""
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
    """Return a value of an outcome's metadata; None if it is missing."""
    value = outcome.metadata.get(name)
    return None if value is None else value.value
