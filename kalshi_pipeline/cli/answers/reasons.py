"""Why an answer is empty."""

from kalshi_pipeline.api import Store
from kalshi_pipeline.cli.options import Asked


def why_empty(asked: Asked, nothing: str, at: int, begins_at: int | None) -> str:
    """Return why an answer for an instant is empty: history begins later, or the given reason."""
    if begins_at is None:
        return "no quote is stored yet: run `kalshi data snapshot` first"
    return f"history begins at {asked.written(begins_at)}" if at < begins_at else nothing


def why_no_market(store: Store, nothing: str) -> str:
    """Return why no market was found: no market is stored, or the given reason."""
    if store.count_rows("markets"):
        return nothing
    return "no market is stored yet: run `kalshi data sync` first"
