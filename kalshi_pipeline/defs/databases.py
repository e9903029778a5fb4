"""Which database the assets were stored in, according to their events, to detect one that is missing or replaced."""

from typing import Any, NamedTuple

import dagster as dg

from kalshi_pipeline.defs.outcomes import newest_outcomes
from kalshi_pipeline.store.database import Identity

_PLACE = "database"
_FILE = "database_file"
# Of the newest events of an asset some may be of other programs, or of an older version.
_NEWEST = 10


class StoredInto(NamedTuple):
    """The location of a database and the identity of its file; None if no event has it."""

    place: str
    file: str | None


def database_metadata(place: str, identity: Identity | None = None) -> dict[str, Any]:
    """Return what an event of an asset says of the database that it was stored into; of the file only its own run."""
    metadata: dict[str, Any] = {_PLACE: dg.MetadataValue.path(place)}
    if identity is not None:
        metadata[_FILE] = _file_of(identity)
    return metadata


def note_of_replacement(before: StoredInto | None, place: str, identity: Identity) -> str | None:
    """Return a line where an asset was stored into another file of the same name before; None where it was not."""
    if before is None or before.place != place or before.file in (None, _file_of(identity)):
        return None
    return (
        f"{place} is not the file that this asset was stored in before: unless you restored or replaced it on "
        "purpose, put the old file back"
    )


def last_stored_into(instance: dg.DagsterInstance, asset: dg.AssetKey) -> StoredInto | None:
    """Return what an asset was stored into, as its newest events say; None if none of them does."""
    outcomes = newest_outcomes(instance, asset, _NEWEST)
    said = [outcome.metadata for outcome in outcomes if _PLACE in outcome.metadata]
    if not said:
        return None
    place = str(said[0][_PLACE].value)
    files = (str(of[_FILE].value) for of in said if _FILE in of and of[_PLACE].value == place)
    return StoredInto(place, next(files, None))


def was_stored_into(instance: dg.DagsterInstance, place: str) -> bool:
    """Return whether any asset was last stored into a database of a place."""
    found = (last_stored_into(instance, key) for key in instance.get_asset_keys())
    return any(stored is not None and stored.place == place for stored in found)


def _file_of(identity: Identity) -> str:
    """Return the number of a file; the number of its disk is not the same after the machine was started again."""
    return str(identity[-1])
