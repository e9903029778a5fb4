"""How commands start: their imports, their names, and the errors of wrong arguments."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from kalshi_pipeline.cli.app import GROUPS, command_line
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.groups import Group
from kalshi_pipeline.cli.trying import trying
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.processes import python

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

_IMPORTED = """
import json
from kalshi_pipeline.cli.app import main
try:
    main()
finally:
    print(json.dumps([name for name, module in sys.modules.items() if module]), file=sys.stderr)
"""
# Importing any of these takes longer than help may take.
SLOW = {"alembic", "dagster", "httpx", "msgspec", "pydantic_settings", "rich", "sqlalchemy", "starlette"}


def imported_by(*arguments: str, env: dict[str, str]) -> tuple[set[str], int]:
    """Return the libraries and the packages that a command imports, and its exit code."""
    with python(f"import sys{_IMPORTED}", *arguments, env=env) as process:
        _, errors = process.communicate()
    names = json.loads(errors.splitlines()[-1])
    return {name if name.startswith("kalshi_pipeline.") else name.partition(".")[0] for name in names}, (
        process.returncode
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        ([], 2),
        (["data", "--help"], 0),
        (["market", "event", "--help"], 0),
        (["data", "backfill", "trades", "--help"], 0),
        (["quotez"], 2),
        (["quotes", "--lmit", "3"], 2),
        (["quotes", "--limit", "few"], 2),
        (["movers", "--window", "1 fortnight"], 2),
        (["history"], 2),
        (["collect"], 2),
        (["snapshot", "--status", "settled"], 2),
        (["void-ticks", "--after"], 2),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_help_and_wrong_arguments_import_nothing_slow(
    environment: dict[str, str], arguments: list[str], code: int
) -> None:
    names, ended_with = imported_by(*arguments, env=environment)
    assert (names & SLOW, ended_with) == (set(), code)
    assert {"kalshi_pipeline.settings", "kalshi_pipeline.api", "kalshi_pipeline.ingest"}.isdisjoint(names)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_imports_nothing_slow(environment: dict[str, str], shell: str) -> None:
    asked = {
        "_C_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "kalshi mar",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "kalshi mar",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    code = f"import sys; sys.argv[0] = 'c'{_IMPORTED}"
    with python(code, env={**environment, **asked}) as process:
        output, errors = process.communicate()
    assert "market" in output
    assert SLOW.isdisjoint(name.partition(".")[0] for name in json.loads(errors.splitlines()[-1]))


@pytest.mark.parametrize("command", [["quotes"], ["status"], ["gaps"], ["search", "rain"], ["event", "X"]])
def test_commands_that_read_import_neither_dagster_nor_the_exchange(
    environment: dict[str, str], command: list[str]
) -> None:
    """In a pipe they print no table, so rich is not imported either."""
    names, _ = imported_by(*command, env=environment)
    assert names & SLOW == {"alembic", "msgspec", "pydantic_settings", "sqlalchemy"} & names
    assert {
        "kalshi_pipeline.ingest",
        "kalshi_pipeline.exchange.transport",
        "kalshi_pipeline.defs",
    }.isdisjoint(names)


def test_one_program_has_two_names() -> None:
    scripts = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["scripts"]
    assert set(scripts) == {"kalshi", "kalshi-pipeline"}
    assert len(set(scripts.values())) == 1


def commands_of(group: Group) -> dict[str, str]:
    """Return the help texts of a group's commands by name."""
    return {str(info.name): info.epilog or "" for info in group.typer.registered_commands}


ALL = {
    **{name: commands_of(trying)[name] for name in trying.names},
    **{f"{group.name} {name}": text for group in GROUPS for name, text in commands_of(group).items()},
    **{f"data backfill {name}": text for name, text in commands_of(backfill).items()},
}


@pytest.mark.parametrize("command", ALL)
def test_help_of_each_command_has_an_example_of_it(command: str) -> None:
    examples = re.findall(r"^  kalshi (.*)$", ALL[command], re.M)
    assert examples
    assert examples[0].startswith(command)


def test_help_shows_no_type_of_python_for_options(run: Run) -> None:
    for command in ALL:
        options = [
            line for line in run(*command.split(), "--help").stdout.splitlines() if line.startswith("  -")
        ]
        assert "  -h, --help" in " ".join(options)
        assert not [line for line in options if "<" in line]


def test_every_command_works_without_its_group_and_hidden_from_help() -> None:
    registered = {info.name: info.hidden for info in command_line().registered_commands}
    assert registered == {
        **dict.fromkeys(trying.names, False),
        **{name: True for group in GROUPS for name in group.names},
    }


