"""Documents: records with all their fields, compressed, and counts of the fields that the exchange sends."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from kalshi_pipeline.record_fields import INSTANT, Note
from kalshi_pipeline.store.dialects.statements import clustered
from kalshi_pipeline.store.schema.tables.columns import count_column, id_column, instant_column, metadata
from kalshi_pipeline.store.schema.tables.parents import events, markets, series

document_dictionaries = Table(
    "document_dictionaries",
    metadata,
    id_column(),
    Column(
        "kind", Text, nullable=False, comment="the kind of the documents: series, event, market, or another"
    ),
    Column(
        "family",
        Text,
        nullable=False,
        comment="the family of documents that it is for, as a prefix of their names",
    ),
    instant_column("made_at", "when it was made"),
    Column(
        "body",
        LargeBinary,
        nullable=False,
        comment="the beginning of a document of the family, compressed by zstd",
    ),
    comment="dictionaries with which zstd compresses blocks of documents; a stored one never changes",
)
Index(
    "ix_document_dictionaries_family",
    document_dictionaries.c.kind,
    document_dictionaries.c.family,
    document_dictionaries.c.id,
)

document_blocks = Table(
    "document_blocks",
    metadata,
    id_column(),
    Column(
        "dictionary_id",
        ForeignKey("document_dictionaries.id"),
        comment="the dictionary with which it is compressed, if there is one",
    ),
    Column("body", LargeBinary, nullable=False, comment="documents, one per line, compressed by zstd"),
    comment="documents that were stored at the same time, compressed together",
)


def _documents(name: str, key: str, parent: str, subject: str) -> Table:
    """Return the table of the documents of a parent's rows."""
    return Table(
        name,
        metadata,
        Column(key, ForeignKey(parent), primary_key=True, comment=f"the {subject}"),
        Column(
            "seen_at",
            BigInteger,
            primary_key=True,
            comment=str(Note("when the exchange was first seen to send this", INSTANT)),
        ),
        Column("digest", BigInteger, nullable=False, comment="64 bits of the document's XXH3 digest"),
        Column(
            "block_id", ForeignKey("document_blocks.id"), nullable=False, comment="the block that holds it"
        ),
        Column("line", Integer, nullable=False, comment="its line in that block, from 0"),
        comment=f"everything that the exchange sent about each {subject}, whenever it differs from before",
        **clustered(),
    )


series_documents = _documents("series_documents", "series_id", "series.id", "series")
event_documents = _documents("event_documents", "event_id", "events.id", "event")
market_documents = _documents("market_documents", "market_id", "markets.id", "market")

document_subjects = Table(
    "document_subjects",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False, comment="its kind, such as milestone or event_metadata"),
    Column("ticker", Text, nullable=False, comment="the exchange's identifier, unique within the kind"),
    instant_column("asked_at", "when it was last requested"),
    UniqueConstraint("kind", "ticker"),
    comment="subjects that are kept only as documents, without their own table",
)

subject_documents = _documents(
    "subject_documents", "subject_id", "document_subjects.id", "subject without a table of its own"
)

DOCUMENTS_OF = {
    "market": (markets, market_documents),
    "event": (events, event_documents),
    "series": (series, series_documents),
}
"""The tables of the kinds that have their own: of the rows, and of their documents."""


def document_key(table: Table) -> Column[Any]:
    """Return the foreign key of a table of documents to the documents' row."""
    return next(iter(table.primary_key.columns))


document_fields = Table(
    "document_fields",
    metadata,
    Column("kind", Text, primary_key=True, comment="the kind of documents"),
    Column(
        "week_at",
        BigInteger,
        primary_key=True,
        comment=str(Note("the beginning of the week, a Monday", INSTANT)),
    ),
    Column(
        "field", Text, primary_key=True, comment="the exchange's name of a field; blank counts the documents"
    ),
    Column("type", Text, primary_key=True, comment="its type in JSON"),
    count_column("documents", "how many documents had it in complete listings"),
    comment="the fields that the exchange sent, with their types; shows changes of its API",
    **clustered(),
)
