"""Documents: a record of the exchange with all its fields, stored whenever it differs from the previous one.

They are encoded, compared and compressed while nothing is locked, and then inserted in a separate transaction.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    Text,
    and_,
    func,
    or_,
    select,
)

from kalshi_pipeline.records import Document, Event, Leg, Market, Series
from kalshi_pipeline.store.dialects.statements import in_parts, insert_or_ignore
from kalshi_pipeline.store.document_blocks import compressed, dictionary_of, digest_of, line_of
from kalshi_pipeline.store.schema.from_records import shared_fields
from kalshi_pipeline.store.schema.tables import (
    DOCUMENTS_OF,
    document_blocks,
    document_dictionaries,
    document_key,
    document_subjects,
    markets,
    subject_documents,
)
from kalshi_pipeline.store.writing.combo_legs import replace_legs
from kalshi_pipeline.store.writing.ids import insert_many
from kalshi_pipeline.store.writing.merging import Staging
from kalshi_pipeline.store.writing.texts import document_texts, key_of
from kalshi_pipeline.units import MICROS_PER_DAY

_MANY = 100
_MOST_TOGETHER = 500  # to read one of them, all are decompressed
_DICTIONARY_LASTS = 30 * MICROS_PER_DAY

_staged = Staging(
    "staged_documents",
    Column("ticker", Text),
    Column("digest", BigInteger),
    Column("is_first_only", Boolean),
)
_new = Staging(
    "new_documents",
    Column("row_id", Integer),
    Column("seen_at", BigInteger),
    Column("digest", BigInteger),
    Column("block_id", Integer),
    Column("line", Integer),
)


class DocumentKind:
    """A kind of documents: the table of their records, the table that stores them, and the fields with shared texts."""

    def __init__(self, name: str, shared: Sequence[str] = ()) -> None:
        parent, table = DOCUMENTS_OF.get(name, (document_subjects, subject_documents))
        self.name = name
        self.shared = shared
        self.parent = parent
        stage, stored, new = _staged.table.c, table.c, _new.table.c
        key = document_key(table)
        is_of = parent.c.ticker == stage.ticker
        if parent is document_subjects:
            is_of = and_(is_of, parent.c.kind == name)
        newest = (
            select(func.max(stored.seen_at)).where(key == parent.c.id).correlate(parent).scalar_subquery()
        )
        self.find_new = (
            select(stage.staged_row, parent.c.id, stored.seen_at)
            .select_from(
                _staged.table.join(parent, is_of).outerjoin(
                    table, and_(key == parent.c.id, stored.seen_at == newest)
                )
            )
            .where(or_(stored.digest.is_(None), and_(~stage.is_first_only, stored.digest != stage.digest)))
            .order_by(stage.staged_row)
        )
        self.insert_new = insert_or_ignore(
            table,
            [key.name, "seen_at", "digest", "block_id", "line"],
            # Another program may have deleted the row meanwhile.
            select(parent.c.id, new.seen_at, new.digest, new.block_id, new.line).join(
                parent, parent.c.id == new.row_id
            ),
        )

    def family_of(self, ticker: str) -> str:
        """Return the family of similar documents that a document belongs to. It only affects compression."""
        return ticker.partition("-")[0] if self.parent is markets else ""


SERIES = DocumentKind("series", shared_fields(Series))
EVENT = DocumentKind("event", shared_fields(Event))
MARKET = DocumentKind("market", shared_fields(Market))


@cache
def other_kind(name: str) -> DocumentKind:
    """Return a kind of documents without a table of records, such as milestones; see `subjects`."""
    return DocumentKind(name)


class Prepared(NamedTuple):
    """A document in its stored form. With `is_first_only`, it is stored only if its record has none yet.

    `texts` are the shared texts whose keys are in the line.
    """

    ticker: str
    line: bytes
    digest: int
    texts: dict[int, str]
    legs: tuple[Leg, ...] | None
    seen_at: int
    is_first_only: bool


class NewDocument(NamedTuple):
    """A document that differs from the stored one, and the key of its record."""

    row_id: int
    seen_at: int
    prepared: Prepared


class Dictionary(NamedTuple):
    """The dictionary for blocks of a family: stored, with its key, or new."""

    family: str
    body: bytes
    id: int | None = None


class Block(NamedTuple):
    """New documents that are compressed together, with a dictionary if they are few."""

    documents: list[NewDocument]
    body: bytes
    dictionary: Dictionary | None = None


def prepare_document(
    kind: DocumentKind, document: Document, seen_at: int, *, is_first_only: bool = False
) -> Prepared:
    """Return a document in its stored form. Its fields are modified."""
    ticker, fields, legs = document
    shared: dict[str, int] = {}
    bodies: dict[int, str] = {}
    for name in kind.shared:
        text = fields.get(name)
        if text.__class__ is str:
            shared[name] = key = key_of(text)
            bodies[key] = text
            del fields[name]
    line = line_of(fields, shared)
    return Prepared(ticker, line, digest_of(line), bodies, legs, seen_at, is_first_only)


def find_new_documents(
    connection: Connection, kind: DocumentKind, prepared: Sequence[Prepared]
) -> list[NewDocument]:
    """Return the documents that differ from the stored one of their record. Documents of unstored records are skipped.

    Each gets a later time than the stored one, even if the clock went back. No two may be of one record.
    """
    _staged.fill(
        connection,
        [(document.ticker, document.digest, document.is_first_only) for document in prepared],
    )
    found: list[NewDocument] = []
    for number, row_id, last in connection.execute(kind.find_new).all():
        document = prepared[number - 1]
        seen_at = document.seen_at if last is None else max(document.seen_at, last + 1)
        found.append(NewDocument(row_id, seen_at, document))
    return found


def compress_documents(
    connection: Connection, kind: DocumentKind, documents: Sequence[NewDocument]
) -> list[Block]:
    """Return new documents in compressed blocks.

    Many are compressed together without a dictionary. Few are compressed by family, with the family's dictionary of
    this month, which is made from the first one.
    """
    if len(documents) >= _MANY:
        ordered = sorted(documents, key=lambda document: document.prepared.ticker)
        starts = range(0, len(ordered), _MOST_TOGETHER)
        return [_compressed(ordered[start : start + _MOST_TOGETHER]) for start in starts]
    families: dict[str, list[NewDocument]] = defaultdict(list)
    for document in documents:
        families[kind.family_of(document.prepared.ticker)].append(document)
    known = _newest_dictionaries(connection, kind, list(families))
    blocks: list[Block] = []
    for family, members in families.items():
        made_at, dictionary = known.get(family, (None, None))
        if made_at is None or members[0].seen_at - made_at > _DICTIONARY_LASTS:
            dictionary = Dictionary(family, dictionary_of(members[0].prepared.line))
        blocks.append(_compressed(members, dictionary))
    return blocks


def _compressed(documents: list[NewDocument], dictionary: Dictionary | None = None) -> Block:
    lines = [document.prepared.line for document in documents]
    return Block(documents, compressed(lines, None if dictionary is None else dictionary.body), dictionary)


def _newest_dictionaries(
    connection: Connection, kind: DocumentKind, families: Sequence[str]
) -> dict[str, tuple[int, Dictionary]]:
    """Return the newest dictionary of each family, if it has one, with its time."""
    table = document_dictionaries.c
    newest: dict[str, tuple[int, Dictionary]] = {}
    for some in in_parts(families):
        last = (
            select(func.max(table.id))
            .where(table.kind == kind.name, table.family.in_(some))
            .group_by(table.family)
        )
        query = select(table.family, table.body, table.id, table.made_at).where(table.id.in_(last))
        for *dictionary, made_at in connection.execute(query):
            newest[dictionary[0]] = made_at, Dictionary(*dictionary)
    return newest


def insert_documents(connection: Connection, kind: DocumentKind, blocks: Sequence[Block]) -> int:
    """Insert new documents with their dictionaries, shared texts and legs; return their number."""
    documents = [document for block in blocks for document in block.documents]
    if not documents:
        return 0
    first_id = _insert_blocks(connection, blocks, _insert_dictionaries(connection, kind, blocks))
    _store_texts(connection, documents)
    _new.fill(
        connection,
        [
            (document.row_id, document.seen_at, document.prepared.digest, block_id, number)
            for block_id, block in enumerate(blocks, first_id)
            for number, document in enumerate(block.documents)
        ],
    )
    connection.execute(kind.insert_new)
    # Legs that the exchange did not send are kept.
    sent = {document.row_id: document.prepared.legs for document in documents}
    replace_legs(connection, {row_id: legs for row_id, legs in sent.items() if legs is not None})
    return len(documents)


def _insert_dictionaries(
    connection: Connection, kind: DocumentKind, blocks: Sequence[Block]
) -> dict[str, int]:
    """Insert new dictionaries; return their keys by family."""
    new = {
        block.dictionary: block.documents[0].seen_at
        for block in blocks
        if block.dictionary is not None and block.dictionary.id is None
    }
    first_id = insert_many(
        connection,
        document_dictionaries,
        [
            {"kind": kind.name, "family": dictionary.family, "made_at": made_at, "body": dictionary.body}
            for dictionary, made_at in new.items()
        ],
    )
    return {dictionary.family: key for key, dictionary in enumerate(new, first_id)}


def _insert_blocks(
    connection: Connection, blocks: Sequence[Block], new_dictionaries: Mapping[str, int]
) -> int:
    """Insert blocks; return the key of the first one. The others follow it."""
    return insert_many(
        connection,
        document_blocks,
        [
            {
                "dictionary_id": block.dictionary
                and (block.dictionary.id or new_dictionaries[block.dictionary.family]),
                "body": block.body,
            }
            for block in blocks
        ],
    )


def _store_texts(connection: Connection, documents: Sequence[NewDocument]) -> None:
    found: dict[int, str] = {}
    for document in documents:
        found |= document.prepared.texts
    if found:
        document_texts.hold(connection, found)
        document_texts.store(connection)
