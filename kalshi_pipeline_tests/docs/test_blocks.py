"""Every block of commands, SQL and Python in the README and docs/ runs on the documented database.

A block that is not run gives the reason in its first line: ```sh server``` starts a server, `machine` changes the
computer, `long` takes minutes. SQL that may find nothing is marked `empty`. The output in `console` blocks is compared
line by line.
"""

import contextlib
import os
import pty
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests.docs.documented import make_documented
from kalshi_pipeline_tests.docs.pages import PAGES, Block, blocks

pytestmark = pytest.mark.xdist_group("docs")

NOT_RUN = {"server", "machine", "long"}
RUN_ELSEWHERE = {
    "uv run kalshi demo",  # test_readme.py
    "uv run poe check",  # the tests are part of it
    "uv run dagster job execute -m kalshi_pipeline.definitions -j collect",  # test_readme.py
    "uv run dagster job execute -m kalshi_pipeline.definitions -j snapshot",
}
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_SCRIPTS = str(Path(sys.executable).parent)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the documented database, as the live one and as that of the demo."""
    folder = tmp_path_factory.mktemp("documented")
    (folder / "data").mkdir()
    make_documented(folder / "data" / "kalshi.db")
    shutil.copyfile(folder / "data" / "kalshi.db", folder / "data" / "demo.db")
    return folder


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with Sandbox(World(WorldConfig(markets=50))) as sandbox:
        yield {
            **os.environ,
            "KALSHI_API_URL": sandbox.url,
            "PATH": f"{_SCRIPTS}:{os.environ['PATH']}",
            "COLUMNS": "80",
            "TERM": "xterm",
        }


def run(*languages: str) -> list[Block]:
    return [block for block in blocks(*languages) if block.word not in NOT_RUN]


def by_name(found: list[Block]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", found, ids=[block.name for block in found])


def test_skipped_blocks_are_few_and_say_why() -> None:
    words = {block.word for block in blocks() if block.word}
    assert words <= {*NOT_RUN, "empty"}
    assert sum(block.word in NOT_RUN for block in blocks()) <= 8


def test_blocks_are_in_languages_that_are_tested() -> None:
    tested = {"sh", "console", "sql", "python", "yaml", "ini", "dockerfile"}
    assert {block.language for block in blocks()} <= tested


@by_name([block for block in blocks("sh") if block.word == "long"])
def test_modules_of_long_runs_exist(block: Block) -> None:
    (name,) = re.findall(r"python -m ([\w.]+)", block.text)
    assert find_spec(name)


@by_name(run("sql"))
def test_sql_finds_rows(block: Block, folder: Path) -> None:
    with closing(sqlite3.connect(f"file:{folder}/data/kalshi.db?mode=ro", uri=True)) as connection:
        for statement in filter(str.strip, block.text.split(";\n")):
            rows = connection.execute(statement).fetchmany(1)
            assert rows or block.word == "empty", statement


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_runs(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order, as a reader would run them."""
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for block in run("python"):
        if block.page == page and page.name != "python.md":  # notebooks/test_documents.py runs that one
            exec(block.text, names)


@by_name([block for block in run("sh") if not set(block.text.splitlines()) <= RUN_ELSEWHERE])
def test_commands_succeed(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """They run in a shell in which `uv run` starts the tests' own program."""
    script = f'set -eo pipefail\nuv() {{ shift; "$@"; }}\n{block.text}'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@by_name(run("console"))
def test_console_shows_what_the_commands_print(
    block: Block, folder: Path, environment: dict[str, str]
) -> None:
    text = block.text.replace("\\\n", "")  # a line that continues
    shown = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    assert shown[0] == ""
    for command, output in zip(shown[1::2], shown[2::2], strict=True):
        assert printed_by(shlex.split(command), folder, environment) == output, command


def printed_by(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    if words[0] == "sqlite3":
        return printed_by_sqlite(folder / words[2], words[3])
    return printed_on_terminal(words[words[0:2] == ["uv", "run"] and 2 :], folder, environment)


def printed_by_sqlite(path: Path, statement: str) -> str:
    """What `sqlite3 -header` prints; the shell itself need not be installed."""
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute(statement)
        rows = [[column[0] for column in cursor.description], *cursor]
    return "".join("|".join(map(str, row)) + "\n" for row in rows)


def printed_on_terminal(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What a command prints on a terminal of 80 columns, without colours."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        parts = []
        with contextlib.suppress(OSError):  # how the end of a terminal shows on Linux
            while part := os.read(ours, 65_536):
                parts.append(part)
        os.close(ours)
    assert process.returncode == 0
    return _ESCAPES.sub("", b"".join(parts).decode().replace("\r\n", "\n"))
