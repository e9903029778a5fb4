"""The rows of subjects that are stored only as documents, such as milestones."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Connection, Text, bindparam, exists, select, update

from kalshi_pipeline.store.schema.tables import document_subjects
from kalshi_pipeline.store.writing.documents import DocumentKind
from kalshi_pipeline.store.writing.ids import InsertNew
from kalshi_pipeline.store.writing.merging import Staging

_staged_subjects = Staging("staged_subjects", Column("ticker", Text))
_subject = _staged_subjects.table.c
_kind, _asked_at = bindparam("of_kind", type_=Text), bindparam("at", type_=BigInteger)
_insert_subjects = InsertNew(
    document_subjects,
    ["kind", "ticker", "asked_at"],
    select(_kind, _subject.ticker, _asked_at)
    .distinct()
    .where(~exists().where(document_subjects.c.kind == _kind, document_subjects.c.ticker == _subject.ticker)),
)
_date_subjects = (
    update(document_subjects)
    .values(asked_at=_asked_at)
    .where(document_subjects.c.kind == _kind, document_subjects.c.ticker.in_(select(_subject.ticker)))
)


def record_subjects(connection: Connection, kind: DocumentKind, tickers: Sequence[str], asked_at: int) -> int:
    """Record that subjects of a kind were requested; return the number of new ones."""
    _staged_subjects.fill(connection, [(ticker,) for ticker in tickers])
    bound = {"of_kind": kind.name, "at": asked_at}
    connection.execute(_date_subjects, bound)
    return _insert_subjects.run(connection, bound)
