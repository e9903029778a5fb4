"""What the store knows of runs that another program's ledger may have missed: days, and how many rows tables have."""

from datetime import date
from typing import NamedTuple

from kalshi_pipeline.api import FinishedDay, Place, Store, open_store
from kalshi_pipeline.ingest.candlesticks import candlestick_day
from kalshi_pipeline.ingest.trades import trade_day
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.row_counts import COUNTED
from kalshi_pipeline.store.writing.runs import State

_SUBJECTS = {"trades": trade_day, "candlesticks": candlestick_day}


class Ledger(NamedTuple):
    """The days that finished after a place, in their order, and the rows of tables, by name."""

    days: list[FinishedDay]
    rows: dict[str, int]


def read_ledger(settings: Settings, after: Place, most_days: int) -> Ledger:
    """Return what is stored; raise StoreError where there is no database yet."""

    def read(store: Store) -> Ledger:
        rows = {name: store.added_rows(name) for name in sorted({*COUNTED, "price_snapshots"})}
        return Ledger(store.finished_days(after, most_days), rows)

    with open_store(settings.database_url) as store:
        return store.together(read)


def is_whole(settings: Settings, found: FinishedDay) -> bool:
    """Return whether a day is complete for what the settings select: a run of less completes nothing."""
    subject = _SUBJECTS[found.asset](settings, date.fromisoformat(found.day))
    return found.state is State.COMPLETE and found.is_of(subject)
