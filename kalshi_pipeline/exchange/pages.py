"""From the bytes of an answer to typed records: a page is validated in one call, and record by record if that fails.

A record that cannot be read is set aside with its raw text and the page goes on. An answer without its envelope
is an error and never an empty list.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError, create_model

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.payloads import Payload

Record = TypeVar("Record", bound=Payload)
Entry = TypeVar("Entry")


class GarbledAnswerError(Exception):
    """A body that is not JSON: a gateway's page or a cut transfer. It may be whole at the next attempt."""


@dataclass(frozen=True)
class Reject:
    """A record that could not be read."""

    ticker: str | None
    raw: str
    error: str


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """The records of one answer in its order, those that could not be read, and where the next page starts."""

    records: list[Entry]
    rejects: list[Reject] = field(default_factory=list)
    cursor: str | None = None


def parse_page(body: bytes, key: str, record: type[Record]) -> Page[Record]:
    """Read the list under `key`. A null list is an empty one: Go writes an empty slice so.

    Raises GarbledAnswerError where the body is not JSON, PayloadError where `key` is missing or no list.
    """
    try:
        envelope: Any = _envelope_type(key, record).model_validate_json(body)
    except ValidationError:
        # At least one record, or the envelope, is odd.
        return _parse_slowly(body, key, record)
    return Page(records=getattr(envelope, _LIST) or [], cursor=envelope.cursor or None)


def parse_object(body: bytes, key: str | None, record: type[Record]) -> Record:
    """Read the one object under `key`, or the bare object where `key` is None; errors as in `parse_page`."""
    envelope = _load(body)
    data = envelope if key is None else _under(envelope, key)
    try:
        return record.model_validate(data)
    except ValidationError as error:
        raise PayloadError(f"the exchange's {key or 'answer'} cannot be read: {summary_of(error)}") from error


def summary_of(error: ValidationError) -> str:
    """One line: each field with what is wrong with it."""
    parts = []
    for detail in error.errors(include_url=False, include_input=False):
        where = ".".join(str(step) for step in detail["loc"]) or "record"
        parts.append(f"{where}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)


_LIST = "records"


@cache
def _envelope_type(key: str, record: type[Payload]) -> type[BaseModel]:
    fields: dict[str, Any] = {_LIST: (list[record] | None, Field(alias=key)), "cursor": (str | None, None)}  # type: ignore[valid-type]
    return create_model("Envelope", **fields)


def _parse_slowly(body: bytes, key: str, record: type[Record]) -> Page[Record]:
    envelope = _load(body)
    rows = _under(envelope, key)
    cursor = envelope.get("cursor")
    if not isinstance(rows, list | None) or not isinstance(cursor, str | None):
        raise PayloadError(f"the exchange's {key!r} or its cursor has another type than the contract says")
    records: list[Record] = []
    unreadable: dict[int, str] = {}
    for index, row in enumerate(rows or []):
        try:
            parsed = record.model_validate(row)
            json.dumps(parsed.model_dump(), ensure_ascii=False).encode()
            records.append(parsed)
        except ValidationError as error:
            unreadable[index] = summary_of(error)
        except UnicodeEncodeError:
            unreadable[index] = "it holds half a character (a lone surrogate)"
    return Page(records, _rejects(body, key, unreadable), cursor or None)


def _rejects(body: bytes, key: str, errors: Mapping[int, str]) -> list[Reject]:
    if not errors:
        return []
    rows = json.loads(body)[key]  # as they came, with numbers as numbers
    return [
        Reject(_ticker_of(rows[index]), json.dumps(rows[index]), error) for index, error in errors.items()
    ]


def _load(body: bytes) -> Any:  # noqa: ANN401  (JSON)
    try:
        # As text, a price written as a JSON number keeps every digit.
        return json.loads(body, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise GarbledAnswerError(f"it is not JSON ({error})") from error


def _under(envelope: Any, key: str) -> Any:  # noqa: ANN401  (JSON)
    if not isinstance(envelope, dict) or key not in envelope:
        raise PayloadError(
            f"the exchange's answer has no {key!r}: its contract has changed, or KALSHI_API_URL is another service; "
            "compare the answer with the API's documentation"
        )
    return envelope[key]


def _ticker_of(row: Any) -> str | None:  # noqa: ANN401  (JSON)
    if isinstance(row, dict):
        for name in ("ticker", "event_ticker"):
            ticker = row.get(name)
            if isinstance(ticker, str) and ticker.isprintable() and ticker:
                return ticker
    return None
