"""What a person reads on the command line: exact, with what is absent named, and with the exchange's own words."""

import io

import pytest
from rich.console import Console, RenderableType

from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.screens import age, contracts, dollars, quote_table, report_line, runs_table
from kalshi_pipeline.store.queries import LatestQuote
from kalshi_pipeline.store.runs import Run, State
from kalshi_pipeline.store.tables import ticks
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant

NOON = parse_instant("2026-11-22T12:00:00Z") or 0


def shown(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


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
def test_age_is_told_in_the_unit_of_a_person(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_one_sided_quote_has_neither_spread_nor_midpoint() -> None:
    """R46."""
    quote = LatestQuote("KX-1", "active", NOON, NOON, None, None, 310_000, 0, 500, 0, 0, 0)
    lines = [
        line.strip("│ \n").split("│")
        for line in shown(quote_table(quote, NOON + 90 * MICROS_PER_SECOND)).splitlines()
    ]
    told = {cells[0].strip(): cells[1].strip() for cells in lines if len(cells) == 2}
    assert (told["yes bid"], told["yes ask"]) == ("unquoted", "0.31 x 5")
    assert (told["spread"], told["midpoint"]) == ("-", "- (not quoted on both sides)")
    assert told["quote of"] == "2026-11-22 12:00:00Z, received 90 s ago"


def test_words_of_the_exchange_are_no_styles() -> None:
    reason = "could not be reached ([errno 111] refused) [/red]"
    run = {
        "state": "failed",
        "reason": reason,
        "started_at": NOON,
        "received": 0,
        "inserted": 0,
        "unchanged": 0,
        "quarantined": 0,
    }
    assert reason in shown(runs_table([("events", run)]))

    report = Report("events", Run(ticks, 1, State.FAILED), "all series", state=State.FAILED, reason=reason)
    assert reason in shown(report_line(report))
