"""What a person reads on the command line: exact, with what is absent named, and with the exchange's own words."""

import io
import re
from collections import Counter

import pytest
from rich.console import Console, RenderableType

from kalshi_pipeline.api import Quote, QuoteState
from kalshi_pipeline.cli.csv_output import exact
from kalshi_pipeline.cli.formats import age, contracts, dollars
from kalshi_pipeline.cli.tables import (
    MOST_ROWS,
    history_table,
    quote_table,
    quotes_table,
    replay_line,
    report_line,
    runs_table,
)
from kalshi_pipeline.ingest.replay import Replay
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.store.reading.completeness import ListingRun
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS, ticks
from kalshi_pipeline.store.writing.runs import Run, State, Subject
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant

NOON = parse_instant("2026-11-22T12:00:00Z") or 0
OBSERVED, UNKNOWN = QuoteState.OBSERVED, QuoteState.UNKNOWN
_COUNTS = (
    "pages",
    "received",
    "inserted",
    "changed",
    "unchanged",
    "quarantined",
    "duplicates",
    "out_of_scope",
    "placeholders",
    "healed",
)


def shown(renderable: RenderableType, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def run_of(asset: str, state: State, reason: str | None = None, count: int = 0) -> ListingRun:
    return ListingRun(
        id=1,
        asset=asset,
        scope="all series",
        started_at=NOON,
        finished_at=None,
        state=state,
        reason=reason,
        windows=1,
        day=None,
        selection=None,
        **dict.fromkeys(_COUNTS, count),
    )


def test_runs_fit_into_80_columns_one_line_each() -> None:
    names = ["series", "series_fee_changes", "structured_targets", "last complete"]
    text = shown(runs_table([(name, run_of(name, State.COMPLETE, count=100_000)) for name in names]), 80)
    rows = [line.split() for line in text.splitlines() if "11-22" in line]
    assert [" ".join(row[:-7]) for row in rows] == names
    assert {tuple(row[-7:]) for row in rows} == {("complete", "11-22", "12:00Z", *["100,000"] * 4)}


def test_quotes_fit_into_80_columns_and_break_tickers_only() -> None:
    sides = (990_000, 993_500, 1_234_567, 1_476_543, 992_000, 667_838_01, 500)
    quote = Quote(
        "KXOPNOTOTAL-26DEC30WESMON31-215.5", *(NOON, NOON, NOON, True, OBSERVED, True, True, NOON), *sides
    )
    row = "0.99 x 12,345.67 0.9935 x 14,765.43 0.992 667,838.01 observed"
    (line,) = [
        line for line in shown(quotes_table([quote], NOON, NOON), 80).splitlines() if "observed" in line
    ]
    assert " ".join(line.split()[1:]) == row
    (line,) = [line for line in shown(history_table("KX-1", [quote]), 80).splitlines() if "observed" in line]
    assert line.split()[:2] == ["11-22", "12:00:00Z"]
    assert " ".join(line.split()[2:]) == row


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Replay(), "nothing in quarantine waits to be read"),
        (Replay(unread=2), "0 records can be read now, 2 still cannot be read"),
        (Replay(read=1, stored=Counter(quotes=1)), "1 records can be read now, 1 quotes stored"),
    ],
    ids=["empty", "unread", "stored"],
)
def test_replay_says_what_became_of_the_records(found: Replay, line: str) -> None:
    assert replay_line(found) == line


@pytest.mark.parametrize(
    ("micros", "text"),
    [(None, "unquoted"), (0, "0"), (290_000, "0.29"), (15_000, "0.015"), (1_000_000, "1"), (5, "0.000005")],
)
def test_dollars_are_shown_exactly(micros: int | None, text: str) -> None:
    assert dollars(micros) == text


