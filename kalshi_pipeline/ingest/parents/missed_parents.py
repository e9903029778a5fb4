"""Checks a listing of parents that seems complete: a sample of the missing ones is looked up."""

from collections.abc import Collection, Iterator, Sequence
from random import Random
from typing import TypeVar

from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.batches import TICKERS_PER_LOOKUP
from kalshi_pipeline.ingest.parents.events import iter_all_events
from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.run.documents import SERIES
from kalshi_pipeline.ingest.run.failures import FailuresInARow
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Series
from kalshi_pipeline.store.reading.completeness import listed_before
from kalshi_pipeline.store.reading.parents import confirmed_events, known_series
from kalshi_pipeline.store.writing.parents import merge_events, merge_series
from kalshi_pipeline.vocabulary import NOT_OPEN

Record = TypeVar("Record")

_MOST_GIVEN = 5
_EVENT_REQUESTS = 5
_SERIES_REQUESTS = 20
_FAILED_SERIES = 3


def check_events(session: Session, report: Report, listed: Collection[str]) -> None:
    """Make a listing of events partial if it misses events of open markets that the exchange has.

    A listing less than half as long as the last complete one is partial, whatever the exchange returns. The sample has
    events with a plain market that the newest complete tick confirmed and that should not have closed since, unless a
    lookup says that it has.
    """
    with session.database.read() as connection:
        expected = confirmed_events(connection, session.scope(), session.clock.now())
    sample = _sample_of(expected.keys() - listed, _EVENT_REQUESTS * TICKERS_PER_LOOKUP)
    given = _given(report, _events(session, report, sample))
    if given:
        with session.database.begin() as connection:
            merge_events(connection, given, session.clock.now())
    ended = (
        _count_ended(session, [expected[event.ticker] for event in given]) if len(given) > _MOST_GIVEN else 0
    )
    _judge(session, report, len(listed), len(given) - ended, len(sample) - ended)


def check_series(session: Session, report: Report, listed: Collection[str]) -> None:
    """Make a listing of series partial if it misses known series that the exchange has, like `check_events`."""
    with session.database.read() as connection:
        expected = known_series(connection)
    sample = _sample_of(expected.difference(listed), _SERIES_REQUESTS)
    given = _given(report, _series(session, report, sample))
    if given:
        with session.database.begin() as connection:
            merge_series(connection, given, session.clock.now())
    _judge(session, report, len(listed), len(given), len(sample))


def _events(session: Session, report: Report, tickers: Sequence[str]) -> Iterator[Event]:
    for page in iter_all_events(session, report, tickers):
        yield from page.records


def _count_ended(session: Session, tickers: Sequence[str]) -> int:
    """Return how many markets have ended by their status. Games of one evening close early, within minutes."""
    return sum(
        outcome.market.status in NOT_OPEN
        for answer in MarketLookup(session, tickers)
        for outcome in answer.page.records
    )


def _series(session: Session, report: Report, tickers: Sequence[str]) -> Iterator[Series]:
    """Fetch series. A failure does not stop the others, but several consecutive failures do."""
    failures = FailuresInARow(_FAILED_SERIES)
    for ticker in tickers:
        try:
            page = session.client.fetch_series(ticker)
        except NotFoundError:
            failures.clear()
            continue
        except ExchangeError as error:
            failures.add()
            if failures.are_too_many:
                raise
            report.notes.append(f"a series that is missing from the listing could not be requested: {error}")
            continue
        failures.clear()
        session.documents.add_page(SERIES, page)
        yield page.record


def _given(report: Report, asked: Iterator[Record]) -> list[Record]:
    """Return the looked-up records. An error ends the requests, and is noted in the report."""
    given: list[Record] = []
    try:
        given.extend(asked)
    except ExchangeError as error:
        report.notes.append(
            f"{report.asset} that are missing from the listing could not be requested: {error}"
        )
    return given


def _sample_of(missed: Collection[str], most: int) -> list[str]:
    return Random().sample(sorted(missed), min(most, len(missed)))  # noqa: S311  (nothing secret)


def _judge(session: Session, report: Report, listed: int, given: int, asked: int) -> None:
    """Make a listing partial if it misses existing records, or has lost most records without a reason."""
    if asked <= _MOST_GIVEN:
        return
    with session.database.read() as connection:
        before = listed_before(connection, report.run) or 0
    if given > _MOST_GIVEN:
        report.leave_partial(
            f"the listing was cut short: of {asked:,} {report.asset} that are missing and were requested, the "
            f"exchange has {given:,}"
        )
    elif 2 * listed < before:
        # A failing exchange may return nothing for every lookup, so this does not prove that they are gone.
        report.leave_partial(
            f"the listing was cut short: it has {listed:,} {report.asset}, {before:,} before, and of {asked:,} that it "
            f"misses the exchange returned {given:,}"
        )
