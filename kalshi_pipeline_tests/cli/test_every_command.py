"""What holds of every command that reads: each of the command tree is run in every form, also the next one to be added.

One store is filled as a person would, by collecting from an exchange whose markets move, close and settle.
"""

import contextlib
import csv
import fcntl
import io
import json
import os
import re
import sqlite3
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.cells import cell_len

from kalshi_pipeline.cli.app import command_line, main
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline_tests.cli.conftest import Result
from kalshi_pipeline_tests.processes import python
from kalshi_pipeline_tests.store.migrations.stored import load
from kalshi_pipeline_tests.store.samples import sqlite_url

# The store takes seconds to fill: the tests share it, so they share a worker.
pytestmark = pytest.mark.xdist_group("every_command")

OPTIONS_OF_READING = {"--db", "--json", "--csv", "--limit", "--columns", "--local"}
NOT_READING = {
    *("demo", "dev", "sandbox"),
    *("init", "sync", "sync-markets", "snapshot", "collect", "order-books"),
    *("backfill settlements", "backfill trades", "backfill candlesticks"),
    *("backup", "verify", "replay", "void-ticks", "export"),
    # The exchange's own JSON.
    "details",
}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})")


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, below in getattr(command, "commands", {}).items():
        if getattr(below, "commands", None):
            yield from _commands(below, (*path, name))
        else:
            yield (*path, name), below


COMMANDS = dict(_commands(typer.main.get_command(command_line())))
"""Every command by the words that run it, hidden spellings included."""
GROUPED = {path: command for path, command in COMMANDS.items() if path[0] in ("data", "market", "analysis")}
READING = [path for path in GROUPED if " ".join(path[1:]) not in NOT_READING]
OF_A_TICKER = [path for path in READING if [p.metavar for p in GROUPED[path].params][:1] == ["TICKER"]]

Call = Callable[..., Result]


def _called(*arguments: str) -> Result:
    """Run a command in this process."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        patch.setattr(sys, "argv", ["kalshi", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    return Result(int(end.value.code or 0), output.getvalue(), errors.getvalue())


@pytest.fixture(scope="module")
def ticker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The ticker of a market of which everything is stored; `KALSHI_DATABASE_URL` is its store."""
    path = tmp_path_factory.mktemp("every_command") / "kalshi.db"
    moving: dict[str, Any] = {"closes_per_step": 8, "edits_per_step": 8, "change_share": 0.5}
    world = World(WorldConfig(markets=80, combos=5, start=datetime_of(SYSTEM_CLOCK.now()), **moving))
    with Sandbox(world) as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "API_URL": sandbox.url,
            "DATABASE_URL": sqlite_url(path),
            "REQUESTS_PER_SECOND": "1000",
            "RETRY_SECONDS": "0",
            "COMBOS": "include",
        }.items():
            patch.setenv(f"KALSHI_{name}", value)
        assert _called("collect", "--once").returncode == 0
        for _ in range(3):
            world.step()
            assert _called("snapshot").returncode in (0, 6)
        assert _called("sync").returncode == 0
        assert _called("backfill", "settlements").returncode == 0
        assert _called("backfill", "trades", "--start", "5d", "--end", "today").returncode == 0
        with contextlib.closing(sqlite3.connect(path)) as connection:
            # The steps put the exchange's clock ahead: its newest trades are later than now.
            [(found,)] = connection.execute(
                "SELECT ticker FROM trade_history JOIN market_catalogue USING (ticker) WHERE status = 'active' "
                "AND created_at_us > strftime('%s', 'now', '-4 days') * 1000000 "
                "AND created_at_us < strftime('%s', 'now') * 1000000 "
                "GROUP BY ticker ORDER BY count(*) DESC, ticker LIMIT 1"
            )
        assert _called("book", found, "--fetch").returncode == 0
        yield found


def _arguments(path: Sequence[str], ticker: str) -> list[str]:
    """The words of a command, with the arguments that it needs; `market get` does not ask the exchange."""
    words = {"TICKER": ticker, "WORDS": "KX"}
    needed = [words[str(p.metavar)] for p in GROUPED[tuple(path)].params if p.required]
    wide = {
        "closing": ["--within", "400d"],
        "movers": ["--window", "1d"],
        "trades": ["--start", "5d"],
        "get": ["--offline"],
    }
    return [*path, *needed, *wide.get(path[-1], [])]


