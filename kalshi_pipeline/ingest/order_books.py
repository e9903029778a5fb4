"""Order books of selected markets: every resting level at one moment."""

from collections.abc import Iterator, Sequence

from kalshi_pipeline.errors import ExchangeError, NotFoundError, RefusedError
from kalshi_pipeline.exchange.batches import REPEATED
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.tiers import BOOK_TICKERS
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.parents.selected_markets import store_selected
from kalshi_pipeline.ingest.record_faults import faults_of_order_books
from kalshi_pipeline.ingest.run.failures import FailuresInARow
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_page
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.ticker_batches import TickerBatches
from kalshi_pipeline.records import OrderBook
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.order_books import append_order_books
from kalshi_pipeline.store.writing.runs import State, Subject
from kalshi_pipeline.store.writing.tally import Tally

# The batch endpoint may require a key, or an older exchange may not have it (docs/exchange-api.md).
_NO_BATCHES = (401, 403, 404)
_FAILED_BOOKS = 3
_NO_BOOK = "the exchange returned no book"
_UNREADABLE = "its book is unreadable and in quarantine"


@repairing
def take_order_books(session: Session) -> Report:
    """Store the current order book of each market of KALSHI_ORDER_BOOK_MARKETS."""
    tickers = session.settings.order_book_markets
    report = begin_listing(session, "order_books", subject=Subject(selection=f"{len(tickers)} markets"))
    with closing_run(session, report):
        if tickers:
            _Taking(session, report).run(tickers)
        else:
            report.state = State.COMPLETE
            report.notes.append("no market is selected, so nothing is stored: set KALSHI_ORDER_BOOK_MARKETS")
    return report


class _Taking:
    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._failed: dict[str, str] = {}
        self._has_answer = False

    def run(self, tickers: Sequence[str]) -> None:
        unknown = store_selected(self._session, self._report, tickers)
        known = [ticker for ticker in tickers if ticker not in unknown]
        for answer in self._answers(known):
            self._store(answer, known)
        if known and not self._report.tally.pages:
            raise ExchangeError(
                f"the exchange returned none of {len(known):,} order books ({self._failed[known[0]]}): check that it "
                "is up and that KALSHI_API_URL is right, then run again"
            )
        reasons = [f"{ticker}: {why}" for ticker, why in (unknown | self._failed).items()]
        self._report.failures = len(reasons)
        self._report.conclude(reasons)

    def _answers(self, tickers: Sequence[str]) -> Iterator[Answer[Page[OrderBook]]]:
        batches = TickerBatches(tickers, BOOK_TICKERS, separator=REPEATED)
        for asked in batches:
            try:
                answer = self._session.client.tiers.fetch_order_books(asked)
            except ExchangeError as error:
                if isinstance(error, RefusedError) and error.status in _NO_BATCHES:
                    batches.stop(asked)
                    self._report.notes.append(
                        f"books are fetched one by one, because batches are refused: {error}"
                    )
                    yield from self._one_by_one([*batches.unasked, *batches.failed])
                    return
                batches.fail(asked, error)
                if batches.unasked or (batches.failed and not self._has_answer):
                    raise
                continue
            batches.succeed()
            self._has_answer = True
            returned = {book.ticker for book in answer.content.records}
            returned |= {reject.ticker for reject in answer.content.rejects if reject.ticker is not None}
            self._failed |= {ticker: _NO_BOOK for ticker in asked if ticker not in returned}
            yield answer
        self._failed |= {ticker: str(error) for ticker, error in batches.failed.items()}

    def _one_by_one(self, tickers: Sequence[str]) -> Iterator[Answer[Page[OrderBook]]]:
        failures = FailuresInARow(_FAILED_BOOKS)
        for ticker in tickers:
            try:
                answer = self._session.client.tiers.fetch_order_book(ticker)
            except NotFoundError:
                self._failed[ticker] = _NO_BOOK
            except ExchangeError as error:
                failures.add()
                if failures.are_too_many:
                    raise
                self._failed[ticker] = str(error)
            else:
                failures.clear()
                yield answer

    def _store(self, answer: Answer[Page[OrderBook]], asked: Sequence[str]) -> None:
        """Store the books of an answer, except those of other markets, and note the unreadable ones."""
        wanted = frozenset(asked)
        refused = {reject.ticker for reject in answer.content.rejects}
        self._failed |= {ticker: _UNREADABLE for ticker in asked if ticker in refused}
        in_scope = [book for book in answer.content.records if book.ticker in wanted]
        books = {book.ticker: book for book in in_scope}
        self._report.counts += faults_of_order_books(books.values())

        def merge(connection: Connection, books: Sequence[OrderBook]) -> Tally:
            appended = append_order_books(connection, books, answer.received_at)
            return Tally(inserted=appended, unchanged=len(books) - appended)

        store_page(
            self._session,
            self._report,
            list(books.values()),
            merge,
            records=len(books),
            duplicates=len(in_scope) - len(books),
            out_of_scope=len(answer.content.records) - len(in_scope),
            rejects=answer.content.rejects,
            received_at=answer.received_at,
        )
        self._session.report_progress(f"order books: {self._report.tally.new:,}")
