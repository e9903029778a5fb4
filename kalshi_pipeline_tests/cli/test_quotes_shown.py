"""Quotes on a terminal, and the lines that report runs."""

import io
import re
from collections import Counter

import pytest
from rich.console import Console

from kalshi_pipeline.api import Quote, QuoteState
from kalshi_pipeline.cli.answer import Answer, Column, Kind, record
from kalshi_pipeline.cli.answers.quotes import quote_columns, quote_values
from kalshi_pipeline.cli.reports import replay_line, report_line
from kalshi_pipeline.cli.tables import print_tables
from kalshi_pipeline.ingest.replay import Replay
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS, ticks
from kalshi_pipeline.store.writing.runs import Run, State, Subject
from kalshi_pipeline.units import parse_instant

NOON = parse_instant("2026-11-22T12:00:00Z") or 0
OBSERVED, UNKNOWN = QuoteState.OBSERVED, QuoteState.UNKNOWN


def shown(answer: Answer, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_tables(answer, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_quotes_fit_into_80_columns_with_whole_tickers() -> None:
    ticker = "KXOPNOTOTAL-26DEC30WESMON31-215.5"
    sides = (990_000, 993_500, 1_234_567, 1_476_543, 992_000, 667_838_01, 500)
    quote = Quote(ticker, *(NOON, NOON, NOON, True, OBSERVED, True, True, NOON), *sides)
    lines = shown(Answer(quote_columns("ticker"), [quote]), 80).splitlines()
    assert lines[1].split() == [ticker, "observed", "0.99", "0.9935", "0.992", "667,838.01"]
    lines = shown(Answer(quote_columns("at"), [quote]), 80).splitlines()
    assert lines[1].split() == [
        *("2026-11-22", "12:00:00Z", "observed", "0.99", "0.9935"),
        *("0.992", "667,838.01"),
    ]


def fields_of(quote: Quote, status: str | None) -> dict[str, str]:
    text = shown(record({Column("ticker", Kind.TICKER): quote.ticker, **quote_values(quote, status)}))
    return {line[:15].strip(): line[15:].strip() for line in text.splitlines()}


def test_one_sided_quote_has_neither_spread_nor_midpoint() -> None:
    quote = Quote(
        *("KX-1", NOON, NOON, NOON, True, OBSERVED, True, True, NOON, None, 310_000, 0, 500, None, 0, 0)
    )
    fields = fields_of(quote, "active")
    assert (fields["yes bid"], fields["yes ask"], fields["yes ask size"]) == ("unquoted", "0.31", "5")
    assert "spread" not in fields
    assert fields["midpoint"] == "none: it is not quoted on both sides"
    assert (fields["last price"], fields["state"]) == ("unknown", "observed")
    assert re.fullmatch(r"2026-11-22 12:00:00Z, (in )?[\d,]+ (s|min|h|d)( ago)?", fields["quoted"])
    unconfirmed = quote._replace(state=QuoteState.STALE, is_observed=False, confirmed_at=None)
    fields = fields_of(unconfirmed, None)
    assert (fields["state"], fields["confirmed"], fields["status"]) == (
        *("stale", "by no complete tick", "unknown"),
    )


def test_market_that_has_ended_says_so() -> None:
    quote = Quote("KX-1", NOON, NOON, NOON, False, UNKNOWN, False, True, NOON, *[None] * len(QUOTE_COLUMNS))
    fields = fields_of(quote, "active")
    assert (fields["status"], fields["state"]) == ("active, no longer listed", "unknown")


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Replay(), "no quarantined record is left to read"),
        (Replay(unread=2), "0 records can be read now, 2 still cannot be read"),
        (Replay(read=1, stored=Counter(quotes=1)), "1 records can be read now, 1 quotes stored"),
    ],
    ids=["empty", "unread", "stored"],
)
def test_replay_reports_the_records_that_it_stored_and_kept(found: Replay, line: str) -> None:
    assert replay_line(found) == line


def test_line_of_a_run_has_its_reason_without_control_characters() -> None:
    reason = "could not be reached ([errno 111] refused) [/red] \x1b[31m"
    report = Report("events", Run(ticks, 1, State.FAILED), Subject(), state=State.FAILED, reason=reason)
    line = report_line(report)
    assert line.startswith("events failed, 0 received")
    assert "([errno 111] refused) [/red] " in line
    assert line.isprintable()
