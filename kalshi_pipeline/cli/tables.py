"""What the command line shows: reports, overviews, markets and quotes as rich tables. Nothing is read or written here.

The exchange's own words are escaped: rich would take a title in [brackets] for a style, and a terminal would act upon
control characters.
"""

import heapq
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Column, Table

from kalshi_pipeline.api import MarketView, Mover, Quote, QuoteState, StoredRun, StoredSettlement, Window
from kalshi_pipeline.cli.formats import (
    age,
    contracts,
    dollars,
    escape,
    instant,
    instant_to_minute,
    midpoint,
    midpoint_change,
    short_instant,
    side,
)
from kalshi_pipeline.ingest.replay import Replay
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.voiding import Voidable
from kalshi_pipeline.monitoring.overview import Overview
from kalshi_pipeline.monitoring.request_limit import RequestLimit
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, iso_of

MOST_ROWS = 40
BUSIEST = 20


def report_line(report: Report) -> str:
    """Return what a run did, in one line."""
    name, _, rest = report.line.partition(" ")
    return f"[bold]{name}[/bold] {escape(rest)}"


def replay_line(found: Replay) -> str:
    """Return what became of the records in quarantine, in one line."""
    if not (found.read or found.unread):
        return "nothing in quarantine waits to be read"
    stored = [f"{count:,} {name}" for name, count in sorted(found.stored.items())]
    others = {
        "quotes too late": found.too_late,
        "superseded": found.superseded,
        "still cannot be read": found.unread,
    }
    parts = [f"{count:,} {name}" for name, count in others.items() if count]
    return ", ".join(
        [f"{found.read:,} records can be read now", *(f"{part} stored" for part in stored), *parts]
    )


def runs_table(rows: Iterable[tuple[str, StoredRun | None]]) -> RenderableType:
    """Return the last runs by name, with the reasons of those that are not complete."""
    counted = [Column(name, justify="right") for name in ("received", "inserted", "unchanged", "refused")]
    table = _table(_folded("run"), *_unbroken("state", "started"), *counted, padding=0)
    reasons = []
    for name, run in rows:
        if run is None:
            table.add_row(name, "never", *["-"] * 5)
            continue
        counts = (run.received, run.inserted, run.unchanged, run.quarantined)
        table.add_row(name, run.state, instant_to_minute(run.started_at), *(f"{count:,}" for count in counts))
        if run.reason:
            reasons.append(escape(f"{name}: {run.reason}"))
    return Group(table, *reasons)


def overview_tables(found: Overview) -> RenderableType:
    """Return the state of the store: its rows, its last runs and its ticks."""
    counts = _table("table", "rows", "open placeholders", "quarantined")
    for table, rows in found.rows.items():
        open_placeholders = found.open_placeholders.get(table)
        # Both assets that list markets quarantine a market that cannot be read.
        counts.add_row(
            table,
            f"{rows:,}",
            "" if open_placeholders is None else f"{open_placeholders:,}",
            f"{found.quarantined.get(table, 0):,}",
        )
    complete = found.last_complete_tick
    lines = [
        f"last complete tick: {'none yet' if complete is None else instant(complete.tick_at)}",
        "ticks: "
        + (", ".join(f"{count:,} {state}" for state, count in found.tick_states.items()) or "none yet"),
    ]
    return Group(counts, runs_table([*found.listings.items(), ("last tick", found.last_tick)]), *lines)


def request_limit_line(limit: RequestLimit) -> str:
    """Return how many requests a second are sent at most now, and why that is fewer than configured."""
    line = f"request limit in force: {limit.in_force:.3g} a second"
    if limit.in_force == limit.configured:
        return line
    return f"{line} instead of {limit.configured:g}: the exchange refused some as too many; it rises within minutes"


