"""Pages of one kind of record: read fast where they have the JSON types of today's contract, as nearly all pages do.

msgspec reads such a page in a quarter of pydantic's time. A page that is odd anywhere is read again by pydantic, which
sets single records aside.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import msgspec

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.compiling import NO_RULES, Rules, list_of, record_function, wire_of
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.pages import Page, parse_object, parse_page
from kalshi_pipeline.exchange.payloads import Payload

Record = TypeVar("Record")


class PageReader(Generic[Record]):
    """Reads pages of one kind of record, which are lists under `key`.

    Pages of records that are kept whole have their `source`; the record's field `ticker` then names each.
    """

    def __init__(
        self,
        key: str,
        record: type[Record],
        payload: type[Payload],
        rules: Rules = NO_RULES,
        *,
        are_kept_whole: bool = False,
    ) -> None:
        self._key = key
        self._payload = payload
        self._are_kept_whole = are_kept_whole
        envelope: list[Any] = [
            (key, list_of(wire_of(payload))),
            ("cursor", str | None | msgspec.UnsetType, msgspec.UNSET),
        ]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("Envelope", envelope, gc=False)
        )
        self._of_wire = record_function(record, payload, rules, of_wire=True)
        self._of_payload = record_function(record, payload, rules, of_wire=False)

    def parse(self, body: bytes) -> Page[Record]:
        """Return the records of a page; errors as in `parse_page`."""
        try:
            envelope = self._decoder.decode(body)
            records = list(map(self._of_wire, getattr(envelope, self._key) or ()))
            has_cursor = envelope.cursor is not msgspec.UNSET
            cursor = (has_cursor and envelope.cursor) or None
            return Page(records, cursor=cursor, has_cursor=has_cursor, source=self._source(body, records))
        except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
            return self.parse_again(body)

    def parse_again(self, body: bytes) -> Page[Record]:
        """Return the same, read by pydantic."""
        page = parse_page(body, self._key, self._payload, self._of_payload)
        return replace(page, source=self._source(body))

    def parse_one(self, body: bytes, key: str) -> Page[Record]:
        """Return the one object under `key`, as a page; errors as in `parse_object`."""
        payload = parse_object(body, key, self._payload)
        try:
            record = self._of_payload(payload)
        except ValueError as error:
            raise PayloadError(f"the exchange's {key} cannot be read: {error}") from error
        return Page([record], source=Source(body, key) if self._are_kept_whole else None)

    def _source(self, body: bytes, records: Sequence[Any] | None = None) -> Source | None:
        if not self._are_kept_whole:
            return None
        tickers = None if records is None else [record.ticker for record in records]
        return Source(body, self._key, tickers)
