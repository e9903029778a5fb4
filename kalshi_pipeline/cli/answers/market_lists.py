"""Lists of markets: search results, markets that close soon or have settled, and the outcomes of an event."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kalshi_pipeline.api import Change, EventView, ListedMarket, SettledMarket, Store
from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, Place, record, table
from kalshi_pipeline.cli.answers.changes import CHANGES, lines_of_changes
from kalshi_pipeline.cli.answers.reasons import why_no_market
from kalshi_pipeline.cli.formats import age, dollars
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import STATUSES_OF, StatusFilter

_MOST_FOUND = 100
_MOST_SHOWN = 20
_MOST_CHANGES = 10
_YEARS_SECONDS = 100 * 365 * 86_400.0


def _of_quote(name: str) -> Callable[[ListedMarket], object]:
    return lambda market: None if market.quote is None else getattr(market.quote, name)


_TICKER = Column("ticker", Kind.TICKER)
_TITLE = Column("title", place=Place.IF_WIDE)
_CLOSE_AT = Column("close_at", Kind.INSTANT, Place.NEVER)
_IN_SECONDS = Column("closes_in", Kind.SPAN)
_COLUMNS: Columns[ListedMarket] = {
    _TICKER: lambda market: market.ticker,
    _CLOSE_AT: lambda market: market.close_at,
    _TITLE: lambda market: market.title or market.event_title,
    Column("outcome"): lambda market: market.outcome,
    Column("yes_bid", Kind.DOLLARS): _of_quote("yes_bid"),
    Column("yes_ask", Kind.DOLLARS): _of_quote("yes_ask"),
    Column("last_price", Kind.DOLLARS): _of_quote("last_price"),
    Column("volume", Kind.CONTRACTS, Place.IF_WIDE): _of_quote("volume"),
    Column("state", place=Place.IF_WIDE): _of_quote("state"),
    Column("status", place=Place.IF_WIDE): lambda market: market.status,
    Column("result", place=Place.IF_WIDE): lambda market: market.result or None,
    Column("event_ticker", Kind.TICKER, Place.NEVER): lambda market: market.event_ticker,
    Column("event_title", place=Place.NEVER): lambda market: market.event_title,
    Column("series_ticker", Kind.TICKER, Place.NEVER): lambda market: market.series_ticker,
    Column("confirmed_at", Kind.INSTANT, Place.NEVER): _of_quote("confirmed_at"),
}
_SETTLED: Columns[SettledMarket] = {
    _TICKER: lambda market: market.ticker,
    _TITLE: lambda market: market.title,
    Column("outcome", place=Place.IF_WIDE): lambda market: market.outcome,
    Column("result"): lambda market: market.result,
    Column("settlement_value", Kind.DOLLARS): lambda market: market.settlement_value,
    Column("settled_at", Kind.INSTANT): lambda market: market.settled_at,
    Column("settled_at_source", place=Place.NEVER): lambda market: market.settled_at_source,
}
# Markets of an event have the event's title, except for the outcome.
_OUTCOMES = {column: read for column, read in _COLUMNS.items() if column not in (_TITLE,)}


def _closing_at(now: int) -> Columns[ListedMarket]:
    """Return the columns with the time until a market closes."""
    return {
        _TICKER: _COLUMNS[_TICKER],
        _IN_SECONDS: lambda market: market.close_at and (market.close_at - now) / MICROS_PER_SECOND,
        **_COLUMNS,
    }


def search(asked: Asked, words: Sequence[str], *, with_closed: bool) -> Answer:
    """Return the markets that match words."""
    limit = asked.limit or _MOST_FOUND
    kind = "market" if with_closed else "open market"
    nothing = f"no {kind} has {' and '.join(map(quoted, words))} in its titles or tickers"
    if not with_closed:
        nothing += "; --all also searches the others"
    found, reason = asked.read(
        lambda state: (
            state.search(words, limit, is_open=not with_closed),
            why_no_market(state, nothing),
        )
    )
    return table(_COLUMNS, found, reason=reason, read_at_most=limit, most=_MOST_SHOWN, what="markets")


def closing(asked: Asked, within_seconds: float) -> Answer:
    """Return the open markets that close within a span; if none does, the reason names the next one."""

    def read(state: Store) -> tuple[list[ListedMarket], str]:
        found = state.closing(within_seconds, asked.limit or 100_000)
        if found:
            return found, ""
        nothing = f"no open market closes within {age(within_seconds)}"
        return [], why_no_market(state, nothing + _when_the_next_closes(state))

    found, reason = asked.read(read)
    return table(
        _closing_at(SYSTEM_CLOCK.now()),
        found,
        reason=reason,
        read_at_most=asked.limit,
        most=_MOST_SHOWN,
        what="markets",
    )


def _when_the_next_closes(state: Store) -> str:
    for market in state.closing(_YEARS_SECONDS, 1):
        if market.close_at is not None:
            seconds = (market.close_at - SYSTEM_CLOCK.now()) / MICROS_PER_SECOND
            return f": the next one, {market.ticker}, closes in {age(seconds)}"
    return ""


def settled(asked: Asked, since: int) -> Answer:
    """Return the markets that settled since an instant."""
    nothing = (
        f"no settlement since {asked.written(since)} is stored: `kalshi data collect --once` fetches them"
    )
    found, reason = asked.read(
        lambda state: (state.settled(since, asked.limit), why_no_market(state, nothing))
    )
    return table(
        _SETTLED,
        found,
        reason=reason,
        read_at_most=asked.limit,
        most=_MOST_SHOWN,
        what="markets",
        by_time=True,
    )


def event(asked: Asked, ticker: str, at: int) -> Answer:
    """Return an event's outcomes with their quotes at an instant, their sums, and the newest changes."""

    def read(state: Store) -> tuple[EventView, list[Change]]:
        _, stored = state.find_ticker(ticker, ("event", "market"))
        view = state.event(stored, at)
        changes = state.changes(0, view.ticker, "event", with_members=True)
        return view, [change for change in changes if change.seen_at <= at][-_MOST_CHANGES:]

    view, changes = asked.read(read)
    outcomes = table(
        _OUTCOMES,
        sorted(view.markets, key=lambda market: -(_of_quote("yes_bid")(market) or 0)),  # type: ignore[operator]
        title=_title(view, asked.written(at)),
        notes=_sums(view),
        name="outcomes",
        what="outcomes",
    )
    parts = (
        {"changes": table(CHANGES, changes, by_time=True, what="changes", as_lines=lines_of_changes)}
        if changes
        else {}
    )
    return replace(outcomes, parts={**parts, "event": _about(view)})


