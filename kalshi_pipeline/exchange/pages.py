"""Parses the bytes of an answer into typed records.

An unreadable record is set aside, and does not affect the others. An answer without its envelope is an error, never an
empty list.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from pydantic import ValidationError

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.json_text import (
    UNPARSABLE,
    Number,
    load,
    load_loosely,
    split_list,
    split_object,
)
from kalshi_pipeline.exchange.payloads import Payload
from kalshi_pipeline.exchange.value_readers import read_text
from kalshi_pipeline.quoting import cut, is_text
from kalshi_pipeline.records import Reject

Sent = TypeVar("Sent", bound=Payload)
Record = TypeVar("Record")

PAGE_SIZES = ("limit", "page_size")
"""The parameters for the number of records of a page."""
LIST_OF_RECORDS = re.compile(rb"\[\s*\{")


class GarbledAnswerError(Exception):
    """The body is not JSON, but a gateway's page or a truncated transfer. A retry may help."""


@dataclass(frozen=True)
class Page(Generic[Record]):
    """The records of one answer in order, the unreadable ones, and the cursor of the next page.

    `has_cursor` is whether the answer has a cursor that is not null, because the exchange ends a listing with an empty
    cursor, not without one. `is_doubtful` is whether a list is null instead of empty, or cannot be read. `odd_fields`
    counts unreadable fields by the API's names. `source` is the answer itself, if more than the records may be needed.
    """

    records: list[Record]
    rejects: list[Reject] = field(default_factory=list)
    cursor: str | None = None
    has_cursor: bool = field(default=True, compare=False)
    odd_fields: Counter[str] = field(default_factory=Counter)
    source: Source | None = field(default=None, compare=False)
    is_doubtful: bool = field(default=False, compare=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The response, if it is kept."""
        return () if self.source is None else (self.source,)


class Rows(NamedTuple):
    """The list of an answer, with its unparsed entries, and its cursor; `has_cursor` and `is_doubtful` as in `Page`."""

    rows: list[bytes]
    cursor: str | None
    has_cursor: bool
    is_doubtful: bool

    def page(
        self,
        records: list[Record],
        rejects: list[Reject],
        odd_fields: Counter[str] | None = None,
        source: Source | None = None,
    ) -> Page[Record]:
        """Return the page with the parsed entries."""
        odd = Counter[str]() if odd_fields is None else odd_fields
        return Page(records, rejects, self.cursor, self.has_cursor, odd, source, self.is_doubtful)


def split_page(body: bytes, key: str, cursor_key: str = "cursor") -> Rows:
    """Return the unparsed entries of the list under `key`.

    A null list is empty, because Go writes an empty slice as null. Raises GarbledAnswerError if the body is not JSON,
    and PayloadError if `key` is missing or not a list.
    """
    try:
        envelope = _rows_decoder(key, cursor_key).decode(body)
        rows = _flat([bytes(row) for row in envelope.rows or ()], key)
        return Rows(rows, envelope.cursor or None, envelope.cursor is not None, envelope.rows is None)
    except UNPARSABLE:  # something in it, or in the envelope, is odd
        return _split_odd_page(body, key, cursor_key)


def page_size_in(params: Mapping[str, object]) -> int | None:
    """Return the number of records that a query requests; None if the exchange decides."""
    return next((size for name in PAGE_SIZES if isinstance(size := params.get(name), int)), None)


def read_rows(
    rows: Iterable[bytes], key: str, read: Callable[[bytes], Record]
) -> tuple[list[Record], list[Reject]]:
    """Return the entries that `read` can parse, and the others with their problems."""
    records: list[Record] = []
    rejects: list[Reject] = []
    for row in rows:
        try:
            records.append(read(row))
        except ValidationError as error:
            rejects.append(_reject(row, key, summary_of(error)))
        except ValueError as error:
            rejects.append(_reject(row, key, str(error)))
    return records, rejects


def parse_page(body: bytes, key: str, payload: type[Sent], read: Callable[[Sent], Record]) -> Page[Record]:
    """Return the list under `key`, each entry parsed as a payload and then by `read`; errors as in `split_page`."""
    envelope = split_page(body, key)
    return envelope.page(
        *read_rows(envelope.rows, key, lambda row: read(payload.model_validate(load_loosely(row))))
    )


def parse_object(body: bytes, key: str | None, payload: type[Sent]) -> Sent:
    """Parse the object under `key`, or the whole body if `key` is None; errors as in `split_page`."""
    text = object_under(body, key)
    try:
        return payload.model_validate(load_loosely(text))
    except ValidationError as error:
        raise unreadable(key, summary_of(error)) from error
    except ValueError as error:
        raise unreadable(key, str(error)) from error


def object_under(body: bytes, key: str | None) -> bytes:
    """Return the unparsed value under `key`, or the whole body if `key` is None; errors as in `split_page`."""
    members = members_of(body)
    return body if key is None else _under(members, key)


def named_in(body: bytes) -> str | None:
    """Return the ticker that an answer about one market names; None if it names none."""
    return _ticker_of(body, "market")


def check_named(ticker: str | None, asked: str) -> None:
    """Raise GarbledAnswerError if an answer about one market names another one than `asked`: it may be the answer to
    another request.
    """
    if ticker is not None and ticker != asked:
        raise GarbledAnswerError(f"it is about {cut(ticker)} instead of {cut(asked)}")


def raw_text(part: bytes) -> str:
    """Return JSON as sent, with unstorable characters escaped so that it parses the same again.

    These are NUL, and bytes that are not UTF-8, each of which becomes a lone surrogate.
    """
    text = part.decode(errors="surrogateescape")
    return text if is_text(text) else _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def unreadable(key: str | None, reason: str) -> PayloadError:
    """Return the error for an object that cannot be read."""
    return PayloadError(f"the exchange's {key or 'answer'} cannot be read: {cut(reason)}")


def summary_of(error: ValidationError) -> str:
    """Return one line with each field and its problem."""
    parts = []
    for detail in error.errors(include_url=False, include_input=False):
        where = ".".join(str(step) for step in detail["loc"]) or "record"
        parts.append(f"{where}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_TICKERS = {
    "events": "event_ticker",
    "event": "event_ticker",
    "series_fee_change_arr": "id",
    "event_fee_changes": "id",
}


@cache
def _rows_decoder(key: str, cursor_key: str) -> msgspec.json.Decoder[Any]:
    fields: list[Any] = [
        ("rows", list[msgspec.Raw] | None),
        ("cursor", str | None, None),
    ]
    return msgspec.json.Decoder(
        msgspec.defstruct("Rows", fields, rename={"rows": key, "cursor": cursor_key}, gc=False)
    )


def _flat(rows: list[bytes], key: str) -> list[bytes]:
    """Return the entries of a list. Raises PayloadError if the only one is a list of records: a whole page."""
    if len(rows) == 1 and LIST_OF_RECORDS.match(rows[0]):
        raise PayloadError(f"the exchange's {key!r} has a list of records instead of records: run again")
    return rows


def _split_odd_page(body: bytes, key: str, cursor_key: str) -> Rows:
    members = members_of(body)
    try:
        rows = _under(members, key)
        has_cursor = members.get(cursor_key, b"null") != b"null"
        cursor = read_text(load(members[cursor_key])) if has_cursor else None
        is_null = rows == b"null"
        return Rows(_flat([] if is_null else split_list(rows), key), cursor, has_cursor, is_null)
    except ValueError as error:
        raise PayloadError(
            f"the exchange's {key!r} or its cursor has an unexpected type: compare the answer with "
            "the API's documentation"
        ) from error


def members_of(body: bytes) -> dict[str, bytes]:
    """Return the values of an answer by key; empty if it is not an object. Raises GarbledAnswerError if it is not
    JSON.
    """
    try:
        return split_object(body)
    except ValueError as error:
        try:
            load(body)
        except ValueError:
            raise GarbledAnswerError(str(error)) from error
        return {}  # JSON, but not an object


def _under(members: dict[str, bytes], key: str) -> bytes:
    if key not in members:
        raise PayloadError(
            f"the exchange's answer has no {key!r}: its API has changed, or KALSHI_API_URL is another service; "
            "compare the answer with the API's documentation"
        )
    return members[key]


def _reject(row: bytes, key: str, error: str) -> Reject:
    return Reject(_ticker_of(row, key), raw_text(row), cut(error))


def _ticker_of(row: bytes, key: str) -> str | None:
    """Return a record's identifier, which is never the ticker of a market's event; None if it is unreadable."""
    try:
        ticker = load(split_object(row).get(_TICKERS.get(key, "ticker"), b"null"))
    except ValueError:
        return None
    is_text = isinstance(ticker, str) and not isinstance(ticker, Number)
    return ticker if is_text and ticker.isprintable() and ticker else None
