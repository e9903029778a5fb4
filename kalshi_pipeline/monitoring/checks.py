"""The checks after a run: completeness, keys, placeholders, quarantine and quotes.

Each asset declares its checks in `defs`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kalshi_pipeline.api import Store
from kalshi_pipeline.ingest.record_faults import CANDLESTICK_FAULTS, ORDER_BOOK_FAULTS, TRADE_FAULTS
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.units import MICROS_PER_SECOND


@dataclass(frozen=True)
class Check:
    """A condition that must hold. `is_error` if a failure means wrong data, not just incomplete data."""

    name: str
    description: str
    is_error: bool


@dataclass(frozen=True)
class Finding:
    """The result of a check, with its numbers."""

    check: Check
    passed: bool
    text: str
    numbers: Mapping[str, int | float] = field(default_factory=dict)


def finding_of_days(findings: Mapping[str, Finding]) -> Finding:
    """Combine the findings of one check for several days: name the days that failed, add counts, and take the largest
    share.

    Raises ValueError without findings.
    """
    if not findings:
        raise ValueError("no day was looked at")
    first = next(iter(findings.values()))
    if len(findings) == 1:
        return first
    failed = {day: finding for day, finding in findings.items() if not finding.passed}
    text = "; ".join(f"{day}: {finding.text}" for day, finding in failed.items())
    numbers = {
        name: (sum if isinstance(number, int) else max)(each.numbers[name] for each in findings.values())
        for name, number in first.numbers.items()
    }
    return Finding(first.check, not failed, text or f"all of {len(findings)} days passed", numbers)


@dataclass(frozen=True)
class RunCheck(Check):
    """A check of a run's report and of what the run stored."""

    look: Callable[[Store, Session, Report], Finding]


def examine(session: Session, report: Report, checks: Sequence[RunCheck]) -> list[Finding]:
    """Return the findings of checks after a run."""
    store = Store.of(session.database)  # the run is still open, and so is its database
    return store.together(lambda store: [check.look(store, session, report) for check in checks])


def _look_for_completeness(_store: Store, _session: Session, report: Report) -> Finding:
    # A skipped tick has no listing that could be cut short, and an unfinished day is seen as far as it goes.
    passed = report.shortfall is None
    numbers = {"pages": report.tally.pages, "received": report.tally.received}
    return Finding(LISTING_COMPLETE, passed, report.reason or "every page was seen", numbers)


LISTING_COMPLETE = RunCheck(
    "listing_complete",
    "Every page of the listing was seen: no cap, deadline or error cut it short.",
    is_error=False,
    look=_look_for_completeness,
)


def _look_for_emptiness(store: Store, _session: Session, report: Report) -> Finding:
    before = store.received_before(report.run) or 0
    received = report.tally.received
    passed = received > 0 or before == 0 or report.tally.pages == 0
    text = f"{received:,} records now, {before:,} at the last complete run"
    return Finding(NOT_SUDDENLY_EMPTY, passed, text, {"received": received, "received_before": before})


NOT_SUDDENLY_EMPTY = RunCheck(
    "not_suddenly_empty",
    "A listing that had records at the last complete run of the same scope still has some.",
    is_error=True,
    look=_look_for_emptiness,
)


def _look_at_quarantine(_store: Store, session: Session, report: Report) -> Finding:
    tally, limit = report.tally, session.settings.quarantine_share
    share = tally.quarantined / tally.received if tally.received else 0.0
    text = (
        f"{tally.quarantined:,} of {tally.received:,} records could not be read; table quarantine keeps them"
    )
    if not_kept := report.counts["quarantine_full"]:
        text += f"; {not_kept:,} (parents included) were not kept because of KALSHI_QUARANTINE_MB"
    return Finding(QUARANTINE_SHARE, share <= limit, text, {"share": share, "quarantined": tally.quarantined})


QUARANTINE_SHARE = RunCheck(
    "quarantine_share",
    "The share of records that could not be read is at most KALSHI_QUARANTINE_SHARE.",
    is_error=True,
    look=_look_at_quarantine,
)


def _look_for_stale_placeholders(store: Store, session: Session, _report: Report) -> Finding:
    found = store.placeholders().values()
    count = sum(of_table.count for of_table in found)
    oldest_at = min(
        (of_table.oldest_at for of_table in found if of_table.oldest_at is not None), default=None
    )
    hours = 0.0 if oldest_at is None else (session.clock.now() - oldest_at) / MICROS_PER_SECOND / 3600
    text = (
        f"{count:,} placeholders are open, the oldest for {hours:.1f} hours"
        if count
        else "no placeholder is open"
    )
    limit = session.settings.placeholder_hours
    return Finding(NO_STALE_PLACEHOLDER, hours <= limit, text, {"open": count, "oldest_hours": hours})


