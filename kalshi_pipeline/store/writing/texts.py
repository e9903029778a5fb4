"""Texts that many rows share: each is stored once, with the beginning of its digest as its key."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from kalshi_pipeline.records import Row
from kalshi_pipeline.store.dialects.statements import insert_or_ignore
from kalshi_pipeline.store.schema.from_records import shared_fields
from kalshi_pipeline.store.schema.tables import texts
from kalshi_pipeline.store.writing.merging import Staging


@lru_cache(maxsize=4096)
def key_of(text: str) -> int:
    """Return the key of a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


class StagedTexts(Staging):
    """Texts in a temporary table with this name, by key, from which the new ones are stored."""

    def __init__(self, name: str) -> None:
        super().__init__(name, texts.c.id, texts.c.body)
        stage = self.table.c
        self._store = insert_or_ignore(texts, ["id", "body"], select(stage.id, stage.body))

    def hold(self, connection: Connection, bodies: Mapping[int, str]) -> None:
        """Replace the staged texts by these."""
        self.fill(connection, list(bodies.items()))

    def store(self, connection: Connection) -> None:
        """Store the staged texts that are not stored yet."""
        connection.execute(self._store)


document_texts = StagedTexts("staged_document_texts")


class SharedTexts(StagedTexts):
    """The shared texts of one kind of record: staged with its rows, and stored before them."""

    def __init__(self, name: str, record: type[NamedTuple]) -> None:
        super().__init__(name)
        self._positions = [record._fields.index(field) for field in shared_fields(record)]

    def stage(self, connection: Connection, rows: Iterable[Row]) -> list[list[Any]]:
        """Stage the texts of rows; return the rows with the keys of their texts instead."""
        keyed = list(map(list, rows))
        found: dict[int, str] = {}
        for row in keyed:
            for position in self._positions:
                if (text := row[position]) is not None:
                    row[position] = key = key_of(text)
                    found[key] = text
        self.hold(connection, found)
        return keyed
