"""What must hold after a run: findings about completeness, keys, placeholders, quarantine and quotes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import (
    count_dangling,
    placeholders,
    quote_faults,
    received_before,
)
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND


@dataclass(frozen=True)
class Check:
    """Something that must hold after a run of some assets; `is_error` where data is wrong, not just incomplete."""

    name: str
    description: str
    assets: tuple[str, ...]
    is_error: bool


@dataclass(frozen=True)
class Finding:
    """How a check turned out, with the numbers that it looked at."""

    check: Check
    passed: bool
    text: str
    numbers: Mapping[str, int | float] = field(default_factory=dict)


_LISTED = ("series", "events", "markets", "price_snapshots")
_ALL = (*_LISTED, "settlements", "trades")
_PARENTS = ("events", "markets")
_CHOSEN = ("candlesticks", "order_books")

LISTING_COMPLETE = Check(
    "listing_complete",
    "Every page of the listing was seen: no cap, deadline or error cut it.",
    (*_ALL, *_CHOSEN),
    is_error=False,
)
NOT_SUDDENLY_EMPTY = Check(
    "not_suddenly_empty",
    "A listing that had records at the last complete run of the same scope still has some.",
    _LISTED,
    is_error=True,
)
QUARANTINE_SHARE = Check(
    "quarantine_share",
    "The share of records that could not be read is at most KALSHI_QUARANTINE_SHARE.",
    (*_ALL, *_CHOSEN),
    is_error=True,
)
NO_STALE_PLACEHOLDER = Check(
    "no_stale_placeholder",
    "No parent has waited for its healing longer than KALSHI_PLACEHOLDER_HOURS.",
    _PARENTS,
    is_error=False,
)
FOREIGN_KEYS_INTACT = Check(
    "foreign_keys_intact",
    "Every event, market and quote (of this tick) has its parent.",
    ("markets", "price_snapshots"),
    is_error=True,
)
QUOTES_SANE = Check(
    "quotes_sane",
    "No bid above its ask, no price outside 0 to 1 dollar, and a NO side that mirrors the YES side.",
    ("price_snapshots",),
    is_error=False,
)
SCALARS_HAVE_VALUE = Check(
    "scalars_have_value",
    "Of every settlement at neither yes nor no the exchange has told what it paid.",
    ("settlements",),
    is_error=False,
)
CHECKS = (
    LISTING_COMPLETE,
    NOT_SUDDENLY_EMPTY,
    QUARANTINE_SHARE,
    NO_STALE_PLACEHOLDER,
    FOREIGN_KEYS_INTACT,
    QUOTES_SANE,
    SCALARS_HAVE_VALUE,
)


def checks_of(asset: str) -> list[Check]:
    """Give the checks that hold for an asset."""
    return [check for check in CHECKS if asset in check.assets]


def examine(session: Session, report: Report) -> list[Finding]:
    """Run every check of the report's asset."""
    with session.database.read() as connection:
        return [_EXAMINERS[check.name](connection, session, report) for check in checks_of(report.asset)]


def _listing_complete(_connection: Connection, _session: Session, report: Report) -> Finding:
    # A tick that was skipped, since a newer one was taken, has no listing that could be cut.
    passed = report.state in (State.COMPLETE, State.SKIPPED)
    numbers = {"pages": report.tally.pages, "received": report.tally.received}
    return Finding(LISTING_COMPLETE, passed, report.reason or "every page was seen", numbers)


def _not_suddenly_empty(connection: Connection, _session: Session, report: Report) -> Finding:
    before = received_before(connection, report.run) or 0
    received = report.tally.received
    passed = received > 0 or before == 0 or report.tally.pages == 0
    text = f"{received:,} records now, {before:,} at the last complete run"
    return Finding(NOT_SUDDENLY_EMPTY, passed, text, {"received": received, "received_before": before})


def _quarantine_share(_connection: Connection, session: Session, report: Report) -> Finding:
    tally, limit = report.tally, session.settings.quarantine_share
    share = tally.quarantined / tally.received if tally.received else 0.0
    text = (
        f"{tally.quarantined:,} of {tally.received:,} records could not be read; table quarantine keeps them"
    )
    return Finding(QUARANTINE_SHARE, share <= limit, text, {"share": share, "quarantined": tally.quarantined})


def _no_stale_placeholder(connection: Connection, session: Session, _report: Report) -> Finding:
    found = placeholders(connection).values()
    count = sum(of_table.count for of_table in found)
    oldest_at = min(
        (of_table.oldest_at for of_table in found if of_table.oldest_at is not None), default=None
    )
    hours = 0.0 if oldest_at is None else (session.clock.now() - oldest_at) / MICROS_PER_SECOND / 3600
    text = f"{count:,} placeholders are open, the oldest for {hours:.1f} hours" if count else "none is open"
    limit = session.settings.placeholder_hours
    return Finding(NO_STALE_PLACEHOLDER, hours <= limit, text, {"open": count, "oldest_hours": hours})


def _foreign_keys_intact(connection: Connection, _session: Session, report: Report) -> Finding:
    tick_id = report.run.id if report.asset == "price_snapshots" else None
    dangling = count_dangling(connection, tick_id)
    return Finding(
        FOREIGN_KEYS_INTACT,
        not any(dangling.values()),
        _listed((f"{count} of {key}" for key, count in dangling.items() if count), "no row lacks its parent"),
        dangling,
    )


def _quotes_sane(connection: Connection, _session: Session, report: Report) -> Finding:
    faults = quote_faults(connection, report.run.id)
    numbers = {
        "crossed": faults.crossed,
        "out_of_range": faults.out_of_range,
        "unmirrored": report.unmirrored,
    }
    return Finding(
        QUOTES_SANE,
        not any(numbers.values()),
        _listed(
            (f"{count} {name}" for name, count in numbers.items() if count), "every stored quote is sane"
        ),
        numbers,
    )


def _scalars_have_value(_connection: Connection, _session: Session, report: Report) -> Finding:
    count = report.counts["scalars_without_value"]
    text = (
        f"{count:,} are without, and have a NULL in settlement_history"
        if count
        else "every one has its value"
    )
    return Finding(SCALARS_HAVE_VALUE, not count, text, {"without_value": count})


def _listed(parts: Iterable[str], otherwise: str) -> str:
    return ", ".join(parts) or otherwise


_EXAMINERS: dict[str, Callable[[Connection, Session, Report], Finding]] = {
    LISTING_COMPLETE.name: _listing_complete,
    NOT_SUDDENLY_EMPTY.name: _not_suddenly_empty,
    QUARANTINE_SHARE.name: _quarantine_share,
    NO_STALE_PLACEHOLDER.name: _no_stale_placeholder,
    FOREIGN_KEYS_INTACT.name: _foreign_keys_intact,
    QUOTES_SANE.name: _quotes_sane,
    SCALARS_HAVE_VALUE.name: _scalars_have_value,
}
