"""A store whose runs are killed at random statements holds, after the next good runs, what an undisturbed one holds."""

import ast
import sys

import pytest

from kalshi_pipeline_tests import processes

LIVE = """
import sys
from kalshi_pipeline_tests.ingest.killed_lives import KilledLife
from kalshi_pipeline_tests.ingest.many_lives import live_many
live_many(KilledLife, int(sys.argv.pop()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_killed_runs_leave_nothing_missing(request: pytest.FixtureRequest) -> None:
    seeds, ticks = ("40", "40") if request.config.getoption("full") else ("1", "8")
    with processes.python(LIVE, "0", seeds, ticks) as process:
        printed, errors = process.communicate()
    *differences, last = printed.splitlines() or [errors]
    assert differences == []
    counts: dict[str, int] = ast.literal_eval(last)
    assert counts["rows compared"] > 50
    assert counts["tick killed"] > 3
