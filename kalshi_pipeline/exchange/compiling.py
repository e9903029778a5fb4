"""Functions that build records, compiled from the lists of fields in `payloads` and `records`.

A loop over the fields of each record would take a tenth of the total time to store it. The source of each function is
therefore generated and compiled once, as dataclasses do. A record is built from the struct of its payload, which
msgspec parses, or from the values of `field_by_field`.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple, TypeVar, cast, get_args

import msgspec

from kalshi_pipeline.exchange import value_readers
from kalshi_pipeline.exchange.fields import Older, Wire
from kalshi_pipeline.exchange.payloads import Payload
from kalshi_pipeline.exchange.price_units import in_one_unit
from kalshi_pipeline.exchange.sent_fields import OLDER, marker_of, part_of, sent_fields
from kalshi_pipeline.record_fields import fields_of

Record = TypeVar("Record")


class Rule(NamedTuple):
    """How a field is computed from others, or corrected if it is one of the `arguments` itself."""

    compute: Callable[..., object]
    arguments: tuple[str, ...]


Rules = Mapping[str, Rule]
"""The rules by the fields that they set, in the order in which they are applied."""

NO_RULES: Rules = MappingProxyType({})


def list_of(kind: type[Any]) -> Any:  # noqa: ANN401  (a type)
    """Return the type of a list. A null counts as empty, because Go writes an empty slice as null."""
    return list[kind] | None  # type: ignore[valid-type]  # made at run time


def wire_of(payload: type[Payload]) -> type[Any]:
    """Return the msgspec struct for a payload."""
    types: list[Any] = []
    names: dict[str, str] = {}
    for name, field, older in sent_fields(payload):
        part = part_of(field)
        kind = wire_of(part) | None if part else marker_of(field, Wire).type
        if kind is msgspec.Raw:
            types.append((name, kind, value_readers.NO_JSON))
        else:
            types.append((name, kind, None) if kind is Any or _is_optional(kind) else (name, kind))
        names[name] = field.alias or name
        if older is not None:
            types.append((name + OLDER, Any, None))
            names[name + OLDER] = older.alias or name
    return msgspec.defstruct(payload.__name__, types, rename=names, gc=False, kw_only=True)


def record_function(
    record: type[Record],
    payload: type[Payload],
    rules: Rules = NO_RULES,
    *,
    of_wire: bool,
) -> Callable[[Any], Record]:
    """Return a function from a payload's struct, or from its parsed fields, to the record.

    Raises TypeError if nothing feeds a field. The function raises ValueError if a text of the struct or a field of an
    older generation cannot be parsed, or if a required field is absent.
    """
    text = _Text(of_wire=of_wire)
    text.read_fields(payload, "source")
    text.read_older_prices()
    text.apply(rules)
    text.require(record, payload)
    return cast("Callable[[Any], Record]", text.function(record))


class _OlderPrice(NamedTuple):
    """The variable of a price, and its location and name in an older generation."""

    variable: str
    source: str
    name: str


class _Text:
    """The lines of a function that set a variable for each field, and the names that they use."""

    def __init__(self, *, of_wire: bool) -> None:
        # `tuple.__new__` takes half the time of the constructor that NamedTuple writes.
        self._names: dict[str, Any] = {
            **vars(value_readers),
            "in_one_unit": in_one_unit,
            "new": tuple.__new__,
            "refuse": _refuse,
        }
        self._lines: list[str] = []
        self._variables: set[str] = set()
        self._older_prices: list[_OlderPrice] = []
        self._of_wire = of_wire

    def read_fields(self, payload: type[Payload], source: str, prefix: str = "") -> None:
        """Set a variable for each field of a payload. Variables of a nested payload are prefixed with its name."""
        for name, field, older in sent_fields(payload):
            variable, value = prefix + name, f"{source}.{name}"
            if part := part_of(field):
                self._names[f"no_{variable}"] = wire_of(part)() if self._of_wire else SimpleNamespace()
                self._lines.append(f"{variable} = {value} or no_{variable}")
                self.read_fields(part, variable, f"{variable}_")
                continue
            self._variables.add(variable)
            read = marker_of(field, Wire).expression.format(value) if self._of_wire else value
            self._lines.append(f"{variable} = {read}")
            if older is None:
                continue
            kind, alias = marker_of(older, Older), older.alias or name
            if kind.is_price:
                path = f"{source}.{alias}" if prefix else alias
                self._older_prices.append(_OlderPrice(variable, f"{value}{OLDER}", path))
            else:
                self._names[f"older_{variable}"] = kind.read
                self._lines += [
                    f"if {variable} is None and {value}{OLDER} is not None:",
                    f"    {variable} = read_older(older_{variable}, {value}{OLDER}, {alias!r})",
                ]

    def read_older_prices(self) -> None:
        """Set the variables of absent prices from their older names, all in one unit."""
        if not self._older_prices:
            return
        prices = ", ".join(price.variable for price in self._older_prices)
        older = ", ".join(
            f"{price.source} if {price.variable} is None else None" for price in self._older_prices
        )
        self._names["no_older_prices"] = (None,) * len(self._older_prices)
        self._names["older_names"] = tuple(price.name for price in self._older_prices)
        self._lines += [
            f"if None in ({prices},):",
            f"    older_prices = ({older},)",
            "    if older_prices != no_older_prices:",
            f"        {prices}, = in_one_unit(({prices},), older_prices, older_names)",
        ]

    def apply(self, rules: Rules) -> None:
        """Apply the rules to the variables."""
        for name, rule in rules.items():
            self._names[f"rule_of_{name}"] = rule.compute
            self._lines.append(f"{name} = rule_of_{name}({', '.join(rule.arguments)})")
            self._variables.add(name)

    def require(self, record: type[Any], payload: type[Payload]) -> None:
        """Refuse a record without a required field, if the payload may omit it."""
        for field in fields_of(record):
            if field.is_record:
                self.require(field.type, payload)
            sent = payload.model_fields.get(field.name)
            if sent is not None and not field.is_optional and _is_optional(sent.annotation):
                self._lines.append(f"if {field.name} is None: refuse({sent.alias!r})")

    def function(self, record: type[Any]) -> object:
        """Return the function, whose last line builds the record."""
        lines = [*self._lines, f"return {self._new(record)}"]
        text = "\n    ".join(["def function(source):", *lines])
        exec(compile(text, f"<{record.__name__}>", "exec"), self._names)  # noqa: S102  (our own lists' names only)
        return self._names["function"]

    def _new(self, record: type[Any]) -> str:
        self._names[record.__name__] = record
        return f"new({record.__name__}, ({', '.join(self._values(record))},))"

    def _values(self, record: type[Any]) -> Iterator[str]:
        for field in fields_of(record):
            if not field.is_record and field.name not in self._variables:
                raise TypeError(f"nothing feeds the field {field.name} of {record.__name__}")
            yield self._new(field.type) if field.is_record else field.name


def _refuse(name: str) -> None:
    raise ValueError(f"{name}: it is missing")


def _is_optional(kind: Any) -> bool:  # noqa: ANN401  (a type, in any of its forms)
    return type(None) in get_args(kind)
