"""Meanings and units of the fields of `records`, from which columns and their descriptions are derived."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints


class Unit(Enum):
    """The unit of an integer."""

    DOLLARS = "micro-dollars"
    CONTRACTS = "hundredths of a contract"
    MILLIONTHS = "millionths"
    INSTANT = "microseconds since 1970, UTC"


DOLLARS, CONTRACTS, INSTANT, MILLIONTHS = Unit.DOLLARS, Unit.CONTRACTS, Unit.INSTANT, Unit.MILLIONTHS


@dataclass(frozen=True)
class Note:
    """The meaning of a column, for the UI and readers of the database."""

    meaning: str
    unit: Unit | None = None
    since: int = 1
    """The version of parsing that first reads the field."""
    is_shared: bool = False
    """Whether many rows share the same text: it is then stored once, and rows have its key."""

    def __str__(self) -> str:
        return self.meaning if self.unit is None else f"{self.meaning} ({self.unit.value})"


class Field(NamedTuple):
    """A field of a record. A field with a note is stored in a column."""

    name: str
    type: type
    is_optional: bool
    note: Note | None

    @property
    def is_record(self) -> bool:
        """Whether the field is itself a record."""
        return hasattr(self.type, "_fields")


def fields_of(record: type[NamedTuple]) -> tuple[Field, ...]:
    """Return the fields of a record, in order."""
    return _fields_of(record)


@cache  # a private function, because mypy considers few record types hashable
def _fields_of(record: type[NamedTuple]) -> tuple[Field, ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(_field(name, hints[name]) for name in record._fields)


def units_of(record: type[NamedTuple]) -> dict[str, Unit]:
    """Return the unit of each field of a record that has one."""
    notes = {field.name: field.note for field in fields_of(record)}
    return {name: note.unit for name, note in notes.items() if note is not None and note.unit is not None}


def _field(name: str, hint: Any) -> Field:  # noqa: ANN401 (any form of a type)
    note = None
    if get_origin(hint) is Annotated:
        hint, note = get_args(hint)
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    (kind,) = (kind for kind in kinds if kind is not NoneType)
    return Field(name, get_origin(kind) or kind, NoneType in kinds, note)
