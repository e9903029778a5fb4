"""Finished days and row counts, for a ledger such as Dagster's that may have missed some."""

from datetime import date
from typing import NamedTuple

from kalshi_pipeline.api import FinishedDay, FinishedDays, LedgerPosition, Store, open_store
from kalshi_pipeline.ingest import event_metadata
from kalshi_pipeline.ingest.candlesticks import candlestick_day
from kalshi_pipeline.ingest.related import RELATED
from kalshi_pipeline.ingest.run.spelling import spelled
from kalshi_pipeline.ingest.trades import trade_day
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.row_counts import COUNTED, COUNTED_BY_RUNS
from kalshi_pipeline.store.writing.runs import State

_SUBJECTS = {"trades": trade_day, "candlesticks": candlestick_day}
# Every asset with rows. The largest tables are counted as they are written; the others are small.
_TABLES = sorted({*COUNTED, *COUNTED_BY_RUNS, "price_snapshots", "series_fee_changes", "event_fee_changes"})
_KINDS = {
    **{related.asset: related.kind.name for related in RELATED},
    event_metadata.ASSET: event_metadata.EVENT_METADATA.name,
}


class Ledger(NamedTuple):
    """The days that finished since a position, the row count of each asset, and the settings of runs."""

    finished: FinishedDays
    rows: dict[str, int]
    settings: Settings


def read_ledger(settings: Settings, after: LedgerPosition, most_days: int) -> Ledger:
    """Return the days and row counts. Raises StoreError if there is no database yet."""

    def read(store: Store) -> Ledger:
        rows = {table: store.added_rows(table) for table in _TABLES}
        of_kinds = {asset: store.count_subjects(kind) for asset, kind in _KINDS.items()}
        of_runs = spelled(settings, store.tickers_to_request)
        return Ledger(store.finished_days(after, most_days), {**rows, **of_kinds}, of_runs)

    with open_store(settings.database_url) as store:
        return store.together(read)


def is_whole(settings: Settings, found: FinishedDay) -> bool:
    """Return whether a day is complete for the present settings; a run with a smaller selection does not complete
    it.
    """
    subject = _SUBJECTS[found.asset](settings, date.fromisoformat(found.day))
    return found.state is State.COMPLETE and found.is_of(subject)
