"""Dagster's processes read the original environment, although Dagster overwrites it with `.env`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kalshi_pipeline.defs.environment import environment_of_the_start, is_command_of_dagster

_JOB = """
import subprocess, sys
from pathlib import Path
import dagster as dg
from kalshi_pipeline.defs.environment import current_settings

READ = "from kalshi_pipeline.defs.environment import current_settings as s; print(s().combos, s().max_pages)"

@dg.op
def read():
    Path(".env").write_text("KALSHI_COMBOS=include\\nKALSHI_MAX_PAGES=5\\n")
    settings = current_settings()
    below = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True).stdout
    Path("read").write_text(f"{settings.combos} {settings.max_pages}\\n{below}")

@dg.job(executor_def=dg.in_process_executor)
def reading():
    read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the environment of the start")
@pytest.mark.timeout(90)
def test_environment_takes_precedence_over_dotenv_in_a_run_of_dagster(tmp_path: Path) -> None:
    """Its child processes do too. Variables that are only in `.env` have their current values."""
    (tmp_path / ".env").write_text("KALSHI_COMBOS=include\nKALSHI_MAX_PAGES=3\nKALSHI_SERIES=KXA\n")
    (tmp_path / "jobs.py").write_text(_JOB)
    environ = {**os.environ, "KALSHI_COMBOS": "only", "DAGSTER_DISABLE_TELEMETRY": "1"}
    subprocess.run(
        [sys.executable, "-m", "dagster", "job", "execute", "-f", "jobs.py", "-j", "reading"],
        check=True,
        env=environ,
        cwd=tmp_path,
        capture_output=True,
    )
    assert (tmp_path / "read").read_text().splitlines() == ["only 5", "only 5"]


def test_environment_without_a_dagster_command_is_the_process_environment() -> None:
    assert environment_of_the_start() is os.environ


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("/venv/bin/python3.11 /venv/bin/dagster dev -p 3000", True, id="script"),
        pytest.param("/venv/bin/python -m dagster api grpc --socket /tmp/x", True, id="module"),
        pytest.param("python3 -W error -X dev -I -m dagster._daemon run", True, id="options"),
        pytest.param("python -m dagster_webserver --port 3000", True, id="webserver"),
        pytest.param("/venv/bin/python /venv/bin/dg dev", True, id="dg"),
        pytest.param("/venv/bin/dagster-daemon run", True, id="program"),
        pytest.param("python -m kalshi_pipeline.defs.run_template", False, id="ours"),
        pytest.param("/venv/bin/python /venv/bin/kalshi-pipeline demo", False, id="command-line"),
        pytest.param("python -m pytest dagster", False, id="tests"),
        pytest.param("uv run dagster dev", False, id="starts-one"),
        pytest.param("bash -c dagster", False, id="shell"),
        pytest.param("python", False, id="alone"),
        pytest.param("", False, id="of-the-system"),
    ],
)
def test_dagster_command_is_recognized_by_its_command_line(line: str, *, expected: bool) -> None:
    assert is_command_of_dagster(line.split(" ")) is expected
