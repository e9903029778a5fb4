"""Parses records into a struct of the fields seen so far, which costs half as much as a dict.

Nearly all records of a kind have the same fields. A record with a new field is parsed in full once, and its fields are
then known.
"""

import re
from collections.abc import Callable, Iterable
from keyword import iskeyword
from typing import Any

import msgspec
from msgspec.structs import astuple

from kalshi_pipeline.exchange.json_text import UNPARSABLE
from kalshi_pipeline.records import DocumentFields

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_MOST_FIELDS = 300


class UnknownFieldsError(Exception):
    """A record has an unknown field, or one that msgspec cannot parse."""


class _Fields(msgspec.Struct):
    """A record's fields as attributes in order of name, usable like a dict; a missing field is UNSET."""

    def get(self, name: str) -> Any:  # noqa: ANN401  (JSON)
        value = getattr(self, name, None)
        return None if value is msgspec.UNSET else value

    def __delitem__(self, name: str) -> None:
        setattr(self, name, msgspec.UNSET)

    def keys(self) -> list[str]:
        return [name for name in self.__struct_fields__ if getattr(self, name) is not msgspec.UNSET]

    def values(self) -> list[Any]:
        return [value for value in astuple(self) if value is not msgspec.UNSET]


class KnownFields:
    """The known fields of one kind of record, and their struct.

    Fields in `left_out` are known only by name. `read_float` parses the text of a fraction.
    """

    def __init__(self, left_out: re.Pattern[str], read_float: Callable[[str], Any]) -> None:
        self._is_left_out = left_out.fullmatch
        self._read_float = read_float
        self._names: set[str] = set()
        self._left_out: list[str] = []
        self._decode: Callable[[bytes | msgspec.Raw], Any] = _decode_nothing

    def read(self, part: bytes | msgspec.Raw) -> DocumentFields:
        """Return the fields of a record, without those left out."""
        try:
            fields: _Fields = self._decode(part)
        except UNPARSABLE as error:
            raise UnknownFieldsError from error
        for name in self._left_out:
            setattr(fields, name, msgspec.UNSET)
        return fields

    def learn(self, names: Iterable[str]) -> None:
        """Add these fields to the known ones, if a struct can have them, up to a limit."""
        known = self._names | set(filter(_may_be_attribute, names))
        if len(known) > _MOST_FIELDS or known == self._names:
            return
        self._names = known
        self._left_out = [name for name in known if self._is_left_out(name)]
        types: list[tuple[str, Any, Any]] = [
            (name, msgspec.Raw if name in self._left_out else Any, msgspec.UNSET) for name in sorted(known)
        ]
        struct = msgspec.defstruct("Fields", types, bases=(_Fields,), forbid_unknown_fields=True, gc=False)
        self._decode = msgspec.json.Decoder(struct, float_hook=self._read_float).decode


def _decode_nothing(_: object) -> _Fields:
    raise UnknownFieldsError


def _may_be_attribute(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not iskeyword(name) and not hasattr(_Fields, name)
