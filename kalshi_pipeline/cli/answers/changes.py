"""What the exchange changed in its descriptions."""

from kalshi_pipeline.api import Change, Store
from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, Place, table
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.units import iso_of

_MOST_SHOWN = 40
_KINDS = ("market", "event", "series")

CHANGES: Columns[Change] = {
    Column("seen_at", Kind.INSTANT): lambda change: change.seen_at,
    Column("kind", place=Place.IF_WIDE): lambda change: change.kind,
    Column("ticker", Kind.TICKER): lambda change: change.ticker,
    Column("field"): lambda change: change.field,
    Column("before"): lambda change: change.before,
    Column("after"): lambda change: change.after,
}


def changes(asked: Asked, ticker: str | None, since: int) -> Answer:
    """Answer what changed since an instant, of all or of one ticker."""

    def read(state: Store) -> list[Change]:
        if ticker is None:
            return state.changes(since, limit=asked.limit)
        kind, stored = state.find_ticker(ticker, _KINDS)
        return state.changes(since, stored, kind, asked.limit)

    with asked.open_store() as store:
        found = store.together(read)
    return table(
        CHANGES,
        found,
        reason=f"no change was seen since {iso_of(since)}",
        read_at_most=asked.limit,
        most=_MOST_SHOWN,
        what="changes",
        by_time=True,
    )
