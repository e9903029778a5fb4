"""What docs/running.md tells a supervisor to run is what this program has."""

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
    commands = [unit["Service"]["ExecStart"] for unit in units() if "Service" in unit]
    (watching,) = [command for command in commands if "kalshi-pipeline" in command]
    words = watching.split("kalshi-pipeline ")[1].split()
    result = CliRunner().invoke(command_line(), [words[0], "--help"])
    assert result.exit_code == 0
    assert words[1] in result.stdout


def test_services_are_started_again_whatever_their_exit_code() -> None:
    """`dagster dev` ends with 0 when one of its services has died."""
    services = [unit["Service"] for unit in units() if "Service" in unit]
    assert [service["Restart"] for service in services if "Restart" in service] == ["always"]
