"""Descriptions of series, events and markets at any time, their changes, and fees."""

from kalshi_pipeline.api.arguments import at_most, check_flag, check_text, check_tickers, check_word
from kalshi_pipeline.api.instants import Instant, micros_of
from kalshi_pipeline.api.source import Queries
from kalshi_pipeline.errors import (
    NoDetailsError,
    RangeError,
    UnknownKindError,
    UnknownTickerError,
)
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading import changes, descriptions, documents, fees
from kalshi_pipeline.store.reading.changes import Change
from kalshi_pipeline.store.reading.documents import Details, FieldComparison
from kalshi_pipeline.store.reading.fees import Fee
from kalshi_pipeline.tickers import check_ticker
from kalshi_pipeline.units import iso_of


class DescriptionQueries(Queries):
    """Reads descriptions, changes and fees."""

    def description(self, kind: str, ticker: str, at: Instant | None = None) -> dict[str, object]:
        """Return the description of a series, an event or a market (`kind`), as known `at` an instant or now.

        Fields have the names of docs/tables.md, with texts in place of their keys. Prices are micro-dollars, factors
        millionths. Raises UnknownTickerError if the ticker is not stored, or was first seen after the instant.
        """
        check_word(kind, "kind", descriptions.KINDS)
        check_ticker(ticker)
        instant = None if at is None else self._past(at)
        found = self._source.ask(
            lambda connection: descriptions.description(connection, kind, ticker, instant)
        )
        if found is None:
            raise UnknownTickerError(ticker)
        return found

    def details(self, ticker: str, at: Instant | None = None, kind: str | None = None) -> Details:
        """Return everything that the exchange sent about a ticker, except its quote, as known `at` an instant or now.

        `kind` is market, event, series or another stored kind; by default, the first of these that has the ticker.
        Raises UnknownTickerError if the ticker is not stored, NoDetailsError if it has no details, and RangeError if
        none were known at the instant.
        """
        check_ticker(ticker)
        if kind is not None:
            check_text(kind, "kind", "market")
        instant = None if at is None else self._past(at)
        return self._source.ask(lambda connection: _details(connection, ticker, instant, kind))

    def details_kinds(self, ticker: str) -> list[str]:
        """Return the kinds that have a ticker: market, event, series or another stored kind."""
        check_ticker(ticker)
        subjects = self._source.ask(lambda connection: documents.subjects_of(connection, ticker))
        return [subject.kind for subject in subjects]

    def compare_fields(self) -> FieldComparison:
        """Compare the fields that the exchange sent in the newest week with those of earlier weeks."""
        return self._source.ask(documents.compare_fields)

    def changes(
        self,
        since: Instant,
        ticker: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        *,
        with_members: bool = False,
    ) -> list[Change]:
        """Return the newest `limit` changes of descriptions seen since an instant, oldest first.

        `ticker` and `kind` (market, event or series) select one description; by default all. `with_members` adds those
        of an event's markets, or of the events and markets of a series.
        """
        instant, most = micros_of(since), at_most(limit)
        check_tickers(ticker)
        if kind is not None:
            check_word(kind, "kind", descriptions.KINDS)
        check_flag(with_members, "with_members")
        return self._source.ask(
            lambda connection: changes.changes_since(
                connection, instant, kind, ticker, most, with_members=with_members
            )
        )

    def fee_at(self, series: str, event: str | None, market: str | None, at: Instant) -> Fee:
        """Return the fee in force at an instant: an event's override, or else the fee of the series.

        Its `state` is unknown, with a reason, if the stored data does not determine it: before the first observation,
        for an unknown type, or if one of two override values is missing. For an instant after now, the fee is as
        scheduled so far.
        """
        check_ticker(series)
        check_tickers(event, market)
        instant = micros_of(at)
        return self._source.ask(lambda connection: fees.fee_at(connection, series, event, market, instant))


def _details(connection: Connection, ticker: str, at: int | None, kind: str | None) -> Details:
    stored = documents.subjects_of(connection, ticker)
    subjects = [subject for subject in stored if kind in (None, subject.kind)]
    if not subjects:
        kinds = [subject.kind for subject in stored] or documents.kinds_of_documents(connection)
        if kind is None or (kind in kinds and not stored):
            raise UnknownTickerError(ticker, None if kind is None else f"no {kind} {ticker} is stored")
        raise UnknownKindError(ticker, kind, kinds)
    of_each = (documents.details(connection, subject, at) for subject in subjects)
    found = next(filter(None, of_each), None)
    if found is not None:
        return found
    began = (documents.oldest_details(connection, subject) for subject in subjects)
    oldest = next(filter(None, began), None)
    if oldest is None:
        raise NoDetailsError(ticker)
    raise RangeError(
        f"details of {ticker} are known from {iso_of(oldest)} on: choose that time or a later one"
    )
