"""Detects a missing or replaced database: each asset's events record the database that it was stored in."""

from typing import Any, NamedTuple

import dagster as dg

from kalshi_pipeline.defs.outcomes import Outcome, newest_outcomes, value_of
from kalshi_pipeline.store.database import Identity

_PLACE = "database"
_FILE = "database_file"
# Some of an asset's newest events may come from other programs or an older version.
_NEWEST = 10


class StoredInto(NamedTuple):
    """The path of a database and the identity of its file; None if no event has it."""

    place: str
    file: str | None


def database_metadata(place: str, identity: Identity | None = None) -> dict[str, Any]:
    """Return the metadata that records which database an asset was stored in; only the asset's own runs record the
    file.
    """
    metadata: dict[str, Any] = {_PLACE: dg.MetadataValue.path(place)}
    if identity is not None:
        metadata[_FILE] = str(file_of(identity))
    return metadata


def note_of_replacement(before: StoredInto | None, place: str, identity: Identity) -> str | None:
    """Return a line if the asset was last stored in another file of the same path, or None."""
    if before is None or before.place != place or before.file in (None, file_of(identity)):
        return None
    return (
        f"{place} is not the file that this asset was stored in before: unless you restored or replaced it on "
        "purpose, put the old file back"
    )


def last_stored_into(instance: dg.DagsterInstance, asset: dg.AssetKey) -> StoredInto | None:
    """Return the database that an asset was last stored in, from its newest events; None if no event records it."""
    outcomes = newest_outcomes(instance, asset, _NEWEST)
    said = [outcome.metadata for outcome in outcomes if _PLACE in outcome.metadata]
    if not said:
        return None
    place = str(said[0][_PLACE].value)
    files = (str(of[_FILE].value) for of in said if _FILE in of and of[_PLACE].value == place)
    return StoredInto(place, next(files, None))


def was_stored_into(instance: dg.DagsterInstance, place: str) -> bool:
    """Return whether any asset was last stored in a database at this path."""
    found = (last_stored_into(instance, key) for key in instance.get_asset_keys())
    return any(stored is not None and stored.place == place for stored in found)


def are_of_one_place(one: Outcome, other: Outcome) -> bool:
    """Return whether two events are of the database at the same path, as far as they record it."""
    places = {value_of(outcome, _PLACE) for outcome in (one, other)} - {None}
    return len(places) <= 1


def file_of(identity: Identity | None) -> str | None:
    """Return the inode number of a file; None if there is none. Device numbers can change at a reboot."""
    return None if identity is None else str(identity[-1])
