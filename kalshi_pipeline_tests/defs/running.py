"""Runs jobs of the pipeline in the test's process, and reads their reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.execution_result import ExecutionResult

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline_tests.defs.resources import PipelineAt, clock_at


class Runner:
    """Runs a job as the UI's launchpad would, with the sandbox and further settings in the resource's config."""

    def __init__(
        self, instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path, **overrides: str
    ) -> None:
        self.instance = instance
        self.sandbox = sandbox
        self.overrides = {
            "api_url": sandbox.url,
            "database_url": f"sqlite:///{database_path}",
            "requests_per_second": "1000",
            "retry_seconds": "0",
            **overrides,
        }

    def __call__(
        self,
        job: str,
        *,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
        assets: Sequence[str] | None = None,
        **overrides: str,
    ) -> dg.ExecuteInProcessResult:
        """Run a job, or some of its assets, to its end, and return the run, even if it failed."""
        return defs.resolve_job_def(job).execute_in_process(
            run_config=self.config(**overrides),
            instance=self.instance,
            partition_key=partition,
            tags=tags,
            asset_selection=None if assets is None else [dg.AssetKey(asset) for asset in assets],
            raise_on_error=False,
        )

    def config(self, **overrides: str) -> dict[str, Any]:
        """Return the config of a run."""
        return {
            "resources": {"pipeline": {"config": {"overrides": {**self.overrides, **overrides}}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        }

    def materialize(self, asset: dg.AssetsDefinition, partition: str, at: str) -> dg.ExecuteInProcessResult:
        """Materialize a partition of an asset at a time of the sessions' clock, which is the exchange's too."""
        self.sandbox.date_by(clock_at(at).seconds)
        return dg.materialize(
            [asset],
            partition_key=partition,
            instance=self.instance,
            resources={"pipeline": PipelineAt(overrides=self.overrides, at=at)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            selection=[asset],
            raise_on_error=False,
        )


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Return the metadata of the one materialization of an asset."""
    (materialization,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in materialization.metadata.items()}


def _observations(result: ExecutionResult) -> list[dg.AssetObservation]:
    return [
        event.asset_observation_data.asset_observation
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION
    ]


def _shown(observation: dg.AssetObservation) -> dict[str, Any]:
    return {name: value.value for name, value in observation.metadata.items()}


def observed(result: ExecutionResult) -> dict[str, Any]:
    """Return the metadata of the one run of an asset that was observed instead of materialized."""
    (found,) = [found for found in _observations(result) if "state" in found.metadata]
    return {"asset": found.asset_key.to_user_string(), "partition": found.partition, **_shown(found)}


def observed_elsewhere(result: ExecutionResult) -> dict[str, list[dict[str, Any]]]:
    """Return the observations of other assets' tables, by table, in the order of the steps."""
    found: dict[str, list[dict[str, Any]]] = {}
    for observation in _observations(result):
        if "inserted" in observation.metadata and "state" not in observation.metadata:
            found.setdefault(observation.asset_key.to_user_string(), []).append(_shown(observation))
    return found


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """Return the description of the one step that failed."""
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    return data.description or ""


def failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    """Return the checks that did not pass, each as its asset and its name."""
    return {
        (evaluation.asset_key.to_user_string(), evaluation.check_name)
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }
