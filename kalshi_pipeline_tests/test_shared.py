"""Tests in a checkout without the recorded answers."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent


def test_comparisons_without_the_recorded_answers_are_skipped_and_counted(tmp_path: Path) -> None:
    """A test with one case per recorded file counts as one skip; other tests count each case."""
    checkout = tmp_path / "checkout"
    shutil.copytree(TESTS, checkout / TESTS.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TESTS.parent / "pyproject.toml", checkout)
    selected = [
        f"{TESTS.name}/test_contract.py::test_recorded_time_round_trips",
        f"{TESTS.name}/exchange/test_cassettes.py::test_cassette_quotes_no_recorded_text",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n1", *selected],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last, totals = done.stdout.splitlines()
    assert last == (
        "4 tests were skipped because ../shared is not beside this folder: they compare with recorded answers"
    )
    assert "4 skipped" in totals
