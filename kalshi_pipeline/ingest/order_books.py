"""Order books of chosen markets: every level that rests at one moment."""

from collections.abc import Iterator, Sequence

from kalshi_pipeline.errors import ExchangeError, NotFoundError, RefusedError
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.tiers import BOOK_TICKERS
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.parents.selected_markets import store_chosen
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import OrderBook
from kalshi_pipeline.store.writing.order_books import append_order_books
from kalshi_pipeline.store.writing.runs import State, add_page, add_to_quarantine
from kalshi_pipeline.store.writing.tally import Tally

# The batch endpoint may ask for a key (kalshi/API.md §1.2), or be unknown to an older exchange.
_NO_BATCHES = (401, 403, 404)
_MOST_FAILURES_IN_A_ROW = 3


def take_order_books(session: Session) -> Report:
    """Store the order book of each market of KALSHI_ORDER_BOOK_MARKETS, as it is now."""
    tickers = session.settings.order_book_markets
    report = begin_listing(session, "order_books", scope=f"{len(tickers)} markets")
    with closing_run(session, report):
        if tickers:
            _Taking(session, report).run(tickers)
        else:
            report.state = State.COMPLETE
            report.notes.append("no market is chosen, so nothing is stored: set KALSHI_ORDER_BOOK_MARKETS")
    return report


class _Taking:
    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._failed: dict[str, str] = {}

    def run(self, tickers: Sequence[str]) -> None:
        unknown = store_chosen(self._session, self._report, tickers)
        known = [ticker for ticker in tickers if ticker not in unknown]
        for answer in self._answers(known):
            self._store(answer)
        if known and not self._report.tally.pages:
            raise ExchangeError(
                f"the exchange gave none of {len(known):,} order books ({self._failed[known[0]]}): see that it is "
                "up and KALSHI_API_URL is right, then run again"
            )
        reasons = [f"{ticker}: {why}" for ticker, why in unknown.items()]
        reasons += [f"{ticker}: {why}" for ticker, why in self._failed.items()]
        self._report.failures = len(reasons)
        self._report.state = State.PARTIAL if reasons else State.COMPLETE
        self._report.reason = "; ".join(reasons) or None

    def _answers(self, tickers: Sequence[str]) -> Iterator[Answer[Page[OrderBook]]]:
        for start in range(0, len(tickers), BOOK_TICKERS):
            asked = tickers[start : start + BOOK_TICKERS]
            try:
                answer = self._session.client.tiers.fetch_order_books(asked)
            except RefusedError as error:
                if error.status not in _NO_BATCHES:
                    raise
                self._report.notes.append(f"books are asked for one by one, since in batches {error}")
                yield from self._one_by_one(tickers[start:])
                return
            given = {book.ticker for book in answer.content.records}
            given |= {reject.ticker for reject in answer.content.rejects if reject.ticker is not None}
            self._failed |= {ticker: "the exchange gave no book" for ticker in asked if ticker not in given}
            yield answer

    def _one_by_one(self, tickers: Sequence[str]) -> Iterator[Answer[Page[OrderBook]]]:
        failures_in_a_row = 0
        for ticker in tickers:
            try:
                answer = self._session.client.tiers.fetch_order_book(ticker)
            except NotFoundError:
                self._failed[ticker] = "the exchange gave no book"
            except ExchangeError as error:
                failures_in_a_row += 1
                if failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
                    raise
                self._failed[ticker] = str(error)
            else:
                failures_in_a_row = 0
                yield answer

    def _store(self, answer: Answer[Page[OrderBook]]) -> None:
        books = {book.ticker: book for book in answer.content.records}
        rejects = answer.content.rejects
        counted = Tally(
            pages=1,
            received=len(answer.content.records) + len(rejects),
            duplicates=len(answer.content.records) - len(books),
            quarantined=len(rejects),
        )
        with self._session.database.begin() as connection:
            appended = append_order_books(connection, list(books.values()), answer.received_at)
            tally = counted + Tally(inserted=appended, unchanged=len(books) - appended)
            add_to_quarantine(connection, self._report.run, "order_books", rejects, answer.received_at)
            add_page(connection, self._report.run, tally)
        self._report.tally += tally
        self._session.tell_progress(f"order books: {self._report.tally.received:,}")
