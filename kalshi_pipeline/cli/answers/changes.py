"""Changes of the exchange's descriptions."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from kalshi_pipeline.api import Change, Store
from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, table
from kalshi_pipeline.cli.answers.reasons import why_no_market
from kalshi_pipeline.cli.formats import instant
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.units import parse_instant

_MOST_SHOWN = 40
_LONG_CHARS = 60
_SHARED_CHARS = 20
_KINDS = ("market", "event", "series")
_MEMBERS = {"market": "", "event": " and its markets", "series": ", its events and its markets"}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+Z")

CHANGES: Columns[Change] = {
    Column("seen_at", Kind.INSTANT): lambda change: change.seen_at,
    Column("kind"): lambda change: change.kind,
    Column("ticker", Kind.TICKER): lambda change: change.ticker,
    Column("field"): lambda change: change.field,
    Column("before"): lambda change: change.before,
    Column("after"): lambda change: change.after,
}


def changes(asked: Asked, ticker: str | None, since: int) -> Answer:
    """Return the changes since an instant, of everything, or of one ticker and its members."""

    def read(state: Store) -> tuple[list[Change], str]:
        if ticker is None:
            nothing = f"no change was seen since {asked.written(since)}"
            return state.changes(since, limit=asked.limit), why_no_market(state, nothing)
        kind, stored = state.find_ticker(ticker, _KINDS)
        found = state.changes(since, stored, kind, asked.limit, with_members=True)
        return found, f"no change of {stored}{_MEMBERS[kind]} was seen since {asked.written(since)}"

    found, reason = asked.read(read)
    return table(
        CHANGES,
        found,
        reason=reason,
        read_at_most=asked.limit,
        most=_MOST_SHOWN,
        what="changes",
        by_time=True,
        as_lines=lines_of_changes,
    )


def lines_of_changes(rows: Sequence[Sequence[object]], is_local: bool) -> Iterator[str]:  # noqa: FBT001 (the answer's signature)
    """Yield a line for each change, followed by a line for each changed field."""
    found = [Change(*row) for row in rows]  # type: ignore[arg-type]
    for (seen_at, kind, ticker), changed in groupby(
        found, lambda change: (instant(change.seen_at, is_local=is_local), change.kind, change.ticker)
    ):
        yield f"{seen_at}  {kind} {ticker}"
        for change in changed:
            before, after = _differing(
                *(_shown(change.field, text, is_local=is_local) for text in (change.before, change.after))
            )
            yield f"  {change.field}: {before} → {after}"


def _shown(field: str, text: str | None, *, is_local: bool) -> str:
    """Return a value as in tables; times are reformatted."""
    if not text:
        return "-"
    at = parse_instant(text) if _TIME.fullmatch(text) and field.endswith("_at") else None
    return text if at is None else instant(at, is_local=is_local)


def _differing(before: str, after: str) -> tuple[str, str]:
    """Return two texts without most of their common beginning and end, if they are long."""
    if min(len(before), len(after)) <= _LONG_CHARS:
        return before, after
    start = _shared(before, after)
    rest = [text[start:] for text in (before, after)]
    end = _shared(*(text[::-1] for text in rest))
    first = max(0, start - _SHARED_CHARS)
    last = max(0, end - _SHARED_CHARS)
    shown = [text[first : len(text) - last] for text in (before, after)]
    left, right = "…" * bool(first), "…" * bool(last)
    return f"{left}{shown[0]}{right}", f"{left}{shown[1]}{right}"


def _shared(first: str, second: str) -> int:
    """Return the length of two texts' common beginning."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(first), len(second)))
