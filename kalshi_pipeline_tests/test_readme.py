"""The README's two commands, and a job that is executed once."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.cli.dagster_home import prepare_home
from kalshi_pipeline.cli.demo import DATABASE, HOME
from kalshi_pipeline.defs.databases import database_metadata
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = Path(sys.executable).parent


def test_ci_runs_the_test_command_of_the_readme() -> None:
    first_screen = README.split("## ", 1)[0]
    commands = re.findall(r"```sh\n(.*?)```", first_screen, flags=re.DOTALL)[0].splitlines()
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def as_after_an_earlier_demo(folder: Path) -> None:
    """Record an asset in Dagster that an earlier demo in this folder stored."""
    home = prepare_home(folder / HOME)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        place = database_metadata(str(folder / DATABASE))
        instance.report_runless_asset_event(dg.AssetMaterialization("series", metadata=place))


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "again"])
def test_demo_shows_a_price_history(tmp_path: Path, *, is_first: bool) -> None:
    """The README's first command, in an empty folder, and in one where it has been run before."""
    if not is_first:
        as_after_an_earlier_demo(tmp_path)
    shown = subprocess.run(
        [SCRIPTS / "kalshi-pipeline", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("success") == 6
    assert re.search(r"^ticks +5 complete$", shown.stdout, re.M)
    assert "stored quotes" in shown.stdout
    assert "kalshi dev" in shown.stdout
    assert (tmp_path / DATABASE).exists()
    (traded,) = re.findall(r"^  kalshi (trades .*)$", shown.stdout, re.M)
    found = subprocess.run(
        [SCRIPTS / "kalshi", *traded.split()], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert len(found.stdout.splitlines()) > 1
    (question,) = re.findall(r"^  kalshi (history .*)$", shown.stdout, re.M)
    asked = subprocess.run(
        [SCRIPTS / "kalshi", *question.split()], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert len(asked.stdout.splitlines()) == 6


@pytest.fixture
def environment(database_path: Path) -> Iterator[dict[str, str]]:
    with Sandbox(World(WorldConfig(markets=150, combos=0))) as sandbox:
        yield {
            **os.environ,
            "KALSHI_API_URL": sandbox.url,
            "KALSHI_DATABASE_URL": f"sqlite:///{database_path}",
            "KALSHI_REQUESTS_PER_SECOND": "1000",
            "KALSHI_RETRY_SECONDS": "0",
        }


def job_execute(job: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / "dagster", "job", "execute", "-m", "kalshi_pipeline.definitions", "-j", job],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_job_execute_collects_and_exits_with_zero(
    environment: dict[str, str], tmp_path: Path, query: Query
) -> None:
    done = job_execute("collect", tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert query("SELECT count(*) FROM latest_prices") == [(150,)]


def test_job_execute_that_is_partial_stores_and_exits_with_one(
    environment: dict[str, str], tmp_path: Path, query: Query
) -> None:
    with Sandbox(World(WorldConfig(markets=1_200, combos=0))) as sandbox:
        capped = {**environment, "KALSHI_API_URL": sandbox.url, "KALSHI_MAX_PAGES": "1"}
        done = job_execute("snapshot", tmp_path, capped)
    assert done.returncode == 1
    assert "price_snapshots is partial: truncated" in done.stdout + done.stderr
    assert query("SELECT count(*) FROM latest_prices") == [(1_000,)]


def test_job_execute_that_fails_exits_with_another_code(
    environment: dict[str, str], tmp_path: Path, query: Query
) -> None:
    """A 404 is permanent, so nothing is retried."""
    wrong = {
        **environment,
        "KALSHI_API_URL": environment["KALSHI_API_URL"].replace("/trade-api/v2", "/nowhere"),
    }
    done = job_execute("snapshot", tmp_path, wrong)
    assert done.returncode != 0
    assert "check the ticker and KALSHI_API_URL" in done.stdout + done.stderr
    assert query("SELECT state FROM ticks") == [("failed",)]
