"""From the bytes of an answer to typed records: a page is validated in one call, and record by record if that fails.

A record that cannot be read is set aside with its raw text, and the others of its page are read. An answer without
its envelope is an error and never an empty list.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError, create_model

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.payloads import Payload
from kalshi_pipeline.records import Reject

Sent = TypeVar("Sent", bound=Payload)
Record = TypeVar("Record")


class GarbledAnswerError(Exception):
    """A body that is not JSON: a gateway's page or a cut transfer. It may be whole at the next attempt."""


@dataclass(frozen=True)
class Page(Generic[Record]):
    """The records of one answer in its order, those that could not be read, and where the next page starts.

    `has_cursor` is whether it says so: the exchange ends a listing with an empty cursor, not without one. `source` is
    the answer itself, where more of it may be wanted than the records.
    """

    records: list[Record]
    rejects: list[Reject] = field(default_factory=list)
    cursor: str | None = None
    has_cursor: bool = field(default=True, compare=False)
    source: Source | None = field(default=None, compare=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The answer, if it is kept."""
        return () if self.source is None else (self.source,)


def parse_page(body: bytes, key: str, payload: type[Sent], read: Callable[[Sent], Record]) -> Page[Record]:
    """Return the list under `key`, each entry read as a payload and then by `read`, which may raise ValueError.

    A null list is an empty one, because Go writes an empty slice as null. Raises GarbledAnswerError where the body is
    not JSON, and PayloadError where `key` is missing or not a list.
    """
    try:
        envelope: Any = _envelope_type(key, payload).model_validate_json(body)
        records = [read(sent) for sent in getattr(envelope, _LIST) or ()]
    except ValueError:  # of pydantic, or of `read`: at least one record, or the envelope, is odd
        return _parse_one_by_one(body, key, payload, read)
    return Page(records, cursor=envelope.cursor or None, has_cursor="cursor" in envelope.model_fields_set)


def parse_object(body: bytes, key: str | None, payload: type[Sent]) -> Sent:
    """Return the one object under `key`, or the bare object if `key` is None; errors as in `parse_page`."""
    envelope = _load(body)
    data = envelope if key is None else _under(envelope, key)
    try:
        return payload.model_validate(data)
    except ValidationError as error:
        raise PayloadError(f"the exchange's {key or 'answer'} cannot be read: {summary_of(error)}") from error


def summary_of(error: ValidationError) -> str:
    """Return one line: each field with what is wrong with it."""
    parts = []
    for detail in error.errors(include_url=False, include_input=False):
        where = ".".join(str(step) for step in detail["loc"]) or "record"
        parts.append(f"{where}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)


_LIST = "records"
_TICKERS = {
    "events": "event_ticker",
    "event": "event_ticker",
    "series_fee_change_arr": "id",
    "event_fee_changes": "id",
}


@cache
def _envelope_type(key: str, payload: type[Payload]) -> type[BaseModel]:
    fields: dict[str, Any] = {_LIST: (list[payload] | None, Field(alias=key)), "cursor": (str | None, None)}  # type: ignore[valid-type]
    return create_model("Envelope", **fields)


def _parse_one_by_one(
    body: bytes, key: str, payload: type[Sent], read: Callable[[Sent], Record]
) -> Page[Record]:
    envelope = _load(body)
    rows = _under(envelope, key)
    cursor = envelope.get("cursor")
    if not isinstance(rows, list | None) or not isinstance(cursor, str | None):
        raise PayloadError(f"the exchange's {key!r} or its cursor has another type than the contract says")
    records: list[Record] = []
    unreadable: dict[int, str] = {}
    for index, row in enumerate(rows or []):
        try:
            record = read(payload.model_validate(row))
            json.dumps(record, ensure_ascii=False).encode()
            records.append(record)
        except ValidationError as error:
            unreadable[index] = summary_of(error)
        except UnicodeEncodeError:
            unreadable[index] = "it holds half a character (a lone surrogate)"
        except ValueError as error:
            unreadable[index] = str(error)
    return Page(records, _rejects(body, key, unreadable), cursor or None, "cursor" in envelope)


def _rejects(body: bytes, key: str, errors: Mapping[int, str]) -> list[Reject]:
    if not errors:
        return []
    rows = json.loads(body)[key]  # as they came, with numbers as numbers
    return [
        Reject(_ticker_of(rows[index], key), json.dumps(rows[index]), error)
        for index, error in errors.items()
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


def _ticker_of(row: Any, key: str) -> str | None:  # noqa: ANN401  (JSON)
    """Return what identifies a record; None where it cannot be read, and never the ticker of a market's event."""
    ticker = row.get(_TICKERS.get(key, "ticker")) if isinstance(row, dict) else None
    return ticker if isinstance(ticker, str) and ticker.isprintable() and ticker else None
