"""Milestones and other data about events and markets, kept as documents.

Each listed kind has an entry in RELATED. If the exchange fails here, the run is partial instead of failed, so no other
step is skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kalshi_pipeline.exchange.document_pages import DocumentEndpoint
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.run.cut_listings import doubt_end
from kalshi_pipeline.ingest.run.documents import DocumentKind
from kalshi_pipeline.ingest.run.lenient import leaving_partial
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_pages
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import LISTED_AGAIN, doubt_unreadable
from kalshi_pipeline.records import Document
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.documents import other_kind
from kalshi_pipeline.store.writing.runs import Subject
from kalshi_pipeline.store.writing.subjects import record_subjects
from kalshi_pipeline.store.writing.tally import Tally


@dataclass(frozen=True)
class Related:
    """A kind of documents that the exchange lists: its asset, its listing, and its description."""

    asset: str
    kind: DocumentKind
    endpoint: DocumentEndpoint
    about: str


RELATED = (
    Related(
        "milestones",
        other_kind("milestone"),
        DocumentEndpoint("/milestones", "milestones", {"limit": 500}),
        "Milestones: what events are about and when it happens, such as a game or an election.",
    ),
    Related(
        "structured_targets",
        other_kind("structured_target"),
        DocumentEndpoint("/structured_targets", "structured_targets", {"page_size": 2000}),
        "Structured targets: the teams, players and the like that structured strikes name.",
    ),
    Related(
        "collections",
        other_kind("collection"),
        DocumentEndpoint(
            "/multivariate_event_collections",
            "multivariate_contracts",
            {"limit": 200},
            identifier="collection_ticker",
        ),
        "Collections: the events whose markets can be combined.",
    ),
    Related(
        "incentive_programs",
        other_kind("incentive_program"),
        DocumentEndpoint("/incentive_programs", "incentive_programs", {"limit": 1000}, cursor="next_cursor"),
        "Incentive programs: rewards for trading or quoting a market.",
    ),
)


@repairing
def sync_related(session: Session, walk_seconds: float | None = None, *, related: Related) -> Report:
    """Store every listed document of a kind that differs from the last stored one."""
    listing = session.client.list_documents(
        related.endpoint,
        max_pages=session.settings.max_pages,
        walk_seconds=session.seconds_of(walk_seconds),
    )
    report = begin_listing(
        session, related.asset, kind=related.kind.name, subject=Subject(selection="all that is listed")
    )

    def prepare(page: ListedPage[Document]) -> Sequence[Document]:
        session.documents.add(related.kind, page.records, page.received_at, are_counted=True)
        return page.records

    def merge(connection: Connection, documents: Sequence[Document]) -> Tally:
        tickers = [document.ticker for document in documents]
        new = record_subjects(connection, related.kind, tickers, session.clock.now())
        return Tally(inserted=new, unchanged=len(documents) - new)

    with closing_run(session, report), leaving_partial(report, related.endpoint.path):
        store_pages(session, report, listing, prepare, merge)
        doubt_end(report, listing)
        doubt_unreadable(report, LISTED_AGAIN)
    return report
