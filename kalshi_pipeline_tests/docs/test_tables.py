"""The tables of docs/ match the code."""

import re
from typing import Any

import dagster as dg
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
from kalshi_pipeline.settings import PREFIX, Settings
from kalshi_pipeline.signals import STOPPING
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline_tests.docs.pages import blocks, table_under


def shown_default(default: Any) -> str:
    if default in (None, ()):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_settings_match_the_code() -> None:
    expected = [
        [f"`{PREFIX}{name.upper()}`", shown_default(field.default), field.description]
        for name, field in Settings.model_fields.items()
    ]
    assert table_under("settings.md", "Settings") == expected


def test_assets_match_the_code() -> None:
    graph = defs.resolve_asset_graph()
    described = {}
    for key in graph.materializable_asset_keys - {dg.AssetKey("run_complete")}:  # it keeps nothing
        metadata = graph.get(key).metadata
        described[f"`{key.to_user_string()}`"] = (
            f"`{metadata['endpoint']}`",
            f"`{metadata['dagster/table_name']}`",
        )
    table = table_under("assets.md", "What is collected")
    assert {row[0]: (row[1], row[2]) for row in table} == described


def words_of(cell: str) -> list[str]:
    """The words of a command, without the program and what follows its name."""
    return re.findall(r"(?<= )[a-z][a-z-]*(?= |$)", re.split(r" [A-Z\[-]", cell.strip("`"), maxsplit=1)[0])


def test_commands_match_the_code() -> None:
    named = {" ".join(words_of(row[0])) for row in table_under("commands.md", "The command line")}
    in_groups = {f"{group.name} {name}" for group in GROUPS for name in group.names}
    assert named == {*trying.names, *in_groups, *(f"data backfill {name}" for name in backfill.names)}


def test_exit_codes_match_the_code() -> None:
    expected = [[str(code), meaning] for code, meaning in EXIT_CODES.items()]
    assert table_under("commands.md", "Exit codes") == expected


def test_exit_codes_of_errors_are_in_the_table() -> None:
    """Every error has a code, and every code has an error or a signal."""
    kinds = [ConfigurationError([]), SkippedError(), StoreError(""), ExchangeError(), UnknownTickerError("")]
    of_errors = {exit_code_of(error) for error in (*kinds, PipelineError(), ClockError())}
    of_signals = {StoppedError(number.name, number).exit_code for number in STOPPING}
    assert {0, *of_errors, *of_signals} == set(EXIT_CODES)


def test_states_match_the_code() -> None:
    assert [row[0] for row in table_under("ticks.md", "States")] == [
        f"`{state.value}`" for state in QuoteState
    ]


def test_jobs_of_backfills_match_the_code() -> None:
    ways = " ".join(row[1] for row in table_under("backfills.md", "What happened to markets, and backfills"))
    named = set(re.findall(r"`(\w+)`", ways))
    jobs = {job.name for job in defs.resolve_all_job_defs()}
    assets = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert named <= jobs | assets


def test_checks_of_failures_match_the_code() -> None:
    seen = " ".join(row[0] for row in table_under("operations.md", "When it fails"))
    named = set(re.findall(r"check `(\w+)`", seen))
    assert named == {key.name for key in defs.resolve_asset_graph().asset_check_keys}


def test_disk_space_of_a_day_follows_from_the_measured_bytes() -> None:
    """Megabytes of 288 ticks, by the bytes per observation of benchmarks.md."""
    measured = " ".join(cell for row in table_under("benchmarks.md", "More") for cell in row)
    assert "3.6; always the same" in measured
    for markets, changes, every in table_under("operations.md", "Disk"):
        observations = int(markets.replace(",", "")) * 288
        assert (int(changes), int(every)) == (round(observations * 3.6e-6), round(observations * 4.8e-6))


def test_workflow_runs_the_job() -> None:
    (workflow,) = blocks("yaml")
    steps = yaml.safe_load(workflow.text)["jobs"]["collect"]["steps"]
    assert "uv run dagster job execute -m kalshi_pipeline.definitions -j collect" in [
        step.get("run") for step in steps
    ]
