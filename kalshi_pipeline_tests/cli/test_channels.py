"""Commands do their work even if their standard streams are closed or cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kalshi_pipeline.cli.terminal import write_anything
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.processes import CLI

_COUNT = "SELECT count(*) > 0 FROM latest_quotes"


def run(environment: dict[str, str], redirections: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with redirected streams, as a shell does."""
    command = f'exec "$0" -c "$@" {redirections}'
    return subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, CLI, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("redirections", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_command_works_with_closed_streams(
    environment: dict[str, str], query: Query, redirections: str
) -> None:
    ended = run(environment, redirections, "snapshot")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert query(_COUNT) == [(1,)]
    assert query("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("arguments", [["snapshot"], ["collect", "--once"]], ids=" ".join)
def test_command_finishes_its_work_with_full_standard_output(
    environment: dict[str, str], query: Query, arguments: list[str]
) -> None:
    ended = run(environment, ">/dev/full", *arguments)
    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1] == (
        "not all of the output could be written: No space left on device; write it to another place"
    )
    assert "Traceback" not in ended.stderr
    assert query(_COUNT) == [(1,)]
    assert query("SELECT count(*) FROM listings WHERE state <> 'complete'") == [(0,)]


@pytest.mark.parametrize("arguments", [["--help"], ["data", "-h"], ["quotes", "--help"]], ids=" ".join)
def test_help_that_cannot_be_written_is_reported_in_one_line(
    environment: dict[str, str], arguments: list[str]
) -> None:
    ended = run(environment, ">/dev/full", *arguments)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (4, 1)
    assert "No space left on device" in ended.stderr


def test_wrong_argument_keeps_its_exit_code_when_nothing_can_be_written(environment: dict[str, str]) -> None:
    ended = run(environment, ">/dev/full", "quotes", "--nope")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Muñoz Øvergård", "Munoz ?vergard"),
        ("Straße …", "Stra?e ."),
        ("東京 1", "???? 1"),
        ("e\u0301 │", "e ?"),
        ("half \udc80", "half \\udc80"),
    ],
)
def test_terminal_with_fewer_letters_keeps_columns_aligned(text: str, shown: str) -> None:
    controller, end = os.openpty()
    with open(controller, "rb", buffering=0) as reader, open(end, "w", encoding="ascii") as terminal:  # noqa: PTH123
        write_anything(terminal)
        terminal.write(text)
        terminal.flush()
        assert reader.read(100).decode() == shown


def test_file_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("w", encoding="ascii") as file:
        write_anything(file)
        file.write("Muñoz")
    assert (tmp_path / "rows.csv").read_bytes() == "Muñoz".encode()


def test_answer_that_cannot_be_written_is_an_error(environment: dict[str, str]) -> None:
    assert run(environment, "", "snapshot").returncode == 0
    ended = run(environment, ">/dev/full", "quotes", "--csv")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (4, 1)


def test_full_standard_error_has_no_effect(environment: dict[str, str], query: Query) -> None:
    ended = run(environment, "2>/dev/full", "snapshot")
    assert (ended.returncode, len(ended.stdout.splitlines())) == (0, 1)
    assert query(_COUNT) == [(1,)]


def test_error_keeps_its_exit_code_when_nothing_can_be_written(environment: dict[str, str]) -> None:
    """Without this, Python would exit with 120 if it cannot flush its output."""
    ended = run(environment, ">/dev/full 2>&1", "quotes", "--lmit", "3")
    assert ended.returncode == 2
