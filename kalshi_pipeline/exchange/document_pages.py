"""Pages of documents without a typed record. They are parsed item by item, so an odd item affects only itself."""

import re
from dataclasses import dataclass

from kalshi_pipeline.exchange.json_text import load, load_whole, split_object
from kalshi_pipeline.exchange.pages import Page, members_of, raw_text, read_rows, split_page
from kalshi_pipeline.exchange.transport import Params
from kalshi_pipeline.exchange.value_readers import read_ticker
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.records import Document, Reject

_LONGEST_KEY = 300
# What `load_whole` may have substituted for a lone surrogate, a number that Python cannot hold, or NaN.
_MAYBE_REPLACED = re.compile("\ufffd|^(NaN|-?Infinity|-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?)$")


@dataclass(frozen=True)
class DocumentEndpoint:
    """A listing of documents: its path, query and key, and the names of an item's key and of the cursor."""

    path: str
    key: str
    query: Params
    identifier: str = "id"
    cursor: str = "cursor"

    def parse(self, body: bytes) -> Page[Document]:
        """Return the items of a page. An item that is not an object, or has no key, is set aside. Errors as in
        `split_page`.
        """
        envelope = split_page(body, self.key, self.cursor)
        return envelope.page(*read_rows(envelope.rows, self.key, self._read))

    def _read(self, row: bytes) -> Document:
        fields = load_whole(row)
        if not isinstance(fields, dict):
            raise ValueError("it is not an object")  # noqa: TRY004  (as the other readers)
        key = fields.get(self.identifier)
        if not isinstance(key, str) or not key or not key.isprintable() or len(key) > _LONGEST_KEY:
            raise ValueError(f"it has no {self.identifier} that can be its key")
        if _MAYBE_REPLACED.search(key):
            read_ticker(load(split_object(row)[self.identifier]))
        return Document(key, fields)


def parse_bare(body: bytes, key: str) -> Page[Document]:
    """Return the object of an answer under the key of its request.

    Any other JSON is set aside. Raises GarbledAnswerError if the answer is not JSON.
    """
    members_of(body)
    try:
        fields = load_whole(body)
        if isinstance(fields, dict):
            return Page([Document(key, fields)])
        why = "it is not an object"
    except ValueError as error:
        why = cut(str(error))
    return Page([], [Reject(key, raw_text(body), why)])
