"""Finding tickers as people write them: in any case, or misspelt."""

import difflib
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table, func, select

from kalshi_pipeline.errors import OtherKindError, UnknownTickerError
from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.reading.search import Words
from kalshi_pipeline.store.schema.tables import events, markets, series

TABLES = {"market": markets, "event": events, "series": series}
"""The tables with tickers, by kind."""

_MOST_SUGGESTED = 3
# Tickers begin with that of their series: those that share its beginning are compared with what was written.
_BEGINNINGS = (5, 3, 2)
_MOST_COMPARED = 20_000
_LEAST_CONTAINED = 4
_EVENT_IDS = {"market": markets.c.event_id, "event": events.c.id, "series": None}


def find_ticker(connection: Connection, text: str, kinds: Iterable[str] = ("market",)) -> tuple[str, str]:
    """Return the kind and the stored ticker of a `text` in any case, for the first of the kinds that has it.

    Raises OtherKindError if only another kind has it, otherwise UnknownTickerError, which names similar tickers.
    """
    searched = list(kinds)
    if found := _found(connection, text, searched):
        return found
    if other := _found(connection, text, [kind for kind in TABLES if kind not in searched]):
        kind, ticker = other
        raise OtherKindError(ticker, kind, searched)
    raise UnknownTickerError(text, similar=similar_tickers(connection, text, searched), kinds=searched)


def _found(connection: Connection, text: str, kinds: Sequence[str]) -> tuple[str, str] | None:
    for spelling in dict.fromkeys((text, text.upper())):
        for kind in kinds:
            ticker = TABLES[kind].c.ticker
            if connection.execute(select(ticker).where(ticker == spelling)).first() is not None:
                return kind, spelling
    for kind in kinds:
        ticker = TABLES[kind].c.ticker
        stored = (
            connection.execute(select(ticker).where(func.lower(ticker) == text.lower())).scalars().first()
        )
        if stored is not None:
            return kind, stored
    return None


def tickers_to_request(connection: Connection, written: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return the unique tickers that people mean: those in lower case only become capitals, unless they are stored.

    The exchange may have two tickers that differ in case only, so one with a capital letter is kept as it is written.
    """
    in_lower = [text for text in written if text == text.lower() != text.upper()]
    ticker = TABLES[kind].c.ticker
    stored = {
        found
        for some in in_parts(in_lower)
        for found in connection.execute(select(ticker).where(ticker.in_(some))).scalars()
    }
    meant = {text: text.upper() for text in in_lower if text not in stored}
    return tuple(dict.fromkeys(meant.get(text, text) for text in written))


def similar_tickers(connection: Connection, text: str, kinds: Iterable[str]) -> list[str]:
    """Return the stored tickers most similar to a text, best first."""
    written, searched = text.upper(), list(kinds)
    for length in _BEGINNINGS:
        found = [
            ticker for kind in searched for ticker in _beginning(connection, TABLES[kind], written[:length])
        ]
        if similar := difflib.get_close_matches(written, found, n=_MOST_SUGGESTED, cutoff=0.75):
            return similar
    return _containing(connection, text, searched)


def _containing(connection: Connection, text: str, kinds: Sequence[str]) -> list[str]:
    """Return some tickers that contain a text, as one without its beginning is; none if all should be compared."""
    words = Words(connection, [text])
    if not words.are_indexed or len("".join(words.words)) < _LEAST_CONTAINED:
        return []
    found: list[str] = []
    for kind in kinds:
        ticker, event_id = TABLES[kind].c.ticker, _EVENT_IDS[kind]
        query = select(ticker).where(words.are_in(ticker))
        if event_id is not None:
            query = query.where(words.may_be_in_event(event_id))
        found += connection.execute(query.order_by(TABLES[kind].c.id.desc()).limit(_MOST_SUGGESTED)).scalars()
    return found[:_MOST_SUGGESTED]


def _beginning(connection: Connection, table: Table, beginning: str) -> Sequence[str]:
    ticker = table.c.ticker
    # Bounds instead of LIKE: they are found by the index.
    query = select(ticker).where(ticker >= beginning, ticker < f"{beginning}\U0010ffff").limit(_MOST_COMPARED)
    return connection.execute(query).scalars().all()
