"""The README says what the code does: its tables are compared with the code, its commands are run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from kalshi_pipeline.cli.app import GROUPS
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.exits import EXIT_CODES, exit_code_of
from kalshi_pipeline.cli.trying import trying
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.errors import (
    ClockError,
    ConfigurationError,
    ExchangeError,
    PipelineError,
    SkippedError,
    StoppedError,
    StoreError,
    UnknownTickerError,
)
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import PREFIX, Settings
from kalshi_pipeline.signals import STOPPING
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.store.samples import NOON, market, sqlite_url, take

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = Path(sys.executable).parent


def table_under(heading: str) -> list[list[str]]:
    """The rows of the first table after a heading, without its head."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return rows_of(section[section.index("\n|") + 1 :].split("\n\n", 1)[0])[2:]


def rows_of(table: str) -> list[list[str]]:
    """The cells of each row of a table."""
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def shown_default(default: Any) -> str:
    if default in (None, ()):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_settings_table_is_the_code() -> None:
    expected = [
        [f"`{PREFIX}{name.upper()}`", shown_default(field.default), field.description]
        for name, field in Settings.model_fields.items()
    ]
    assert table_under("Settings") == expected


def test_assets_table_is_the_code() -> None:
    graph = defs.resolve_asset_graph()
    described = {}
    for key in graph.materializable_asset_keys - {dg.AssetKey("run_complete")}:  # it keeps nothing
        metadata = graph.get(key).metadata
        described[f"`{key.to_user_string()}`"] = (
            f"`{metadata['endpoint']}`",
            f"`{metadata['dagster/table_name']}`",
        )
    assert {row[0]: (row[1], row[2]) for row in table_under("What it keeps")} == described


def words_of(cell: str) -> list[str]:
    """The words of a command, without the program and what follows its name."""
    return re.findall(r"(?<= )[a-z][a-z-]*(?= |$)", re.split(r" [A-Z\[-]", cell.strip("`"), maxsplit=1)[0])


def test_commands_table_is_the_code() -> None:
    named = {" ".join(words_of(row[0])) for row in table_under("Running it live")}
    in_groups = {f"{group.name} {name}" for group in GROUPS for name in group.names}
    assert named == {*trying.names, *in_groups, *(f"data backfill {name}" for name in backfill.names)}


def test_exit_codes_table_is_the_code() -> None:
    (table,) = re.findall(r"### Exit codes\n\n.*\n.*\n((?:\|.*\n)+)", README)
    assert rows_of(table) == [[str(code), meaning] for code, meaning in EXIT_CODES.items()]


def test_exit_codes_of_errors_are_in_the_table() -> None:
    """Every error has one, and no code is without its error or its signal."""
    kinds = [ConfigurationError([]), SkippedError(), StoreError(""), ExchangeError(), UnknownTickerError("")]
    of_errors = {exit_code_of(error) for error in (*kinds, PipelineError(), ClockError())}
    of_signals = {StoppedError(number.name, number).exit_code for number in STOPPING}
    assert {0, *of_errors, *of_signals} == set(EXIT_CODES)


def test_workflow_example_is_valid() -> None:
    (workflow,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    steps = yaml.safe_load(workflow)["jobs"]["collect"]["steps"]
    assert "uv run dagster job execute -m kalshi_pipeline.definitions -j collect" in [
        step.get("run") for step in steps
    ]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    first_screen = README.split("## ", 1)[0]
    commands = re.findall(r"```sh\n(.*?)```", first_screen, flags=re.DOTALL)[0].splitlines()
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_python_example_reads_the_quotes_as_of_an_instant(
    tmp_path: Path, migrated_template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    path = shutil.copyfile(migrated_template, tmp_path / "data" / "kalshi.db")
    with closing(Database(sqlite_url(path))) as database:
        take(database, NOON, [market("KXRAIN-26NOV23-T1")])
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(example, {})
    assert capsys.readouterr().out == "KXRAIN-26NOV23-T1 0.29 stale\n"


def test_demo_shows_a_price_history(tmp_path: Path) -> None:
    """The README's first command, in an empty folder."""
    shown = subprocess.run(
        [SCRIPTS / "kalshi-pipeline", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("success") == 5
    assert re.search(r"^ticks +5 complete$", shown.stdout, re.M)
    assert "stored quotes" in shown.stdout
    assert "kalshi-pipeline dev" in shown.stdout
    assert (tmp_path / "data" / "demo.db").exists()


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
    """An address that answers 404 refuses for good, so that nothing is tried again."""
    wrong = {
        **environment,
        "KALSHI_API_URL": environment["KALSHI_API_URL"].replace("/trade-api/v2", "/nowhere"),
    }
    done = job_execute("snapshot", tmp_path, wrong)
    assert done.returncode != 0
    assert "check the ticker and KALSHI_API_URL" in done.stdout + done.stderr
    assert query("SELECT state FROM ticks") == [("failed",)]
