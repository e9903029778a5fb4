"""Exchange texts with control characters or markup: every command shows them without effect."""

import csv
import io
import os
import sys
from collections.abc import Iterator

import pytest

from kalshi_pipeline.quoting import is_printable, printable
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.ingest.small_exchange import SmallExchange, event, market, served
from kalshi_pipeline_tests.processes import CLI, python

HOSTILE = "KX\x1b]52;c;aGk=\x07\x9b31m\u202e\u200b[red]:x:[link=http://a.b]"
VISIBLE = "KX\ufffd]52;c;aGk=\ufffd\ufffd31m\ufffd\ufffd[red]:x:[link=http://a.b]"
NAMES = {name: f"{HOSTILE}\r\n{name}" for name in ("title", "yes_sub_title", "status", "rules_primary")}
SIDES = {
    "yes_bid_dollars": "0.5000",
    "yes_bid_size_fp": "1.00",
    "yes_ask_dollars": "0.6000",
    "volume_fp": "1.00",
}

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def stored(run: Run) -> Iterator[Run]:
    """A database in which a snapshot stored a market with hostile texts."""
    exchange = SmallExchange(
        [event("KXE", "KXS") | NAMES], [market(HOSTILE, "KXE") | NAMES | SIDES | {"status": "active"}], []
    )
    with served(exchange) as address:
        taken = run("snapshot", API_URL=address)
        assert taken.returncode == 0
        yield run


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("quotes",), id="quotes"),
        pytest.param(("market", HOSTILE, "--offline"), id="market"),
        pytest.param(("metrics", HOSTILE), id="metrics"),
        pytest.param(("history", HOSTILE), id="history"),
        pytest.param(("status",), id="status"),
        pytest.param(("details", HOSTILE), id="details"),
        pytest.param(("metrics", f"{HOSTILE}?"), id="error"),
    ],
)
def test_command_shows_no_control_character(stored: Run, command: tuple[str, ...]) -> None:
    shown = stored(*command)
    lines = (shown.stdout + shown.stderr).replace("\t", " ").splitlines()
    assert [line for line in lines if not is_printable(line)] == []
    if command[0] not in ("status", "details"):
        text = shown.stdout + shown.stderr
        assert VISIBLE in text


def test_csv_is_exact_in_a_pipe(stored: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(stored("quotes", "--csv").stdout))
    assert row["ticker"] == HOSTILE


@pytest.mark.usefixtures("stored")
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal")
def test_csv_is_printable_on_a_terminal(environment: dict[str, str]) -> None:
    controller, terminal = os.openpty()
    with python(CLI, "quotes", "--csv", env=environment, stdout=terminal):
        os.close(terminal)
        with open(controller, newline="", encoding="utf-8") as screen:  # noqa: PTH123  (a number, not a path)
            lines = [screen.readline().rstrip("\r\n") for _ in range(2)]
    assert lines[1].startswith(f"{printable(HOSTILE)},")
