"""A walk that records its position with its pages, so that a later run continues where this one stopped."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar

from kalshi_pipeline.errors import RefusedError, StoreError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.run.cut_listings import CUT
from kalshi_pipeline.ingest.run.reasons import reason_of
from kalshi_pipeline.ingest.run.recorded_listing import Batches, store_pages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import are_doubtful
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.backfill_progress import (
    StoredWalk,
    WalkState,
    add_walk_page,
    close_walk,
    move_walk,
    restart_walk,
)
from kalshi_pipeline.store.writing.tally import Tally

Row = TypeVar("Row")
Prepared = TypeVar("Prepared")


class _Page(NamedTuple, Generic[Row, Prepared]):
    listed: ListedPage[Row]
    prepared: Prepared
    cursor: str | None
    """Where the next run resumes after this page is stored."""


class _Merged(NamedTuple):
    """Where the next run resumes after a merged page, and how many pages the run had stored before it."""

    cursor: str | None
    pages_before: int


@dataclass
class ResumableWalk(Generic[Row, Prepared]):
    """One walk of a run, from its stored position to its end.

    `list_from` starts the listing at that position; `prepare` and `merge` are those of `store_pages`. `newest_at`
    returns the newest instant of a prepared page, for walks with a watermark. `not_over` returns why a walk that
    reached its end is still partial, if it is. `held` returns, for a prepared page, why a later run must see it again:
    the walk continues, but the next run resumes at that page. The same holds for a page of which hardly any record
    could be read. Pages of one of the `batches` are stored together, and fetched again if the process is killed. So is
    a page that is stored without its documents.
    """

    session: Session
    report: Report
    stored: StoredWalk
    list_from: Callable[[StoredWalk], Listing[Row]]
    prepare: Callable[[ListedPage[Row]], Prepared]
    merge: Callable[[Connection, Prepared], Tally]
    newest_at: Callable[[Prepared], int | None] = lambda _: None
    not_over: str | None = None
    held: Callable[[], str | None] = lambda: None
    batches: Batches[Prepared] | None = None
    _listing: Listing[Row] | None = field(default=None, init=False)
    _end: WalkState | None = field(default=None, init=False)
    _cursor: str | None = field(default=None, init=False)
    _merged: "_Merged | None" = field(default=None, init=False)
    _has_read: bool = field(default=False, init=False)
    _unreadable: str | None = field(default=None, init=False)

    def run(self) -> str | None:
        """Walk to the end, set the report's state, and close the walk's record.

        A complete walk is unchanged. If the exchange refuses the stored cursor, the walk restarts. Returns why the
        listing stopped before its end, or why its records could hardly be read, or None.
        """
        if self.stored.state is WalkState.COMPLETE:
            return None
        pages = self.report.tally.pages
        with self._closing():
            try:
                stopped = self._store()
            except RefusedError as error:
                if self.stored.cursor is None or self.report.tally.pages > pages:
                    raise
                self.report.notes.append(
                    f"{self.stored.name} restarts from the beginning, because the exchange refused its cursor: {error}"
                )
                with self.session.database.begin() as connection:
                    self.stored = restart_walk(connection, self.stored, self.session.clock.now())
                stopped = self._store()
            if self.report.is_complete and (reason := self._held()) is not None:
                self.report.leave_partial(reason)
            elif self.report.is_complete and self.not_over is not None:
                self.report.leave_partial(self.not_over)
                self._end = WalkState.CAUGHT_UP
        return stopped

    def _store(self) -> str | None:
        listing = self._listing = self.list_from(self.stored)
        self._cursor = self.stored.cursor
        batches = None if self.batches is None else Batches(self.batches.pages, self._join)
        store_pages(self.session, self.report, listing, self._prepare, self._merge, batches=batches)
        return listing.reason or self._cut() or self._unreadable

    def _cut(self) -> str | None:
        """Return why the listing may continue after its last page, None if it ended."""
        return CUT if self._listing is not None and self._listing.ended_without_cursor else None

    def _held(self) -> str | None:
        """Return why a later run must see the last prepared page again, None if it need not."""
        return self._cut() or self._unreadable or self.held()

    def _prepare(self, page: ListedPage[Row]) -> _Page[Row, Prepared]:
        if self.batches is None:
            self._store_documents()
        prepared = self.prepare(page)
        self._doubt(page)
        if self._held() is None:
            self._cursor = page.cursor
        return _Page(page, prepared, self._cursor)

    def _doubt(self, page: ListedPage[Row]) -> None:
        """Note a page of which hardly any record could be read. A single odd record after others is no reason."""
        records, unread = page.received - page.out_of_scope.total(), len(page.rejects)
        if self._unreadable is None and are_doubtful(records + self._has_read, unread):
            self._unreadable = (
                f"{unread:,} of {records:,} records of a page could not be read and are in quarantine: check whether "
                "the exchange's API has changed; the next run requests the page again"
            )
        self._has_read = self._has_read or records > unread

    def _join(self, pages: Sequence[_Page[Row, Prepared]]) -> _Page[Row, Prepared]:
        assert self.batches is not None
        prepared = self.batches.join([page.prepared for page in pages])
        return _Page(ListedPage.joined([page.listed for page in pages]), prepared, pages[-1].cursor)

    def _merge(self, connection: Connection, page: _Page[Row, Prepared]) -> Tally:
        tally, listed = self.merge(connection, page.prepared), page.listed
        self._merged = _Merged(page.cursor, self.report.tally.pages)
        if self.batches is not None or not self.session.documents.are_pending:
            self.stored = replace(self.stored, cursor=page.cursor)
        add_walk_page(
            connection,
            self.stored,
            self.stored.cursor,
            pages=listed.pages,
            received=listed.received,
            inserted=tally.inserted,
            quarantined=len(listed.rejects),
            newest_at=self.newest_at(page.prepared),
        )
        return tally

    def _store_documents(self) -> None:
        """Store the documents of stored pages, so that the walk continues after the last of them."""
        self.session.documents.store()
        if self._merged is not None and self.report.tally.pages > self._merged.pages_before:
            self.stored = replace(self.stored, cursor=self._merged.cursor)

    @contextlib.contextmanager
    def _closing(self) -> Iterator[None]:
        """Close the walk with the report's state. A failed walk stays partial, at its last page."""
        try:
            yield
        except BaseException as error:
            # If even this cannot be written, the walk stays open, and is still continued.
            with contextlib.suppress(StoreError):
                self._close(WalkState.PARTIAL, reason_of(error))
            raise
        self._close(self._end or WalkState(self.report.state), self.report.reason)

    def _close(self, state: WalkState, reason: str | None) -> None:
        self._store_documents()
        with self.session.database.begin() as connection:
            move_walk(connection, self.stored)
            close_walk(connection, self.stored, state, reason, self.session.clock.now())
