"""Days and row counts in the store that another program's ledger may have missed."""

from datetime import date
from typing import NamedTuple

from kalshi_pipeline.api import FinishedDay, Place, Store, open_store
from kalshi_pipeline.ingest import event_metadata
from kalshi_pipeline.ingest.candlesticks import candlestick_day
from kalshi_pipeline.ingest.related import RELATED
from kalshi_pipeline.ingest.trades import trade_day
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.row_counts import COUNTED, COUNTED_BY_RUNS
from kalshi_pipeline.store.writing.runs import State

_SUBJECTS = {"trades": trade_day, "candlesticks": candlestick_day}
# Every asset that keeps rows: the largest are counted as they are written, the others are small.
_TABLES = sorted({*COUNTED, *COUNTED_BY_RUNS, "price_snapshots", "series_fee_changes", "event_fee_changes"})
_KINDS = {
    **{related.asset: related.kind.name for related in RELATED},
    event_metadata.ASSET: event_metadata.EVENT_METADATA.name,
}


class Ledger(NamedTuple):
    """The days that finished after a place, in their order, and the rows of each asset."""

    days: list[FinishedDay]
    rows: dict[str, int]


def read_ledger(settings: Settings, after: Place, most_days: int) -> Ledger:
    """Return what is stored; raise StoreError where there is no database yet."""

    def read(store: Store) -> Ledger:
        rows = {table: store.added_rows(table) for table in _TABLES}
        of_kinds = {asset: store.count_subjects(kind) for asset, kind in _KINDS.items()}
        return Ledger(store.finished_days(after, most_days), {**rows, **of_kinds})

    with open_store(settings.database_url) as store:
        return store.together(read)


def is_whole(settings: Settings, found: FinishedDay) -> bool:
    """Return whether a day is complete for what the settings select: a run of less completes nothing."""
    subject = _SUBJECTS[found.asset](settings, date.fromisoformat(found.day))
    return found.state is State.COMPLETE and found.is_of(subject)