NO_STALE_PLACEHOLDER = RunCheck(
    "no_stale_placeholder",
    "No placeholder has been open for longer than KALSHI_PLACEHOLDER_HOURS.",
    is_error=False,
    look=_look_for_stale_placeholders,
)


def _look_for_dangling_keys(store: Store, _session: Session, report: Report) -> Finding:
    tick_id = report.run.id if report.tick_at is not None else None
    dangling = store.count_dangling(tick_id)
    return Finding(
        FOREIGN_KEYS_INTACT,
        not any(dangling.values()),
        _enumerated(
            (f"{count} of {key}" for key, count in dangling.items() if count), "every row has its parent"
        ),
        dangling,
    )


FOREIGN_KEYS_INTACT = RunCheck(
    "foreign_keys_intact",
    "Every event, market and quote (of this tick) has its parent.",
    is_error=True,
    look=_look_for_dangling_keys,
)


def _look_at_quotes(store: Store, _session: Session, report: Report) -> Finding:
    faults = store.quote_faults(report.run.id)
    numbers = {
        "crossed": faults.crossed,
        "out_of_range": faults.out_of_range,
        "unmirrored": report.unmirrored,
        "negative_sizes": report.negative_sizes,
    }
    return Finding(
        QUOTES_SANE,
        not any(numbers.values()),
        _enumerated((f"{count} {name}" for name, count in numbers.items() if count), "every quote is sane"),
        numbers,
    )


QUOTES_SANE = RunCheck(
    "quotes_sane",
    "No bid is above its ask, no price outside 0 to 1 dollar, no size below 0, and every NO side mirrors its YES side.",
    is_error=False,
    look=_look_at_quotes,
)


def _look_for_unpaid_scalars(_store: Store, _session: Session, report: Report) -> Finding:
    count = report.counts["scalars_without_value"]
    text = (
        f"{count:,} have no value, and a NULL in settlement_history" if count else "all of them have a value"
    )
    return Finding(SCALARS_HAVE_VALUE, not count, text, {"without_value": count})


SCALARS_HAVE_VALUE = RunCheck(
    "scalars_have_value",
    "The exchange has reported the value of every settlement that is neither yes nor no.",
    is_error=False,
    look=_look_for_unpaid_scalars,
)


def _look_at_trades(_store: Store, _session: Session, report: Report) -> Finding:
    return _finding(TRADES_SANE, report, TRADE_FAULTS, "every trade is sane")


def _look_at_candlesticks(_store: Store, _session: Session, report: Report) -> Finding:
    return _finding(CANDLESTICKS_SANE, report, CANDLESTICK_FAULTS, "every candlestick is sane")


def _look_at_order_books(_store: Store, _session: Session, report: Report) -> Finding:
    return _finding(ORDER_BOOKS_SANE, report, ORDER_BOOK_FAULTS, "every order book is sane")


def _finding(check: Check, report: Report, faults: Mapping[str, str], otherwise: str) -> Finding:
    numbers = {name: report.counts[name] for name in faults}
    found = (f"{count:,} {faults[name]}" for name, count in numbers.items() if count)
    return Finding(check, not any(numbers.values()), _enumerated(found, otherwise), numbers)


TRADES_SANE = RunCheck(
    "trades_sane",
    "No price is outside 0 to 1 dollar, no size absurd, every NO price mirrors its YES price, no trade has two prices.",
    is_error=False,
    look=_look_at_trades,
)

CANDLESTICKS_SANE = RunCheck(
    "candlesticks_sane",
    "No price is outside 0 to 1 dollar, no count negative, no low above another price, no period sent in two versions.",
    is_error=False,
    look=_look_at_candlesticks,
)

ORDER_BOOKS_SANE = RunCheck(
    "order_books_sane",
    "No bid is outside 0 to 1 dollar, and every level has contracts.",
    is_error=False,
    look=_look_at_order_books,
)


RUN_CHECKS = {
    check.name: check
    for check in (
        LISTING_COMPLETE,
        NOT_SUDDENLY_EMPTY,
        QUARANTINE_SHARE,
        NO_STALE_PLACEHOLDER,
        FOREIGN_KEYS_INTACT,
        QUOTES_SANE,
        SCALARS_HAVE_VALUE,
        TRADES_SANE,
        CANDLESTICKS_SANE,
        ORDER_BOOKS_SANE,
    )
}
"""All checks by name."""


def _enumerated(parts: Iterable[str], otherwise: str) -> str:
    return ", ".join(parts) or otherwise
