"""Quotes: of all markets at an instant, of one market over a span, its newest quote, and the movers."""

import heapq
from collections.abc import Mapping, Sequence

from kalshi_pipeline import records
from kalshi_pipeline.api import Mover, Quote, Store, Window
from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, Place, record, table
from kalshi_pipeline.cli.answers.reasons import why_empty
from kalshi_pipeline.cli.formats import age
from kalshi_pipeline.cli.options import Asked, Format
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.record_fields import Unit, units_of
from kalshi_pipeline.units import MICROS_PER_SECOND

BUSIEST = 20
MOST_ROWS = 40

_KIND_OF_UNIT: Mapping[Unit, Kind] = {
    Unit.DOLLARS: Kind.DOLLARS,
    Unit.CONTRACTS: Kind.CONTRACTS,
    Unit.INSTANT: Kind.INSTANT,
}
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("at", "quoted_at", "received_at", "confirmed_at"), Kind.INSTANT),
    **dict.fromkeys(("is_listed", "is_observed", "is_tick_complete"), Kind.FLAG),
    **{name: _KIND_OF_UNIT[unit] for name, unit in units_of(records.Quote).items()},
    "ticker": Kind.TICKER,
    "state": Kind.TEXT,
}
_MOVED: Columns[Mover] = {
    Column("ticker", Kind.TICKER): lambda mover: mover.ticker,
    Column("title", place=Place.IF_WIDE): lambda mover: mover.title,
    Column("base_midpoint", Kind.HALF_DOLLARS, Place.IF_WIDE): lambda mover: mover.base_midpoint,
    Column("midpoint", Kind.HALF_DOLLARS): lambda mover: mover.midpoint,
    Column("midpoint_change", Kind.CHANGE): lambda mover: mover.midpoint_change,
    Column("base_last_price", Kind.DOLLARS, Place.IF_WIDE): lambda mover: mover.base_last_price,
    Column("last_price", Kind.DOLLARS): lambda mover: mover.last_price,
    Column("last_price_change", Kind.CHANGE, Place.IF_WIDE): lambda mover: mover.last_price_change,
    Column("volume_change", Kind.CONTRACTS, Place.IF_WIDE): lambda mover: mover.volume_change,
    Column("state", place=Place.NEVER): lambda mover: mover.state,
    Column("base_quoted_at", Kind.INSTANT, Place.NEVER): lambda mover: mover.base_quoted_at,
    Column("quoted_at", Kind.INSTANT, Place.NEVER): lambda mover: mover.quoted_at,
}
_SHOWN = ("yes_bid", "yes_ask", "last_price", "volume")
_IF_WIDE = ("state", "yes_bid_size", "yes_ask_size", "open_interest", "confirmed_at")


def quote_columns(*always: str) -> list[Column]:
    """Return the columns of quotes, in the order of their fields. A terminal shows the given ones and the prices."""

    def place(name: str) -> Place:
        if name in (*always, *_SHOWN):
            return Place.ALWAYS
        return Place.IF_WIDE if name in _IF_WIDE else Place.NEVER

    return [Column(name, _KINDS[name], place(name)) for name in Quote._fields]


def quotes(asked: Asked, at: int) -> Answer:
    """Return the quotes in force at an instant; a terminal shows the busiest markets."""
    found, complete_at, begins_at = asked.read(
        lambda state: (state.quotes(at=at), state.complete_tick(at), state.begins_at())
    )
    complete = (
        "none yet"
        if complete_at is None
        else f"{asked.written(complete_at)}, {age((at - complete_at) / MICROS_PER_SECOND)} before"
    )
    return Answer(
        quote_columns("ticker"),
        _ordered(found, asked),
        title=f"as of {asked.written(at)} (newest complete tick: {complete})",
        reason=why_empty(asked, f"no market was listed at {asked.written(at)}", at, begins_at),
        most=BUSIEST,
        what="listed markets, the busiest first",
    )


def _ordered(found: Sequence[Quote], asked: Asked) -> list[Quote]:
    """Return all quotes by ticker for files, or the busiest first if they are shown or limited."""
    if asked.limit is None and asked.form in (Format.CSV, Format.JSON):
        return sorted(found)
    busiest = heapq.nsmallest(len(found), found, key=lambda quote: (-(quote.volume or 0), quote.ticker))
    return list(busiest)