def _title(view: EventView, at: str) -> str:
    named = ", ".join(filter(None, (view.title, view.sub_title))) or "without a title"
    return f"{view.ticker}: {named} (as of {at})"


def _about(view: EventView) -> Answer:
    return record(
        {
            _TICKER: view.ticker,
            Column("title"): view.title,
            Column("sub_title"): view.sub_title,
            Column("category"): view.category,
            Column("series_ticker", Kind.TICKER): view.series_ticker,
            Column("series_title"): view.series_title,
            Column("mutually_exclusive", Kind.FLAG): view.mutually_exclusive,
            Column("is_placeholder", Kind.FLAG): view.is_placeholder,
            Column("sum_of_yes_asks", Kind.DOLLARS): _sum(view, "yes_ask"),
            Column("sum_of_yes_bids", Kind.DOLLARS): _sum(view, "yes_bid"),
        }
    )


def _open(view: EventView) -> list[ListedMarket]:
    return [market for market in view.markets if market.status in STATUSES_OF[StatusFilter.OPEN]]


def _sum(view: EventView, side: str) -> int | None:
    """Return the cost or the revenue of one YES contract of each open outcome; None if any is not quoted."""
    prices = [_of_quote(side)(market) for market in _open(view)]
    known = [price for price in prices if isinstance(price, int)]
    return sum(known) if prices and len(known) == len(prices) else None


def _sums(view: EventView) -> list[str]:
    open_markets = _open(view)
    if not open_markets:
        return ["no outcome is open"]
    lines = []
    for side, verb in (("yes_ask", "buying"), ("yes_bid", "selling")):
        total = _sum(view, side)
        unquoted = sum(_of_quote(side)(market) is None for market in open_markets)
        lines.append(
            f"{verb} YES of all {len(open_markets):,} open outcomes: "
            + (f"{unquoted:,} of them not quoted" if total is None else f"{dollars(total)} dollars")
        )
    exclusive = {
        True: "at most one of them ends YES",
        False: "several of them may end YES",
        None: "unknown whether several of them may end YES",
    }
    return [*lines, exclusive[view.mutually_exclusive]]
