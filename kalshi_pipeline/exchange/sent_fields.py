"""Reads the declarations of `payloads`: the kind of each field, its older generation, and nested payloads."""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar, get_args

from pydantic.fields import FieldInfo

from kalshi_pipeline.exchange.payloads import Payload

Marker = TypeVar("Marker")

OLDER = "_older"
"""The suffix of fields of an older generation."""


class SentField(NamedTuple):
    """A field of a payload, with its counterpart of an older generation."""

    name: str
    field: FieldInfo
    older: FieldInfo | None


def sent_fields(payload: type[Payload]) -> Iterator[SentField]:
    """Yield the fields of a payload in order."""
    for name, field in payload.model_fields.items():
        if not name.endswith(OLDER):
            yield SentField(name, field, payload.model_fields.get(name + OLDER))


def marker_of(field: FieldInfo, kind: type[Marker]) -> Marker:
    """Return how a field is parsed."""
    (marker,) = (entry for entry in field.metadata if isinstance(entry, kind))
    return marker


def part_of(field: FieldInfo) -> type[Payload] | None:
    """Return the payload nested in a field, if any."""
    kinds = (kind for kind in get_args(field.annotation) if isinstance(kind, type))
    return next((kind for kind in kinds if issubclass(kind, Payload)), None)
