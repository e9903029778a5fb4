"""Pages of what is kept whole and has no typed record: read item by item, so that an odd one costs only itself."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page
from kalshi_pipeline.exchange.transport import Params
from kalshi_pipeline.records import Document, Reject

Decoded = TypeVar("Decoded")

_LONGEST_KEY = 300
_ESCAPES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_REPLACEMENT = rb"\ufffd"

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw] | None).decode


@dataclass(frozen=True)
class DocumentEndpoint:
    """A listing of documents: its path, query and key, and by which names it has an item's key and the cursor."""

    path: str
    key: str
    query: Params
    identifier: str = "id"
    cursor: str = "cursor"

    def parse(self, body: bytes) -> Page[Document]:
        """Return the items of a page; one that is no object, or has no key, is set aside.

        Raises GarbledAnswerError where the body is not JSON, and PayloadError where its list is missing or not a list.
        """
        try:
            envelope, parts = _in_whole_characters(body, self._split)
        except msgspec.ValidationError as error:
            raise PayloadError(
                f"the exchange's answer has no list {self.key!r}, or its cursor is no text ({error}): its contract has "
                "changed, or KALSHI_API_URL is another service; compare the answer with the API's documentation"
            ) from error
        records: list[Document] = []
        rejects: list[Reject] = []
        for part, fields in parts:
            found = self._read(part, fields)
            if isinstance(found, Document):
                records.append(found)
            else:
                rejects.append(found)
        has_cursor = envelope.cursor is not msgspec.UNSET
        return Page(records, rejects, (has_cursor and envelope.cursor) or None, has_cursor)

    def _split(self, body: bytes) -> tuple[Any, list[tuple[msgspec.Raw, Any]]]:
        """Return the envelope, and each item as it came and decoded."""
        envelope = _envelope_type(self.key, self.cursor).decode(body)
        return envelope, [(part, _decode(part)) for part in _decode_parts(envelope.items) or ()]

    def _read(self, part: msgspec.Raw, fields: Any) -> Document | Reject:  # noqa: ANN401  (JSON)
        if not isinstance(fields, dict):
            return Reject(None, bytes(part).decode(), "it is not an object")
        key = fields.get(self.identifier)
        if not isinstance(key, str) or not key or not key.isprintable() or len(key) > _LONGEST_KEY:
            return Reject(None, bytes(part).decode(), f"it has no {self.identifier} that can be its key")
        return Document(key, fields)


def parse_bare(body: bytes, key: str) -> Page[Document]:
    """Return the one object that an answer is, under the key by which it was asked for.

    Any other JSON is set aside; GarbledAnswerError where it is none.
    """
    fields = _in_whole_characters(body, _decode)
    if isinstance(fields, dict):
        return Page([Document(key, fields)])
    return Page([], [Reject(key, body.decode("utf-8", "replace"), "it is not an object")])


@cache
def _envelope_type(key: str, cursor: str) -> "msgspec.json.Decoder[Any]":
    fields: Sequence[Any] = [
        ("items", msgspec.Raw),
        ("cursor", str | None | msgspec.UnsetType, msgspec.UNSET),
    ]
    return msgspec.json.Decoder(
        msgspec.defstruct("Envelope", fields, rename={"items": key, "cursor": cursor})
    )


def _in_whole_characters(body: bytes, decode: Callable[[bytes], Decoded]) -> Decoded:
    """Decode JSON; half a character, which JSON allows and no database takes, becomes the replacement character."""
    try:
        try:
            return decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = body.decode("utf-8", "replace").encode()
            return decode(_ESCAPES.sub(lambda found: found[1] or _REPLACEMENT, text))
    except msgspec.ValidationError:  # it is JSON, but of other types
        raise
    except (ValueError, RecursionError) as error:
        raise GarbledAnswerError(f"it is not JSON ({error})") from error
