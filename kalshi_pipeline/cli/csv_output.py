"""Quotes as CSV on standard output, exact to the last digit."""

import csv
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kalshi_pipeline import records
from kalshi_pipeline.api import Quote
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.records import Unit, units_of
from kalshi_pipeline.units import contracts_of, dollars_of, iso_of


def write_csv(quotes: Iterable[Quote]) -> None:
    """Write quotes with a header; stop quietly if the reader closes the pipe.

    A file or a pipe gets every text as it is stored, a terminal what it can show.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    row_of = _row_for_terminal if sys.stdout.isatty() else exact
    try:
        writer.writerow(Quote._fields)
        writer.writerows(map(row_of, quotes))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough, as `head` does: that is not a failure, and the rest is discarded.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exact(quote: Quote) -> list[str]:
    """Return a quote as text: times as in the views, exact decimals, 1 and 0 for flags, blank for what is absent."""
    return ["" if value is None else write(value) for write, value in zip(_WRITERS, quote, strict=True)]


def _row_for_terminal(quote: Quote) -> list[str]:
    return [printable(text) for text in exact(quote)]


def _flag(value: int) -> str:
    return str(int(value))


def _dollars(micros: int) -> str:
    return f"{dollars_of(micros):f}"


def _contracts(hundredths: int) -> str:
    return f"{contracts_of(hundredths):f}"


_WRITER_OF_UNIT: Mapping[Unit, Callable[[Any], str]] = {
    Unit.DOLLARS: _dollars,
    Unit.CONTRACTS: _contracts,
    Unit.INSTANT: iso_of,
}
_WRITER_OF: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("ticker", "state"), str),
    **dict.fromkeys(("at", "quoted_at", "received_at", "confirmed_at"), iso_of),
    **dict.fromkeys(("is_listed", "is_observed", "is_tick_complete"), _flag),
    **{name: _WRITER_OF_UNIT[unit] for name, unit in units_of(records.Quote).items()},
}
_WRITERS = [_WRITER_OF[name] for name in Quote._fields]