def test_commands_of_the_continued_system_run_word_for_word(run: Run, tmp_path: Path) -> None:
    """In an empty folder. The data goes to the file of `--db`, not to that of the settings."""
    db = ("--db", str(tmp_path / "other" / "k.db"))
    for arguments in (
        ("data", "init", *db),
        ("data", "sync-markets", *db, "--status", "open"),
        ("data", "snapshot", *db, "--status", "open"),
        ("data", "collect", "--once", *db),
    ):
        result = run(*arguments)
        assert (result.returncode, arguments) == (0, arguments)
    quotes = [line.split("\t") for line in run("quotes", *db).stdout.splitlines()]
    assert len(quotes) == 121
    ticker = quotes[1][0]
    for arguments in (("market", "get", ticker, *db), ("market", "get", ticker, *db, "--offline")):
        assert run(*arguments).stdout.startswith(f"ticker\t{ticker}\n")
    assert run("analysis", "metrics", ticker, *db).stdout.startswith(f"ticker\t{ticker}\n")
    assert run("quotes").stderr == "no quote is stored yet: run `kalshi data snapshot` first\n"


@pytest.mark.parametrize(
    ("arguments", "same"),
    [
        (["market", "{ticker}", "--offline"], ["market", "get", "{ticker}", "--offline"]),
        (["market", "--offline", "{ticker}"], ["market", "get", "{ticker}", "--offline"]),
        (["metrics", "{ticker}"], ["analysis", "metrics", "{ticker}"]),
        (["analysis", "metrics", "{lower}"], ["analysis", "metrics", "{ticker}"]),
        (["market", "{lower}", "--offline"], ["market", "get", "{ticker}", "--offline"]),
    ],
    ids=[
        "market",
        "market with its option first",
        "metrics",
        "metrics in lower case",
        "market in lower case",
    ],
)
def test_other_spellings_are_the_same_command(run: Run, arguments: list[str], same: list[str]) -> None:
    assert run("snapshot").returncode == 0
    ticker = run("quotes", "--limit", "1", "--columns", "ticker").stdout.splitlines()[1]
    names = {"ticker": ticker, "lower": ticker.lower()}
    first, second = (run(*(word.format(**names) for word in words)) for words in (arguments, same))
    assert first == second
    assert first.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["quotez"],
            r"No such command 'quotez'. Did you mean 'quotes'\?; `\S+ --help` shows how to write it",
        ),
        (["market", "movers"], r"market has no command movers: run `kalshi movers`"),
        (["data", "quotes", "--json"], r"data has no command quotes: run `kalshi quotes`"),
        (["data", "backfill", "movers"], r"backfill has no command movers: run `kalshi movers`"),
        (["market", "serch", "rain"], r"No such command 'serch'. Did you mean 'search'\?; .*"),
        (["quotes", "--lmit", "3"], r"No such option: --lmit .*--limit.*; `\S+ quotes --help` shows how .*"),
        (["history"], r"Missing argument 'TICKER'; .*"),
        (
            ["snapshot", "--status"],
            r"Option '--status' requires an argument; .*`kalshi data status` shows the last runs",
        ),
        (
            ["sync", "--status"],
            r"Option '--status' requires an argument; .*`kalshi data status` shows the last runs",
        ),
        (
            ["snapshot", "--status", "--db"],
            r"--status '--db' is not known: choose open or paused; .*last runs",
        ),
        (["snapshot", "--status", "opne"], r"--status 'opne' is not known: did you mean open\?; .*last runs"),
        (
            ["snapshot", "--status", "settled"],
            r"--status settled: only open and paused markets have quotes; .*",
        ),
        (["collect", "--once", "--status", "closed"], r"--status closed: only open and paused .*"),
        (["sync-markets", "--status", "active"], r"--status 'active' is not known: did you mean open\?"),
        (["quotes", "--columns", "yes_bit"], r"--columns 'yes_bit' is not a column: did you mean yes_bid\?"),
        (["quotes", "--json", "--csv"], r"--json and --csv exclude each other: pass one of them"),
        (["quotes", "--limit", "0"], r"Invalid value for '--limit': pass 1 or more; .*"),
        (["quotes", "--limit", "few"], r"Invalid value for '--limit': pass a whole number; .*"),
        (["quotes", "--columns", "TICKER"], r"--columns 'TICKER' is not a column: did you mean ticker\?"),
        (["quotes", "--columns", "at,at"], r"--columns names 'at' twice: pass it once"),
        (["quotes", "--at", "1969-12-31"], r"--at '1969-12-31' is before 1970: choose a later time"),
        (["quotes", "--db", ":memory:"], r"--db ':memory:' is neither a path nor an address such as .*"),
        (["data", "init", "--db", "sqlite:x.db"], r"--db 'sqlite:x.db' is neither a path nor an address .*"),
        (["order-books", "--market", " "], r"--market is blank: pass one such as .*"),
        (
            ["backfill", "candlesticks", "--start", "yesterday", "--series", ""],
            r"--series is blank: pass one such as .*",
        ),
        (["market", "get", " "], r"the ticker is blank: pass one such as .*"),
        (
            ["sync-markets", "--status", "Finalized"],
            r"--status 'Finalized' is not known: did you mean settled\?",
        ),
        (["quotes", "--db", ""], r"--db is blank: pass the path of a file"),
        (
            ["quotes", "--db", "postgresql://u:secret@h/d"],
            r"--db names no SQLite file.*: pass the path of a file",
        ),
        (["closing", "--within", "soon"], r"--within 'soon' is not a span: write one .*"),
        (["closing", "--within", "0h"], r"--within '0h' is empty: write one .*"),
        (["changes", "--since", "whenever"], r"--since 'whenever' is not a time: write RFC 3339 .*"),
        (
            ["gaps", "--since", "2100-01-01"],
            r"--since 2100-01-01 00:00:00Z is after now .*: choose an earlier time",
        ),
        (["collect", "--interval", "inf"], r"--interval 'inf' is too long: the most is 366 days"),
        (["status", "--max-age", "inf"], r"--max-age 'inf' is too long: the most is 366 days"),
        (["quotes", "--columns", ","], r"--columns ',' names no column: pass names, such as A,B"),
        (["sync", "--status", "closed"], r"--status 'closed' is not known: choose open; .*"),
        (["backfill", "trades", "--start", "soon"], r"--start 'soon' is not a time: .*"),
        (
            ["backfill", "candlesticks", "--start", "yesterday", "--minutes", "5"],
            r"--minutes 5: the exchange has candlesticks of 1, 60 and 1440",
        ),
        (["event"], r"Missing argument 'TICKER'; .*"),
        (["search"], r"Missing argument 'WORDS'; .*"),
        (["dev", "--port", "70000"], r"Invalid value for '--port': pass 65535 or less; .*"),
        (
            ["backfill", "candlesticks", "--start", "2026-10-01"],
            r"backfill candlesticks: pass --series or .*",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_argument_is_one_line(run: Run, arguments: list[str], line: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert re.fullmatch(line, result.stderr.strip())
    assert "secret" not in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_a_named_shell_is_shown(run: Run, shell: str) -> None:
    """Also of a shell that does not run the tests: the name that followed the option was ignored."""
    result = run("--show-completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"complete_{shell}" in result.stdout
    unknown = run("--install-completion", "zhs")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "--install-completion 'zhs' is not known: did you mean zsh?\n"


@pytest.mark.parametrize("arguments", [["zsh"], ["bash"], ["pwsh"]], ids=" ".join)
def test_completion_that_cannot_be_installed_is_one_line(
    run: Run, environment: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    home = tmp_path / "file"
    home.touch()
    environment |= {"HOME": str(home), "PATH": str(tmp_path)}
    result = run("--install-completion", *arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (4, "", 1)
    assert re.search(
        "^completion was not installed .*`kalshi --show-completion bash`.* prints it$", result.stderr
    )


def test_help_is_shown_without_arguments(run: Run) -> None:
    result = run()
    assert (result.returncode, result.stdout) == (2, "")
    assert "data collect --once" in result.stderr


def test_help_is_a_command_too(run: Run) -> None:
    for words in ([], ["quotes"], ["data", "backfill"]):
        assert run("help", *words) == run(*words, "--help")
    assert run("help", "quotes").stdout.startswith("Usage: ")


def test_version_is_that_of_the_package(run: Run) -> None:
    version = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    assert run("--version") == (0, f"kalshi-pipeline {version}\n", "")


def test_similar_ticker_is_suggested(run: Run) -> None:
    assert run("snapshot").returncode == 0
    ticker = run("quotes", "--limit", "1", "--columns", "ticker").stdout.splitlines()[1]
    wrong = f"{ticker[:-1]}?"
    for command in (
        ["metrics"],
        ["history"],
        ["trades"],
        ["book"],
        ["event"],
        ["market", "get", "--offline"],
    ):
        result = run(*command, wrong)
        assert (result.returncode, result.stdout) == (5, "")
        assert re.fullmatch(
            rf"{re.escape(wrong)} is not stored; did you mean .*{re.escape(ticker)}.*\?\n", result.stderr
        )
