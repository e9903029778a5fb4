"""Fields that appear, vanish or change their type, as between versions of the API."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.world.chance import is_within, scatter


def changes_fields(faults: Faults) -> bool:
    return bool(faults.added_fields or faults.removed_fields or faults.retyped_fields)


def drifted(row: dict[str, Any], kind: str, draw: int, faults: Faults) -> dict[str, Any]:
    """Return a record with fields added, removed and retyped."""
    if not (changes_fields(faults) and is_within(scatter(faults.seed + 3, draw), faults.drifted)):
        return row
    added = {name: _text(name, faults.added_bytes) for name in _fields(faults.added_fields, kind)}
    retyped = {name: _retyped(row[name]) for name in _fields(faults.retyped_fields, kind) if name in row}
    removed = set(_fields(faults.removed_fields, kind))
    return {name: value for name, value in (row | added | retyped).items() if name not in removed}


def _fields(names: Iterable[str], kind: str) -> Iterator[str]:
    """Yield the names of fields that concern records of a kind."""
    for name in names:
        prefix, _, field = name.rpartition(".")
        if prefix in ("", kind):
            yield field


def _text(name: str, length: int) -> str:
    return (name * (length // len(name) + 1))[:length] if length else f"value of {name}"


def _retyped(value: Any) -> Any:  # noqa: ANN401 - a field has any JSON value
    match value:
        case str():
            return [value]
        case list():
            return {"items": value}
        case None:
            return False
        case _:
            return json.dumps(value)
