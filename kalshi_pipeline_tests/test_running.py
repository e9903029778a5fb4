"""The commands and units in docs/running.md match the program."""

import configparser
import re
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

import kalshi_pipeline
from kalshi_pipeline.cli.app import command_line

_PAGE = Path(kalshi_pipeline.__file__).parent.parent / "docs" / "running.md"


def units() -> Iterator[configparser.ConfigParser]:
    for text in re.findall(r"```ini\n(.*?)```", _PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys of systemd have capitals
        unit.read_string(text)
        yield unit


def test_units_run_commands_that_there_are() -> None:
    lines = [unit["Service"]["ExecStart"] for unit in units() if "Service" in unit]
    commands = [line.split(" kalshi ")[1].split() for line in lines if " kalshi " in line]
    assert [command[0] for command in commands] == ["dev", "data"]
    for command in commands:
        words = [word for word in command if not word.startswith("-") and not word.isdecimal()]
        result = CliRunner().invoke(command_line(), [*words, "--help"])
        assert result.exit_code == 0
        assert all(word in result.stdout for word in command if word.startswith("-"))


def test_services_are_started_again_whatever_their_exit_code() -> None:
    services = [unit["Service"] for unit in units() if "Service" in unit]
    assert [service["Restart"] for service in services if "Restart" in service] == ["always"]
