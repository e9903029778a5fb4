"""Checks that the Dagster instance, which may belong to another project, has the settings that this one needs."""

from functools import cache
from typing import Any

import dagster as dg
import yaml

from kalshi_pipeline.project_files import project_file

_FILE = project_file("dagster.yaml")
_SECTIONS = ("concurrency", "run_monitoring", "run_retries", "retention")


@cache
def _wanted() -> dict[str, Any]:
    """Return the project's settings, which each asset of a run compares."""
    wanted: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return wanted


def settings_not_in_force(instance: dg.DagsterInstance) -> str | None:
    """Return a line that names the differing settings of a persistent instance; None if there are none."""
    if instance.is_ephemeral or not _FILE.exists():
        return None
    wanted = _wanted()
    different = [name for name in _SECTIONS if instance.get_settings(name) != wanted[name]]
    if not different:
        return None
    return (
        f"the dagster.yaml of {instance.root_directory} differs from {_FILE} in {', '.join(different)}: copy these "
        "sections there, or unset DAGSTER_HOME: otherwise runs may block each other, or hang unnoticed"
    )
