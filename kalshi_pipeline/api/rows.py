"""Stored rows: counts, inconsistencies, and the state of the write-ahead log."""

from kalshi_pipeline.api.arguments import check_text, check_word, key_of
from kalshi_pipeline.api.source import Queries
from kalshi_pipeline.store.dialects import Log, log_of
from kalshi_pipeline.store.reading import completeness
from kalshi_pipeline.store.reading.completeness import Placeholders, QuoteFaults
from kalshi_pipeline.store.schema.tables import metadata


class RowQueries(Queries):
    """Reads counts of rows and their consistency."""

    def count_rows(self, table: str) -> int:
        """Count the rows of a table. Raises ConfigurationError for an unknown table."""
        check_word(table, "table", metadata.tables)
        return self._source.ask(lambda connection: completeness.count_rows(connection, table))

    def added_rows(self, table: str) -> int:
        """Return how many rows were added to an asset's table, without reading it."""
        check_word(table, "table", metadata.tables)
        return self._source.ask(lambda connection: completeness.count_added_rows(connection, table))

    def count_subjects(self, kind: str) -> int:
        """Count the documented items of a kind."""
        check_text(kind, "kind", "market")
        return self._source.ask(lambda connection: completeness.count_subjects(connection, kind))

    def count_quarantined(self) -> dict[str, int]:
        """Count the records kept in quarantine by kind."""
        return self._source.ask(completeness.count_quarantined)

    def count_set_aside(self) -> int:
        """Count the rows that were set aside because another program had deleted what they refer to."""
        return self._source.ask(completeness.count_set_aside)

    def placeholders(self) -> dict[str, Placeholders]:
        """Return the open placeholders by name of the parent table, without those that can never be filled."""
        return self._source.ask(completeness.placeholders)

    def count_dangling(self, tick_id: int | None = None) -> dict[str, int]:
        """Count the rows whose parent is missing, by foreign key: among the quotes of one tick, or in the parent
        tables.
        """
        key = None if tick_id is None else key_of(tick_id, "tick_id")
        return self._source.ask(lambda connection: completeness.count_dangling(connection, key))

    def quote_faults(self, tick_id: int) -> QuoteFaults:
        """Count a tick's rows whose bid is above the ask, and rows with a price outside 0 to 1 dollar."""
        key = key_of(tick_id, "tick_id")
        return self._source.ask(lambda connection: completeness.quote_faults(connection, key))

    def log(self) -> Log | None:
        """Return the state of the write-ahead log; None if everything is merged into the database."""
        return self._source.ask(log_of)
