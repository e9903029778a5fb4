"""Documents with odd values in random fields, and the stored ones, read without code of the pipeline."""

import json
import random
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Any

import zstandard

from kalshi_pipeline_tests.exchange import oracle
from kalshi_pipeline_tests.exchange.mutated import TOKENS

_LONGEST_KEY = 300
_DEEPEST = 100
_FIELDS = {
    "title": '"words"',
    "type": '"soccer_match"',
    "start_date": '"2026-11-20T10:00:00Z"',
    "details": '{"b":1,"a":[0.5,null]}',
    "related_event_tickers": '["a","b"]',
    "period_reward": "1250000",
    "is_active": "true",
}


def mutated_document(identifier: str, key: str, chance: random.Random) -> str:
    """The text of a document with odd values in a few fields, sometimes in its key."""
    members = {identifier: json.dumps(key), **_FIELDS}
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        name = chance.choice((*members, "unknown"))
        if chance.random() < 0.1:
            members.pop(name, None)
        else:
            members[name] = chance.choice(TOKENS)
    return f"{{{','.join(f'{json.dumps(name)}:{token}' for name, token in members.items())}}}"


def expected_document(identifier: str, row: str) -> tuple[str, Any] | None:
    """The key and the fields of a document; None without a key, or if it is nested too deeply."""
    sent = oracle.read(row)
    key = sent.get(identifier)
    if not isinstance(key, str) or not key or not key.isprintable() or len(key) > _LONGEST_KEY:
        return None
    if _depth(sent) > _DEEPEST:
        return None
    return key, canonical(sent)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def canonical(value: Any) -> Any:
    """JSON for comparison by value: exact numbers, and the replacement character for a lone surrogate."""
    if isinstance(value, oracle.Written):
        try:
            return Fraction(value.text)
        except ValueError:
            return value.text
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {canonical(name): canonical(item) for name, item in value.items()}
    return value


def expected_of_table(identifier: str, rows: Sequence[str], left_out: Collection[str]) -> dict[str, Any]:
    """The fields of documents by their keys `K-…`, without the fields that change with every quote."""
    sent = [row for row in map(oracle.read, rows) if str(row.get(identifier)).startswith("K-")]
    return {
        row[identifier]: canonical({name: value for name, value in row.items() if name not in left_out})
        for row in sent
    }


def stored_of_table(connection: sqlite3.Connection, subject: str) -> Iterator[tuple[str, Any]]:
    """Yield the key and the fields of each document of rows of a table."""
    table = {"market": "markets", "event": "events", "series": "series"}[subject]
    query = f"SELECT s.ticker, d.block_id, d.line FROM {subject}_documents d JOIN {table} s ON s.id = d.{subject}_id"
    yield from _documents(connection, query)


def stored_documents(connection: sqlite3.Connection, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the key and the fields of each document of a kind."""
    yield from _documents(
        connection,
        "SELECT s.ticker, d.block_id, d.line FROM document_subjects s "
        f"JOIN subject_documents d ON d.subject_id = s.id WHERE s.kind = '{kind}'",
    )


def _documents(connection: sqlite3.Connection, query: str) -> Iterator[tuple[str, Any]]:
    texts = dict(connection.execute("SELECT id, body FROM texts").fetchall())
    blocks = {
        number: _lines(body, dictionary)
        for number, body, dictionary in connection.execute(
            "SELECT b.id, b.body, d.body FROM document_blocks b "
            "LEFT JOIN document_dictionaries d ON d.id = b.dictionary_id"
        )
    }
    for ticker, block, line in connection.execute(query):
        fields, shared = oracle.read(blocks[block][line])
        in_texts = {name: texts[int(key.text)] for name, key in shared.items()}
        yield ticker, canonical({**fields, **in_texts})


def _lines(body: bytes, dictionary: bytes | None) -> list[str]:
    data = None
    if dictionary is not None:
        raw = zstandard.ZstdDecompressor().decompress(dictionary)
        data = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdDecompressor(dict_data=data).decompress(body, 1 << 30).decode().split("\n")