def history(asked: Asked, ticker: str, span: tuple[int, int], resample: float | None) -> Answer:
    """Return the history of one market in a span."""
    since, until = span

    def read(state: Store) -> tuple[str, list[Quote], int | None]:
        _, stored = state.find_ticker(ticker)
        return stored, state.history(stored, since, until, resample), state.begins_at()

    stored, found, begins_at = asked.read(read)
    nothing = f"{stored} was not listed from {asked.written(since)} to {asked.written(until)}"
    return Answer(
        quote_columns("at"),
        found,
        title=stored,
        reason=why_empty(asked, nothing, until - 1, begins_at),
        most=MOST_ROWS,
        what="quotes",
        by_time=True,
    )


def metrics(asked: Asked, ticker: str) -> Answer:
    """Return a market's newest stored quote, with derived values."""
    with asked.open_store() as store:
        _, stored = store.find_ticker(ticker)
        quote, status = store.latest_quote(stored)
    return record({Column("ticker", Kind.TICKER): quote.ticker, **quote_values(quote, status)})


def quote_values(quote: Quote, status: str | None) -> dict[Column, object]:
    """Return a quote with derived values and the market's status."""
    is_over = not quote.is_listed
    return {
        Column("status", absent="unknown"): f"{status or 'unknown'}, no longer listed" if is_over else status,
        Column("yes_bid", Kind.DOLLARS, absent="unquoted"): quote.yes_bid,
        Column("yes_bid_size", Kind.CONTRACTS): quote.yes_bid_size,
        Column("yes_ask", Kind.DOLLARS, absent="unquoted"): quote.yes_ask,
        Column("yes_ask_size", Kind.CONTRACTS): quote.yes_ask_size,
        Column("spread", Kind.DOLLARS): quote.spread,
        Column("midpoint", Kind.HALF_DOLLARS, absent="none: it is not quoted on both sides"): quote.midpoint,
        Column("last_price", Kind.DOLLARS, absent="unknown"): quote.last_price,
        Column("volume", Kind.CONTRACTS): quote.volume,
        Column("open_interest", Kind.CONTRACTS): quote.open_interest,
        Column("state"): str(quote.state),
        Column("quoted_at", Kind.INSTANT): quote.quoted_at,
        Column("confirmed_at", Kind.INSTANT, absent="by no complete tick"): quote.confirmed_at,
    }


def movers(asked: Asked, window_seconds: float) -> Answer:
    """Return the markets that moved most in a window that ends at the newest complete tick, or since history begins."""
    found, span, begins_at = asked.read(lambda state: _moved(state, window_seconds, asked.limit))
    if span is None:
        return table(
            _MOVED, found, reason=why_empty(asked, "no tick is complete yet", SYSTEM_CLOCK.now(), begins_at)
        )
    title = f"from {asked.written(span.start)} to {asked.written(span.end)}"
    is_cut = span.start == begins_at and window_seconds * MICROS_PER_SECOND > span.end - span.start
    return table(
        _MOVED,
        found,
        title=title if found else None,
        reason=_why_nothing_moved(asked, span, begins_at),
        read_at_most=asked.limit or BUSIEST,
        warnings=[f"history begins at {asked.written(span.start)}, within the window"]
        if is_cut and found
        else [],
    )


def _moved(
    state: Store, window_seconds: float, limit: int | None
) -> tuple[list[Mover], Window | None, int | None]:
    """Return the movers, their window, and the start of history, to which an earlier window is cut."""
    span, begins_at = state.movers_window(window_seconds), state.begins_at()
    if span is not None and begins_at is not None and span.start < begins_at < span.end:
        span = Window(begins_at, span.end)
        window_seconds = (span.end - span.start) / MICROS_PER_SECOND
    return state.movers(window_seconds, limit=limit or BUSIEST), span, begins_at


def _why_nothing_moved(asked: Asked, span: Window, begins_at: int | None) -> str:
    if begins_at == span.end:
        return (
            f"only the first tick is complete, at {asked.written(span.end)}: run `kalshi data snapshot` again"
        )
    nothing = f"nothing moved from {asked.written(span.start)} to {asked.written(span.end)}"
    return why_empty(asked, nothing, span.start, begins_at)
