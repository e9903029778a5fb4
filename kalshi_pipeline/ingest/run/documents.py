"""The documents of a run: collected from its answers, and stored in separate transactions after the rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.records import Document
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.document_fields import Layout, count_fields, layout_of
from kalshi_pipeline.store.writing.documents import (
    EVENT,
    MARKET,
    SERIES,
    DocumentKind,
    Prepared,
    compress_documents,
    find_new_documents,
    insert_documents,
    prepare_document,
)
from kalshi_pipeline.store.writing.fingerprints import rely_on_fingerprints

__all__ = ["EVENT", "MARKET", "SERIES", "DocumentKind", "Documents"]

# Stored together, because documents of one family take half the space if they are compressed together.
_MOST_DOCUMENTS = 2_000
_MOST_BYTES = 8 << 20


class Documents:
    """Collects the documents of stored records, and stores the new ones."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._pending: dict[DocumentKind, list[dict[str, Prepared]]] = {}
        """By kind, in rounds that are stored in order; no round has two documents of one record."""
        self._bytes = 0
        self._layouts: Counter[Layout] = Counter()
        self._fingerprints: dict[str, int] = {}
        self._stored = 0
        self._unreadable = 0

    def add_page(
        self,
        kind: DocumentKind,
        page: ListedPage[Any],
        tickers: Collection[str] | None = None,
        *,
        is_first_only: bool = False,
        are_counted: bool = False,
    ) -> None:
        """Collect the documents of all or some records of a page.

        With `is_first_only`, a document is stored only if there is none yet. With `are_counted`, its fields are
        counted, as for all listed records of a run.
        """
        for source in page.sources:
            self.add(
                kind,
                source.documents(tickers),
                page.received_at,
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
        """Collect documents. A document that differs from a collected one of the same record is stored after it."""
        for document in documents:
            if are_counted:
                self._layouts[layout_of(kind, document)] += 1
            try:
                prepared = prepare_document(kind, document, seen_at, is_first_only=is_first_only)
            except (RecursionError, ValueError):
                self._unreadable += 1
            else:
                self._collect(kind, prepared)

    def _collect(self, kind: DocumentKind, prepared: Prepared) -> None:
        """Collect a document in the round after its record's last document, or drop it if it adds nothing.

        Nothing is stored here, because rows of other pending documents may not be stored yet.
        """
        rounds = self._pending.setdefault(kind, [])
        number = len(rounds)
        while number and prepared.ticker not in rounds[number - 1]:
            number -= 1
        if number:
            last = rounds[number - 1][prepared.ticker]
            if prepared.is_first_only or (last.digest == prepared.digest and not last.is_first_only):
                return
        if number == len(rounds):
            rounds.append({})
        rounds[number][prepared.ticker] = prepared
        self._bytes += len(prepared.line)

    def rely_on(self, fingerprints: Mapping[str, int]) -> None:
        """Let snapshots rely on these fingerprints of markets once the collected documents are stored."""
        self._fingerprints |= fingerprints

    @property
    def are_pending(self) -> bool:
        """Whether there are collected documents that are not stored yet."""
        return bool(self._pending)

    def store_if_many(self) -> None:
        """Store the collected documents if they are worth a transaction."""
        pending = sum(len(found) for rounds in self._pending.values() for found in rounds)
        if pending >= _MOST_DOCUMENTS or self._bytes >= _MOST_BYTES:
            self.store()

    def store(self) -> None:
        """Store the collected documents, except those of records that are not stored; these stay collected."""
        for kind in list(self._pending):
            self.store_kind(kind)
        if self._fingerprints:
            with self._database.begin() as connection:
                rely_on_fingerprints(connection, self._fingerprints)
            self._fingerprints = {}
        if self._layouts:
            with self._database.begin() as connection:
                count_fields(connection, self._layouts, self._clock.now())
            self._layouts.clear()

    def store_kind(self, kind: DocumentKind) -> None:
        """Store the collected documents of one kind, like `store`, because the rows of other kinds may not be stored
        yet.
        """
        rounds = self._pending.get(kind, [])
        while rounds:
            self._store(kind, list(rounds[0].values()))
            self._bytes -= sum(len(document.line) for document in rounds.pop(0).values())
        self._pending.pop(kind, None)

    def _store(self, kind: DocumentKind, prepared: Sequence[Prepared]) -> None:
        with self._database.stage() as connection:
            documents = find_new_documents(connection, kind, prepared)
            blocks = compress_documents(connection, kind, documents)
        if blocks:
            with self._database.begin() as connection:
                self._stored += insert_documents(connection, kind, blocks)

    def take_counts(self) -> tuple[int, int]:
        """Return how many documents were stored, and how many could not be written as JSON, since the last call."""
        counts = self._stored, self._unreadable
        self._stored = self._unreadable = 0
        return counts
