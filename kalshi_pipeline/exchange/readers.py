"""From payloads to records, fast: how a record is read is made from its list of fields in `payloads`.

Nearly all that is ever read are pages whose values have the JSON types of today's contract. msgspec reads these in a
quarter of pydantic's time, into a struct made from the payload. A page that is odd anywhere, or of an older
generation, is read again by pydantic, which sets single records aside. From there on both ways are one: a function
whose text is made here once, and compiled as dataclasses compile theirs, because a loop over the fields of each
record would take a tenth of the time that its whole way into the database takes.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar, cast, get_args

import msgspec
from pydantic.fields import FieldInfo

from kalshi_pipeline.exchange import fields
from kalshi_pipeline.exchange.fields import Wire
from kalshi_pipeline.exchange.pages import Page, parse_object, parse_page
from kalshi_pipeline.exchange.payloads import Payload
from kalshi_pipeline.records import fields_of

Record = TypeVar("Record")
_OLDER = "_older"


class Rule(NamedTuple):
    """How a field is made from other fields, which are named by `arguments`; or corrected, if it is among them."""

    compute: Callable[..., object]
    arguments: tuple[str, ...]


Rules = Mapping[str, Rule]
NO_RULES: Rules = MappingProxyType({})


class PageReader(Generic[Record]):
    """Reads pages of one kind of record, which are lists under `key`."""

    def __init__(
        self, key: str, record: type[Record], payload: type[Payload], rules: Rules = NO_RULES
    ) -> None:
        self._key = key
        self._payload = payload
        envelope: list[Any] = [(key, list_of(wire_of(payload))), ("cursor", str | None, None)]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("Envelope", envelope, gc=False)
        )
        self._of_wire = record_reader(record, payload, rules, of_wire=True)
        self._of_payload = record_reader(record, payload, rules, of_wire=False)

    def parse(self, body: bytes) -> Page[Record]:
        """Read a page; errors as in `parse_page`."""
        try:
            envelope = self._decoder.decode(body)
            wires = getattr(envelope, self._key) or ()
            return Page(list(map(self._of_wire, wires)), cursor=envelope.cursor or None)
        except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
            return self.parse_again(body)

    def parse_again(self, body: bytes) -> Page[Record]:
        """Read a page that `parse` cannot read fast; it gives the same for any other."""
        return parse_page(body, self._key, self._payload, self._of_payload)

    def parse_one(self, body: bytes, key: str) -> Record:
        """Read the one object under `key`; errors as in `parse_object`."""
        return self._of_payload(parse_object(body, key, self._payload))


def list_of(kind: type[Any]) -> Any:  # noqa: ANN401  (a type)
    """Return the type of a list of these. A null is an empty one, because Go writes an empty slice as null."""
    return list[kind] | None  # type: ignore[valid-type]


def wire_of(payload: type[Payload], *, by_older_names: bool = False) -> type[Any]:
    """Return the struct of a payload as the newest generation writes it, or as an older one does.

    The field of another generation is in it too: as anything, so that a reader can see whether it matters, or by
    older names as nothing, because there the newer one always matters.
    """
    types: list[Any] = []
    names: dict[str, str] = {}
    for name, field in payload.model_fields.items():
        if name.endswith(_OLDER):
            continue
        older = payload.model_fields.get(name + _OLDER)
        read = older if by_older_names and older is not None else field
        part = _part_of(read)
        kind = wire_of(part, by_older_names=by_older_names) | None if part else _wire(read).type
        types.append((name, kind) if field.is_required() and not _may_be_none(kind) else (name, kind, None))
        names[name] = read.alias or name
        if older is not None:
            types.append((name + _OLDER, None if by_older_names else Any, None))
            other = field if read is older else older
            names[name + _OLDER] = other.alias or name
    return msgspec.defstruct(payload.__name__, types, rename=names, gc=False, kw_only=True)


def record_reader(
    record: type[Record],
    payload: type[Payload],
    rules: Rules = NO_RULES,
    *,
    of_wire: bool,
    by_older_names: bool = False,
) -> Callable[[Any], Record]:
    """Return a function from a payload, or from its struct, to the record.

    It raises ValueError where a field that the record needs is absent; of a struct also where a text cannot be parsed,
    and where an older generation's field would count. Raises TypeError itself where nothing feeds a field.
    """
    text = _Text(rules, of_wire=of_wire, by_older_names=by_older_names)
    text.read_fields(payload, "source")
    text.apply_rules()
    text.require(record, payload)
    lines = ["def read(source):", *(f"    {line}" for line in text.lines), f"    return {text.new(record)}"]
    code = compile("\n".join(lines), f"<reader of {record.__name__}>", "exec")
    exec(code, text.names)  # noqa: S102  (the text is made of the names in our own lists)
    return cast("Callable[[Any], Record]", text.names["read"])


class _Text:
    """The lines of one reader, which set a local variable for each field, and the names that they use."""

    def __init__(self, rules: Rules, *, of_wire: bool, by_older_names: bool) -> None:
        # Half the time of the constructor that NamedTuple writes.
        self.names: dict[str, Any] = {**vars(fields), "new": tuple.__new__, "refuse": _refuse}
        self.lines: list[str] = []
        self._variables: set[str] = set()
        self._rules = rules
        self._of_wire = of_wire
        self._by_older_names = by_older_names

    def read_fields(self, payload: type[Payload], source: str, prefix: str = "") -> None:
        for name, field in payload.model_fields.items():
            if name.endswith(_OLDER):
                continue
            variable = prefix + name
            older = payload.model_fields.get(name + _OLDER)
            if part := _part_of(field):
                empty = f"no_{variable}"
                self.names[empty] = self._empty(part)
                self.lines.append(f"{variable} = {source}.{name} or {empty}")
                self.read_fields(part, variable, f"{variable}_")
                continue
            self._variables.add(variable)
            if not self._of_wire:
                self.lines.append(f"{variable} = {source}.{name}")
                if older is not None:
                    self.lines.append(f"if {variable} is None: {variable} = {source}.{name}{_OLDER}")
                continue
            read = older if self._by_older_names and older is not None else field
            self.lines.append(f"{variable} = {_wire(read).expression.format(f'{source}.{name}')}")
            if older is not None:
                self.lines.append(
                    f"if {variable} is None and {source}.{name}{_OLDER} is not None: refuse('{variable}')"
                )

    def _empty(self, part: type[Payload]) -> object:
        return wire_of(part, by_older_names=self._by_older_names)() if self._of_wire else part()

    def apply_rules(self) -> None:
        for number, (name, rule) in enumerate(self._rules.items()):
            self.names[f"rule_{number}"] = rule.compute
            self.lines.append(f"{name} = rule_{number}({', '.join(rule.arguments)})")
            self._variables.add(name)

    def require(self, record: type[Any], payload: type[Payload]) -> None:
        for field in fields_of(record):
            if hasattr(field.type, "_fields"):
                self.require(field.type, payload)
            sent = payload.model_fields.get(field.name)
            if sent is not None and not field.is_optional and _may_be_none(sent.annotation):
                self.lines.append(f"if {field.name} is None: refuse('{sent.alias or field.name}')")

    def new(self, record: type[Any]) -> str:
        self.names[record.__name__] = record
        return f"new({record.__name__}, ({', '.join(self._values(record))},))"

    def _values(self, record: type[Any]) -> Iterator[str]:
        for field in fields_of(record):
            if hasattr(field.type, "_fields"):
                yield self.new(field.type)
            elif field.name in self._variables:
                yield field.name
            else:
                raise TypeError(f"no payload feeds the field {field.name} of {record.__name__}")


def _refuse(name: str) -> None:
    raise ValueError(f"it has no {name}")


def _wire(field: FieldInfo) -> Wire:
    (wire,) = (entry for entry in field.metadata if isinstance(entry, Wire))
    return wire


def _part_of(field: FieldInfo) -> type[Payload] | None:
    """Return the payload that is nested in a field, if one is."""
    kinds = [
        kind for kind in get_args(field.annotation) if isinstance(kind, type) and issubclass(kind, Payload)
    ]
    return kinds[0] if kinds else None


def _may_be_none(kind: Any) -> bool:  # noqa: ANN401  (a type, in any of its forms)
    return type(None) in get_args(kind)
