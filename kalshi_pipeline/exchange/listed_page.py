"""The page of a listing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.records import Reject

Record = TypeVar("Record")


@dataclass(frozen=True)
class ListedPage(Generic[Record]):
    """One or several consecutive pages of a listing, without records of earlier pages.

    `received_at` is the instant at which the last page was received. `cursor` is where its walk continues, None at the
    end. `series` are the requested series, empty for all. `out_of_scope` counts unrequested records by the filter that
    they contradict, and `unasked` has their keys. They are not among `records`, except those that the caller finds
    there and adds to both. `sources` are the answers, if records are kept whole, and `pages` is the number of pages.
    """

    records: list[Record]
    rejects: list[Reject]
    received_at: int
    cursor: str | None = None
    series: frozenset[str] = frozenset()
    out_of_scope: Counter[str] = field(default_factory=Counter)
    unasked: list[str] = field(default_factory=list)
    sources: tuple[Source, ...] = ()
    pages: int = 1
    received: int = field(init=False)
    """The number of records in it, without those of earlier pages."""

    @property
    def record(self) -> Record:
        """The record of a page with a single record."""
        (record,) = self.records
        return record

    def __post_init__(self) -> None:
        received = len(self.records) + len(self.rejects) + self.out_of_scope.total()
        object.__setattr__(self, "received", received)

    @classmethod
    def joined(cls, pages: Sequence[Self]) -> Self:
        """Return several pages of one walk, in order, as one."""
        if len(pages) == 1:
            return pages[0]
        *_, last = pages
        return cls(
            [record for page in pages for record in page.records],
            [reject for page in pages for reject in page.rejects],
            last.received_at,
            last.cursor,
            last.series,
            sum((page.out_of_scope for page in pages), Counter()),
            [key for page in pages for key in page.unasked],
            tuple(source for page in pages for source in page.sources),
            len(pages),
        )
