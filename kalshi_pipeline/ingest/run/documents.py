"""The documents of a run: collected from its answers, and stored in transactions of their own, after the rows."""

from collections import Counter
from collections.abc import Collection, Iterable

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.records import Document
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.documents import (
    EVENT,
    MARKET,
    SERIES,
    DocumentKind,
    Layout,
    Prepared,
    compress_documents,
    count_fields,
    find_new_documents,
    insert_documents,
    layout_of,
    prepare_document,
)

__all__ = ["EVENT", "MARKET", "SERIES", "DocumentKind", "Documents"]

# Stored together: documents of one family that are compressed together take half the space.
_MOST_DOCUMENTS = 2_000
_MOST_BYTES = 8 << 20


class Documents:
    """Collects what the exchange says of the records that are stored, and stores it where it is new."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._pending: dict[DocumentKind, dict[str, Prepared]] = {}
        self._bytes = 0
        self._layouts: Counter[Layout] = Counter()
        self._stored = 0
        self._unreadable = 0

    def add_answers(
        self,
        kind: DocumentKind,
        sources: Iterable[Source],
        seen_at: int,
        tickers: Collection[str] | None = None,
        *,
        is_first_only: bool = False,
        are_counted: bool = False,
    ) -> None:
        """Collect what answers say of all their records, or of some.

        With `is_first_only` a document is stored only where there is none yet; with `are_counted` its fields are
        counted, as those of everything that a run lists.
        """
        for source in sources:
            self.add(
                kind,
                source.documents(tickers),
                seen_at,
                is_first_only=is_first_only,
                are_counted=are_counted,
            )

    def add(
        self,
        kind: DocumentKind,
        documents: Iterable[Document],
        seen_at: int,
        *,
        is_first_only: bool = False,
        are_counted: bool = False,
    ) -> None:
        """Collect documents. What says something else than a collected one of the same record is stored after it."""
        for document in documents:
            if are_counted:
                self._layouts[layout_of(kind, document)] += 1
            try:
                prepared = prepare_document(kind, document, seen_at, is_first_only=is_first_only)
            except (RecursionError, ValueError):
                self._unreadable += 1
                continue
            pending = self._pending.setdefault(kind, {})
            earlier = pending.get(document.ticker)
            if earlier is not None and earlier.digest != prepared.digest:
                self.store()
                pending = self._pending.setdefault(kind, {})
            elif earlier is not None and is_first_only:
                continue
            pending[document.ticker] = prepared
            self._bytes += len(prepared.line)

    def store_if_many(self) -> None:
        """Store what is collected if it is worth a transaction."""
        if sum(map(len, self._pending.values())) >= _MOST_DOCUMENTS or self._bytes >= _MOST_BYTES:
            self.store()

    def store(self) -> None:
        """Store what is collected, but for documents of records that are not stored themselves."""
        pending, self._pending, self._bytes = self._pending, {}, 0
        for kind, prepared in pending.items():
            with self._database.stage() as connection:
                documents = find_new_documents(connection, kind, list(prepared.values()))
                blocks = compress_documents(connection, kind, documents)
            if blocks:
                with self._database.begin() as connection:
                    self._stored += insert_documents(connection, kind, blocks)
        if self._layouts:
            with self._database.begin() as connection:
                count_fields(connection, self._layouts, self._clock.now())
            self._layouts.clear()

    def take_counts(self) -> tuple[int, int]:
        """Return how many were stored, and how many could not be written as JSON, since this was last called."""
        counts = self._stored, self._unreadable
        self._stored = self._unreadable = 0
        return counts
