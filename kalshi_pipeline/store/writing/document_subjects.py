"""What is kept as documents only: its kinds, its rows, and when the exchange was last asked for each."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Connection, Text, bindparam, exists, insert, select, update

from kalshi_pipeline.store.schema.tables import document_subjects, subject_documents
from kalshi_pipeline.store.writing.documents import DocumentKind
from kalshi_pipeline.store.writing.merging import Staging

_staged = Staging("staged_subjects", Column("kind", Text), Column("ticker", Text))
_stage, _stored = _staged.table.c, document_subjects.c
_asked_at = bindparam("asked_at", type_=BigInteger)
_is_same = (_stored.kind == _stage.kind, _stored.ticker == _stage.ticker)
_update = update(document_subjects).values(asked_at=_asked_at).where(*_is_same)
_insert = insert(document_subjects).from_select(
    ["kind", "ticker", "asked_at"],
    select(_stage.kind, _stage.ticker, _asked_at).where(~exists().where(*_is_same)),
)


def subject_kind(name: str) -> DocumentKind:
    """Return the kind of documents of what has no table of its own."""
    return DocumentKind(name, document_subjects, subject_documents)


NOT_YET = 0
"""The `asked_at` of a subject whose answer is not stored yet: if the run is killed, the exchange is asked again."""


def record_asked(connection: Connection, kind: DocumentKind, tickers: Sequence[str], asked_at: int) -> int:
    """Record when the exchange was asked for subjects of a kind, and return how many of them are new.

    Only of subjects that are recorded can documents be stored.
    """
    _staged.fill(connection, [(kind.name, ticker) for ticker in dict.fromkeys(tickers)])
    connection.execute(_update, {"asked_at": asked_at})
    return connection.execute(_insert, {"asked_at": asked_at}).rowcount
