"""What the command line shows: reports, overviews, markets and quotes as rich tables. No reading, no writing.

Whatever the exchange wrote is escaped: to rich, a title in [brackets] would be a style.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from kalshi_pipeline.ingest.market import MarketView
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.monitoring.overview import Overview
from kalshi_pipeline.store.reading.catalogue import StoredSettlement
from kalshi_pipeline.store.reading.completeness import StoredRun
from kalshi_pipeline.store.reading.movers import Mover
from kalshi_pipeline.store.reading.quotes import Quote
from kalshi_pipeline.units import (
    MICROS_PER_DOLLAR,
    MICROS_PER_SECOND,
    contracts_of,
    datetime_of,
    dollars_of,
    iso_of,
)

UNQUOTED = "unquoted"
MOST_ROWS = 40
BUSIEST = 20


def instant(at: int | None) -> str:
    """An instant in UTC, to the second."""
    return "-" if at is None else f"{datetime_of(at):%Y-%m-%d %H:%M:%SZ}"


def _short(at: int | None) -> str:
    return "-" if at is None else f"{datetime_of(at):%m-%d %H:%M:%SZ}"


def dollars(micros: int | None, absent: str = UNQUOTED) -> str:
    """A price as the exchange writes it, without trailing zeros."""
    return absent if micros is None else _dollars(micros)


def contracts(hundredths: int | None) -> str:
    """A size or a count of contracts."""
    return "-" if hundredths is None else f"{contracts_of(hundredths):,f}"


def age(seconds: float) -> str:
    """A span in the unit that a person would use."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def report_line(report: Report) -> str:
    """What one run did, in one line."""
    tally = report.tally
    parts = [
        f"[bold]{report.asset}[/bold] {report.state}",
        f"{tally.received:,} received",
        f"{tally.inserted:,} inserted",
        f"{tally.changed:,} changed",
        f"{tally.unchanged:,} unchanged",
    ]
    rarer = {name: getattr(tally, name) for name in ("quarantined", "duplicates", "placeholders", "healed")}
    parts += [f"{count:,} {name}" for name, count in rarer.items() if count]
    parts.append(f"{tally.pages} pages, {report.seconds:.1f} s")
    return ", ".join(parts) + (escape(f" ({report.reason})") if report.reason else "")


def runs_table(rows: Iterable[tuple[str, StoredRun | None]]) -> RenderableType:
    """Last runs by name, as stored, and why those that are not complete are not."""
    table = _table("run", "state", "started", "received", "inserted", "unchanged", "refused")
    reasons = []
    for name, run in rows:
        if run is None:
            table.add_row(name, "never", *["-"] * 5)
            continue
        counts = (run.received, run.inserted, run.unchanged, run.quarantined)
        table.add_row(name, run.state, _short(run.started_at), *(f"{count:,}" for count in counts))
        if run.reason:
            reasons.append(escape(f"{name}: {run.reason}"))
    return Group(table, *reasons)


def _table(*columns: str | Column, title: str | None = None) -> Table:
    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))


def overview_screen(found: Overview) -> RenderableType:
    """The state of the store."""
    counts = _table("table", "rows", "open placeholders", "quarantined")
    for table, rows in found.rows.items():
        open_placeholders = found.open_placeholders.get(table)
        # A market that cannot be read is met by both assets that list markets.
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


