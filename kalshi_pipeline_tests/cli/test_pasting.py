"""Commands named in messages can be pasted."""

import re
import shlex
from pathlib import Path

import pytest

from kalshi_pipeline.cli.pasting import naming_database_of, pasteable
from kalshi_pipeline_tests.cli.conftest import Run

_MESSAGE = "run `kalshi data sync` first"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param([], _MESSAGE, id="nothing"),
        pytest.param(["quotes"], _MESSAGE, id="without"),
        pytest.param(["quotes", "--db", "a.db"], "run `kalshi data sync --db a.db` first", id="two-words"),
        pytest.param(["quotes", "--db=a.db"], "run `kalshi data sync --db a.db` first", id="one-word"),
        pytest.param(
            ["--db", "a", "--db", "b c"], "run `kalshi data sync --db 'b c'` first", id="last-counts"
        ),
        pytest.param(["search", "--", "--db", "a.db"], _MESSAGE, id="words-of-a-search"),
        pytest.param(["quotes", "--db"], _MESSAGE, id="no-value"),
    ],
)
def test_named_command_has_the_same_database(arguments: list[str], shown: str) -> None:
    with naming_database_of(arguments):
        assert pasteable(_MESSAGE) == shown
        assert pasteable(shown) == shown
    assert pasteable(_MESSAGE) == _MESSAGE


def test_other_texts_are_unchanged() -> None:
    with naming_database_of(["--db", "a.db"]):
        for text in ("`kalshi data sync --help` shows how", "Kalshi data sync", "`select kalshi from x`"):
            assert pasteable(text) == text
        assert pasteable("set KALSHI_DATABASE_URL to a new file") == "pass --db with a new file"


def test_in_a_checkout_commands_begin_with_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert pasteable(_MESSAGE) == "run `uv run kalshi data sync` first"


def test_following_the_advice_fills_the_named_database(run: Run, tmp_path: Path) -> None:
    """Start in an empty folder, and follow only the messages until there are quotes."""
    mine = tmp_path / "of mine.db"
    said = run("quotes", "--db", str(mine)).stderr
    run(*_command_of(said))
    begun = run("data", "init", "--db", str(mine)).stdout
    assert _command_of(begun) == ["data", "collect", "--once", "--db", str(mine)]
    quotes = run("quotes", "--db", str(mine))
    assert quotes.returncode == 0
    assert len(quotes.stdout.splitlines()) > 100
    ticker = quotes.stdout.splitlines()[1].split("\t")[0]
    book = run("book", ticker, "--db", str(mine)).stderr
    assert run(*_command_of(book)).returncode == 0


def _command_of(message: str) -> list[str]:
    found = re.search(r"`kalshi ([^`]+)`", message)
    assert found is not None, message
    return shlex.split(found[1])
