"""Runs: ticks, gaps between them, and the runs of the other assets."""

from kalshi_pipeline.api.arguments import check_text, check_type, counted
from kalshi_pipeline.api.instants import Instant, micros_of
from kalshi_pipeline.api.source import Queries
from kalshi_pipeline.store.reading import completeness, gaps, ledger
from kalshi_pipeline.store.reading.completeness import ListingRun, TickRun
from kalshi_pipeline.store.reading.gaps import Gap, Timing
from kalshi_pipeline.store.reading.ledger import FinishedDays, LedgerPosition
from kalshi_pipeline.store.writing.runs import Run


class RunQueries(Queries):
    """Reads the records of runs."""

    def gaps(self, since: Instant) -> list[Gap]:
        """Return the spans without a complete tick that end after an instant, oldest first.

        The last one may still be open. Raises RangeError for an instant after now.
        """
        instant, now = self._past(since), self._clock.now()
        return self._source.ask(lambda connection: gaps.gaps_since(connection, instant, now))

    def timing(self) -> Timing:
        """Return when the last ticks were taken, and when the next one is due."""
        return self._source.ask(gaps.timing)

    def last_listing(self, asset: str) -> ListingRun | None:
        """Return the newest run of an asset other than `price_snapshots`; None if there is none."""
        check_text(asset, "asset", "markets")
        return self._source.ask(lambda connection: completeness.last_listing(connection, asset))

    def runs(self, asset: str, limit: int = 100) -> list[ListingRun]:
        """Return the newest runs of an asset other than `price_snapshots`, newest first."""
        check_text(asset, "asset", "markets")
        most = counted(limit)
        return self._source.ask(lambda connection: completeness.newest_listings(connection, asset, most))

    def ticks(self, limit: int = 100) -> list[TickRun]:
        """Return the newest ticks, in any state, newest first."""
        most = counted(limit)
        return self._source.ask(lambda connection: completeness.newest_ticks(connection, most))

    def last_tick(self) -> TickRun | None:
        """Return the newest tick, in any state; None if there is none."""
        return self._source.ask(completeness.last_tick)

    def last_complete_tick(self) -> TickRun | None:
        """Return the newest tick that saw every page; None if there is none."""
        return self._source.ask(completeness.last_complete_tick)

    def tick_states(self) -> dict[str, int]:
        """Count ticks by state."""
        return self._source.ask(completeness.tick_states)

    def ticks_by_hour(self, start: Instant, end: Instant) -> dict[int, dict[str, int]]:
        """Count the ticks in [start, end) by state and by UTC hour, given as its first microsecond."""
        first, last = micros_of(start), micros_of(end)
        return self._source.ask(lambda connection: completeness.ticks_by_hour(connection, first, last))

    def received_before(self, run: Run) -> int | None:
        """Return how many records the last complete earlier run of the same asset and scope received."""
        check_type(run, "run", Run)
        return self._source.ask(lambda connection: completeness.received_before(connection, run))

    def finished_days(self, after: LedgerPosition, limit: int) -> FinishedDays:
        """Return at most `limit` runs over days that finished since a position."""
        check_type(after, "after", LedgerPosition)
        most = counted(limit)
        return self._source.ask(lambda connection: ledger.finished_days(connection, after, most))