def quote_table(quote: Quote, status: str | None, at: int) -> Table:
    """A market's newest quote, with its state and the quote's age at an instant."""
    table = Table("", "", title=escape(quote.ticker), show_header=False, title_justify="left")
    received = "-" if quote.received_at is None else age((at - quote.received_at) / MICROS_PER_SECOND)
    midpoint = _midpoint(quote.midpoint, "- (not quoted on both sides)")
    rows = {
        "status": escape(status or "not told") + ("" if quote.is_listed else ", listed no more"),
        "yes bid": _side(quote.yes_bid, quote.yes_bid_size),
        "yes ask": _side(quote.yes_ask, quote.yes_ask_size),
        "spread": dollars(quote.spread, "-"),
        "midpoint": midpoint,
        "last price": dollars(quote.last_price, "not told"),
        "volume": contracts(quote.volume),
        "open interest": contracts(quote.open_interest),
        "quote of": f"{instant(quote.quoted_at)}, received {received} ago",
        "last complete tick": instant(quote.confirmed_at),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _midpoint(micros: float | None, absent: str = "-") -> str:
    return absent if micros is None else _half_steps(micros)


def _half_steps(micros: float, sign: str = "") -> str:
    # A midpoint may lie half a micro-dollar beside a price.
    return f"{micros / MICROS_PER_DOLLAR:{sign}.7f}".rstrip("0").rstrip(".")


def _side(price: int | None, size: int | None) -> str:
    return UNQUOTED if price is None else f"{dollars(price)} x {contracts(size)}"


def market_screen(view: MarketView, at: int) -> RenderableType:
    """A market with its parents and its quote."""
    market = view.details
    table = Table("", "", show_header=False)
    placeholder = " (placeholder: the exchange has not given it yet)" if market.event_is_placeholder else ""
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
        "exclusive": {True: "at most one market of the event ends YES", False: "no", None: "not told"}[
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
    for name, value in rows.items():
        if value:
            table.add_row(name, escape(str(value)))
    return Group(
        table, "no quote is stored yet" if view.quote is None else quote_table(view.quote, market.status, at)
    )


def _settled(settlement: StoredSettlement | None) -> str | None:
    if settlement is None:
        return None
    paid = dollars(settlement.settlement_value, "what it paid is not told")
    at = f"{instant(settlement.settled_at)} ({settlement.settled_at_source})"
    amended = None if settlement.amended_at is None else f"amended, as seen {instant(settlement.amended_at)}"
    return ", ".join(filter(None, (settlement.result, paid, at, amended)))


def history_table(ticker: str, quotes: Iterable[Quote]) -> Table:
    """Stored quotes of one market."""
    table = _table(
        "tick", "yes bid", "yes ask", "last price", "volume", title=escape(f"{ticker}: stored quotes")
    )
    for quote in quotes:
        table.add_row(
            f"{datetime_of(quote.at):%H:%M:%S.%f}"[:-3] + "Z",
            _side(quote.yes_bid, quote.yes_bid_size),
            _side(quote.yes_ask, quote.yes_ask_size),
            dollars(quote.last_price, "-"),
            contracts(quote.volume),
        )
    return table


def _told(quote: Quote) -> str:
    """Where a quote comes from: its own tick, or one before that later ticks did or did not confirm."""
    if not quote.is_listed:
        return "not listed" if quote.quoted_at is None else f"not listed since {_short(quote.quoted_at)}"
    told = "observed" if quote.is_observed else f"carried from {_short(quote.quoted_at)}"
    return told if quote.is_tick_complete else f"{told}, last confirmed {_short(quote.confirmed_at)}"


def _quote_cells(quote: Quote) -> list[str]:
    if not quote.is_listed:
        return ["-", "-", "-", "-", _told(quote)]
    return [
        _side(quote.yes_bid, quote.yes_bid_size),
        _side(quote.yes_ask, quote.yes_ask_size),
        dollars(quote.last_price, "-"),
        contracts(quote.volume),
        _told(quote),
    ]


def _whole(*names: str) -> list[Column]:
    """Columns that a narrow screen never breaks."""
    return [Column(name, no_wrap=True) for name in names]


def _folded(name: str) -> Column:
    """A column that is never cut: half a ticker is none."""
    return Column(name, overflow="fold")


def _quotes_table(first: str, title: str) -> Table:
    numbers = _whole("yes bid", "yes ask", "last price", "volume")
    return _table(_folded(first), *numbers, "known", title=title)


def history_screen(ticker: str, quotes: Sequence[Quote]) -> RenderableType:
    """What was known of one market, instant by instant; the newest of them where there are many."""
    table = _quotes_table("at", escape(ticker))
    for quote in quotes[-MOST_ROWS:]:
        table.add_row(_short(quote.at), *_quote_cells(quote))
    return Group(table, _shown(len(quotes), MOST_ROWS, "quotes", "newest"))


def quotes_screen(quotes: Sequence[Quote], at: int) -> RenderableType:
    """The quotes of the markets that have traded most."""
    table = _quotes_table("market", f"as of {instant(at)}")
    busiest = heapq.nsmallest(BUSIEST, quotes, key=lambda quote: (-(quote.volume or 0), quote.ticker))
    for quote in busiest:
        table.add_row(escape(quote.ticker), *_quote_cells(quote))
    return Group(table, _shown(len(quotes), BUSIEST, "listed markets", "busiest"))


def _shown(count: int, most: int, what: str, which: str) -> str:
    return f"{count:,} {what}" + (f": the {most} {which} are shown, --csv gives all" if count > most else "")


def movers_table(movers: Iterable[Mover]) -> Table:
    """What moved most, from which price to which."""
    table = _table(_folded("market"), "title", *_whole("midpoint", "change", "last price", "traded"))
    for mover in movers:
        change = mover.midpoint_change
        table.add_row(
            escape(mover.ticker),
            escape(mover.title or "-"),
            f"{_midpoint(mover.base_midpoint)} → {_midpoint(mover.midpoint)}",
            "-" if change is None else _half_steps(change, "+"),
            f"{dollars(mover.base_last_price, '-')} → {dollars(mover.last_price, '-')}",
            contracts(mover.volume_change),
        )
    return table


def _is(flag: int) -> str:
    return str(int(flag))


def _dollars(micros: int) -> str:
    return f"{dollars_of(micros):f}"


def _contracts(hundredths: int) -> str:
    return f"{contracts_of(hundredths):f}"


_EXACT: Mapping[str, Callable[[Any], str]] = {
    "ticker": str,
    **dict.fromkeys(("at", "quoted_at", "received_at", "confirmed_at"), iso_of),
    **dict.fromkeys(("is_listed", "is_observed", "is_tick_complete"), _is),
    **dict.fromkeys(("yes_bid", "yes_ask", "last_price"), _dollars),
    **dict.fromkeys(("yes_bid_size", "yes_ask_size", "volume", "open_interest"), _contracts),
}
_WRITERS = [_EXACT[name] for name in Quote._fields]


def exact(quote: Quote) -> list[str]:
    """A quote as text, field by field: times as the views write them, exact decimals, 1 and 0; blank where absent."""
    return ["" if value is None else write(value) for write, value in zip(_WRITERS, quote, strict=True)]