def _parts(document: Any, name: str = "rows") -> dict[str, list[Mapping[str, Any]]]:
    """The rows of each part of an answer in JSON."""
    if isinstance(document, list):
        return {name: document}
    if all(isinstance(part, (list, dict)) for part in document.values()):
        return {key: [part] if isinstance(part, dict) else part for key, part in document.items()}
    return {name: [document]}


def _csv_parts(text: str, names: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    blocks = re.split(r"\n# .*\n", text) if len(names) > 1 else [text]
    return {name: list(csv.DictReader(io.StringIO(block))) for name, block in zip(names, blocks, strict=True)}


def _as_csv(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def test_every_command_either_reads_with_all_options_or_is_known_not_to() -> None:
    for path in READING:
        options = {name for p in GROUPED[path].params for name in p.opts}
        assert options >= OPTIONS_OF_READING, " ".join(path)
    names = {" ".join(path[1:]) for path in GROUPED} | {path[0] for path in COMMANDS if len(path) == 1}
    assert names >= NOT_READING


def test_every_command_works_without_its_group_and_has_examples() -> None:
    for path, command in GROUPED.items():
        alone = COMMANDS[path[1:]]
        assert [p.opts for p in alone.params] == [p.opts for p in command.params], " ".join(path)
        assert f"kalshi {path[0]}" in command.epilog, " ".join(path)
        assert command.help


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_json_csv_and_pipe_have_the_same_values(ticker: str, path: tuple[str, ...]) -> None:
    arguments = _arguments(path, ticker)
    in_json, in_csv, in_pipe = (_called(*arguments, *form) for form in (["--json"], ["--csv"], []))
    assert {in_json.returncode, in_csv.returncode, in_pipe.returncode} == {0}
    parts = _parts(json.loads(in_json.stdout, parse_float=Decimal))
    assert any(parts.values()) or path[-1] == "gaps"
    tables = _csv_parts(in_csv.stdout, list(parts))
    varying = {"at", "closes_in", "collecting"}
    for name, rows in parts.items():
        assert [
            {key: _as_csv(value) for key, value in row.items() if key not in varying} for row in rows
        ] == [{key: value for key, value in row.items() if key not in varying} for row in tables[name]]
        for row in rows:
            for key, value in row.items():
                assert not key.endswith("_at") or value is None or _TIME.fullmatch(str(value)), key
    assert all(character.isprintable() or character in "\t\n" for character in in_pipe.stdout)


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_limit_and_columns_choose_from_the_same_rows(ticker: str, path: tuple[str, ...]) -> None:
    arguments = _arguments(path, ticker)
    parts = _parts(json.loads(_called(*arguments, "--json", "--limit", "1").stdout))
    assert all(len(rows) <= 1 for rows in parts.values())
    rows = next(iter(parts.values()))
    if not rows:
        return
    last, first = list(rows[0])[-1], next(iter(rows[0]))
    chosen = _called(*arguments, "--json", "--columns", f"{last},{first}")
    [found] = _parts(json.loads(chosen.stdout)).values()
    assert {tuple(row) for row in found} == {(last, first) if last != first else (last,)}
    unknown = _called(*arguments, "--columns", f"{first}x")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert f"did you mean {first}?" in unknown.stderr


@pytest.fixture
def kathmandu() -> Iterator[None]:
    """A zone whose offset is not of whole hours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("kathmandu")
@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_local_times_are_the_same_instants(ticker: str, path: tuple[str, ...]) -> None:
    arguments = [*_arguments(path, ticker), "--json"]
    here, there = (
        [row for rows in _parts(json.loads(_called(*arguments, *local).stdout)).values() for row in rows]
        for local in ([], ["--local"])
    )
    for one, other in zip(here, there, strict=True):
        for key, value in one.items():
            if key == "at" or value is None or not _TIME.fullmatch(str(value)) or not key.endswith("_at"):
                continue
            assert other[key].endswith("+05:45")
            assert datetime.fromisoformat(other[key]) == datetime.fromisoformat(value)


@pytest.mark.parametrize("path", OF_A_TICKER, ids=" ".join)
def test_ticker_in_any_case_is_found_and_a_near_miss_is_named(ticker: str, path: tuple[str, ...]) -> None:
    arguments = [*_arguments(path, ticker), "--json"]
    lower = [argument.lower() if argument == ticker else argument for argument in arguments]
    near = [f"{argument}9" if argument == ticker else argument for argument in arguments]
    unknown = ["ZZZ" if argument == ticker else argument for argument in arguments]
    assert _called(*lower) == _called(*arguments)
    for wrong, said in ((near, f"did you mean .*{re.escape(ticker)}"), (unknown, "check the ticker")):
        result = _called(*wrong)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (5, "", 1)
        assert re.search(said, result.stderr)


@pytest.fixture(scope="module")
def without_data(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """The paths of an empty store, of one that does not exist, and of one of an older version."""
    folder = tmp_path_factory.mktemp("without_data")
    empty, missing, old = (folder / f"{name} ?#é.db" for name in ("empty", "missing", "old"))
    assert _called("init", "--db", str(empty)).returncode == 0
    return str(empty), str(missing), str(load("0010", old))


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_store_without_data_gets_an_empty_answer_and_a_reason(
    without_data: tuple[str, str, str], ticker: str, path: tuple[str, ...]
) -> None:
    empty, missing, old = without_data
    arguments = _arguments(path, ticker)
    result = _called(*arguments, "--db", empty, "--json")
    if path in OF_A_TICKER:
        assert (result.returncode, result.stdout) == (5, "")
    else:
        assert result.returncode == 0
        assert not any(
            rows for name, rows in _parts(json.loads(result.stdout)).items() if name == "rows"
        ) or (path[-1] == "status")
    assert result.stderr.count("\n") == (0 if path[-1] == "status" else 1)
    refused = _called(*arguments, "--db", missing)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (4, "", 1)
    assert not Path(missing).exists()
    refused = _called(*arguments, "--db", old)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (4, "", 1)
    assert "`kalshi data init --db " in refused.stderr


_IN_TURN = """
import json, os, sys
from kalshi_pipeline.cli.app import main
import kalshi_pipeline.cli.tables, kalshi_pipeline.api
for arguments in json.loads(sys.argv[1]):
    print("\\x01" + " ".join(arguments), flush=True)
    child = os.fork()
    if not child:
        sys.argv = ["kalshi", *arguments]
        main()
    os.waitpid(child, 0)
"""


def _on_terminal(width: int, commands: Sequence[Sequence[str]], **settings: str) -> dict[str, list[str]]:
    """The lines that each command shows on a terminal."""
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    shown = b""
    with python(
        _IN_TURN, json.dumps(commands), env={**environment, "TERM": "xterm", **settings}, stdout=terminal
    ) as process:
        os.close(terminal)
        # The other end of a terminal is closed when its last process ends, which reads as an error.
        with contextlib.suppress(OSError):
            while piece := os.read(controller, 65_536):
                shown += piece
        _, errors = process.communicate()
    os.close(controller)
    assert "Traceback" not in errors
    blocks = shown.decode().replace("\r\n", "\n").split("\x01")[1:]
    return {block.partition("\n")[0]: block.splitlines()[1:] for block in blocks}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_terminal_of_every_width_shows_whole_words(ticker: str, width: int) -> None:
    commands = [_arguments(path, ticker) for path in READING]
    shown = _on_terminal(width, commands, NO_COLOR="1")
    assert list(shown) == [" ".join(command) for command in commands]
    for command, lines in shown.items():
        assert lines or "gaps" in command, command
        for line in lines:
            # Bold and faint are no colours.
            plain = re.sub(r"\x1b\[[012]m", "", line)
            assert plain.isprintable(), command
            longest = max(map(cell_len, plain.split()), default=0)
            # A ticker is never broken, so a line of one alone may be longer.
            assert cell_len(plain) <= max(width, longest + 2), (command, plain)
        text = "\n".join(lines)
        assert "000000Z" not in text


def test_terminal_without_letters_gets_the_nearest(ticker: str) -> None:
    commands = [_arguments(path, ticker) for path in READING]
    for lines in _on_terminal(80, commands, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0").values():
        assert all(line.isascii() for line in lines)