def test_contracts_are_shown_exactly() -> None:
    assert [contracts(count) for count in (None, 0, 298_550, 148_180_559)] == [
        "-",
        "0",
        "2,985.5",
        "1,481,805.59",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (121, "2 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_age_is_shown_in_a_readable_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_one_sided_quote_has_neither_spread_nor_midpoint() -> None:
    quote = Quote(
        *("KX-1", NOON, NOON, NOON, True, OBSERVED, True, True, NOON, None, 310_000, 0, 500, None, 0, 0)
    )
    lines = [
        line.strip("│ \n").split("│")
        for line in shown(quote_table(quote, "active", NOON + 90 * MICROS_PER_SECOND)).splitlines()
    ]
    rows = {cells[0].strip(): cells[1].strip() for cells in lines if len(cells) == 2}
    assert (rows["yes bid"], rows["yes ask"]) == ("unquoted", "0.31 x 5")
    assert (rows["spread"], rows["midpoint"]) == ("-", "- (not quoted on both sides)")
    assert rows["last price"] == "unknown"
    assert (rows["state"], rows["quote of"]) == ("observed", "2026-11-22 12:00:00Z")
    assert rows["confirmed"] == "2026-11-22 12:00:00Z, 90 s ago"
    early = shown(quote_table(quote, "active", NOON - 90 * MICROS_PER_SECOND))
    assert "2026-11-22 12:00:00Z, 90 s ahead of this computer's clock" in early
    unconfirmed = quote._replace(state=QuoteState.STALE, is_observed=False, confirmed_at=None)
    text = shown(quote_table(unconfirmed, "active", NOON))
    assert re.search(r"state +│ stale .*confirmed +│ by no complete tick ", text, re.S)


def test_words_of_the_exchange_are_no_styles() -> None:
    reason = "could not be reached ([errno 111] refused) [/red]"
    assert reason in shown(runs_table([("events", run_of("events", State.FAILED, reason))]))

    report = Report("events", Run(ticks, 1, State.FAILED), Subject(), state=State.FAILED, reason=reason)
    assert reason in shown(report_line(report))


def test_market_that_has_ended_says_so() -> None:
    quote = Quote("KX-1", NOON, NOON, NOON, False, UNKNOWN, False, True, NOON, *[None] * len(QUOTE_COLUMNS))
    text = shown(quote_table(quote, "active", NOON))
    assert "active, no longer listed" in text
    assert re.search(r"state +│ unknown ", text)


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, "observed"),
        ({"state": QuoteState.CARRIED, "is_observed": False}, "carried from 11-22 12:00:00Z"),
        (
            {"state": QuoteState.STALE, "is_observed": False, "is_tick_complete": False},
            "stale since 11-22 12:00:00Z",
        ),
        (
            {"state": QuoteState.STALE, "is_observed": False, "confirmed_at": None},
            "stale, never seen",
        ),
        ({"is_tick_complete": False, "confirmed_at": None}, "observed"),
        ({"is_listed": False, "state": UNKNOWN, "is_observed": False}, "not listed since 11-22 12:00:00Z"),
        ({"is_listed": False, "state": UNKNOWN, "quoted_at": None, "confirmed_at": None}, "not listed"),
    ],
    ids=["observed", "carried", "stale", "never confirmed", "observed in part", "ended", "unknown"],
)
def test_quote_says_how_it_is_known(changes: dict[str, object], known: str) -> None:
    quote = Quote(
        *("KX-1", NOON, NOON, NOON, True, OBSERVED, True, True, NOON, 0, 1_000_000, 0, 100, 5, 0, 0)
    )
    text = shown(history_table("KX-1", [quote._replace(**changes)]))  # type: ignore[arg-type]
    assert known in text
    assert ("1 x 1" in text) == quote._replace(**changes).is_listed  # type: ignore[arg-type]


def test_long_history_shows_its_end() -> None:
    quotes = [
        Quote("[KX]", NOON + n, NOON, NOON, True, OBSERVED, True, True, NOON, *[None] * len(QUOTE_COLUMNS))
        for n in range(MOST_ROWS + 1)
    ]
    text = shown(history_table("[KX]", quotes))
    assert text.count("observed") == MOST_ROWS
    assert "41 quotes: the 40 newest are shown; --csv writes all" in text
    text = " ".join(shown(quotes_table(quotes, NOON + 90 * MICROS_PER_SECOND, NOON)).split())
    assert "[KX]" in text
    assert "as of 2026-11-22 12:01:30Z (newest complete tick: 2026-11-22 12:00:00Z, 90 s before)" in text
    assert "as of 2026-11-22 12:00:00Z (newest complete tick: none yet)" in " ".join(
        shown(quotes_table(quotes, NOON, None)).split()
    )


def test_exact_text_has_no_exponent_and_keeps_absent_blank() -> None:
    quote = Quote(
        "KX-1", NOON, None, None, False, UNKNOWN, False, True, None, 1, 1_000_000, 0, 10**15, None, 1, 123
    )
    noon = "2026-11-22T12:00:00.000000Z"
    assert exact(quote) == [
        *("KX-1", noon, "", "", "0", "unknown", "0", "1", ""),
        *("0.000001", "1", "0", "10000000000000", "", "0.01", "1.23"),
    ]
