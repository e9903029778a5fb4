"""The warning about an instance that does not use the project's `dagster.yaml`."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.defs.instance_settings import settings_not_in_force

ROOT = Path(__file__).parents[2]


def instance_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return dg.DagsterInstance.get()


def test_sections_that_differ_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\nrun_retries:\n  enabled: true\n")
    with instance_at(tmp_path, monkeypatch) as instance:
        line = settings_not_in_force(instance)
    assert line is not None
    assert line.startswith(f"the dagster.yaml of {tmp_path} differs from {ROOT}/dagster.yaml in ")
    assert "concurrency, run_monitoring, run_retries, retention: " in line


def test_copied_file_is_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)  # the file's own paths are relative
    with instance_at(tmp_path, monkeypatch) as instance:
        assert settings_not_in_force(instance) is None


def test_ephemeral_instance_is_not_compared(instance: dg.DagsterInstance) -> None:
    assert settings_not_in_force(instance) is None
