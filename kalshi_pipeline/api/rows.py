"""Rows: how many are stored, what is wrong with them, and what is not merged into the database yet."""

from kalshi_pipeline.api.source import Queries
from kalshi_pipeline.store.dialects import Log, log_of
from kalshi_pipeline.store.reading import completeness
from kalshi_pipeline.store.reading.completeness import Placeholders, QuoteFaults


class RowQueries(Queries):
    """What is known of stored rows."""

    def count_rows(self, table: str) -> int:
        """Count the rows of a table; ValueError where there is none of that name."""
        return self._source.ask(lambda connection: completeness.count_rows(connection, table))

    def added_rows(self, table: str) -> int:
        """Return how many rows were added to an asset's table, without reading it."""
        return self._source.ask(lambda connection: completeness.count_added_rows(connection, table))

    def count_subjects(self, kind: str) -> int:
        """Count what is kept as documents of a kind."""
        return self._source.ask(lambda connection: completeness.count_subjects(connection, kind))

    def count_quarantined(self) -> dict[str, int]:
        """Count the records kept in quarantine by kind."""
        return self._source.ask(completeness.count_quarantined)

    def count_set_aside(self) -> int:
        """Count the rows that were set aside because another program had deleted what they refer to."""
        return self._source.ask(completeness.count_set_aside)

    def placeholders(self) -> dict[str, Placeholders]:
        """Return the open placeholders of each parent table, by its name, without those that nothing will ever fill."""
        return self._source.ask(completeness.placeholders)

    def count_dangling(self, tick_id: int | None = None) -> dict[str, int]:
        """Count the rows whose parent is missing, by foreign key: the quotes of one tick, or the tables of parents."""
        return self._source.ask(lambda connection: completeness.count_dangling(connection, tick_id))

    def quote_faults(self, tick_id: int) -> QuoteFaults:
        """Count the tick's rows whose bid is above the ask, and those with a price outside 0 to 1 dollar."""
        return self._source.ask(lambda connection: completeness.quote_faults(connection, tick_id))

    def log(self) -> Log | None:
        """Return the state of what is written and not merged into the database yet; None where there is nothing."""
        return self._source.ask(log_of)
