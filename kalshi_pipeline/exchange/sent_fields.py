"""What the declarations of `payloads` say of each field: its kind, its older generation, and what is nested in it."""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar, get_args

from pydantic.fields import FieldInfo

from kalshi_pipeline.exchange.payloads import Payload

Marker = TypeVar("Marker")

OLDER = "_older"
"""The end of the name of the field of an older generation."""


class SentField(NamedTuple):
    """A field of a payload, with the field that an older generation has in its place."""

    name: str
    field: FieldInfo
    older: FieldInfo | None


def sent_fields(payload: type[Payload]) -> Iterator[SentField]:
    """Yield the fields of a payload in their order."""
    for name, field in payload.model_fields.items():
        if not name.endswith(OLDER):
            yield SentField(name, field, payload.model_fields.get(name + OLDER))


def marker_of(field: FieldInfo, kind: type[Marker]) -> Marker:
    """Return how a field is read."""
    (marker,) = (entry for entry in field.metadata if isinstance(entry, kind))
    return marker


def part_of(field: FieldInfo) -> type[Payload] | None:
    """Return the payload that is nested in a field, if one is."""
    kinds = (kind for kind in get_args(field.annotation) if isinstance(kind, type))
    return next((kind for kind in kinds if issubclass(kind, Payload)), None)
