"""What the command line shows: reports, overviews, markets and quotes as rich tables. No reading, no writing.

Whatever the exchange wrote is escaped: to rich, a title in [brackets] would be a style.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from kalshi_pipeline.ingest.market import MarketView
from kalshi_pipeline.ingest.overview import Overview
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.store.queries import LatestQuote
from kalshi_pipeline.units import MICROS_PER_SECOND, contracts_of, datetime_of, dollars_of

UNQUOTED = "unquoted"


def instant(at: int | None) -> str:
    """An instant in UTC, to the second."""
    return "-" if at is None else f"{datetime_of(at):%Y-%m-%d %H:%M:%SZ}"


def _short(at: int | None) -> str:
    return "-" if at is None else f"{datetime_of(at):%m-%d %H:%M:%SZ}"


def dollars(micros: int | None, absent: str = UNQUOTED) -> str:
    """A price as the exchange writes it, without trailing zeros."""
    return absent if micros is None else f"{dollars_of(micros):f}"


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


def runs_table(rows: Iterable[tuple[str, Mapping[str, Any] | None]]) -> RenderableType:
    """Last runs by name, as stored, and why those that are not complete are not."""
    table = _table("run", "state", "started", "received", "inserted", "unchanged", "refused")
    reasons = []
    for name, run in rows:
        if run is None:
            table.add_row(name, "never", *["-"] * 5)
            continue
        counts = [f"{run[column]:,}" for column in ("received", "inserted", "unchanged", "quarantined")]
        table.add_row(name, run["state"], _short(run["started_at"]), *counts)
        if run["reason"]:
            reasons.append(escape(f"{name}: {run['reason']}"))
    return Group(table, *reasons)


def _table(*columns: str, title: str | None = None) -> Table:
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
        f"last complete tick: {'none yet' if complete is None else instant(complete['tick_at'])}",
        "ticks: "
        + (", ".join(f"{count:,} {state}" for state, count in found.tick_states.items()) or "none yet"),
    ]
    return Group(counts, runs_table([*found.listings.items(), ("last tick", found.last_tick)]), *lines)


def quote_table(quote: LatestQuote, at: int) -> Table:
    """A market's newest quote with its age at an instant."""
    table = Table("", "", title=escape(quote.ticker), show_header=False, title_justify="left")
    age_seconds = (at - quote.received_at) / MICROS_PER_SECOND
    midpoint = "- (not quoted on both sides)" if quote.midpoint is None else f"{quote.midpoint / 1e6:g}"
    rows = {
        "status": escape(quote.status or "not told"),
        "yes bid": _side(quote.yes_bid, quote.yes_bid_size),
        "yes ask": _side(quote.yes_ask, quote.yes_ask_size),
        "spread": dollars(quote.spread, "-"),
        "midpoint": midpoint,
        "last price": dollars(quote.last_price, "not told"),
        "volume": contracts(quote.volume),
        "open interest": contracts(quote.open_interest),
        "quote of": f"{instant(quote.tick_at)}, received {age(age_seconds)} ago",
        "last complete tick": instant(quote.confirmed_at),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _side(price: int | None, size: int | None) -> str:
    return UNQUOTED if price is None else f"{dollars(price)} x {contracts(size)}"


def market_screen(view: MarketView, at: int) -> RenderableType:
    """A market with its parents and its quote."""
    market = view.details
    table = Table("", "", show_header=False)
    placeholder = (
        " (placeholder: the exchange has not given it yet)" if market["event_is_placeholder"] else ""
    )
    strikes = [
        f"{name} {market[f'{name}_strike']:g}"
        for name in ("floor", "cap")
        if market[f"{name}_strike"] is not None
    ]
    rows: dict[str, object] = {
        "market": market["ticker"],
        "title": market["title"],
        "yes / no": " / ".join(filter(None, (market["yes_sub_title"], market["no_sub_title"]))),
        "event": f"{market['event_ticker']} {market['event_title'] or ''}{placeholder}",
        "event details": market["event_sub_title"],
        "series": f"{market['series_ticker'] or '-'} {market['series_title'] or ''}",
        "category": ", ".join(filter(None, (market["category"], market["frequency"], market["tags"]))),
        "type": ", ".join(filter(None, (market["market_type"], market["collection_ticker"]))),
        "strike": ", ".join(filter(None, (market["strike_type"], *strikes))),
        "status": ", ".join(filter(None, (market["status"], market["result"]))),
        "settled": _settled(view.settlement),
        "gone": market["gone_at"]
        and f"in neither of the exchange's tiers since {instant(market['gone_at'])}",
        "exclusive": {True: "at most one market of the event ends YES", False: "no", None: "not told"}[
            market["mutually_exclusive"]
        ],
        "provisional": "yes: the exchange may delete it" if market["is_provisional"] else None,
        "created": instant(market["created_at"]),
        "open": instant(market["open_at"]),
        "close": instant(market["close_at"]),
        "expected outcome": instant(market["expected_expiration_at"]),
        "occurrence": instant(market["occurrence_at"] or market["strike_at"]),
        "rules": market["rules_primary"],
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, escape(str(value)))
    return Group(table, "no quote is stored yet" if view.quote is None else quote_table(view.quote, at))


def _settled(settlement: Mapping[str, Any] | None) -> str | None:
    if settlement is None:
        return None
    paid = dollars(settlement["settlement_value"], "what it paid is not told")
    at = f"{instant(settlement['settled_at'])} ({settlement['settled_at_source']})"
    amended = settlement["amended_at"] and f"amended, as seen {instant(settlement['amended_at'])}"
    return ", ".join(filter(None, (settlement["result"], paid, at, amended)))


def history_table(ticker: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    """Stored quotes of one market."""
    table = _table(
        "tick", "yes bid", "yes ask", "last price", "volume", title=escape(f"{ticker}: stored quotes")
    )
    for row in rows:
        table.add_row(
            f"{datetime_of(row['tick_at']):%H:%M:%S.%f}"[:-3] + "Z",
            _side(row["yes_bid"], row["yes_bid_size"]),
            _side(row["yes_ask"], row["yes_ask_size"]),
            dollars(row["last_price"], "-"),
            contracts(row["volume"]),
        )
    return table
