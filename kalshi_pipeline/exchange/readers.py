"""Parses pages of one kind of record.

Nearly all pages have the JSON types of today's contract, and are parsed fast. In an odd page, each record is parsed
separately: fast if possible, or else field by field.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from kalshi_pipeline.exchange.compiling import NO_RULES, Rules, list_of, record_function, wire_of
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.field_by_field import read_fields
from kalshi_pipeline.exchange.held_bodies import outside_of_the_heap
from kalshi_pipeline.exchange.json_text import UNPARSABLE, load, may_hold_nul, split_object
from kalshi_pipeline.exchange.pages import Page, object_under, read_rows, split_page, unreadable
from kalshi_pipeline.exchange.payloads import Payload

Record = TypeVar("Record")
_ticker_of: Callable[[Any], str] = attrgetter("ticker")


@dataclass(frozen=True)
class Lenient(Generic[Record]):
    """A payload that requires fewer fields, and the records that may use it."""

    payload: type[Payload]
    may_be_read: Callable[[Record], bool]


# A few records may lack fields. If more than this many all lack them, the API has changed.
_FEW = 20


@dataclass(frozen=True)
class Needed(Generic[Record]):
    """Fields, by the API's names, at least one of which each record that `is_about` them must have; null counts.

    A page is checked only if it has many records and `value` is None for all of them, because the check is slow.
    """

    names: frozenset[str]
    value: Callable[[Record], object]
    is_about: Callable[[Record], bool]

    def may_be_missing(self, records: Sequence[Record]) -> bool:
        """Return whether a page of many records may have none of them."""
        return len(records) > _FEW and all(value is None for value in map(self.value, records))

    def check(self, record: Record, row: bytes) -> None:
        """Raise ValueError if a record was sent without any of them."""
        if self.is_about(record) and self.names.isdisjoint(split_object(row)):
            raise ValueError(f"it has none of {', '.join(sorted(self.names))}")


class RecordReader(Generic[Record]):
    """Parses single records of one kind; unreadable ones may use a `lenient` payload."""

    def __init__(
        self,
        record: type[Record],
        payload: type[Payload],
        rules: Rules = NO_RULES,
        lenient: "Lenient[Record] | None" = None,
    ) -> None:
        self._payload = payload
        self._otherwise = None if lenient is None else RecordReader(record, lenient.payload, rules)
        self._lenient = lenient
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wire_of(payload))
        self.of_wire = record_function(record, payload, rules, of_wire=True)
        self._of_fields = record_function(record, payload, rules, of_wire=False)

    def read(self, row: bytes, odd: Counter[str]) -> Record:
        """Return a record, and count its odd fields. Raises ValueError if it is unreadable."""
        if not may_hold_nul(row):
            try:
                return self.of_wire(self._decoder.decode(row))
            except UNPARSABLE:
                pass
        return self.read_by_field(row, odd)

    def read_by_field(self, row: bytes, odd: Counter[str]) -> Record:
        """Return a record, parsed field by field."""
        sent, of_record = load(row), Counter[str]()
        try:
            record = self._of_fields(read_fields(self._payload, sent, of_record))
        except ValueError:
            if self._otherwise is None or self._lenient is None:
                raise
            of_record = Counter()
            record = self._otherwise.read_by_field(row, of_record)
            if not self._lenient.may_be_read(record):
                raise
        odd += of_record
        return record


class PageReader(Generic[Record]):
    """Parses pages of one kind of record, which are lists under `key`.

    Rejects have no ticker if the records `are_unnamed`, because a market has many trades. Pages of records that
    `are_kept_whole` have their `source`, and the field `ticker` identifies each record.
    """

    def __init__(
        self,
        key: str,
        record: type[Record],
        payload: type[Payload],
        rules: Rules = NO_RULES,
        *,
        are_unnamed: bool = False,
        are_kept_whole: bool = False,
        lenient: Lenient[Record] | None = None,
        needed: Needed[Record] | None = None,
    ) -> None:
        self._key = key
        self._needed = needed
        self._are_kept_whole = are_kept_whole
        self._are_unnamed = are_unnamed
        self._records = RecordReader(record, payload, rules, lenient)
        envelope: list[Any] = [
            (key, list_of(wire_of(payload))),
            ("cursor", str | None, None),
        ]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("Envelope", envelope, gc=False)
        )

    def parse(self, body: bytes) -> Page[Record]:
        """Parse a page; errors as in `split_page`."""
        page = self._parse(body)
        if self._needed is not None and self._needed.may_be_missing(page.records):
            return self._parse_rows(body, self._read_needed)
        return page

    def _parse(self, body: bytes) -> Page[Record]:
        if may_hold_nul(body):
            return self._parse_rows(body, self._records.read)
        try:
            envelope = self._decoder.decode(body)
            wires, cursor = getattr(envelope, self._key), envelope.cursor
            records = list(map(self._records.of_wire, wires or ()))
            return Page(
                records,
                cursor=cursor or None,
                has_cursor=cursor is not None,
                source=self._source(body, records),
                is_doubtful=wires is None,
            )
        except UNPARSABLE:
            return self._parse_rows(body, self._records.read)

    def parse_again(self, body: bytes) -> Page[Record]:
        """Return the records of a page, each parsed field by field."""
        return self._parse_rows(body, self._records.read_by_field)

    def read_row(self, row: bytes) -> Record:
        """Return one record that was set aside; ValueError where it still cannot be read."""
        return self._read_needed(row, Counter())

    def parse_one(self, body: bytes, key: str) -> Page[Record]:
        """Return the object under `key` as a page; errors as in `parse_object`."""
        row, odd = object_under(body, key), Counter[str]()
        try:
            record = self._records.read(row, odd)
        except ValueError as error:
            raise unreadable(key, str(error)) from error
        return Page([record], odd_fields=odd, source=Source(body, key) if self._are_kept_whole else None)

    def _read_needed(self, row: bytes, odd: Counter[str]) -> Record:
        record = self._records.read(row, odd)
        if self._needed is not None:
            self._needed.check(record, row)
        return record

    def _source(self, body: bytes, records: Sequence[Any] | None = None) -> Source | None:
        if not self._are_kept_whole:
            return None
        tickers = None if records is None else list(map(_ticker_of, records))
        return Source(outside_of_the_heap(body), self._key, tickers)

    def _parse_rows(self, body: bytes, read: Callable[[bytes, Counter[str]], Record]) -> Page[Record]:
        envelope, odd = split_page(body, self._key), Counter[str]()
        records, rejects = read_rows(envelope.rows, self._key, lambda row: read(row, odd))
        if self._are_unnamed:
            rejects = [reject._replace(ticker=None) for reject in rejects]
        return envelope.page(records, rejects, odd, self._source(body))