def quote_table(quote: Quote, status: str | None, at: int) -> Table:
    """Return a market's newest quote, with the market's status and the quote's age at an instant."""
    confirmed = (
        "by no complete tick"
        if quote.confirmed_at is None
        else f"{instant(quote.confirmed_at)}, {_ago(quote.confirmed_at, at)}"
    )
    rows = {
        "status": escape(status or "unknown") + ("" if quote.is_listed else ", no longer listed"),
        "yes bid": side(quote.yes_bid, quote.yes_bid_size),
        "yes ask": side(quote.yes_ask, quote.yes_ask_size),
        "spread": dollars(quote.spread, "-"),
        "midpoint": midpoint(quote.midpoint, "- (not quoted on both sides)"),
        "last price": dollars(quote.last_price, "unknown"),
        "volume": contracts(quote.volume),
        "open interest": contracts(quote.open_interest),
        "state": quote.state,
        "quote of": instant(quote.quoted_at),
        "confirmed": confirmed,
    }
    table = Table("", "", title=escape(quote.ticker), show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def market_tables(view: MarketView, at: int) -> RenderableType:
    """Return a market with its parents, and its quote."""
    market = view.details
    placeholder = (
        " (placeholder: the exchange has not returned it yet)" if market.event_is_placeholder else ""
    )
    strikes = [
        f"{name} {strike:g}"
        for name, strike in (("floor", market.floor_strike), ("cap", market.cap_strike))
        if strike is not None
    ]
    rows: dict[str, object] = {
        "market": market.ticker,
        "title": market.title,
        "yes / no": " / ".join(filter(None, (market.yes_sub_title, market.no_sub_title))),
        "event": f"{market.event_ticker} {market.event_title or ''}{placeholder}",
        "event details": market.event_sub_title,
        "series": f"{market.series_ticker or '-'} {market.series_title or ''}",
        "category": ", ".join(filter(None, (market.category, market.frequency, market.tags))),
        "type": ", ".join(filter(None, (market.market_type, market.collection_ticker))),
        "strike": ", ".join(filter(None, (market.strike_type, *strikes))),
        "status": ", ".join(filter(None, (market.status, market.result))),
        "settled": _settled(view.settlement),
        "gone": market.gone_at and f"in neither of the exchange's tiers since {instant(market.gone_at)}",
        "exclusive": {True: "at most one market of the event ends YES", False: "no", None: "unknown"}[
            market.mutually_exclusive
        ],
        "provisional": "yes: the exchange may delete it" if market.is_provisional else None,
        "created": instant(market.created_at),
        "open": instant(market.open_at),
        "close": instant(market.close_at),
        "expected outcome": instant(market.expected_expiration_at),
        "occurrence": instant(market.occurrence_at or market.strike_at),
        "rules": market.rules_primary,
    }
    table = Table("", "", show_header=False)
    for name, value in rows.items():
        if value:
            table.add_row(name, escape(str(value)))
    return Group(
        table, "no quote is stored yet" if view.quote is None else quote_table(view.quote, market.status, at)
    )


def _settled(settlement: StoredSettlement | None) -> str | None:
    if settlement is None:
        return None
    paid = dollars(settlement.settlement_value, "value unknown")
    at = f"{instant(settlement.settled_at)} ({settlement.settled_at_source})"
    amended = None if settlement.amended_at is None else f"amended, as seen {instant(settlement.amended_at)}"
    withdrawn = (
        None
        if settlement.withdrawn_at is None
        else f"withdrawn, as seen {instant(settlement.withdrawn_at)}: no result is in force"
    )
    return ", ".join(filter(None, (settlement.result, paid, at, amended, withdrawn)))


def stored_quotes_table(ticker: str, quotes: Iterable[Quote]) -> Table:
    """Return stored quotes of one market."""
    table = _table(
        "tick", "yes bid", "yes ask", "last price", "volume", title=escape(f"{ticker}: stored quotes")
    )
    for quote in quotes:
        table.add_row(
            f"{datetime_of(quote.at):%H:%M:%S.%f}"[:-3] + "Z",
            side(quote.yes_bid, quote.yes_bid_size),
            side(quote.yes_ask, quote.yes_ask_size),
            dollars(quote.last_price, "-"),
            contracts(quote.volume),
        )
    return table


def history_table(ticker: str, quotes: Sequence[Quote]) -> RenderableType:
    """Return what was known of one market, instant by instant; the newest rows if there are many."""
    table = _quotes_table(Column("at", no_wrap=True))
    for quote in quotes[-MOST_ROWS:]:
        table.add_row(short_instant(quote.at), *_quote_cells(quote))
    return Group(escape(ticker), table, _shown(len(quotes), MOST_ROWS, "quotes", "newest"))


def why_empty(nothing: str, at: int, begins_at: int | None) -> str:
    """Return why an answer about an instant is empty: history begins later, or else what it says."""
    if begins_at is None:
        return "no quote is stored yet: run `kalshi-pipeline snapshot` first"
    return f"history begins at {iso_of(begins_at)}" if at < begins_at else nothing


def voidable_table(found: Voidable, now: int) -> RenderableType:
    """Return what voiding would do, by table, and a warning where ticks of the past are among it."""
    states = ", ".join(f"{count:,} {state}" for state, count in found.states.most_common()) or "none"
    table = _table(
        "table",
        Column("rows", justify="right"),
        "what is done",
        title=f"ticks after {instant(found.after)}: {states}",
    )
    for rows, done in ((found.moved, "moved"), (found.undone, "undone, removed or recomputed")):
        for name, count in rows.items():
            table.add_row(name, f"{count:,}", done)
    past = [tick.tick_at for tick in found.ticks if tick.tick_at <= now]
    if not past:
        return table
    span = f"{instant(min(past))} to {instant(max(past))}"
    warning = f"not ahead of now, so their quotes may be right: {len(past):,} of these ticks ({span})"
    return Group(table, f"[bold red]{warning}[/bold red]")


def quotes_table(quotes: Sequence[Quote], at: int, complete_at: int | None) -> RenderableType:
    """Return the quotes of the markets that have traded most, and the newest complete tick with its age."""
    complete = (
        "none yet" if complete_at is None else f"{instant(complete_at)}, {_age_at(complete_at, at)} before"
    )
    title = f"as of {instant(at)} (newest complete tick: {complete})"
    table = _quotes_table(_folded("market"))
    busiest = heapq.nsmallest(BUSIEST, quotes, key=lambda quote: (-(quote.volume or 0), quote.ticker))
    for quote in busiest:
        table.add_row(escape(quote.ticker), *_quote_cells(quote))
    return Group(title, table, _shown(len(quotes), BUSIEST, "listed markets", "busiest"))


def _quotes_table(first: Column) -> Table:
    numbers = [
        Column(name, no_wrap=True, justify="right") for name in ("yes bid", "yes ask", "last", "volume")
    ]
    return _table(first, *numbers, _folded("known"), padding=0)


def _quote_cells(quote: Quote) -> list[str]:
    if not quote.is_listed:
        return ["-", "-", "-", "-", _origin(quote)]
    return [
        side(quote.yes_bid, quote.yes_bid_size),
        side(quote.yes_ask, quote.yes_ask_size),
        dollars(quote.last_price, "-"),
        contracts(quote.volume),
        _origin(quote),
    ]


def _origin(quote: Quote) -> str:
    """Return the state of a quote, and what confirmed it last where it is not observed."""
    if not quote.is_listed:
        return (
            "not listed" if quote.quoted_at is None else f"not listed since {short_instant(quote.quoted_at)}"
        )
    if quote.state is QuoteState.OBSERVED:
        return str(quote.state)
    if quote.confirmed_at is None:
        return f"{quote.state}, never seen"
    word = "since" if quote.state is QuoteState.STALE else "from"
    return f"{quote.state} {word} {short_instant(quote.confirmed_at)}"


def _ago(then: int, at: int) -> str:
    """Return the age of an instant, which is ahead of now where a clock was or is wrong."""
    return f"{_age_at(then, at)} ago" if then <= at else f"{_age_at(at, then)} ahead of this computer's clock"


def _age_at(then: int, at: int) -> str:
    return age((at - then) / MICROS_PER_SECOND)


def _shown(count: int, most: int, what: str, which: str) -> str:
    cut = f": the {most} {which} are shown; --csv writes all" if count > most else ""
    return f"{count:,} {what}{cut}"


def movers_table(movers: Iterable[Mover], window: Window | None) -> Table:
    """Return the markets that moved most, with their prices before and after."""
    title = None if window is None else f"from {instant(window.start)} to {instant(window.end)}"
    numbers = _unbroken("midpoint", "change", "last price", "traded")
    table = _table(_folded("market"), "title", *numbers, title=title)
    for mover in movers:
        table.add_row(
            escape(mover.ticker),
            escape(mover.title or "-"),
            f"{midpoint(mover.base_midpoint)} → {midpoint(mover.midpoint)}",
            midpoint_change(mover.midpoint_change),
            f"{dollars(mover.base_last_price, '-')} → {dollars(mover.last_price, '-')}",
            contracts(mover.volume_change),
        )
    return table


def _table(*columns: str | Column, title: str | None = None, padding: int = 1) -> Table:
    """Return a table without lines; one of many columns fits into 80 with a `padding` of 0."""
    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE, padding=(0, padding, 0, 0))


def _unbroken(*names: str) -> list[Column]:
    """Return columns that a narrow terminal never breaks."""
    return [Column(name, no_wrap=True) for name in names]


def _folded(name: str) -> Column:
    """Return a column that is broken rather than cut, because half a ticker, or half a time, is useless."""
    return Column(name, overflow="fold")
