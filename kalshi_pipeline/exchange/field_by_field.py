"""Parses one record field by field: slower than `compiling`, but an odd value costs only its field."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from kalshi_pipeline.exchange.fields import Older, Wire
from kalshi_pipeline.exchange.payloads import Payload
from kalshi_pipeline.exchange.price_units import have_one_unit
from kalshi_pipeline.exchange.sent_fields import OLDER, marker_of, part_of, sent_fields
from kalshi_pipeline.quoting import quoted


def read_fields(payload: type[Payload], sent: object, odd: Counter[str]) -> SimpleNamespace:
    """Return the values of a payload's fields, with None for odd optional fields, which are counted.

    If newer prices are absent, prices under older names are kept as sent. Optional ones are odd if their unit is
    unknown, or differs from that of the required ones. Raises ValueError, which names each unreadable required field.
    """
    if not isinstance(sent, dict):
        raise ValueError(f"{quoted(sent)} is not an object")  # noqa: TRY004  (as the readers of fields)
    problems: list[str] = []
    older: list[_OlderPrice] = []
    found = _read(payload, sent, _Notes(odd, problems, older))
    if problems:
        raise ValueError("; ".join(problems))
    _leave_out_other_units(older, odd)
    return found


class _OlderPrice(NamedTuple):
    """A price under an older name: the fields that contain it, and both names."""

    fields: SimpleNamespace
    name: str
    alias: str
    is_needed: bool


def _leave_out_other_units(older: list[_OlderPrice], odd: Counter[str]) -> None:
    """Drop the optional prices if not all are known to be in one unit."""
    if not older or have_one_unit([getattr(price.fields, price.name) for price in older]):
        return
    for price in older:
        if not price.is_needed:
            setattr(price.fields, price.name, None)
            odd[price.alias] += 1


class _Notes(NamedTuple):
    """The odd fields by name, and the problems that refuse the record.

    `where` are the outer fields, and `older` the prices under older names.
    """

    odd: Counter[str]
    problems: list[str]
    older: list[_OlderPrice]
    where: str = ""

    def add(self, alias: str, error: ValueError, *, is_needed: bool) -> None:
        name = f"{self.where}{alias}"
        if is_needed:
            self.problems.append(f"{name}: {error}")
        else:
            self.odd[name] += 1


class _SentField(NamedTuple):
    name: str
    alias: str
    part: type[Payload] | None
    wire: Wire | None
    older: Older | None
    older_alias: str


@cache
def _fields_of(payload: type[Payload]) -> list[_SentField]:
    found = []
    for name, field, older in sent_fields(payload):
        part = part_of(field)
        found.append(
            _SentField(
                name,
                field.alias or name,
                part,
                None if part else marker_of(field, Wire),
                None if older is None else marker_of(older, Older),
                "" if older is None else older.alias or name,
            )
        )
    return found


def _read(payload: type[Payload], sent: Mapping[str, Any], notes: _Notes) -> SimpleNamespace:
    found = SimpleNamespace()
    for field in _fields_of(payload):
        if field.part is not None:
            part = _part(field, sent, notes)
            setattr(found, field.name, _read(field.part, part, notes._replace(where=f"{field.alias}.")))
        elif field.wire is not None:
            _read_value(field, field.wire, sent, found, notes)
    return found


def _part(field: _SentField, sent: Mapping[str, Any], notes: _Notes) -> Mapping[str, Any]:
    part = sent.get(field.alias)
    if isinstance(part, dict):
        return part
    if part is not None:
        notes.add(field.alias, ValueError(f"{quoted(part)} is not an object"), is_needed=True)
    return {}


def _read_value(
    field: _SentField, wire: Wire, sent: Mapping[str, Any], found: SimpleNamespace, notes: _Notes
) -> None:
    read = None
    try:
        read = wire.read(sent.get(field.alias))
    except ValueError as error:
        notes.add(field.alias, error, is_needed=wire.is_needed)
        if wire.instead is not None:
            read = getattr(found, wire.instead)
    if field.older is not None:
        setattr(found, field.name + OLDER, None)
        older = sent.get(field.older_alias)
        if read is None and older is not None and older != "":
            try:
                read = field.older.read(older)
            except ValueError as error:
                notes.add(field.older_alias, error, is_needed=wire.is_needed)
            if field.older.is_price and read is not None:
                name, alias = field.name + OLDER, f"{notes.where}{field.older_alias}"
                setattr(found, name, older)
                notes.older.append(_OlderPrice(found, name, alias, wire.is_needed))
                read = None
    setattr(found, field.name, read)
