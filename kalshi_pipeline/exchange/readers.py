"""Pages of one kind of record: read fast where they have the JSON types of today's contract, as nearly all pages do.

msgspec reads such a page in a quarter of pydantic's time. A page that is odd anywhere is read again by pydantic, which
sets single records aside.
"""

from typing import Any, Generic, TypeVar

import msgspec

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.compiling import NO_RULES, Rules, list_of, record_function, wire_of
from kalshi_pipeline.exchange.pages import Page, parse_object, parse_page
from kalshi_pipeline.exchange.payloads import Payload

Record = TypeVar("Record")


class PageReader(Generic[Record]):
    """Reads pages of one kind of record, which are lists under `key`."""

    def __init__(
        self, key: str, record: type[Record], payload: type[Payload], rules: Rules = NO_RULES
    ) -> None:
        self._key = key
        self._payload = payload
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
            return Page(records, cursor=(has_cursor and envelope.cursor) or None, has_cursor=has_cursor)
        except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
            return self.parse_again(body)

    def parse_again(self, body: bytes) -> Page[Record]:
        """Return the same, read by pydantic."""
        return parse_page(body, self._key, self._payload, self._of_payload)

    def parse_one(self, body: bytes, key: str) -> Record:
        """Return the one object under `key`; errors as in `parse_object`."""
        payload = parse_object(body, key, self._payload)
        try:
            return self._of_payload(payload)
        except ValueError as error:
            raise PayloadError(f"the exchange's {key} cannot be read: {error}") from error
