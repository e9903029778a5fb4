"""Events whose metadata should be requested, and how often metadata was requested recently."""

from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, and_, exists, func, not_, or_, select

from kalshi_pipeline.store.reading.parents import HAS_COMBO
from kalshi_pipeline.store.schema.tables import document_subjects, event_documents, events, subject_documents
from kalshi_pipeline.store.writing.documents import DocumentKind

_subject = document_subjects.c
_has_document = exists().where(subject_documents.c.subject_id == _subject.id)


def count_asked(connection: Connection, kind: DocumentKind, *, after: int, until: int) -> int:
    """Count the subjects of a kind that were last requested after one instant and up to another."""
    query = select(func.count()).where(
        _subject.kind == kind.name, _subject.asked_at > after, _subject.asked_at <= until
    )
    return int(connection.execute(query).scalar_one())


def has_documents(connection: Connection, kind: DocumentKind) -> bool:
    """Return whether any document of a kind is stored."""
    query = select(_subject.id).where(_subject.kind == kind.name, _has_document).limit(1)
    return connection.execute(query).first() is not None


def unseen_events(connection: Connection, kind: DocumentKind, limit: int) -> list[str]:
    """Return events, newest first, for which a kind of document was never requested; not those of combos."""
    query = _events(kind).where(_subject.id.is_(None)).order_by(events.c.id.desc()).limit(limit)
    return list(connection.execute(query).scalars())


def changed_events(
    connection: Connection, kind: DocumentKind, limit: int, *, asked_before: int, missed_before: int
) -> list[str]:
    """Return events whose description has changed since their document of a kind was requested.

    The request was before an instant; oldest requests come first. Events without such a document are due if their
    request was before another instant.
    """
    is_changed = and_(_newest_description() > _subject.asked_at, _subject.asked_at <= asked_before)
    is_missing = and_(not_(_has_document), _subject.asked_at <= missed_before)
    query = _events(kind).where(or_(is_changed, is_missing)).order_by(_subject.asked_at).limit(limit)
    return list(connection.execute(query).scalars())


def _events(kind: DocumentKind) -> Select[Any]:
    of_event = and_(_subject.kind == kind.name, _subject.ticker == events.c.ticker)
    return (
        select(events.c.ticker)
        .select_from(events.outerjoin(document_subjects, of_event))
        .where(not_(events.c.is_placeholder), not_(HAS_COMBO))
    )


def _newest_description() -> ScalarSelect[int]:
    of_event = event_documents.c.event_id == events.c.id
    return select(func.max(event_documents.c.seen_at)).where(of_event).scalar_subquery()
